"""The words that scripts show come with the page, through Django's translation: each that is asked for is there, and
none that isn't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conversions.pages.scripts import counted, words_of
from s2s.audio.mistakes import FOREIGN, MISTAKES

CHECKOUT = Path(__file__).resolve().parents[3]
SCRIPTS = CHECKOUT / "static" / "js"
TEMPLATES = CHECKOUT / "templates"

LOADED = re.compile(r"\{% modules ([^%]*) %\}")
MODULE = re.compile(r'"([\w-]+)"')
IMPORTED = re.compile(r'^import [^;]*?"\./([\w-]+\.js)";', re.MULTILINE)
BRINGS_WORDS = re.compile(r'\{% words_for_scripts "(\w+)" %\}')
CALL = re.compile(r"\b(?:word|counted)\(")
# word("sending.lost", ...), counted("list.added", ...), word(`recorder.${state}`)
ASKED = re.compile(r'\b(word|counted)\((?:"([\w.]+)"|`([\w.]+)\.\$\{[^}]*\}`)[,)]')
LITERALS = re.compile(r'"([^"\n]*)"'), re.compile(r"`([^`]*)`")
SENTENCE = re.compile(r"^[A-Z][\w’']*[ .?!]|^[A-Z].*[.?!]$")


def scripts_of(template: str) -> dict[str, str]:
    """Every module that a page loads, with those that they import: name and text."""
    found: dict[str, str] = {}
    waiting = [f"{name}.js" for names in LOADED.findall(template) for name in MODULE.findall(names)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = (SCRIPTS / name).read_text()
            waiting += IMPORTED.findall(found[name])
    return found


def keys_of(words: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Each key with the function that asks for it."""
    for name, found in words.items():
        if isinstance(found, str):
            yield f"{before}{name}", "word"
        elif "other" in found:
            yield f"{before}{name}", "counted"
        else:
            yield from keys_of(found, f"{before}{name}.")


# Where a key ends with a name that a script gives: the script, and how the names stand in it.
GIVEN = r'(?:return|[?:]|\?\?) "([a-z_]+)"'
NAMED = {
    "recorder": {"recorder.js": r'\bgo\("(\w+)"\)'},
    "sample": {"sample.js": r'\bshow\("(\w+)"\)'},
    "level": {"level.js": GIVEN},
    "microphone": {"microphone.js": r'(?:return|\w:| :|reasons\[name\] \?\?) "(\w+)"'},
    "mistakes": dict.fromkeys(("inspecting.js", "mistakes.js", "promises.js", "silence.js"), GIVEN),
    "notification": dict.fromkeys(("notify.js", "permission.js"), r'\bsay\([^)]*"(\w+)"'),
}


def names_of(group: str, scripts: dict[str, str]) -> set[str]:
    found = {name for script, how in NAMED[group].items() for name in re.findall(how, scripts.get(script, ""))}
    if group == "mistakes":  # their marks come with the page; what is cut is converted all the same
        return (found | {*MISTAKES, *FOREIGN}) - {"cut"}
    return found


def asked_by(scripts: dict[str, str]) -> set[tuple[str, str]]:
    """Each key that they ask for, with the function."""
    found = set()
    for script, text in scripts.items():
        calls = ASKED.findall(text)
        if script != "words.js":
            assert len(calls) == len(CALL.findall(text)), f"{script}: a call without a literal key can't be checked"
        for how, key, group in calls:
            found |= {(key, how)} if key else {(f"{group}.{name}", how) for name in names_of(group, scripts)}
    return found


TEMPLATES_OF: dict[str, list[str]] = {}
for path in TEMPLATES.rglob("*.html"):
    for page in BRINGS_WORDS.findall(path.read_text()):
        TEMPLATES_OF.setdefault(page, []).append(path.read_text())


def test_there_are_pages_whose_scripts_show_words() -> None:
    assert set(TEMPLATES_OF) == {
        "studio",
        "conversion",
        "audition",
        "account",
        "parts",
        "own_voices",
        "shared",
        "shares",
        "team",
    }


@pytest.mark.parametrize("page", sorted(TEMPLATES_OF))
def test_a_page_brings_the_words_that_its_scripts_ask_for_and_no_others(page: str) -> None:
    asked = [asked_by(scripts_of(template)) for template in TEMPLATES_OF[page]]
    assert set().union(*asked) == set(keys_of(words_of(page)))


def test_a_page_without_words_has_no_script_that_asks_for_some() -> None:
    for path in TEMPLATES.rglob("*.html"):
        template = path.read_text()
        if not BRINGS_WORDS.search(template):
            assert "words.js" not in scripts_of(template), path.name


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.js")), ids=lambda path: path.name)
def test_a_script_has_no_sentence_of_its_own(path: Path) -> None:
    assert own_sentences(path.read_text()) == []


def own_sentences(script: str) -> list[str]:
    said = [line for line in script.splitlines() if not re.search(r"console\.|new \w*(Error|Exception)\(|^\s*//", line)]
    literals = (words for line in said for literal in LITERALS for words in literal.findall(line))
    return [words for words in literals if SENTENCE.search(words)]


def test_it_would_be_noticed() -> None:
    script = 'place.textContent = "Try again.";\nconsole.info("Never mind.");\nbutton.ariaLabel = `Remove ${name}`;'
    assert own_sentences(script) == ["Try again.", "Remove ${name}"]
    script = 'say(word("sending.lost"), counted("list.added", 2)); const show = (what) => word(`level.${what}`);'
    asked = {("sending.lost", "word"), ("list.added", "counted"), ("level.loud", "word"), ("level.quiet", "word")}
    assert asked_by({"a.js": script, "level.js": 'return high ? "loud" : "quiet";'}) == asked


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_words_are_attributes_of_data(path: Path) -> None:
    assert not re.search(r"""\sdata-[\w-]+=(["'])(?:(?!\1).)*?\{% (block)?translate""", path.read_text(), re.DOTALL)


def test_every_form_of_a_language_is_brought() -> None:
    """As Unicode's rules and gettext's have it for Polish: 1 plik, 2 pliki, 5 plików."""

    def polish(n: int) -> str:
        few = n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14)
        return "{n} plik" if n == 1 else "{n} pliki" if few else "{n} plików"

    forms = counted(polish)
    assert (forms["one"], forms["few"], forms["other"]) == ("{n} plik", "{n} pliki", "{n} plików")
    assert forms.get("many", forms["other"]) == "{n} plików"

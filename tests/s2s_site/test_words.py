"""All text of the pages goes through Django's translation: what a template says itself can't be translated."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import DebugLexer, TokenType

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
READ_ALOUD = frozenset({"aria-label", "aria-description", "alt", "placeholder", "title"})
UNTRANSLATED = frozenset({"X", "B", "E", "J"})  # keys on the keyboard
# What these hold are classes and attributes.
MARKUP = frozenset({"main_class", "main_attributes", "body_attributes"})


class Words(HTMLParser):
    """Text between the tags, and attributes that people read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        self.found += [value or "" for name, value in attrs if name in READ_ALOUD]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


def own_words(template: str) -> list[str]:
    """What a template says without `translate` and `blocktranslate`."""
    kept, skipped = [], False
    for token in DebugLexer(template).tokenize():
        if token.token_type == TokenType.BLOCK:
            name, *arguments = token.split_contents()
            begins = name in ("blocktranslate", "comment") or (name == "block" and arguments[0] in MARKUP)
            ends = name in ("endblocktranslate", "endcomment", "endblock")
            skipped = begins or (skipped and not ends)
        elif token.token_type == TokenType.TEXT and not skipped:
            kept.append(token.contents)
    words = Words()
    words.feed("".join(kept))
    texts = (text.strip() for text in words.found)
    return [text for text in texts if any(map(str.isalpha, text)) and text not in UNTRANSLATED]


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_says_nothing_that_cannot_be_translated(path: Path) -> None:
    assert own_words(path.read_text()) == []


def test_it_would_be_noticed() -> None:
    template = (
        '<p title="A hint">{% translate "Yes" %} Hello {{ name }}</p>{% blocktranslate %}fine{% endblocktranslate %}'
    )
    assert own_words(template) == ["A hint", "Hello"]

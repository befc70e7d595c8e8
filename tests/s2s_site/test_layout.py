"""Templates, sheets and scripts as they are read: no endless lines or files, and in a sheet each declaration on a line
and each selector once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MOST_SIGNS, MOST_LINES = 160, 400
SHEETS = sorted((CHECKOUT / "static" / "css").glob("*.css"))
WRITTEN = [
    *(path for path in sorted((CHECKOUT / "templates").rglob("*")) if path.is_file()),
    *SHEETS,
    *sorted((CHECKOUT / "static" / "js").glob("*.js")),
]
OPAQUE = re.compile(r"/\*.*?\*/|\"[^\"]*\"|'[^']*'|\([^(){};]*\)", re.DOTALL)


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_lines_and_files_end(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > MOST_SIGNS] == []
    assert len(lines) <= MOST_LINES


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_sheet_has_each_selector_once(path: Path) -> None:
    assert [rule for rule, times in Counter(rules(path.read_text())).items() if times > 1] == []


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_sheet_has_each_declaration_on_a_line(path: Path) -> None:
    assert crowded(path.read_text()) == []


def rules(sheet: str) -> Iterator[tuple[str, ...]]:
    """Each rule: the at-rules that it stands in, and its selector."""
    around: list[str] = []
    for before, sign in re.findall(r"([^{};]*)([{};])", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)):
        if sign == "{":
            around.append(" ".join(before.split()))
            if not around[-1].startswith("@"):
                yield tuple(around)
        elif sign == "}":
            around.pop()


def crowded(sheet: str) -> list[str]:
    """Lines with more than a selector, a declaration or the end of a rule."""
    plain = OPAQUE.sub(lambda found: re.sub(r"[^\n]", "-", found[0]), sheet)
    return [line for line in plain.splitlines() if re.search(r"[{};].*[^\s-]", line)]


def test_it_would_be_noticed() -> None:
    sheet = """
    .a { color: red; }
    .b {
      color: red; margin: 0;
      background: url("data:image/svg+xml;{}"); /* a; b */
    }
    .b {
      color: blue;
    }
    @media print {
      .b {
        margin: 0;
      }
    }
    """
    assert len(crowded(sheet)) == 2
    assert [rule for rule, times in Counter(rules(sheet)).items() if times > 1] == [(".b",)]

"""The table of roles, and that docs/roles.md shows it as it is."""

from __future__ import annotations

import re
from pathlib import Path

from teams.models import Role
from teams.roles import ALLOWED, MANAGES, May, allows, manages

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "roles.md").read_text()


def rows_after(head: str) -> list[list[str]]:
    """The cells of the table that begins with this row."""
    lines = PAGE.partition(f"{head}\n")[2].splitlines()[1:]
    table = lines[: next(number for number, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_page_shows_the_table() -> None:
    shown = {}
    for may, *cells in rows_after("| may | owner | admin | member | viewer |"):
        name = re.match(r"`([A-Z_]+)`: ", may)
        assert name, may
        shown[May[name[1]]] = {role for role, cell in zip(Role, cells, strict=True) if cell == "yes"}
        assert {*cells} <= {"yes", "no"}
    assert shown == ALLOWED
    assert [*shown] == [*May]


def test_the_page_shows_who_has_a_say_about_whom() -> None:
    shown = dict(rows_after("| role | has a say about |"))
    said = {
        str(role): ", ".join(other for other in Role if other in whom) or "nobody" for role, whom in MANAGES.items()
    }
    assert shown == said


def test_viewers_listen_and_download_and_nothing_else() -> None:
    assert [permission for permission in May if allows(Role.VIEWER, permission)] == [May.VIEW]


def test_nobody_but_owners_has_a_say_about_their_equals() -> None:
    assert [role for role in Role if manages(role, role)] == [Role.OWNER]

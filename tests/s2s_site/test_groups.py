"""What `bin/test` runs: every test, in one group that is not of another database, whatever is added to a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bin.groups import Group, groups

CHECKOUT = Path(__file__).resolve().parents[2]
TESTS = [str(path.relative_to(CHECKOUT)) for path in sorted((CHECKOUT / "tests").rglob("test_*.py"))]
OF_TESTS = [group for group in groups() if group.tests]


def group_named(name: str) -> Group:
    return next(group for group in OF_TESTS if group.name == name)


def test_every_file_is_in_one_group_or_in_two_that_share_it_by_a_mark() -> None:
    assert TESTS
    assert [path for path in TESTS if marks_of(path) not in ([""], ["not sqlite", "sqlite"])] == []


def marks_of(path: str) -> list[str]:
    return sorted(group.marked for group in OF_TESTS if group.part_of(path) and not group.environment)


def test_what_groups_name_is_there() -> None:
    named = [path for group in OF_TESTS for path in (*group.tests, *group.without)]
    assert [path for path in named if not (CHECKOUT / path).exists()] == []


def test_one_name_stands_for_all_the_parts_of_a_group() -> None:
    assert meant_by("units") == ["units-site", "units-work", "units-engine", "units-sound"]
    assert meant_by("units-sound") == ["units-sound"]
    assert meant_by("unit") == []


@pytest.mark.parametrize(
    ("name", "test", "parts"),
    [
        ("units", "tests/teams/test_people.py::test_one", {"units-site": ["tests/teams/test_people.py::test_one"]}),
        ("units", "tests/s2s", {"units-sound": ["tests/s2s"], "units-engine": [*group_named("units-engine").tests]}),
        ("postgres", "tests/conversions/queue", {"postgres-work": ["tests/conversions/queue"]}),
        ("units", "tests/deploy", {}),
        ("faults", "tests/faults", {"faults-postgresql": ["tests/faults"], "faults-sqlite": ["tests/faults"]}),
        ("browser", "tests/browser/test_names.py", {"browser-pages": ["tests/browser/test_names.py"]}),
        ("browser", "tests/browser/test_proxies.py", {"browser-kinds": ["tests/browser/test_proxies.py"]}),
        (
            "browser",
            "tests/browser",
            {
                "browser-pages": ["tests/browser"],
                "browser-looks": [*group_named("browser-looks").tests],
                "browser-kinds": [*group_named("browser-kinds").tests],
            },
        ),
    ],
)
def test_each_part_of_a_group_runs_its_own(name: str, test: str, parts: dict[str, list[str]]) -> None:
    found = {group.name: group.part_of(test) for group in OF_TESTS if group.is_meant_by(name)}
    assert {name: part for name, part in found.items() if part} == parts


def meant_by(word: str) -> list[str]:
    return [group.name for group in groups() if group.is_meant_by(word)]

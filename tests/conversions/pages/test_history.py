"""The history: keyset pages without gap or repetition, filters, and other teams' rows that don't exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conversions.models import Conversion
from conversions.pages import history
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(cast: Cast, voice):
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def make(count: int, **fields) -> list[Conversion]:
        given = {"team": cast.team, "created_by": cast.alice, "title": "Row", **fields}
        return Conversion.objects.bulk_create(
            # Three rows share each moment: the cursor must tell them apart by id.
            Conversion(
                voice=voice,
                voice_name="Nora",
                endpoint=voice.endpoint,
                source="x",
                created_at=start + timedelta(seconds=n // 3),
                **given,
            )
            for n in range(count)
        )

    return make


def walk(user, **filters) -> list[Conversion]:
    found, before = [], ""
    while True:
        page = history.page_of(user, {**filters, "before": before})
        assert not {row.pk for row in found} & {row.pk for row in page.conversions}
        found += page.conversions
        if not page.older:
            return found
        before = page.older


def test_pages_go_on_without_gap_or_repetition_newest_first(rows, cast: Cast) -> None:
    made = rows(100)
    found = walk(cast.bob)
    assert len(found) == 100
    assert {row.pk for row in found} == {row.pk for row in made}
    assert [row.created_at for row in found] == sorted((row.created_at for row in made), reverse=True)


def test_moments_of_the_databases_own_clock_are_told_apart(cast: Cast, submit, monkeypatch) -> None:
    monkeypatch.setattr(history, "PAGE_SIZE", 1)
    made = [submit() for _ in range(4)]
    assert [row.pk for row in walk(cast.alice)] == [conversion.pk for conversion in reversed(made)]


def test_another_teams_rows_do_not_exist(rows, cast: Cast) -> None:
    rows(3)
    assert walk(cast.mallory) == []


def test_filters_narrow_by_state_voice_and_words(rows, cast: Cast, voice) -> None:
    rows(2, title="Harbour news")
    rows(1, title="Weather", status="ready")
    rows(1, title="Evening weather", status="failed")
    assert len(walk(cast.alice, state="ready")) == 1
    assert len(walk(cast.alice, state="unfinished")) == 2
    assert len(walk(cast.alice, q="weather EVENING")) == 1
    assert len(walk(cast.alice, voice=voice.pk)) == 4
    assert walk(cast.alice, voice=voice.pk + 1) == []


def test_a_page_costs_two_queries(rows, cast: Cast, django_assert_num_queries) -> None:
    rows(40)
    with django_assert_num_queries(2):
        page = history.page_of(cast.alice, {})
        assert [str(row.created_by) + row.voice.name for row in page.conversions]


@pytest.mark.parametrize(
    "cursor", ["", "x", "1_2", "nan_" + "0" * 32, "1e400_" + "0" * 32, "99999999999999_" + "0" * 32]
)
def test_a_cursor_that_is_not_ours_shows_the_first_page(cursor: str, rows, cast: Cast) -> None:
    rows(1)
    assert len(history.page_of(cast.alice, {"before": cursor}).conversions) == 1

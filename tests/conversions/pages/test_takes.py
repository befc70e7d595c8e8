"""Takes: which conversions of a recording stand side by side, and which of them one transport plays."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from conversions.models import Conversion, Recording
from conversions.pages.compare import TRACKS_AT_MOST, comparison_of
from tests.conversions.conftest import Submit
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def first(submit: Submit) -> Conversion:
    return ready(submit(), "First")


def ready(conversion: Conversion, title: str, **fields) -> Conversion:
    Conversion.objects.filter(pk=conversion.pk).update(status="ready", title=title, **fields)
    conversion.refresh_from_db()
    return conversion


def titles(user, conversion: Conversion, wanted: list[str] | None = None) -> list[str]:
    return [take.conversion.title for take in comparison_of(user, conversion, wanted or []).takes if not take.here]


def test_all_takes_of_a_recording_know_each_other(first: Conversion, submit: Submit, cast: Cast) -> None:
    second = ready(submit(), "Second", take_of=first.pk)
    third = ready(submit(cast.bob), "Third", take_of=first.pk)
    ready(submit(), "Another recording")
    assert titles(cast.bob, first) == ["Second", "Third"]
    assert titles(cast.bob, second) == ["First", "Third"]
    first.delete()
    assert titles(cast.bob, third) == ["Second"]


def test_what_is_not_theirs_to_see_is_no_take(first: Conversion, submit: Submit, cast: Cast) -> None:
    ready(submit(cast.bob), "For Bob alone", take_of=first.pk, only_me=True)
    ready(submit(cast.bob), "Gone", take_of=first.pk, deleted_at="2026-01-01T00:00Z")
    recording = Recording.objects.create(team=cast.team, created_by=cast.alice, name="x", file="x", size=1)
    ready(submit(), "Audition", take_of=first.pk, audition_of=recording)
    ready(submit(cast.bob, enable_logging=False), "Private", take_of=first.pk)
    ready(submit(), "Mallory’s", take_of=first.pk, team=cast.other_team)
    assert titles(cast.alice, first) == []
    assert titles(cast.bob, first) == ["For Bob alone", "Private"]


def test_only_ready_takes_are_heard_and_no_more_than_fit(first: Conversion, submit: Submit, cast: Cast) -> None:
    made = [ready(submit(), f"Take {number}", take_of=first.pk) for number in range(5)]
    waiting = submit()
    Conversion.objects.filter(pk=waiting.pk).update(take_of=first.pk)
    wanted = [str(waiting.pk), str(uuid4()), "x", *(str(take.pk) for take in made), str(made[0].pk)]
    compared = comparison_of(cast.alice, first, wanted)
    assert [take.conversion.title for take in compared.heard] == ["Take 0", "Take 1", "Take 2"]
    assert len(compared.heard) + 2 == TRACKS_AT_MOST
    assert compared.full
    assert not comparison_of(cast.alice, first, []).full
    last = compared.heard[-1]
    assert (last.name, last.number) == ("Nora, take 4", 4)
    assert last.query == f"with={made[0].pk}&with={made[1].pk}"  # takes it off again


def test_the_page_names_what_differs_and_links_what_comes_next(first: Conversion, submit: Submit, cast: Cast) -> None:
    ready(submit(output_format="mp3_44100_128", seed=7), "Second", take_of=first.pk)
    client = Client()
    client.force_login(cast.bob)
    page = client.get(f"/conversions/{first.pk}/").content.decode()
    assert "Seed: 7" in page
    assert f"/?take=conversion:{first.pk}" in page
    assert f"/?take=conversion:{first.pk}&amp;anew=voice" in page
    client.force_login(cast.victor)
    assert "/?take=" not in client.get(f"/conversions/{first.pk}/").content.decode()  # may not convert


def test_takes_cost_one_query(first: Conversion, submit: Submit, cast: Cast, django_assert_num_queries) -> None:
    for number in range(4):
        ready(submit(), f"Take {number}", take_of=first.pk)
    first = Conversion.objects.select_related("created_by", "endpoint").get(pk=first.pk)
    comparison_of(cast.alice, first, [])  # knows Alice's team from here on
    with django_assert_num_queries(1):
        compared = comparison_of(cast.alice, first, [])
        assert [str(take.conversion.created_by) + take.conversion.endpoint.name for take in compared.takes]

"""How long the pieces of a recording still take: said from what their endpoints have done lately."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversions.models import Call, Conversion, Step
from conversions.pages.progress import progress_of, with_progress
from conversions.pages.remaining import pieces_left_s
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit
from tests.conversions.pages.test_progress import answered
from tests.conversions.pieces import RATE, Samples, wav_of
from tests.support.cast import Cast
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hour(ten_seconds: Endpoint, submit: Submit, speech: Samples, cast: Cast) -> Conversion:
    """Twelve pieces of five minutes, at an endpoint of four slots that works ten times as fast as one speaks."""
    cache.clear()
    answered(ten_seconds, cast, count=5, seconds=300.0, work_s=30.0)
    Endpoint.objects.update(slots=4)
    conversion = submit(data=wav_of(speech[: 25 * RATE]))
    found = claim(Lane.CPU)
    assert found is not None
    work(found)
    Conversion.objects.update(source_duration_s=3600.0, pieces=12)
    piece = conversion.steps.filter(kind=Step.Kind.CONVERT).earliest("position")
    conversion.steps.filter(kind=Step.Kind.CONVERT).exclude(pk=piece.pk).delete()
    for position in range(12):
        piece.pk, piece.position, piece.seconds = None, position + 100, 300.0
        piece.save(force_insert=True)
    conversion.steps.filter(kind=Step.Kind.CONVERT, position=0).delete()
    return conversion


def begin(conversion: Conversion, count: int, ago_s: float) -> list[Step]:
    """So many are sent, that long ago."""
    waiting = conversion.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.WAITING).order_by("position")
    begun = list(waiting[:count])
    for piece in begun:
        token = uuid4()
        Step.objects.filter(pk=piece.pk).update(
            status=Step.Status.RUNNING, lease_token=token, lease_until=timezone.now() + timedelta(hours=1)
        )
        Call.objects.create(
            conversion=conversion,
            endpoint_id=piece.endpoint_id,
            team=conversion.team,
            user=conversion.created_by,
            attempt=1,
            token=token,
            seconds=300.0,
            outcome=Call.Outcome.SENT,
            sent_at=timezone.now() - timedelta(seconds=ago_s),
        )
    return begun


def finish(conversion: Conversion) -> None:
    running = conversion.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.RUNNING)
    running.update(status=Step.Status.DONE, lease_token=None, lease_until=None)
    Call.objects.filter(conversion=conversion).update(outcome=Call.Outcome.ANSWERED)


def aside(conversion: Conversion) -> str:
    return progress_of(with_progress(Conversion.objects.all()).get(pk=conversion.pk)).aside


def left_s(conversion: Conversion) -> float | None:
    return pieces_left_s(Conversion.objects.get(pk=conversion.pk))


def test_several_at_once_take_the_time_of_one(hour: Conversion) -> None:
    assert aside(hour) == "It is next. Ready in about 2 minutes."  # three of its own: one slot is for short ones
    begin(hour, 4, ago_s=0.0)
    assert left_s(hour) == pytest.approx(12 * 30 / 4 + 36, abs=1)
    assert aside(hour) == "Ready in about 2 minutes."
    finish(hour)
    begin(hour, 4, ago_s=15.0)
    assert left_s(hour) == pytest.approx((8 * 30 - 4 * 15) / 4 + 36, abs=1)
    finish(hour)
    begin(hour, 4, ago_s=20.0)
    assert left_s(hour) == pytest.approx(10 + 36, abs=1)


def test_the_last_one_is_waited_for_and_what_is_overdue_counts_as_done(hour: Conversion) -> None:
    begin(hour, 11, ago_s=500.0)
    assert left_s(hour) == pytest.approx(30 / 11 + 36, abs=1)
    begin(hour, 1, ago_s=3.0)
    assert left_s(hour) == pytest.approx(27 + 36, abs=1)


def test_nothing_is_said_of_what_nothing_is_known_of(hour: Conversion) -> None:
    assert left_s(hour) is None  # none of them is under way
    begin(hour, 2, ago_s=0.0)
    Call.objects.filter(conversion=None).delete()
    cache.clear()
    assert left_s(hour) is None
    assert aside(hour) == ""


def test_it_costs_a_poll_two_queries_however_many_there_are(
    hour: Conversion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    begin(hour, 4, ago_s=0.0)
    left_s(hour)
    conversion = Conversion.objects.get(pk=hour.pk)
    with django_assert_num_queries(2):
        assert pieces_left_s(conversion)


def test_of_several_endpoints_the_slowest_is_waited_for(hour: Conversion, cast: Cast) -> None:
    other = Endpoint.objects.create(key="other", name="Others", base_url="http://127.0.0.1:9", slots=1)
    answered(other, cast, count=5, seconds=300.0, work_s=150.0)
    begin(hour, 2, ago_s=0.0)
    hour.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.WAITING).delete()
    piece = hour.steps.filter(kind=Step.Kind.CONVERT).earliest("position")
    piece.pk, piece.position, piece.endpoint = None, 999, other
    piece.save(force_insert=True)
    assert left_s(hour) == pytest.approx(150 + 36, abs=1)


def test_of_one_with_regions_a_poll_loads_none_of_its_pieces(hour: Conversion) -> None:
    Conversion.objects.update(in_regions=True)
    begin(hour, 3, ago_s=0.0)
    finish(hour)
    piece = hour.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.WAITING).earliest("position")
    aside(hour)  # the endpoint's pace is learnt once a minute
    loaded: list[object] = []
    costs = []
    post_init.connect(note := lambda instance, **_: loaded.append(instance), sender=Step)
    try:
        for count in (12, 500):
            there = hour.steps.filter(kind=Step.Kind.CONVERT).count()
            values = {f.attname: getattr(piece, f.attname) for f in Step._meta.concrete_fields if not f.primary_key}
            Step.objects.bulk_create(Step(**values | {"position": 1000 + n}) for n in range(there, count))
            loaded.clear()
            with CaptureQueriesContext(connection) as asked:
                said = progress_of(with_progress(Conversion.objects.all()).get(pk=hour.pk))
            assert (said.words, said.percent) == (f"Converting: 3 of {count} pieces", 300 // count)
            costs.append((len(asked), len(loaded)))
    finally:
        post_init.disconnect(note, sender=Step)
    assert costs[0] == costs[1] == (costs[0][0], 0)


def test_of_several_endpoints_the_one_that_takes_nothing_is_named(hour: Conversion) -> None:
    Conversion.objects.update(in_regions=True)
    other = Endpoint.objects.create(key="other", name="Others", base_url="http://127.0.0.1:9", slots=1)
    assert aside(hour) == ""
    hour.steps.filter(kind=Step.Kind.CONVERT, position__gt=105).update(endpoint=other)
    Endpoint.objects.filter(pk=other.pk).update(paused=True)
    assert "Others" in aside(hour)
    hour.steps.filter(kind=Step.Kind.CONVERT, endpoint=other).update(status=Step.Status.DONE)
    assert "Others" not in aside(hour)

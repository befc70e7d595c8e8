"""What people read while they wait: their place, why they wait, when it goes on, when it is ready."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertInHTML

from conversions.models import Batch, Call, Conversion, Event, Step
from conversions.pages import batches
from conversions.pages.progress import Progress, progress_of, with_progress
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from conversions.words.expected import ENOUGH, LEARNT_FROM, Pace, pace_of, ready_words, running_words, waiting_s
from tests.conversions.conftest import Submit, client_of
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _forget() -> None:
    cache.clear()


def progress(conversion: Conversion) -> Progress:
    return progress_of(with_progress(Conversion.objects.all()).get(pk=conversion.pk))


@pytest.fixture
def queued(submit: Submit) -> list[Conversion]:
    """Three that are read and wait for the endpoint, oldest first."""
    rows = [submit(data=wav(2.0)) for _ in range(3)]
    for _ in rows:
        work(claim(Lane.CPU))
    for row in rows:
        row.refresh_from_db()
    return rows


def answered(endpoint: Endpoint, cast: Cast, *, count: int, seconds: float, work_s: float, ago_s: float = 600) -> None:
    sent_at = timezone.now() - timedelta(seconds=ago_s)
    for _ in range(count):
        Call.objects.create(
            endpoint=endpoint,
            team=cast.team,
            user=cast.alice,
            attempt=1,
            token=uuid4(),
            seconds=seconds,
            outcome=Call.Outcome.ANSWERED,
            sent_at=sent_at,
            answered_at=sent_at + timedelta(seconds=work_s),
        )


def delay(conversion: Conversion, seconds: float, **data: str) -> None:
    steps = Step.objects.filter(conversion=conversion, kind="convert")
    steps.update(attempt=1, not_before=timezone.now() + timedelta(seconds=seconds))
    Event.objects.create(conversion=conversion, about=conversion.pk, team=conversion.team, kind="delayed", data=data)


def test_how_many_are_before_it(queued: list[Conversion]) -> None:
    asides = [progress(row).aside for row in queued]
    assert asides == ["It is next.", "About 1 is before it.", "About 2 are before it."]


def test_the_slots_that_are_busy_are_the_reason(queued: list[Conversion], endpoint: Endpoint) -> None:
    claim(Lane.CALLS)
    assert progress(queued[1]).aside == "It is next."
    claim(Lane.CALLS)
    assert progress(queued[2]).aside == "It is next. 2 of 2 Testers slots are busy."
    assert progress(queued[0]).words == "Converting"


def lengthen(conversion: Conversion) -> None:
    Conversion.objects.filter(pk=conversion.pk).update(source_duration_s=2 * settings.LONG_SECONDS)
    Step.objects.filter(conversion=conversion, kind="convert").update(priority=Step.LONG)


def test_a_slot_that_is_kept_for_short_ones_is_the_reason_too(queued: list[Conversion], endpoint: Endpoint) -> None:
    for row in queued:
        lengthen(row)
    claim(Lane.CALLS)
    kept = "The last free slot of Testers is kept for short recordings."
    assert progress(queued[1]).aside == f"It is next. {kept}"
    assert progress(queued[2]).aside == f"About 1 is before it. {kept}"
    Endpoint.objects.update(slots=1)
    assert progress(queued[1]).aside == "It is next. 1 of 1 Testers slot is busy."
    Endpoint.objects.update(slots=2, billed=True)
    assert progress(queued[1]).aside == "It is next."


def test_what_waits_for_a_slot_that_long_ones_may_have_counts_these_alone(
    queued: list[Conversion], endpoint: Endpoint, cast: Cast
) -> None:
    answered(endpoint, cast, count=ENOUGH, seconds=60, work_s=60)
    for row in queued[:2]:
        lengthen(row)
    claim(Lane.CALLS)  # the short one
    claim(Lane.CALLS)
    assert progress(queued[1]).aside == "It is next. 2 of 2 Testers slots are busy. Ready in about 3 minutes."


def test_long_ones_are_not_before_a_short_one(queued: list[Conversion]) -> None:
    for row in queued[:2]:
        lengthen(row)
    assert [progress(row).aside for row in queued] == ["It is next.", "About 1 is before it.", "It is next."]


def test_fewer_slots_than_set_are_named_as_they_are(queued: list[Conversion], endpoint: Endpoint) -> None:
    Endpoint.objects.update(learnt_slots=1)
    claim(Lane.CALLS)
    assert progress(queued[1]).aside == "It is next. 1 of 1 Testers slot is busy."


def test_an_endpoint_that_has_others_to_serve_is_named(queued: list[Conversion], endpoint: Endpoint) -> None:
    Endpoint.objects.update(rest_until=timezone.now() + timedelta(minutes=1))
    assert progress(queued[0]).aside == "It is next. Testers takes no more at the moment."
    Endpoint.objects.update(rest_until=timezone.now() - timedelta(seconds=1))
    assert progress(queued[0]).aside == "It is next."


def test_an_endpoint_that_takes_nothing_says_why(queued: list[Conversion], endpoint: Endpoint) -> None:
    Endpoint.objects.update(paused=True)
    endpoint.refresh_from_db()
    assert endpoint.why_held()
    assert progress(queued[1]).aside == endpoint.why_held()


def test_what_is_tried_again_says_why_and_when(queued: list[Conversion]) -> None:
    delay(queued[0], 600, code="busy", words="The endpoint is busy.")
    found = progress(queued[0])
    assert (found.words, found.aside) == ("Waiting to try again", "The endpoint is busy.")
    assert found.again_at is not None
    assert found.again_at.strftime("%FT%TZ") in found.mark
    delay(queued[0], 20, code="busy", words="The endpoint is busy.")
    found = progress(queued[0])
    assert (found.aside, found.again_at) == ("The endpoint is busy. It is tried again in a moment.", None)
    # What its endpoint is to blame for is no attempt of its own.
    Step.objects.filter(conversion=queued[0], kind="convert").update(attempt=0)
    assert progress(queued[0]) == Progress("converting", "Waiting", found.aside)
    delay(queued[0], -1, code="busy", words="The endpoint is busy.")
    assert progress(queued[0]) == Progress("converting", "Waiting to try again", "It is next.", moves=True)


def test_a_lost_answer_is_looked_for_and_not_called_an_attempt(queued: list[Conversion]) -> None:
    delay(queued[0], 600, code="lost", words="The answer was lost.")
    assert progress(queued[0]) == Progress("converting", "Waiting to try again", "The answer was lost.")
    delay(queued[0], -1, code="lost", words="The answer was lost.")
    assert claim(Lane.CALLS)
    assert progress(queued[0]).words == "Looking for the lost answer"


def test_a_poll_costs_two_queries_for_every_reason(
    queued: list[Conversion], endpoint: Endpoint, cast: Cast, django_assert_num_queries
) -> None:
    client = Client()
    client.force_login(cast.alice)
    address = f"/conversions/{queued[2].pk}/status/"

    def poll(words: str) -> None:
        client.get(address)  # the pace is learnt once a minute
        with django_assert_num_queries(2):
            assert words in client.get(address).content.decode()

    poll("About 2 are before it.")
    for _ in range(2):
        assert claim(Lane.CALLS)
    poll("2 of 2 Testers slots are busy.")
    delay(queued[2], 600, code="busy", words="The endpoint is busy.")
    poll("It is tried again at")
    for held in ({"pause_code": "silent"}, {"pause_code": "account", "pause_reason": "key"}, {"paused": True}):
        Endpoint.objects.update(**held)
        poll("Your recordings are safe")


def test_the_page_says_the_time_for_the_visitors_own_clock(queued: list[Conversion], cast: Cast) -> None:
    delay(queued[0], 600, code="busy", words="The endpoint is busy.")
    client = Client()
    client.force_login(cast.alice)
    page = client.get(f"/conversions/{queued[0].pk}/status/").content.decode()
    moment = progress(queued[0]).again_at
    assert moment is not None
    assert f'It is tried again at <time datetime="{moment:%FT%T}' in page
    assert f'data-local="minute">{moment:%H:%M}</time>.' in page


# ---- when it is ready ----


def test_nothing_is_expected_of_an_endpoint_that_nothing_is_known_of(
    queued: list[Conversion], endpoint: Endpoint, cast: Cast
) -> None:
    answered(endpoint, cast, count=ENOUGH, seconds=2, work_s=60)
    Call.objects.filter(pk=Call.objects.latest("pk").pk).update(outcome=Call.Outcome.REFUSED)
    assert pace_of(endpoint.pk) is None
    assert progress(queued[0]).aside == "It is next."


def test_the_expected_time_is_learnt_from_recent_calls(
    queued: list[Conversion], endpoint: Endpoint, cast: Cast
) -> None:
    answered(endpoint, cast, count=5, seconds=60, work_s=3600, ago_s=7200)  # long ago: forgotten behind the others
    answered(endpoint, cast, count=LEARNT_FROM - 1, seconds=4, work_s=240)
    answered(endpoint, cast, count=1, seconds=4, work_s=9999)  # one odd call changes nothing
    assert pace_of(endpoint.pk) == Pace(per_second=60, call_s=240)
    assert progress(queued[0]).aside == "It is next. Ready in about 2 minutes."
    assert progress(queued[1]).aside == "About 1 is before it. Ready in about 4 minutes."
    for _ in range(2):
        assert claim(Lane.CALLS)
    assert progress(queued[2]).aside == "It is next. 2 of 2 Testers slots are busy. Ready in about 4 minutes."


def test_the_time_that_has_passed_is_taken_off(queued: list[Conversion], endpoint: Endpoint, cast: Cast) -> None:
    answered(endpoint, cast, count=3, seconds=2, work_s=240)
    held = claim(Lane.CALLS)
    assert held
    call = Call.objects.create(
        conversion=queued[0], endpoint=endpoint, team=cast.team, attempt=1, token=held.token, seconds=2
    )
    for elapsed_s, words in (
        (0, "Ready in about 4 minutes."),
        (130, "Ready in about 2 minutes."),
        (600, "This takes longer than usual."),
    ):
        Call.objects.filter(pk=call.pk).update(sent_at=timezone.now() - timedelta(seconds=elapsed_s))
        assert progress(queued[0]).aside == words


def test_the_pace_is_asked_for_once_a_minute(
    queued: list[Conversion], endpoint: Endpoint, cast: Cast, django_assert_num_queries
) -> None:
    for known in (False, True):
        if known:
            answered(endpoint, cast, count=3, seconds=2, work_s=4)
            cache.clear()
        with django_assert_num_queries(1):
            assert (pace_of(endpoint.pk) is not None) is known
            assert (pace_of(endpoint.pk) is not None) is known


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "Ready in a few seconds."),
        (20, "Ready in less than a minute."),
        (60, "Ready in about a minute."),
        (200, "Ready in about 3 minutes."),
        (1000, "Ready in about 15 minutes."),
        (3500, "Ready in about an hour."),
        (3 * 3600, "Ready in about 3 hours."),
        (3 * 86400, ""),
    ],
)
def test_times_are_said_coarsely(seconds: float, words: str) -> None:
    assert ready_words(seconds) == words


def test_the_words_change_seldom() -> None:
    pace = Pace(per_second=1.0, call_s=300.0)
    said = [running_words(pace, seconds=600, elapsed_s=second) for second in range(600)]
    changes = sum(before != after for before, after in pairwise(said))
    assert changes <= 12
    assert ready_words(waiting_s(pace, seconds=600, before=12, slots=2)) == "Ready in about 40 minutes."


# ---- the bar ----


def waits_since(conversion: Conversion, seconds: float) -> None:
    Conversion.objects.filter(pk=conversion.pk).update(converting_at=timezone.now() - timedelta(seconds=seconds))


def test_the_bar_says_how_much_of_the_wait_is_over_in_the_line_and_then(
    queued: list[Conversion], endpoint: Endpoint, cast: Cast
) -> None:
    assert (progress(queued[0]).moves, progress(queued[0]).percent) == (True, None)  # nothing is known yet
    answered(endpoint, cast, count=ENOUGH, seconds=2.0, work_s=3000)
    cache.clear()
    waits_since(queued[0], 1000)
    assert progress(queued[0]).percent == 25  # 3,000 s are left
    claimed = claim(Lane.CALLS)
    assert claimed is not None
    Call.objects.create(
        conversion=queued[0], endpoint=endpoint, team=cast.team, user=cast.alice, attempt=1, token=uuid4(),
        seconds=2.0, outcome=Call.Outcome.SENT, sent_at=timezone.now(),
    )  # fmt: skip
    assert progress(queued[0]).percent == 25  # it doesn't jump when its turn comes
    Call.objects.filter(conversion=queued[0]).update(sent_at=timezone.now() - timedelta(seconds=1500))
    waits_since(queued[0], 2500)
    assert progress(queued[0]).percent == 62
    assert progress(queued[0]).mark != progress(queued[1]).mark
    Call.objects.filter(conversion=queued[0]).update(sent_at=timezone.now() - timedelta(seconds=3001))
    late = progress(queued[0])
    assert (late.moves, late.percent) == (True, None)  # longer than they usually take: nobody knows


def test_nothing_moves_while_nothing_is_done(queued: list[Conversion], endpoint: Endpoint, cast: Cast) -> None:
    answered(endpoint, cast, count=ENOUGH, seconds=2.0, work_s=3000)
    delay(queued[0], 600, code="busy", words="Testers is busy.")
    assert not progress(queued[0]).moves
    Endpoint.objects.update(paused=True)
    assert not progress(queued[1]).moves
    assert (
        'aria-label="How much of the wait is over"'
        not in client_of(cast.alice).get(f"/conversions/{queued[1].pk}/").content.decode()
    )


def test_the_page_has_a_bar_with_a_name_and_a_value_where_it_is_known(
    queued: list[Conversion], endpoint: Endpoint, cast: Cast
) -> None:
    client, address = client_of(cast.alice), f"/conversions/{queued[0].pk}/"
    bar = '<progress max="100" {} aria-label="How much of the wait is over"></progress>'
    assertInHTML(bar.format(""), client.get(address).content.decode())
    answered(endpoint, cast, count=ENOUGH, seconds=2.0, work_s=3000)
    cache.clear()
    waits_since(queued[0], 3000)
    assertInHTML(bar.format('value="50"'), client.get(address).content.decode())


def test_a_batch_counts_what_is_ready_and_what_is_under_way(
    queued: list[Conversion], endpoint: Endpoint, cast: Cast
) -> None:
    batch = Batch.objects.create(team=cast.team, created_by=cast.alice)
    Conversion.objects.update(batch=batch)
    client, address = client_of(cast.alice), f"/batches/{batch.pk}/"
    assert '<progress max="100" aria-label="Ready">' in client.get(address).content.decode()
    answered(endpoint, cast, count=ENOUGH, seconds=2.0, work_s=3000)
    cache.clear()
    Call.objects.create(
        conversion=queued[0], endpoint=endpoint, team=cast.team, user=cast.alice, attempt=1, token=uuid4(),
        seconds=2.0, outcome=Call.Outcome.SENT, sent_at=timezone.now() - timedelta(seconds=1500),
    )  # fmt: skip
    before = batches.progress_of(cast.alice, batch)
    assert before.percent == 16  # half of a third
    Conversion.objects.filter(pk=queued[1].pk).update(status="ready")
    after = batches.progress_of(cast.alice, batch)
    assert after.percent == 50
    assert before.mark != after.mark

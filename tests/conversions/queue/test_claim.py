"""Claiming: slots, fairness, and two workers who want the same step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db import connection, transaction

from conversions.ground.clock import db_now
from conversions.models import Conversion, Step
from conversions.queue import claim as claiming
from conversions.queue.bells import Lane
from conversions.queue.claim import Claim, claim, lease_until
from teams.models import User
from tests.support.cast import Cast
from tests.support.product import wait_for
from tests.support.together import alone, at_once
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(cast: Cast, voice: Voice):
    """Makes a step that waits for the endpoint, without files: claiming reads tables only."""

    def make(user: User | None = None, *, priority: int = 0, kind: Step.Kind = Step.Kind.CONVERT) -> Step:
        user = user or cast.alice
        team = user.teams.get()
        conversion = Conversion.objects.create(
            team=team, created_by=user, title="x", source="x", voice=voice, voice_name="x", endpoint=voice.endpoint
        )
        return Step.objects.create(
            conversion=conversion,
            kind=kind,
            team=team,
            user=user,
            priority=priority,
            endpoint=voice.endpoint if kind == Step.Kind.CONVERT else None,
        )

    return make


def order(lane: Lane = Lane.CALLS) -> list[int]:
    found = []
    while (next_claim := claim(lane)) is not None:
        found.append(next_claim.step_id)
    return found


def slots(endpoint: Endpoint, count: int) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(slots=count)


def test_a_claim_takes_the_lease_and_moves_the_conversion(waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "lease_until", lease_until)
    step, before, lease = waiting(), db_now(), timedelta(seconds=settings.LEASE_SECONDS)
    found = claim(Lane.CALLS)
    assert isinstance(found, Claim)
    step.refresh_from_db()
    assert (step.status, step.attempt, step.lease_token) == ("running", 1, found.token)
    assert before + lease <= step.lease_until <= db_now() + lease
    assert step.conversion.status == Conversion.Status.CONVERTING


def test_no_more_leases_than_slots(waiting, endpoint: Endpoint) -> None:
    for _ in range(5):
        waiting()
    assert len(order()) == 2
    slots(endpoint, 3)
    assert len(order()) == 1


def test_an_expired_lease_frees_its_slot(waiting, endpoint: Endpoint) -> None:
    slots(endpoint, 1)
    waiting(), waiting()
    assert len(order()) == 1
    Step.objects.filter(status="running").update(lease_until=db_now() - timedelta(seconds=1))
    assert len(order()) == 1


def test_a_paused_endpoint_gives_nothing(waiting, endpoint: Endpoint) -> None:
    waiting()
    Endpoint.objects.filter(pk=endpoint.pk).update(paused=True)
    assert claim(Lane.CALLS) is None


def test_the_lanes_do_not_touch_each_others_steps(waiting) -> None:
    prepare, convert = waiting(kind=Step.Kind.PREPARE), waiting()
    assert order(Lane.CPU) == [prepare.pk]
    assert order(Lane.CALLS) == [convert.pk]


def test_a_step_is_not_claimed_before_its_time(waiting) -> None:
    step = waiting()
    Step.objects.filter(pk=step.pk).update(not_before=db_now() + timedelta(seconds=60))
    assert claim(Lane.CALLS) is None
    Step.objects.filter(pk=step.pk).update(not_before=db_now())
    assert order() == [step.pk]


def test_a_team_that_comes_later_starts_at_the_next_free_slot(waiting, endpoint: Endpoint, cast: Cast) -> None:
    slots(endpoint, 4)
    crowd = [waiting(cast.alice).pk for _ in range(10)]
    first = [claim(Lane.CALLS).step_id for _ in range(2)]
    late = waiting(cast.mallory).pk
    assert first == crowd[:2]
    assert claim(Lane.CALLS).step_id == late


def test_a_team_is_served_by_what_all_its_people_run(waiting, endpoint: Endpoint, cast: Cast) -> None:
    slots(endpoint, 10)
    for user in (cast.alice, cast.alice, cast.mallory):
        waiting(user)
    assert len(order()) == 3
    bobs, mallorys = waiting(cast.bob).pk, waiting(cast.mallory).pk
    # Bob himself runs nothing, but his team runs two and Mallory's one.
    assert order() == [mallorys, bobs]


def test_within_a_team_the_user_with_fewer_running_goes_first(waiting, endpoint: Endpoint, cast: Cast) -> None:
    slots(endpoint, 10)
    alices = [waiting(cast.alice).pk for _ in range(3)]
    bobs = [waiting(cast.bob).pk for _ in range(2)]
    assert order() == [alices[0], bobs[0], alices[1], bobs[1], alices[2]]


def test_priority_goes_before_age_among_one_users_own(waiting, endpoint: Endpoint) -> None:
    slots(endpoint, 10)
    old, urgent = waiting().pk, waiting(priority=-1).pk
    assert order() == [urgent, old]


def test_long_recordings_leave_the_last_slot_to_short_ones(waiting, endpoint: Endpoint, cast: Cast) -> None:
    slots(endpoint, 3)
    long = [waiting(cast.alice, priority=Step.LONG).pk for _ in range(3)]
    assert order() == long[:2]
    clips = [waiting(cast.mallory).pk for _ in range(2)]
    assert order() == clips[:1]
    ended(clips[0])
    assert order() == clips[1:]
    ended(clips[1])
    assert order() == []  # the slot is free, and stays so for the next clip
    ended(long[0])
    assert order() == long[2:]


def test_whose_long_recordings_wait_has_short_ones_done_meanwhile(waiting) -> None:
    long = [waiting(priority=Step.LONG).pk for _ in range(2)]
    assert order() == long[:1]
    clip = waiting().pk
    assert order() == [clip]


def test_long_recordings_of_several_people_share_what_they_may_have(waiting, endpoint: Endpoint, cast: Cast) -> None:
    slots(endpoint, 3)
    alices = [waiting(cast.alice, priority=Step.LONG).pk for _ in range(2)]
    mallorys = [waiting(cast.mallory, priority=Step.LONG).pk for _ in range(2)]
    assert order() == [alices[0], mallorys[0]]


def test_short_ones_may_have_every_slot(waiting, endpoint: Endpoint, cast: Cast) -> None:
    clips = [waiting(cast.alice).pk for _ in range(2)]
    assert order() == clips
    waiting(cast.mallory, priority=Step.LONG)
    assert order() == []


@pytest.mark.parametrize("fewer", [{"slots": 1}, {"learnt_slots": 1}])
def test_with_a_single_slot_long_and_short_take_turns(waiting, cast: Cast, fewer: dict[str, int]) -> None:
    Endpoint.objects.update(**fewer)
    long, clip = waiting(cast.alice, priority=Step.LONG).pk, waiting(cast.mallory).pk
    later = waiting(cast.alice, priority=Step.LONG).pk
    for expected in (long, clip, later):
        assert order() == [expected]
        ended(expected)


def test_an_endpoint_that_bills_gives_long_recordings_every_slot(waiting) -> None:
    Endpoint.objects.update(billed=True)
    long = [waiting(priority=Step.LONG).pk for _ in range(3)]
    assert order() == long[:2]


def test_a_long_recording_stands_behind_its_own_persons_short_ones_alone(waiting, cast: Cast) -> None:
    Endpoint.objects.update(slots=1)
    long = waiting(cast.alice, priority=Step.LONG).pk
    others, own = waiting(cast.mallory).pk, waiting(cast.alice).pk
    found = []
    for _ in range(3):
        found += order()
        ended(found[-1])
    assert found == [others, own, long]
    long, others = waiting(cast.alice, priority=Step.LONG).pk, waiting(cast.mallory).pk
    assert order() == [long]  # it came first, and others' clips don't pass it


def test_a_paused_endpoint_tries_nothing_long_beyond_its_share(waiting, endpoint: Endpoint, cast: Cast) -> None:
    long = [waiting(cast.alice, priority=Step.LONG).pk for _ in range(2)]
    assert order() == long[:1]
    Endpoint.objects.update(pause_code="silent", trial=True)
    assert claim(Lane.CALLS) is None
    clip = waiting(cast.mallory).pk
    found = claim(Lane.CALLS)
    assert (found.step_id, found.trial) == (clip, True)


def ended(step_id: int) -> None:
    Step.objects.filter(pk=step_id).update(status=Step.Status.DONE, lease_token=None, lease_until=None)


def test_workers_at_once_never_exceed_what_long_recordings_may_have(waiting, endpoint: Endpoint) -> None:
    slots(endpoint, 4)
    for _ in range(12):
        waiting(priority=Step.LONG)
    assert sum(map(len, at_once(*[order] * 8))) == 3


def test_many_workers_at_once_take_each_step_once_and_never_exceed_the_slots(waiting, endpoint: Endpoint) -> None:
    slots(endpoint, 5)
    for _ in range(12):
        waiting()
    found = [step_id for worker in at_once(*[order] * 8) for step_id in worker]
    assert len(found) == 5
    assert len(set(found)) == 5


def test_a_claim_sees_what_became_due_while_it_waited_for_its_lock(waiting, endpoint: Endpoint) -> None:
    first = waiting()
    with ThreadPoolExecutor(1) as worker:
        with transaction.atomic():
            Endpoint.objects.select_for_update().get(pk=endpoint.pk)
            found = worker.submit(alone, partial(claim, Lane.CALLS))
            wait_for(lambda: found.done() or somebody_waits_for_a_lock(), "the worker stands at the endpoint's row")
            assert not found.done()
            first.delete()
            later = waiting()
            Step.objects.filter(pk=later.pk).update(not_before=db_now())
        taken = found.result(timeout=30)
    assert taken is not None
    assert taken.step_id == later.pk


def somebody_waits_for_a_lock() -> bool:
    if connection.vendor == "sqlite":
        return True  # whoever begins to write is alone, and reads only then
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        waits: bool = cursor.fetchone()[0]
        return waits


def test_cpu_workers_at_once_take_each_step_once(waiting) -> None:
    steps = [waiting(kind=Step.Kind.PREPARE).pk for _ in range(12)]
    found = at_once(*[partial(order, Lane.CPU)] * 4)
    assert sorted(step_id for worker in found for step_id in worker) == sorted(steps)


def test_a_claim_costs_the_same_few_queries_however_many_wait(waiting, django_assert_max_num_queries) -> None:
    for _ in range(30):
        waiting()
    with django_assert_max_num_queries(12):
        assert claim(Lane.CALLS) is not None

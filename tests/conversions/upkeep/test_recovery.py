"""What becomes of work whose worker vanished, and of a worker that comes too late."""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import InterfaceError
from redis import Redis

from conversions import actions
from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.models import Call, Conversion, Failure, Step
from conversions.queue import outcomes
from conversions.queue.bells import Lane
from conversions.queue.claim import Claim, LeaseLostError, claim
from conversions.queue.leases import Lease, LeaseKeeper, keeper
from conversions.upkeep import sweeper
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, work_all, work_until_done
from tests.conversions.upkeep.conftest import expire
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.product import wait_for
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def enter_call(claim: Claim, endpoint: Endpoint) -> Call:
    conversion = Conversion.objects.get(pk=claim.conversion_id)
    return Call.objects.create(
        conversion=conversion,
        step_id=claim.step_id,
        endpoint=endpoint,
        team=conversion.team,
        attempt=claim.attempt,
        token=claim.token,
        seconds=1,
        credits=16.7,
    )


def test_an_expired_lease_that_was_not_sent_waits_again(claimed: Claim) -> None:
    expire(claimed)
    assert sweeper.recover() == 1
    assert sweeper.recover() == 0
    assert work_all() == 1
    assert Conversion.objects.get().status == Conversion.Status.READY


def test_a_living_lease_is_left_alone(claimed: Claim) -> None:
    assert sweeper.recover() == 0
    assert Step.objects.get(pk=claimed.step_id).status == Step.Status.RUNNING


def test_a_lease_that_is_renewed_meanwhile_is_left_alone(claimed: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a stall of the database its workers are alive, only late."""
    find = durable.find_result

    def find_slowly(*args: uuid.UUID | int) -> durable.Result | None:
        Step.objects.filter(pk=claimed.step_id).update(lease_until=db_now() + timedelta(seconds=60))
        return find(*args)

    monkeypatch.setattr(durable, "find_result", find_slowly)
    expire(claimed)
    assert sweeper.recover() == 0
    step = Step.objects.get(pk=claimed.step_id)
    assert (step.status, step.lease_token) == (Step.Status.RUNNING, claimed.token)


@pytest.mark.parametrize("lane", [Lane.CPU, Lane.CALLS])
def test_a_step_that_ends_its_worker_each_time_is_not_tried_for_ever(submit: Submit, cast: Cast, lane: Lane) -> None:
    conversion = submit()
    if lane is Lane.CALLS:
        work(claim(Lane.CPU))
    for _ in range(settings.MAX_ATTEMPTS):
        found = claim(lane)
        assert found is not None
        expire(found)
        assert sweeper.recover() == 1
    assert claim(lane) is None
    conversion.refresh_from_db()
    assert (conversion.status, conversion.error_code) == (Conversion.Status.FAILED, "worker_lost")
    assert "Your recording is safe; press Retry" in conversion.error
    assert actions.retry(conversion, cast.alice)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY


def test_a_worker_that_is_lost_for_good_leaves_an_open_question(
    claimed: Claim, endpoint: Endpoint, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    Endpoint.objects.update(billed=True)
    call = enter_call(claimed, endpoint)
    Step.objects.filter(pk=claimed.step_id).update(attempt=settings.MAX_ATTEMPTS)
    expire(claimed)
    sweeper.recover()
    conversion = Conversion.objects.get()
    assert conversion.error_code == "worker_lost"
    call.refresh_from_db()
    assert call.outcome == Call.Outcome.UNCLEAR
    actions.retry(conversion, cast.alice)
    work_until_done(conversion)
    assert conversion.error_code == "unclear"
    assert scripted.billed == 0


def test_sent_to_an_endpoint_that_costs_nothing_waits_again(claimed: Claim, endpoint: Endpoint) -> None:
    call = enter_call(claimed, endpoint)
    expire(claimed)
    sweeper.recover()
    call.refresh_from_db()
    assert (call.outcome, call.credits) == (Call.Outcome.UNCLEAR, 0)
    work_all()
    assert Conversion.objects.get().status == Conversion.Status.READY


def test_sent_to_an_endpoint_that_bills_is_unclear_and_never_sent_again_by_itself(
    claimed: Claim, endpoint: Endpoint, scripted: ScriptedEndpoint
) -> None:
    Endpoint.objects.update(billed=True)
    call = enter_call(claimed, endpoint)
    expire(claimed)
    sweeper.recover()
    work_until_done(conversion := Conversion.objects.get())
    assert (conversion.status, conversion.error_code) == ("failed", "unclear")
    call.refresh_from_db()
    assert (call.outcome, call.credits) == (Call.Outcome.UNCLEAR, 16.7)
    assert scripted.billed == 0


def test_a_call_that_was_cancelled_after_its_worker_vanished_does_not_stay_under_way(
    claimed: Claim, endpoint: Endpoint, cast: Cast
) -> None:
    call = enter_call(claimed, endpoint)
    assert sweeper.close_lost_calls() == 0  # its lease lives
    actions.cancel(Conversion.objects.get(), cast.alice)
    assert sweeper.close_lost_calls() == 1
    call.refresh_from_db()
    assert (call.outcome, call.credits) == (Call.Outcome.UNCLEAR, 16.7)


def test_a_stored_result_is_adopted_instead_of_paying_again(
    claimed: Claim, endpoint: Endpoint, scripted: ScriptedEndpoint, tmp_path
) -> None:
    Endpoint.objects.update(billed=True)
    call = enter_call(claimed, endpoint)
    conversion = Conversion.objects.get()
    with durable.open_file(conversion.source) as source:
        durable.store_result(
            conversion.pk, claimed.step_id, claimed.attempt, claimed.token, source, {"character-cost": "21"}
        )
    expire(claimed)
    sweeper.recover()
    work_all()

    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    call.refresh_from_db()
    assert (call.outcome, call.credits) == (Call.Outcome.ANSWERED, 21)
    assert scripted.requests == []
    assert "adopted" in conversion.events.values_list("kind", flat=True)


def test_a_result_without_its_note_or_with_a_wrong_checksum_is_not_adopted(claimed: Claim) -> None:
    conversion = Conversion.objects.get()
    result = durable.store_result(conversion.pk, claimed.step_id, 1, claimed.token, [b"whole"], {})
    assert durable.find_result(conversion.pk, claimed.step_id) == result
    with default_storage.open(result.key, "r+b") as file:
        file.write(b"other")
    assert durable.find_result(conversion.pk, claimed.step_id) is None
    default_storage.delete(f"{result.key}.json")
    assert durable.find_result(conversion.pk, claimed.step_id) is None


NO_NOTES = [b"", b"{", b"[]", b"{}", b'{"checksum": "x", "other": 1}', b"\xff"]
NO_NOTES += [b'{"key": "there", "size": 5, "checksum": null}', b'{"key": null, "size": 5, "checksum": "x"}']


@pytest.mark.parametrize("note", NO_NOTES)
def test_a_note_that_has_rotted_keeps_nobody_from_going_on(claimed: Claim, note: bytes) -> None:
    result = durable.store_result(claimed.conversion_id, claimed.step_id, 1, claimed.token, [b"whole"], {})
    default_storage.save(f"{result.key}.json", ContentFile(note.replace(b'"there"', json.dumps(result.key).encode())))
    expire(claimed)
    assert sweeper.recover() == 1
    assert claim(Lane.CALLS) is not None


def test_a_zombie_writes_nothing(claimed: Claim) -> None:
    expire(claimed)
    sweeper.recover()
    second = claim(Lane.CALLS)
    assert second is not None
    assert second.token != claimed.token

    result = durable.store_result(claimed.conversion_id, claimed.step_id, 1, claimed.token, [b"late"], {})
    from conversions.models import Event
    from conversions.queue.calls import record_result

    with pytest.raises(LeaseLostError):
        record_result(claimed, result, kind=Event.Kind.CONVERTED)
    for late in (
        lambda: outcomes.wait_again(claimed, 1, Failure("x", "x")),
        lambda: outcomes.fail(claimed, Failure("x", "x")),
    ):
        with pytest.raises(LeaseLostError):
            late()
    step = Step.objects.get(pk=claimed.step_id)
    assert (step.status, step.lease_token, step.result) == (Step.Status.RUNNING, second.token, "")


def test_a_lease_is_renewed_while_work_goes_on(claimed: Claim) -> None:
    before = Step.objects.get(pk=claimed.step_id).lease_until
    with keeper.hold(claimed) as lease:
        deadline = time.monotonic() + 10
        while Step.objects.get(pk=claimed.step_id).lease_until == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert Step.objects.get(pk=claimed.step_id).lease_until > before
        assert not lease.lost


def test_the_keeper_goes_on_after_any_error(claimed: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    renew, failed = LeaseKeeper._renew, threading.Event()

    def renew_the_second_time(self: LeaseKeeper, held: dict[uuid.UUID, Lease]) -> None:
        if failed.is_set():
            return renew(self, held)
        failed.set()
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(LeaseKeeper, "_renew", renew_the_second_time)
    with keeper.hold(claimed):
        wait_for(failed.is_set, "renewing has failed")
        before = Step.objects.get(pk=claimed.step_id).lease_until
        wait_for(lambda: Step.objects.get(pk=claimed.step_id).lease_until != before, "the lease is renewed")


def test_a_worker_hears_that_its_lease_is_gone(claimed: Claim) -> None:
    heard = threading.Event()
    with keeper.hold(claimed) as lease, lease.stopping(heard.set):
        Step.objects.filter(pk=claimed.step_id).update(lease_token=uuid.uuid4())
        assert heard.wait(10)
        assert lease.lost


def test_cancelling_aborts_a_running_call(submit: Submit, scripted: ScriptedEndpoint, cast) -> None:
    scripted.script(Behaviour(fault="hang"))
    conversion = submit()
    work(claim(Lane.CPU))
    found = claim(Lane.CALLS)
    worker = threading.Thread(target=work, args=(found,))
    worker.start()
    deadline = time.monotonic() + 10
    while not scripted.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    assert actions.cancel(Conversion.objects.get(), cast.alice)
    worker.join(timeout=20)
    assert not worker.is_alive()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.CANCELLED
    assert conversion.calls.get().outcome == Call.Outcome.UNCLEAR


def test_the_sweeper_rings_for_what_waits_but_not_on_top_of_hanging_bells(submit: Submit, redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        submit()
        assert redis.llen("cpu") == 1  # the bell of its acceptance
        sweeper.ring_for_waiting()
        assert redis.llen("cpu") == 1
        redis.flushall()
        sweeper.ring_for_waiting()
        assert redis.llen("cpu") == 1


def test_the_sweeper_rings_only_for_slots_that_are_free(submit: Submit, endpoint: Endpoint, redis_url: str) -> None:

    submit(), submit(), submit()
    while found := claim(Lane.CPU):
        work(found)
    with Redis.from_url(redis_url) as redis:

        def rings() -> int:
            redis.flushall()
            sweeper.ring_for_waiting()
            return int(redis.llen("calls"))

        assert rings() == endpoint.slots == 2
        held = claim(Lane.CALLS)
        assert rings() == 1
        claim(Lane.CALLS)
        assert rings() == 0  # who gives a slot back looks for the third
        Step.objects.filter(pk=held.step_id).update(lease_until=db_now() - timedelta(seconds=1))
        assert rings() == 1  # its worker died


def test_the_sweeper_rings_for_no_more_long_recordings_than_may_start(
    submit: Submit, endpoint: Endpoint, redis_url: str
) -> None:

    for _ in range(3):
        submit()
    while found := claim(Lane.CPU):
        work(found)
    calls = Step.objects.filter(kind="convert")
    calls.update(priority=Step.LONG)
    with Redis.from_url(redis_url) as redis:

        def rings() -> int:
            redis.flushall()
            sweeper.ring_for_waiting()
            return int(redis.llen("calls"))

        assert rings() == 1
        claim(Lane.CALLS)
        assert rings() == 0  # the free slot is for short ones
        calls.filter(pk=calls.filter(status="waiting").first().pk).update(priority=Step.NORMAL)
        assert rings() == 1
        Endpoint.objects.update(billed=True)
        calls.filter(status="waiting").update(priority=Step.LONG)
        assert rings() == 1
        calls.filter(status="running").update(lease_until=db_now() - timedelta(seconds=1))
        assert rings() == 2


def test_accepting_neither_needs_redis_nor_waits_for_it(submit: Submit, caplog, monkeypatch) -> None:
    from s2s_site.celery import app

    waited = []
    monkeypatch.setattr("kombu.utils.functional.sleep", waited.append)
    before = app.conf.broker_url
    app.conf.broker_url = "redis://127.0.0.1:1/0"
    app._after_fork()  # forgets its connections, as nothing public does
    try:
        conversion = submit()
    finally:
        app.conf.broker_url = before
        app._after_fork()
    assert caplog.text.count("Redis takes no bells, the sweeper will ring") == 1
    assert not waited, "with each bell of a request it would be three seconds more"
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY

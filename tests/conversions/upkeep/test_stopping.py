"""A worker that is told to stop: real Celery processes, TERM, leases that never run out meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from conversions import actions
from conversions.models import Call, Conversion, Step
from conversions.queue.bells import Lane, ring
from conversions.queue.claim import claim
from conversions.queue.leases import Lease, keeper
from conversions.sound import reading
from conversions.tasks import work_calls
from conversions.upkeep import draining
from conversions.upkeep.worker import work
from s2s.audio import AudioError
from s2s_site.celery import app
from s2s_site.environment import broker_url
from s2s_site.supervisor.config import read_config
from s2s_site.supervisor.processes import table
from tests.conversions.conftest import Submit, work_all
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.product import wait_for
from tests.support.redis import listeners, running_redis
from tests.support.sound import lengthless, phrase
from tests.support.worker import Worker
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

MakeWorker = Callable[..., Worker]
DRAIN_S = 1.0
# Two to three seconds on a machine that has nothing else to do; a call that hangs would keep it for ever.
AT_MOST_S = DRAIN_S + 40.0
FORCED = "could not be stopped"


@pytest.fixture
def worker(redis_url: str, tmp_path: Path) -> MakeWorker:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()

    def make(lane: str = "calls", node: str = "", **environment: str) -> Worker:
        return Worker(lane, redis_url, tmp_path, node, **environment)

    return make


@pytest.fixture
def prepared(submit: Submit) -> Callable[..., Conversion]:
    """A conversion whose call is next."""

    def make(data: bytes | None = None) -> Conversion:
        conversion = submit(data=data)
        work(claim(Lane.CPU))
        return conversion

    return make


def calls(scripted: ScriptedEndpoint) -> int:
    return sum(request.method == "POST" for request in scripted.requests)


def step_of(conversion: Conversion) -> Step:
    return conversion.steps.latest("pk")


def state(conversion: Conversion) -> str:
    conversion.refresh_from_db()
    return str(conversion.status)


def test_what_ends_in_time_ends_and_nothing_new_begins(prepared, worker, scripted, redis_url: str) -> None:
    Endpoint.objects.update(slots=1)
    scripted.script(default=Behaviour(hold=True))
    first, second = prepared(), prepared()
    with worker(DRAIN_SECONDS="60") as one:
        wait_for(lambda: scripted.held == 1, "the first call is under way")
        one.process.terminate()
        wait_for(lambda: not listeners(redis_url), "it has heard, and claims nothing more")
        scripted.release()
        assert one.process.wait(50) == 0, one.output()
    assert state(first) == Conversion.Status.READY
    step = step_of(second)
    assert (step.status, step.attempt) == (Step.Status.WAITING, 0)
    assert calls(scripted) == 1


def test_a_hanging_call_is_ended_and_another_worker_takes_it_at_once(prepared, worker, scripted) -> None:
    scripted.script(Behaviour(fault="hang"))
    conversion = prepared()
    with worker() as one:
        wait_for(lambda: calls(scripted) == 1, "the call is under way")
        with worker(node="second"):
            assert DRAIN_S < one.terminate() < AT_MOST_S
            assert FORCED not in one.output()
            # Its bell may have been heard by the one that ends.
            wait_for(lambda: ring(Lane.CALLS) or state(conversion) == "ready", "the second worker has done it")
    assert calls(scripted) == 2
    lost, answered = conversion.calls.order_by("pk")
    assert (lost.outcome, lost.credits) == (Call.Outcome.UNCLEAR, 0)
    assert answered.outcome == Call.Outcome.ANSWERED
    assert conversion.events.filter(kind="interrupted").count() == 1


def test_a_billed_call_is_never_sent_again_by_itself(prepared, worker, scripted) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=1000)
    scripted.script(Behaviour(fault="hang"))
    conversion = prepared()
    with worker() as one:
        wait_for(lambda: calls(scripted) == 1, "the call is under way")
        with worker(node="second"):
            assert one.terminate() < AT_MOST_S
            # It looks for the answer in the endpoint's history, which has none, and asks a person.
            wait_for(lambda: ring(Lane.CALLS) or state(conversion) == "failed", "a person is asked")
    assert conversion.error_code == "unclear"
    assert calls(scripted) == 1
    assert conversion.calls.get().credits > 0


def test_an_answer_that_arrives_while_it_stops_is_kept(prepared, worker, scripted) -> None:
    Endpoint.objects.update(billed=True)
    # Paid and half here when the drain ends: the history has it.
    scripted.script(Behaviour(hold_body=True))
    conversion = prepared(phrase())
    with worker() as one:
        wait_for(lambda: scripted.billed == 1, "the endpoint has done its work")
        with worker(node="second"):
            assert one.terminate() < AT_MOST_S
            wait_for(lambda: ring(Lane.CALLS) or state(conversion) == "assembling", "it was found in the history")
    work_all()
    assert state(conversion) == "ready"
    assert calls(scripted) == 1
    assert scripted.billed == 1


@pytest.mark.parametrize("lane", ["calls", "cpu"])
def test_what_can_not_be_woken_is_given_back_and_the_process_ends(
    lane: str, prepared, submit, worker, tmp_path: Path
) -> None:
    conversion = prepared() if lane == "calls" else submit()
    source = tmp_path / "media" / conversion.source
    kept = source.rename(source.with_name("kept"))
    os.mkfifo(source)  # opening it waits for ever
    with worker(lane) as one:
        wait_for(lambda: step_of(conversion).status == Step.Status.RUNNING, "it is being worked on")
        assert one.terminate() < AT_MOST_S
        assert FORCED in one.output()
    step = step_of(conversion)
    assert (step.status, step.lease_token, step.attempt) == (Step.Status.WAITING, None, 1)
    source.unlink()
    kept.rename(source)
    found = claim(Lane(lane))
    assert found is not None
    assert found.step_id == step.pk
    work(found)
    assert Step.objects.get(pk=step.pk).status == Step.Status.DONE


@pytest.mark.one_database
def test_a_worker_that_loses_redis_still_stops(prepared, scripted, tmp_path: Path) -> None:
    scripted.script(Behaviour(fault="hang"))
    conversion = prepared()
    with running_redis() as url, Worker("calls", url, tmp_path, "lonely") as one:
        # It looks for work when a bell rings: this Redis has had none yet.
        with app.connection_for_write(broker_url(url)) as connection:
            work_calls.apply_async(connection=connection)
        wait_for(lambda: calls(scripted) == 1, "the call is under way")
        with Redis.from_url(url) as redis:
            redis.shutdown(nosave=True)
        assert one.terminate() < AT_MOST_S
    assert step_of(conversion).status == Step.Status.WAITING


def test_a_lease_that_was_interrupted_before_its_call_began_ends_it_at_once(prepared) -> None:
    prepared()
    found = claim(Lane.CALLS)
    assert found is not None
    for end in (Lease.interrupt, Lease.lose):
        lease, heard = Lease(found), threading.Event()
        end(lease)
        with lease.stopping(heard.set):
            assert heard.is_set()


def while_decoding(monkeypatch: pytest.MonkeyPatch, happening: Callable[[Lease], object]) -> list[str]:
    """Works on the next recording; `happening` happens as it is about to be decoded. Returns how that ended."""
    ends, examine = [], reading.examine

    def watched(*args: Any, **kwargs: Any) -> Any:
        (lease,) = keeper.held()
        happening(lease)
        try:
            return examine(*args, **kwargs)
        except AudioError as error:
            ends.append(error.code)
            raise

    monkeypatch.setattr(reading, "examine", watched)
    work(claim(Lane.CPU))
    return ends


def test_cancelling_stops_the_decoder(submit: Submit, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    conversion = submit(data=lengthless(phrase()))

    def cancelled(lease: Lease) -> None:
        assert actions.cancel(conversion, cast.alice)
        lease.lose()  # as the keeper does, a third of a lease later at most

    assert while_decoding(monkeypatch, cancelled) == ["decoder_lost"]
    assert state(conversion) == Conversion.Status.CANCELLED


def test_a_worker_that_ends_stops_the_decoder_and_another_takes_the_recording_at_once(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversion = submit(data=lengthless(phrase()))
    assert while_decoding(monkeypatch, Lease.interrupt) == ["decoder_lost"]
    step = step_of(conversion)
    assert (step.status, step.lease_token) == (Step.Status.WAITING, None)
    assert conversion.events.latest("pk").kind == "interrupted"
    monkeypatch.undo()
    work_all()
    assert state(conversion) == Conversion.Status.READY


def test_the_keeper_knows_what_this_process_holds(prepared) -> None:
    prepared()
    found = claim(Lane.CALLS)
    with keeper.hold(found) as lease:
        assert lease in keeper.held()
    assert lease not in keeper.held()


def test_the_supervisor_is_more_patient_than_the_worker_that_ends_itself() -> None:
    (calls,) = [process for process in table(read_config({"DRAIN_SECONDS": "7"}), None) if process.name == "calls"]
    assert calls.grace_s >= 7 + draining.GRACE_S + 2

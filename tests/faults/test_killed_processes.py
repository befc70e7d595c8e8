"""Workers and everything else killed with SIGKILL at the worst moments: nothing is lost, nothing stands twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass

import pytest

from tests.faults.promises import assert_ready
from tests.faults.stage import LEASE_S, Stage, killed, line
from tests.support.endpoint import Behaviour
from tests.support.product import wait_for


@dataclass(frozen=True)
class Point:
    """Where a worker dies in its first attempt, and how many calls there are in the end."""

    behaviour: Behaviour | None = None  # what the endpoint does then
    from_outside: bool = False  # else the victim kills itself there (roles.py)
    calls_local: int = 1
    calls_paid: int = 1
    paid_ends: str = "ready"


# Nothing that was sent to an endpoint that bills is sent again: its answer is adopted from our disk or its history.
POINTS = {
    "claimed": Point(),
    # Only the endpoint could say that nothing reached it, and it has no list of that.
    "entered": Point(calls_paid=0, paid_ends="failed"),
    "uploading": Point(Behaviour(fault="hang_upload"), from_outside=True, calls_local=2, paid_ends="failed"),
    "working": Point(Behaviour(hold=True), from_outside=True, calls_local=2),
    "answering": Point(Behaviour(hold_body=True), from_outside=True, calls_local=2),
    "half stored": Point(calls_local=2),
    "stored": Point(),
    "committed": Point(),
}
VOICE = {title: f"v{number}" for number, title in enumerate(POINTS)}
# What fits into the buffers of two sockets is sent before the endpoint has read it.
LONGER_THAN_BUFFERS_S = 200.0


@pytest.mark.parametrize("to", ["local", "paid"])
def test_a_worker_killed_at_any_point_of_a_call(stage: Stage, to: str) -> None:
    endpoint = stage.endpoint(to)
    endpoint.script(voices={VOICE[title]: [point.behaviour] for title, point in POINTS.items() if point.behaviour})
    with stage.frozen("calls"):
        addresses = [
            stage.submit(
                title, to=to, voice=VOICE[title], seconds=LONGER_THAN_BUFFERS_S if title == "uploading" else 2.0
            )
            for title in POINTS
        ]
        wait_for(lambda: set(stage.states(addresses)) == {"converting"}, "their calls are next")
        victims = stage.start("victim", times=len(POINTS))
        by_title = {title: int(pid) for pid, title in (line(victims).split(" ", 1) for _ in POINTS)}
        assert by_title.keys() == POINTS.keys()
        outside = [title for title, point in POINTS.items() if point.from_outside]
        wait_for(lambda: endpoint.held == len(outside), "those calls are under way")
        for title in outside:
            os.kill(by_title[title], signal.SIGKILL)
        killed(victims)
        endpoint.release()
    facts = stage.promises(addresses, to=to)
    asked = Counter(request.voice_id for request in endpoint.requests if request.method == "POST")
    for (title, point), fact in zip(POINTS.items(), facts, strict=True):
        assert fact["status"] == (point.paid_ends if to == "paid" else "ready"), title
        assert fact["error_code"] == ("unclear" if fact["status"] == "failed" else ""), title
        assert asked[VOICE[title]] == (point.calls_paid if to == "paid" else point.calls_local), title


def test_every_child_of_the_supervisor_killed_one_after_the_other(stage: Stage) -> None:
    addresses = under_way(stage, waiting=6)
    stage.kill("cpu")
    for name in ("beat", "web"):
        stage.product.kill(name)
    stage.kill("calls")
    stage.release()
    assert_all_ready_and_none_paid_twice(stage, addresses)
    stage.product.wait_until_up()
    assert stage.person.http.get(addresses["paid"][0]).status_code == 200


@pytest.mark.parametrize("how", ["power cut", "supervisor"])
def test_all_of_it_killed_and_started_again(stage: Stage, how: str) -> None:
    addresses = under_way(stage, waiting=2)
    stage.inside.rest()
    if how == "power cut":
        stage.product.kill_all()
    else:
        assert stage.product.supervisor is not None
        os.kill(stage.product.supervisor.pid, signal.SIGKILL)
        stage.product.supervisor.wait()
        wait_for(lambda: not stage.product.left_over(), "no process outlives its supervisor")
    stage.inside.ask("leases_run_out", ["calls", "cpu"], stage.inside.ask("moment", LEASE_S))
    stage.release()
    stage.product.start()
    assert_all_ready_and_none_paid_twice(stage, addresses)


AT_WORK = 4  # of each endpoint: before and in the middle of its answer


def under_way(stage: Stage, *, waiting: int) -> dict[str, list[str]]:
    """Recordings at both endpoints: so many and no other calls are under way, and some wait."""
    stage.inside.ask("refresh_endpoints", AT_WORK)
    addresses = {}
    for to in ("local", "paid"):
        stage.endpoint(to).script(*[Behaviour(hold=True)] * 2, *[Behaviour(hold_body=True)] * 2)
        addresses[to] = [stage.submit(to=to, at_the_door=bool(number % 2)) for number in range(AT_WORK + waiting)]
    wait_for(lambda: stage.local.held == stage.paid.held == AT_WORK, "calls are under way")
    return addresses


def assert_all_ready_and_none_paid_twice(stage: Stage, addresses: dict[str, list[str]]) -> None:
    # Promises are about all that is on the disk: a result that the other endpoint is just bringing isn't left over.
    everything = [address for of_endpoint in addresses.values() for address in of_endpoint]
    wait_for(lambda: {"ready", "failed"}.issuperset(stage.states(everything)), "all is over", 90)
    for to, of_endpoint in addresses.items():
        assert_ready(stage.promises(of_endpoint, to=to))
    assert stage.local.calls == len(addresses["local"]) + AT_WORK
    assert stage.paid.calls == len(addresses["paid"])  # what was lost is in its history


def test_killed_between_a_commit_and_its_bell(stage: Stage) -> None:
    """The accepting web process, then the one that prepares: nobody heard, and it goes on by itself."""
    killed(stage.start("submitter", "at the door"))
    killed(stage.start("submitter", "later"))
    with stage.frozen("cpu"):
        address = stage.submit()
        killed(stage.start("preparer"))
    accepted = stage.inside.ask("newest", 3)
    facts = stage.promises([*accepted, address])
    assert [fact["status"] for fact in facts] == ["ready"] * 4
    assert sorted(len(fact["steps"]) for fact in facts) == [1, 2, 2, 2]
    assert stage.local.calls == 3

"""Machines whose clocks are five minutes apart: leases run on the database's clock, bells have none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.promises import assert_ready
from tests.faults.stage import LEASE_S, SLOTS, Stage, line, running_stage, tell
from tests.support.endpoint import Behaviour
from tests.support.postgres import Cluster
from tests.support.product import CHECKOUT, wait_for

CLOCK = Path(__file__).parent / "clock"
FIVE_MINUTES_S = 300
PATH = f"{CLOCK}:{CHECKOUT}"


@pytest.fixture(scope="module", params=[FIVE_MINUTES_S, -FIVE_MINUTES_S], ids=["ahead", "behind"])
def workers_off(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """The workers' machine is off; web and beat are on another one, whose clock is right."""
    environment = {
        "DATABASE_URL": cluster.new_database(),
        "PYTHONPATH": PATH,
        "CLOCK_SKEW": f"calls@={request.param} cpu@={request.param}",
    }
    with running_stage(tmp_path_factory.mktemp("clocks") / "data", environment) as stage:
        stage.inside.ask("refresh_endpoints", SLOTS)
        yield stage


@pytest.fixture(autouse=True)
def _counts_from_zero(request: pytest.FixtureRequest) -> None:
    if "workers_off" in request.fixturenames:
        request.getfixturevalue("workers_off").local.ledger.clear()


def test_recordings_go_through_workers_whose_clock_is_off(workers_off: Stage) -> None:
    workers_off.local.script(*[Behaviour(hold=True)] * 2)
    addresses = [workers_off.submit() for _ in range(5)]
    wait_for(lambda: workers_off.local.held == 2, "calls are under way")
    workers_off.local.release()
    facts = workers_off.promises(addresses)
    assert_ready(facts)
    assert workers_off.local.calls == 5


def test_a_worker_lost_by_them_is_found_by_them(workers_off: Stage) -> None:
    workers_off.local.script(Behaviour(hold=True))
    address = workers_off.submit()
    wait_for(lambda: workers_off.local.held == 1, "its call is under way")
    workers_off.kill("calls")
    workers_off.local.release()
    (fact,) = workers_off.promises([address])
    assert_ready([fact])
    assert workers_off.local.calls == 2


@pytest.mark.parametrize("skew", [FIVE_MINUTES_S, -FIVE_MINUTES_S], ids=["ahead", "behind"])
def test_a_sweeper_whose_clock_is_off_takes_nothing_from_a_living_worker(stage: Stage, skew: int) -> None:
    sweeper = stage.start("sweeper", environment={"PYTHONPATH": PATH, "CLOCK_SKEW": f"roles={skew}"})
    assert line(sweeper) == "there"
    stage.paid.script(*[Behaviour(hold=True)] * 2)
    addresses = [stage.submit(to="paid") for _ in range(2)]
    wait_for(lambda: stage.paid.held == 2, "calls are under way")
    for _ in range(3):
        tell(sweeper)
        assert line(sweeper) == "swept"
    stage.paid.release()
    assert sweeper.communicate()[0] == ""
    facts = stage.promises(addresses, to="paid")
    assert_ready(facts)
    assert [step["attempt"] for fact in facts for step in fact["steps"]] == [1] * 4
    assert stage.paid.calls == 2


def test_a_machine_that_slept_goes_on_where_it_was(stage: Stage) -> None:
    """Every process stood still for longer than a lease; the first to wake up is the one that sweeps."""
    sweeper = stage.start("sweeper")
    assert line(sweeper) == "there"
    stage.paid.script(Behaviour(hold=True))
    address = stage.submit(to="paid")
    wait_for(lambda: stage.paid.held == 1, "its call is under way")
    with stage.frozen("calls", "cpu", "beat"):
        time.sleep(LEASE_S + 1)
        tell(sweeper)
        assert line(sweeper) == "swept"
    assert sweeper.communicate()[0] == ""
    stage.paid.release()
    (fact,) = stage.promises([address], to="paid")
    assert_ready([fact])
    assert [step["attempt"] for step in fact["steps"]] == [1] * len(fact["steps"])
    assert stage.paid.calls == 1

"""TERM: no new work is begun, what runs may end, and what can't is given back."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.conftest import ON_POSTGRESQL
from tests.faults.promises import assert_ready
from tests.faults.stage import Stage
from tests.support.endpoint import Behaviour
from tests.support.product import wait_for

pytestmark = ON_POSTGRESQL


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("to", ["local", "paid"])
def test_a_worker_that_is_told_to_stop_ends_what_runs_and_begins_nothing(stage: Stage, to: str) -> None:
    endpoint = stage.endpoint(to)
    stage.inside.ask("refresh_endpoints", 2)
    endpoint.script(default=Behaviour(hold=True))
    addresses = [stage.submit(to=to) for _ in range(6)]
    wait_for(lambda: endpoint.held == 2, "two calls are under way, four wait")
    pid = stage.product.kill("calls", signal.SIGTERM)
    endpoint.release()
    wait_for(lambda: endpoint.billed == 2, "both are answered")
    wait_for(lambda: not is_running(pid), "the worker has ended")
    assert stage.states(addresses).count("ready") == 2  # of the others some may still wait to be prepared
    endpoint.script()
    endpoint.release()
    facts = stage.promises(addresses, to=to)
    assert_ready(facts)
    assert endpoint.calls == 6


@pytest.mark.parametrize("to", ["local", "paid"])
def test_what_takes_longer_than_it_may_is_given_back(stage: Stage, to: str) -> None:
    endpoint = stage.endpoint(to)
    endpoint.script(*[Behaviour(hold=True)] * 3)
    addresses = [stage.submit(to=to) for _ in range(3)]
    wait_for(lambda: endpoint.held == 3, "calls are under way")
    pid = stage.product.kill("calls", signal.SIGTERM)
    wait_for(lambda: not is_running(pid), "the worker has ended")
    endpoint.release()  # the endpoint went on working
    facts = stage.promises(addresses, to=to)
    assert_ready(facts)
    assert endpoint.calls == (3 if to == "paid" else 6)


def test_the_whole_product_is_stopped_in_the_middle_and_started_again(stage: Stage) -> None:
    stage.inside.ask("refresh_endpoints", 3)
    stage.paid.script(*[Behaviour(hold=True)] * 3)
    addresses = [stage.submit(to="paid") for _ in range(8)]
    wait_for(lambda: stage.paid.held == 3, "calls are under way")
    stage.inside.rest()
    assert stage.product.stop() == 0
    assert not stage.product.left_over()
    stage.paid.release()
    stage.product.start()
    facts = stage.promises(addresses, to="paid")
    assert_ready(facts)
    assert stage.paid.calls == 8

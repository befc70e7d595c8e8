"""Redis carries bells and nothing else: killed, emptied or silent, it delays and loses nothing."""

from __future__ import annotations

import shutil
import signal
import time

import pytest
from redis import Redis

from tests.faults.conftest import ON_POSTGRESQL
from tests.faults.promises import assert_ready
from tests.faults.stage import Stage
from tests.support.endpoint import Behaviour
from tests.support.product import Product, wait_for

pytestmark = ON_POSTGRESQL

# More than every time-out of a socket to Redis (2 s), than a bell's publisher and a page together, and than the time
# after which a worker's sign of life runs out.
SILENT_S = 20.0
# Three time-outs, and some more for a busy machine; without any, one bell took 20 s.
PATIENCE_OF_A_PAGE_S = 18.0


def redis_of(product: Product) -> Redis:
    return Redis(unix_socket_path=str(product.data_dir / "redis" / "redis.sock"))


@pytest.mark.parametrize("harm", ["flushed", "killed", "killed without its file"])
def test_it_loses_everything(stage: Stage, harm: str) -> None:
    stage.local.script(*[Behaviour(hold=True)] * 4)
    addresses = [stage.submit() for _ in range(10)]
    wait_for(lambda: stage.local.held == 4, "calls are under way")
    if harm == "flushed":
        redis_of(stage.product).flushall()
    else:
        if harm == "killed without its file":
            for path in (stage.product.data_dir / "redis").glob("appendonly*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        stage.product.kill("redis")
    addresses.append(stage.submit())
    stage.local.release()
    facts = stage.promises(addresses)
    assert_ready(facts)
    assert stage.local.calls == 11


def test_it_falls_silent_for_longer_than_every_time_out(stage: Stage) -> None:
    stage.local.script(*[Behaviour(hold=True)] * 2)
    addresses = [stage.submit() for _ in range(4)]
    wait_for(lambda: stage.local.held == 2, "calls are under way")
    began = time.monotonic()
    for lane in ("cpu", "calls"):
        stage.inside.ask("ring", lane, 100)  # workers are just hearing bells when it falls silent
    stage.product.kill("redis", signal.SIGSTOP)
    try:
        stage.local.release()  # now, because a call has a deadline
        for _ in range(2):
            asked = time.monotonic()
            addresses.append(stage.submit())
            assert time.monotonic() - asked < PATIENCE_OF_A_PAGE_S, "a silent Redis kept a person waiting"
        wait_for(lambda: time.monotonic() - began > SILENT_S, "it was silent long enough")
    finally:
        stage.product.kill("redis", signal.SIGCONT)
    facts = stage.promises(addresses)
    assert_ready(facts)
    assert stage.local.calls == 6


def test_the_same_bell_thrice(stage: Stage) -> None:
    stage.local.script(default=Behaviour(delay_s=0.2))
    addresses = []
    for _ in range(5):
        addresses.append(stage.submit())
        for lane in ("cpu", "calls"):
            stage.inside.ask("ring", lane, 3)
    facts = stage.promises(addresses)
    assert_ready(facts)
    assert [step["attempt"] for fact in facts for step in fact["steps"]] == [1] * 10
    assert stage.local.calls == 5

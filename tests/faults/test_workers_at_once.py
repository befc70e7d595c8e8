"""Two workers that mean the same step: one that is slow, one that is late, many that race."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext

import psycopg
import pytest

from tests.faults.conftest import ON_POSTGRESQL
from tests.faults.promises import assert_ready, ids_of
from tests.faults.stage import Stage, ended, line, tell
from tests.support.endpoint import Behaviour
from tests.support.product import wait_for

RACERS = 3


@pytest.mark.parametrize("second", ["still at work", "done"])
def test_a_zombie_comes_back_after_its_lease(stage: Stage, second: str) -> None:
    """Stopped in the middle of its call for longer than its lease, with a keeper that doesn't notice."""
    stage.local.script(Behaviour(hold=True), Behaviour(hold=True))
    with stage.frozen("calls"):
        address = stage.submit()
        wait_for(lambda: stage.state(address) == "converting", "its call is next")
        zombie = stage.start("zombie")
        assert line(zombie) == "claimed"
        wait_for(lambda: stage.local.held == 1, "the zombie's call is under way")
        os.kill(zombie.pid, signal.SIGSTOP)
    wait_for(lambda: stage.local.held == 2, "another worker took the step over")
    if second == "done":
        stage.local.release()
        wait_for(lambda: stage.state(address) == "ready", "the other one is done")
    else:
        stage.local.ledger.held[0].set()  # the zombie's answer alone
    before = stage.inside.ask("survey", ids_of([address]))
    os.kill(zombie.pid, signal.SIGCONT)
    ended(zombie)
    after = stage.inside.ask("survey", ids_of([address]))
    assert after[0]["steps"] == before[0]["steps"]
    assert after[0]["events"] == before[0]["events"]
    assert after[0]["output"] == before[0]["output"]
    stage.local.release()
    (fact,) = stage.promises([address])
    assert_ready([fact])
    assert fact["output"].rsplit("/", 1)[1].split("-")[1] == "2"  # the second attempt's file
    assert stage.local.calls == 2


@pytest.mark.parametrize("lane", ["cpu", "calls"])
def test_many_workers_race_for_the_same_steps(stage: Stage, lane: str) -> None:
    stage.local.script(default=Behaviour(delay_s=0.1))
    racers = stage.start("claimer", lane, "4", times=RACERS)
    assert [line(racers) for _ in range(RACERS)] == ["there"] * RACERS
    with stage.frozen("calls"), stage.frozen("cpu") if lane == "cpu" else nullcontext():
        addresses = [stage.submit() for _ in range(8)]
        if lane == "calls":
            wait_for(lambda: set(stage.states(addresses)) == {"converting"}, "their calls are next")
        tell(racers, RACERS)
        claimed = [word for word in ended(racers).splitlines() if word != "nothing"]
    assert len(claimed) == 8, "every step was given to somebody"
    assert len(set(claimed)) == 8, "a step was given to two"
    facts = stage.promises(addresses)
    assert_ready(facts)
    assert stage.local.calls == 8


@ON_POSTGRESQL
@pytest.mark.parametrize("meanwhile", ["cancelled", "ran and failed"])
def test_a_step_that_changes_between_the_look_and_the_lock(stage: Stage, meanwhile: str) -> None:
    """The worker waits for the row of the conversion; what it saw before is no longer true when it has it."""
    with stage.frozen("calls"):
        address = stage.submit()
        wait_for(lambda: stage.state(address) == "converting", "its call is next")
        (key,) = ids_of([address])
        worker = stage.start("claimer", "calls", "1")
        assert line(worker) == "there"
        with psycopg.connect(stage.product.env["DATABASE_URL"]) as connection:
            connection.execute("SELECT 1 FROM conversions_conversion WHERE id = %s FOR UPDATE", [key])
            tell(worker)
            with psycopg.connect(stage.product.env["DATABASE_URL"], autocommit=True) as other:
                wait_for(lambda: waits_for_a_lock(other), "the worker waits for the row")
            change = "status = 'cancelled'" if meanwhile == "cancelled" else "attempt = attempt + 1"
            connection.execute(
                f"UPDATE conversions_step SET {change} WHERE conversion_id = %s AND kind = 'convert'",  # noqa: S608
                [key],
            )
            if meanwhile == "cancelled":
                connection.execute(
                    "UPDATE conversions_conversion SET status = 'cancelled', finished_at = now() WHERE id = %s", [key]
                )
        given = ended(worker).strip()
    if meanwhile == "cancelled":
        assert given == "nothing"
    else:
        assert given.endswith(" 2"), "it looked again"
    (fact,) = stage.promises([address])
    assert fact["status"] == ("cancelled" if meanwhile == "cancelled" else "ready")
    assert stage.local.calls == (0 if meanwhile == "cancelled" else 1)


def waits_for_a_lock(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    ).fetchone()
    return row is not None and row[0] > 0

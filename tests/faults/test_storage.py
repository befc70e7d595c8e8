"""The disk is full, or the storage refuses, when a paid answer comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.promises import assert_ready, ids_of
from tests.faults.stage import Stage
from tests.start.conftest import fill
from tests.support.away import replaced
from tests.support.endpoint import Behaviour
from tests.support.product import wait_for

LARGE_S = 60.0  # 2 MB, more than a database finds in its own files when the disk is full


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = fill(disk)
    try:
        yield
    finally:
        filler.unlink()


def noticed(stage: Stage, addresses: list[str], printed: str) -> bool:
    """The ledger says so; where it is on the same disk it can't, and the log does."""
    calls = [call for fact in stage.inside.ask("survey", ids_of(addresses)) for call in fact["calls"]]
    return any("not_stored" in call["error"] for call in calls) or "disk is full" in printed


@pytest.mark.parametrize("to", ["local", "paid"])
def test_the_disk_is_full_when_the_answer_comes(stage: Stage, small_disk: Path, to: str) -> None:
    endpoint = stage.endpoint(to)
    endpoint.script(Behaviour(hold=True), Behaviour(hold=True))
    addresses = [stage.submit(to=to, voice=f"v{number}", seconds=LARGE_S) for number in range(2)]
    wait_for(lambda: endpoint.held == 2, "both calls are under way")
    printed = len(stage.product.output())
    with full(small_disk):
        endpoint.release()
        wait_for(lambda: noticed(stage, addresses, stage.product.output()[printed:]), "the answers don't fit")
    facts = stage.promises(addresses, to=to, timeout_s=90)
    if to == "paid":
        assert endpoint.calls == 2, "it was paid for again"
        unclear = [fact["id"] for fact in facts if fact["error_code"] == "unclear"]
        stage.inside.ask("press", "retry", unclear)
        facts = stage.promises(addresses, to=to)
    assert_ready(facts)


@pytest.mark.parametrize("to", ["local", "paid"])
def test_the_storage_refuses_for_a_while(stage: Stage, to: str) -> None:
    endpoint = stage.endpoint(to)
    endpoint.script(Behaviour(hold=True))
    address = stage.submit(to=to)
    wait_for(lambda: endpoint.held == 1, "the call is under way")
    printed = len(stage.product.output())
    with replaced(stage.product.data_dir / "media"):
        endpoint.release()
        wait_for(lambda: "can't be stored, trying again" in stage.product.output()[printed:], "it was refused once")
    (fact,) = stage.promises([address], to=to)
    assert_ready([fact])
    assert endpoint.calls == 1
    assert ids_of([address]) == [fact["id"]]

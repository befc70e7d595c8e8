"""Who crunches next: one at a time, short work ahead of long, and nobody for ever last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from s2s.engine import turns
from s2s.engine.turns import Turns
from tests.support.product import wait_for

LONG_S, SHORT_S = 3600.0, 0.0


@pytest.fixture
def order() -> list[str]:
    return []


@pytest.fixture
def crowd(order: list[str]) -> Iterator[Callable[..., None]]:
    """`crowd(turns, "name", done_s)`: somebody who wants a turn, in a thread. Returns when they wait."""
    threads: list[threading.Thread] = []

    def wait_in_line(turns: Turns, name: str, done_s: float) -> None:
        def run() -> None:
            with turns.turn(done_s):
                order.append(name)

        before = len(turns._waiting)
        threads.append(threading.Thread(target=run))
        threads[-1].start()
        wait_for(lambda: len(turns._waiting) == before + 1, f"{name} waits")

    yield wait_in_line
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_short_work_goes_first_and_who_came_first_among_such(order: list[str], crowd: Callable[..., None]) -> None:
    here = Turns()
    with here.turn(LONG_S):
        for name, done_s in (("hour", LONG_S), ("clip", SHORT_S), ("day", 24 * LONG_S), ("other clip", SHORT_S)):
            crowd(here, name, done_s)
    wait_for(lambda: len(order) == 4, "all had their turn")
    assert order == ["clip", "other clip", "hour", "day"]


def test_long_work_gives_way_in_the_middle_of_a_block_and_goes_on_before_other_long_work(
    order: list[str], crowd: Callable[..., None]
) -> None:
    here = Turns()
    with here.turn(LONG_S) as give_way:
        crowd(here, "hour", LONG_S)
        give_way()
        assert order == []  # one long block is not exchanged for another
        crowd(here, "clip", SHORT_S)
        crowd(here, "other clip", SHORT_S)
        give_way()
        assert order == ["clip", "other clip"]
        order.append("back again")
    wait_for(lambda: len(order) == 4, "all had their turn")
    assert order[2:] == ["back again", "hour"]


def test_short_work_gives_way_to_nobody(order: list[str], crowd: Callable[..., None]) -> None:
    here = Turns()
    with here.turn(SHORT_S) as give_way:
        crowd(here, "hour", LONG_S)
        crowd(here, "clip", SHORT_S)
        give_way()
        assert order == []


def test_who_has_waited_too_long_goes_next_and_is_not_interrupted(
    order: list[str], crowd: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, seen = Turns(), []

    def overdue() -> None:
        with here.turn(LONG_S) as give_way:
            crowd(here, "late clip", SHORT_S)
            give_way()
            seen.append(list(order))

    thread = threading.Thread(target=overdue)
    with here.turn(SHORT_S):
        thread.start()
        wait_for(lambda: here._waiting, "it waits")
        crowd(here, "clip", SHORT_S)
        here._waiting[0].since_s -= turns.PATIENCE_S
    thread.join(10)
    assert seen == [[]]
    wait_for(lambda: len(order) == 2, "all had their turn")


def test_a_turn_that_fails_is_passed_on(order: list[str], crowd: Callable[..., None]) -> None:
    here = Turns()

    def broken() -> None:
        with here.turn(LONG_S):
            crowd(here, "next", LONG_S)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        broken()
    wait_for(lambda: order == ["next"], "the next has its turn")

"""Deadlines ring once, in their order, and not when they were cancelled; one thread does it for all."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from s2s.client import timers

PATIENCE_S = 20.0


@pytest.fixture
def rung() -> queue.Queue[str]:
    return queue.Queue()


@contextmanager
def nothing_rings() -> Iterator[None]:
    """Inside, however long it takes."""
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go_on.wait(PATIENCE_S)

    timers.start(0, hold)
    assert held.wait(PATIENCE_S)
    try:
        yield
    finally:
        go_on.set()


@pytest.mark.parametrize("late_s", [0, 0.4], ids=["each at its time", "all too late"])
def test_timers_ring_in_the_order_of_their_time(rung, monkeypatch, late_s):
    now_s = time.monotonic()
    with nothing_rings():
        with monkeypatch.context() as patch:  # no time passes from one start to the next
            patch.setattr(timers, "time", SimpleNamespace(monotonic=lambda: now_s))
            for name, seconds in (("third", 0.3), ("first", 0.05), ("second", 0.15)):
                timers.start(seconds, lambda name=name: rung.put(name))
        time.sleep(late_s)
    assert [rung.get(timeout=PATIENCE_S) for _ in range(3)] == ["first", "second", "third"]


def test_what_was_cancelled_does_not_ring(rung):
    with nothing_rings():
        before = timers.waiting()
        cancelled = timers.start(0.05, lambda: rung.put("cancelled"))
        timers.start(0.2, lambda: rung.put("kept"))
        cancelled.cancel()
        cancelled.cancel()
        assert timers.waiting() == before + 1
    assert rung.get(timeout=PATIENCE_S) == "kept"
    assert rung.empty()


def test_one_thread_watches_all(rung):
    before = threading.active_count()
    waiting = [timers.start(60 + number, lambda: None) for number in range(100)]
    timers.start(0.05, lambda: rung.put("soon"))
    assert rung.get(timeout=PATIENCE_S) == "soon"
    assert threading.active_count() <= before + 1
    for timer in waiting:
        timer.cancel()


def test_one_that_comes_later_but_rings_earlier_is_heard_in_time(rung):
    late = timers.start(60, lambda: rung.put("late"))
    timers.start(0.05, lambda: rung.put("early"))
    assert rung.get(timeout=PATIENCE_S) == "early"
    late.cancel()


def test_a_deadline_that_never_comes_hinders_no_other(rung):
    never = timers.start(float("inf"), lambda: rung.put("never"))
    timers.start(0.2, lambda: rung.put("soon"))
    assert rung.get(timeout=PATIENCE_S) == "soon"
    never.cancel()


def test_a_thread_that_could_not_be_started_is_tried_again(rung, monkeypatch):
    clock = timers._Clock()
    with monkeypatch.context() as patch:
        patch.setattr(
            threading.Thread, "start", lambda _: (_ for _ in ()).throw(RuntimeError("can't start new thread"))
        )
        with pytest.raises(RuntimeError):
            clock.start(0.05, lambda: rung.put("first"))
    clock.start(0.05, lambda: rung.put("second"))
    assert rung.get(timeout=PATIENCE_S) == "second"
    assert clock.waiting() == 0


def test_one_that_fails_leaves_the_others_their_time(rung):
    timers.start(0.05, lambda: 1 / 0)
    timers.start(0.2, lambda: rung.put("next"))
    assert rung.get(timeout=PATIENCE_S) == "next"


def test_a_forked_process_has_a_clock_of_its_own(rung):
    ours = timers.start(0.3, lambda: rung.put("ours"))
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            heard = threading.Event()
            timers.start(0.05, heard.set)
            os.write(writing, b"heard" if heard.wait(PATIENCE_S) else b"")
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:  # noqa: PTH123 - a descriptor
        assert answer.read() == b"heard"
    os.waitpid(pid, 0)
    assert rung.get(timeout=PATIENCE_S) == "ours"
    ours.cancel()

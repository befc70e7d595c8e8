"""Deadlines of many calls, watched by one thread: a thread for each would cost more than most of a call's own work."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Timer:
    """What `start` gives: `cancel` it before its time and it never rings. Twice, or too late, does nothing."""

    def __init__(self, clock: _Clock, due_s: float, work: Callable[[], None]) -> None:
        self._clock = clock
        self.due_s = due_s
        self.work = work

    def cancel(self) -> None:
        self._clock.forget(self)


class _Clock:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._timers: set[Timer] = set()
        self._pid = 0

    def start(self, seconds: float, work: Callable[[], None]) -> Timer:
        timer = Timer(self, time.monotonic() + seconds, work)
        with self._changed:
            if self._pid != os.getpid():  # also after a fork, which leaves threads behind
                threading.Thread(target=self._run, name="deadlines", daemon=True).start()
                self._pid = os.getpid()
            next_s = min((other.due_s for other in self._timers), default=None)
            self._timers.add(timer)
            if next_s is None or timer.due_s < next_s:
                self._changed.notify()
        return timer

    def forget(self, timer: Timer) -> None:
        with self._changed:
            self._timers.discard(timer)

    def waiting(self) -> int:
        """How many have neither rung nor been cancelled."""
        with self._changed:
            return len(self._timers)

    def after_fork(self) -> None:
        self._changed = threading.Condition()  # its holder, if any, was a thread that we do not have
        self._timers = set()

    def _run(self) -> None:
        while True:
            with self._changed:
                now_s = time.monotonic()
                due = [timer for timer in self._timers if timer.due_s <= now_s]
                self._timers.difference_update(due)
                if not due:
                    next_s = min((timer.due_s for timer in self._timers), default=None)
                    self._changed.wait(None if next_s is None else min(next_s - now_s, threading.TIMEOUT_MAX))
            for timer in sorted(due, key=lambda timer: timer.due_s):
                try:
                    timer.work()
                except Exception:  # the others' deadlines are still to come
                    logger.exception("what was to be done at a deadline failed")


_clock = _Clock()
os.register_at_fork(after_in_child=_clock.after_fork)
start, waiting = _clock.start, _clock.waiting

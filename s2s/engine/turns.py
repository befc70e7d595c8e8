"""Whose turn it is to crunch numbers: one request at a time in each process, short ones ahead of long ones.

There is a process for every core, so more at a time would not be faster, and each takes some 150 MB. Long work gives
way between the parts of a block, some tenths of a second each: a clip of a few seconds neither waits for the blocks of
a recording of hours nor is slowed down by them. What was interrupted goes on as soon as no short work waits.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Who has had less than this of its recording converted goes first, among such who came first.
SHORT_S = 15.0
# Who has waited for so long goes next, and is not interrupted: a crowd of clips may not stop long work for ever.
PATIENCE_S = 10.0

GiveWay = Callable[[], None]


class _Turn:
    def __init__(self, number: int, done_s: float) -> None:
        self.is_long = done_s >= SHORT_S
        self.number = number
        self.since_s = 0.0
        self.is_overdue = False

    def waits_too_long(self, now_s: float) -> bool:
        return now_s - self.since_s >= PATIENCE_S


class Turns:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._holder: _Turn | None = None
        self._waiting: list[_Turn] = []

    @contextmanager
    def turn(self, done_s: float) -> Iterator[GiveWay]:
        """Inside, nobody else crunches, but while `give_way`, which is what you get, lets somebody shorter go first.

        `done_s`: how much of the recording is converted. Never held while waiting for a decoder or a listener.
        """
        mine = _Turn(next(self._numbers), done_s)
        self._take(mine)
        try:
            yield lambda: self._give_way(mine)
        finally:
            with self._changed:
                self._pass_on()

    def _give_way(self, mine: _Turn) -> None:
        with self._changed:
            if not mine.is_long or mine.is_overdue or all(other.is_long for other in self._waiting):
                return
            self._pass_on()
        self._take(mine)

    def _take(self, mine: _Turn) -> None:
        with self._changed:
            if self._holder is None:
                self._holder = mine
                return
            mine.since_s = time.monotonic()
            self._waiting.append(mine)
            # Who holds it chooses the next when it passes on: two that wait could disagree about the time.
            self._changed.wait_for(lambda: self._holder is mine)

    def _pass_on(self) -> None:
        """To who has waited too long, else to the shorter ones, else to who came first: what was interrupted did."""
        now_s = time.monotonic()
        self._holder = min(
            self._waiting,
            key=lambda turn: (not turn.waits_too_long(now_s), turn.is_long, turn.number),
            default=None,
        )
        if self._holder is not None:
            self._waiting.remove(self._holder)
            self._holder.is_overdue = self._holder.waits_too_long(now_s)
            self._changed.notify_all()

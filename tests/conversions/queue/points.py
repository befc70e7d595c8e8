"""Points of a worker's life at which something may happen to it.

They are marked around functions that every life passes, so the product knows nothing of them. A worker that dies here
is one process less: its thread unwinds, and whatever the product does on the way is what a crash would not have done,
so nothing but the database's roll-back and the removal of spooled files may depend on it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from conversions.files import durable
from conversions.queue import bells, outcomes
from conversions.queue.leases import LeaseKeeper
from conversions.upkeep import worker
from s2s.client import Client


class Point(StrEnum):
    SENDING = "the call is in the ledger, nothing is sent yet"
    ANSWERED = "the endpoint has answered, nothing is stored yet"
    NO_NOTE = "the answer is stored, its note isn't"
    STORED = "the answer is stored with its note, the database doesn't know"
    WRITTEN = "the outcome is written, not committed"
    COMMITTED = "the outcome is committed, no bell has rung"


# A worker may be suspended here for long: it is in no transaction.
BETWEEN_WRITES = (Point.SENDING, Point.ANSWERED, Point.NO_NOTE, Point.STORED)


class Died(BaseException):
    """The process was killed. Nothing may catch it, as nothing catches SIGKILL."""


class Points:
    """What is to happen where; it happens once, to the first who comes there."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.reached: set[Point] = set()
        self._armed: tuple[Point, Callable[[], object]] | None = None
        patch.setattr(worker, "keeper", Suspended())
        self._mark_call(patch)
        self._mark_storing(patch)
        self._mark_writing(patch)

    @contextlib.contextmanager
    def at(self, point: Point, happening: Callable[[], object]) -> Iterator[None]:
        """Within, `happening` happens at `point`. Ends quietly when it was death."""
        self._armed = (point, happening)
        try:
            yield
        except Died:
            pass
        finally:
            self._armed = None

    def _reach(self, point: Point) -> None:
        self.reached.add(point)
        if self._armed is not None and self._armed[0] is point:
            happening, self._armed = self._armed[1], None
            happening()

    def _mark_call(self, patch: pytest.MonkeyPatch) -> None:
        convert = Client.convert

        def marked(*args: Any, **kwargs: Any) -> Any:
            self._reach(Point.SENDING)
            answer = convert(*args, **kwargs)
            try:
                self._reach(Point.ANSWERED)
            except BaseException:
                answer.close()
                raise
            return answer

        patch.setattr(Client, "convert", marked)

    def _mark_storing(self, patch: pytest.MonkeyPatch) -> None:
        store_result, replace = durable.store_result, Path.replace

        def marked_store(*args: Any, **kwargs: Any) -> durable.Result:
            result = store_result(*args, **kwargs)
            self._reach(Point.STORED)
            return result

        def marked_replace(beside: Path, target: Path) -> Path:
            if target.suffix == ".json":  # the answer has its name by now
                self._reach(Point.NO_NOTE)
            return replace(beside, target)

        patch.setattr(durable, "store_result", marked_store)
        patch.setattr(Path, "replace", marked_replace)

    def _mark_writing(self, patch: pytest.MonkeyPatch) -> None:
        leave, ring = outcomes.leave, bells.ring

        def marked_leave(*args: Any, **kwargs: Any) -> None:
            leave(*args, **kwargs)
            self._reach(Point.WRITTEN)

        def marked_ring(*args: Any, **kwargs: Any) -> None:
            self._reach(Point.COMMITTED)
            ring(*args, **kwargs)

        patch.setattr(outcomes, "leave", marked_leave)
        patch.setattr(bells, "ring", marked_ring)


class Suspended(LeaseKeeper):
    """Of a process that gets no time: it renews no lease, nor does it hear that it has lost one."""

    def _ensure_thread(self) -> None:
        """None."""

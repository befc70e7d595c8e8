"""How many requests are at work, counted over all processes of the engine, without a leak when one is killed.

A slot is a file with an exclusive lock (flock(2)) on it. The lock belongs to the open file, so that threads of one
process exclude each other too, and the kernel takes it back however the process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from s2s.closing import Closing
from s2s.contract import TOO_MANY_CONCURRENT
from s2s.engine.errors import Refusal

logger = logging.getLogger(__name__)

# Looking takes some microseconds. Who has stopped in the middle of it must not stop everybody else.
_GATE_PATIENCE_S = 0.5
_GATE_POLL_S = 0.001


class Slot(Closing):
    """A place among the requests at work, until `close` or the end of its `with` block. Twice does nothing."""

    def __init__(self, slots: Slots, fd: int | None, taken: int) -> None:
        self._slots: Slots | None = slots
        self._fd = fd
        self.headers = concurrency_headers(taken, slots.maximum)

    def close(self) -> None:
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.give_back(self._fd)


class Slots:
    """At most `maximum` requests at a time in all processes that share `folder`; None: in this one.

    Where files cannot be locked (no such folder, no permission, no room for another file) this process counts for
    itself: a full disk is no reason to refuse work.
    """

    def __init__(self, folder: Path | None, maximum: int) -> None:
        self.maximum = maximum
        self._folder = folder
        self._here = 0
        self._lock = threading.Lock()

    def take(self) -> Slot:
        """Raises Refusal 429 when all are taken."""
        with self._lock:
            fd, taken = None, self._here
            if self._folder is not None:
                try:
                    fd, taken = self._lock_one(self._folder)
                except OSError as error:
                    logger.warning("requests are counted for each process: %s", error)
            if taken >= self.maximum:
                raise Refusal(429, _TOO_MANY, concurrency_headers(taken, self.maximum))
            self._here += 1
        return Slot(self, fd, taken + 1)

    def give_back(self, fd: int | None) -> None:
        with self._lock:
            self._here -= 1
        if fd is not None:
            os.close(fd)

    def _lock_one(self, folder: Path) -> tuple[int | None, int]:
        """A locked file, if one was free, and how many others are locked. Raises OSError, with nothing open."""
        folder.mkdir(parents=True, exist_ok=True)
        ours, taken = None, 0
        with contextlib.ExitStack() as undo, _gate(folder):
            for number in range(self.maximum):
                fd = _open(folder / f"{number}.lock")
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    taken += 1
                    os.close(fd)
                    continue
                except OSError:
                    os.close(fd)
                    raise
                if ours is None:
                    ours = fd
                    undo.callback(os.close, fd)
                else:
                    os.close(fd)
            undo.pop_all()
        return ours, taken


@contextlib.contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """One process looks at a time: looking locks what is free, and must not be seen as taking it."""
    fd = _open(folder / "gate.lock")
    try:
        give_up_at = time.monotonic() + _GATE_PATIENCE_S
        while time.monotonic() < give_up_at:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_GATE_POLL_S)
        yield
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def concurrency_headers(taken: int, maximum: int) -> dict[str, str]:
    """What the contract says with every answer that has sound in it, and with a 429."""
    return {"current-concurrent-requests": str(taken), "maximum-concurrent-requests": str(maximum)}


_TOO_MANY = {
    "status": TOO_MANY_CONCURRENT,
    "message": "As many requests are at work as the engine takes at a time. Try again when one has finished.",
}

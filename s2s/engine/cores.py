"""Which cores are idle: how many threads crunch numbers at a time, counted over all processes of the engine.

A core is a file with an exclusive lock (flock(2)) on it, as a slot is (`concurrency`): the kernel takes it back however
the process ends. Nothing waits for one: who has a turn (`turns`) crunches anyhow, and only help needs an idle core.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Cores:
    """`count` cores, shared by all processes that name the same `folder`; None: there is none to spare."""

    def __init__(self, folder: Path | None, count: int) -> None:
        self._folder = folder
        self._count = count

    @property
    def helpers(self) -> int:
        """How many threads may at best help one that crunches."""
        return 0 if self._folder is None else self._count - 1

    def take(self) -> int | None:
        """A core that was idle, to be given back; None when all are busy, or files can't be locked."""
        if self._folder is None:
            return None
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for number in range(self._count):
                fd = os.open(self._folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return fd
                except OSError:
                    os.close(fd)
        return None

    @staticmethod
    def give_back(core: int | None) -> None:
        if core is not None:
            os.close(core)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Inside, one is taken, if one is idle: for who crunches anyhow."""
        core = self.take()
        try:
            yield
        finally:
            self.give_back(core)

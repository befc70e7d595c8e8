"""One process of a cpu worker is for short work: what takes long may have all the others.

A place is a byte of a file that the worker's processes share, with a record lock on it (fcntl(2)). Such a lock belongs
to its process: the kernel takes it back, however that ends, and whoever is forked later doesn't have it. A worker with
a single process keeps nothing back, nor does one of threads, which waits for others to compute.
"""

from __future__ import annotations

import fcntl
import tempfile
from typing import IO


class Places:
    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._count = 0

    def share(self, processes: int) -> None:
        """In a worker's main process, before it forks so many."""
        self._count = processes - 1
        if self._count > 0:
            self._file = tempfile.TemporaryFile(prefix="timbre-places-")  # noqa: SIM115 - for its life

    def take(self) -> bool:
        """Whether this process may do something long now. It has its place until `leave`, or until it asks again."""
        self.leave()  # another may be free by now, and it would have two
        return self._file is None or any(_lock(self._file, place) for place in range(self._count))

    def leave(self) -> None:
        if self._file is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


def _lock(file: IO[bytes], place: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except (BlockingIOError, PermissionError):  # either, by POSIX: another process has it
        return False
    return True


places = Places()

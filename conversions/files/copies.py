"""One copy of a recording on a worker's disk for all of its pieces, where files lie in a bucket.

Each piece is cut out of the recording by its own call. The first of them fetches it, those that run beside it and soon
after read the same copy. It has no name: it is gone with the process, also after a crash. Nothing is kept of zero
retention, nor where something went wrong, say because the conversion was deleted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from conversions.files import durable

KEPT_S: Final = 30.0  # after its last piece: the next one is usually claimed at once
MOST_KEPT: Final = 4  # that nobody reads just now
# Opened by it, the same file has a position of its own for each who reads (proc(5)); elsewhere each fetches its own.
_OPEN_FILES: Final = Path("/proc/self/fd")


@dataclass(eq=False)
class _Copy:
    fetching: threading.Lock = field(default_factory=threading.Lock)
    file: BufferedReader | None = None
    readers: int = 0
    left_at: float = 0.0


_lock = threading.Lock()
_copies: dict[str, _Copy] = {}
_tidying = threading.Event()  # a thread forgets what has its time behind it


@contextmanager
def reading(key: str, *, may_stay: bool) -> Iterator[BinaryIO]:
    """A real file with a position of its own, as `durable.open_file`. `may_stay`: for a moment, for who comes next.

    Raises FileNotFoundError.
    """
    if durable.free_bytes() is not None or not _OPEN_FILES.exists():
        with durable.open_file(key) as file:
            yield file
        return
    copy = _taken(key)
    stays = False
    try:
        with _opened(key, copy) as file:
            yield file
        stays = may_stay
    finally:
        _left(key, copy, stays=stays)


def forget(*, left_before: float) -> None:
    """Those that nobody reads, and nobody has since that moment of the monotonic clock."""
    with _lock:
        for key, copy in list(_copies.items()):
            if not copy.readers and copy.left_at <= left_before:
                _drop(key, copy)


def _taken(key: str) -> _Copy:
    with _lock:
        copy = _copies.setdefault(key, _Copy())
        copy.readers += 1
        return copy


def _opened(key: str, copy: _Copy) -> BinaryIO:
    with copy.fetching:  # the others wait for the one who fetches; where that fails, each tries it itself
        if copy.file is None:
            copy.file = durable.open_file(key)
        return (_OPEN_FILES / str(copy.file.fileno())).open("rb")


def _left(key: str, copy: _Copy, *, stays: bool) -> None:
    with _lock:
        copy.readers -= 1
        copy.left_at = time.monotonic()
        if copy.readers:
            return
        if not stays or copy.file is None:
            _drop(key, copy)
            return
        unread = sorted((other.left_at, name) for name, other in _copies.items() if not other.readers)
        for _, name in unread[:-MOST_KEPT]:
            _drop(name, _copies[name])
        if not _tidying.is_set():
            _tidying.set()
            threading.Thread(target=_tidy, name="copies", daemon=True).start()


def _tidy() -> None:
    """As long as there is any."""
    while True:
        time.sleep(KEPT_S / 2)
        forget(left_before=time.monotonic() - KEPT_S)
        with _lock:
            if not _copies:
                _tidying.clear()
                return


def _drop(key: str, copy: _Copy) -> None:
    if _copies.get(key) is copy:
        del _copies[key]
    if copy.file is not None:
        copy.file.close()

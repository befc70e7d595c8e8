"""A recording as a file descriptor that can be handed to another process."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from s2s.audio.errors import AudioError

_COPY_BYTES: Final = 1 << 18


@contextlib.contextmanager
def opened(source: BinaryIO) -> Iterator[int]:
    """A descriptor of all bytes of `source`, from the first, whatever its position is; that is left as it was.

    A regular file is passed on, read-only where the system can do that; anything else is copied to memory
    (Linux) or to a temporary file without a name. Raises `AudioError` (empty).
    """
    fd = _reopened(source)
    if fd is None:
        fd = _copied(source)
    try:
        if os.fstat(fd).st_size == 0:
            raise AudioError("empty")
        yield fd
    finally:
        os.close(fd)


def _reopened(source: BinaryIO) -> int | None:
    try:
        fd = source.fileno()
    except (AttributeError, OSError):  # io.UnsupportedOperation is one
        return None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return None
    if source.writable():
        source.flush()
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return os.dup(fd)


def _copied(source: BinaryIO) -> int:
    with contextlib.ExitStack() as stack:
        position = None
        if source.seekable():
            position = source.tell()
            stack.callback(source.seek, position)
            source.seek(0)
        copy = stack.enter_context(_nameless_file())
        shutil.copyfileobj(source, copy, _COPY_BYTES)
        copy.flush()
        return os.dup(copy.fileno())


def _nameless_file() -> BinaryIO:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("recording"), "w+b")
    return cast("BinaryIO", tempfile.TemporaryFile())

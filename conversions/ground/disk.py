"""The disk that holds the recordings: its room, and how what arrives gets onto it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from django.conf import settings

# A large file goes in larger pieces, which cost less each byte: an eighth of what has come.
_AT_LEAST, _AT_MOST = 1 << 20, 1 << 23
_syncing = ThreadPoolExecutor(os.cpu_count() or 1, "sync")
# For headers, and for rows about what is written.
AT_LEAST_FREE = 1 << 20


def free_bytes() -> int:
    return shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR).free


def require(size: int) -> None:
    """For something that is about to be written. Raises OSError (ENOSPC) where it would not fit."""
    if free_bytes() < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class WriteOut:
    """Sends a file that is arriving to the disk as it grows, so that its fsync finds little left to wait for.

    By posix_fadvise(2): on Linux, DONTNEED begins to write dirty pages, and drops only those that are clean. Each page
    is named once, right after it was written, so that it stays in memory for who reads it next.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begun = 0

    def grown_to(self, size: int) -> None:
        """`size`: bytes written so far."""
        enough = min(max(_AT_LEAST, size // 8), _AT_MOST)
        if size - self._begun >= enough and hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # it is only advice
                os.posix_fadvise(self._descriptor, self._begun, size - self._begun, os.POSIX_FADV_DONTNEED)
            self._begun = size


def begin_sync(descriptor: int, size: int) -> Callable[[], None]:
    """The fsync of a file of `size` bytes, while its caller looks at it. What is returned waits for it; raises OSError.

    Of a small file it is done by who waits: to wake another thread costs more than it saves. So is that of a large
    one, which would keep the others back, and one that no thread has begun by then.
    """
    if not _AT_LEAST <= size <= _AT_MOST:
        return partial(os.fsync, descriptor)
    try:
        own = os.dup(descriptor)  # the other may be closed meanwhile
    except OSError:  # no more files can be open
        return partial(os.fsync, descriptor)
    try:
        begun = _syncing.submit(os.fsync, own)
    except RuntimeError:  # the process ends, and takes no more of that
        os.close(own)
        return partial(os.fsync, descriptor)
    begun.add_done_callback(lambda _done: os.close(own))
    return lambda: os.fsync(descriptor) if begun.cancel() else begun.result()

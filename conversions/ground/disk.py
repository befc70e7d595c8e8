"""The disk that holds the recordings: its room, and how what arrives gets onto it."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress

from django.conf import settings

# A large file goes in larger pieces, which cost less each byte: an eighth of what has come.
_AT_LEAST, _AT_MOST = 1 << 20, 1 << 23


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

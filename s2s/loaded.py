"""What a process has loaded before its work begins."""

from __future__ import annotations

import ctypes
import gc


def keep() -> None:
    """All of it stays: garbage collection, which would look through it for 50 ms at a time and write into pages that
    forks share, doesn't any more. What loading took beside it goes back to the system, where the C library can do that
    (malloc_trim(3), glibc's)."""
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

"""When a call may be repeated, and after how long a pause."""

from __future__ import annotations

import random
import time

from s2s.client.errors import Busy, NotSent
from s2s.client.options import Options

FIRST_PAUSE_S = 0.5
# Who is sent away for longer gets the error with its `retry_after_s`: a thread is not to be held for an hour.
MAX_PAUSE_S = 60.0
# Who was silent for the whole of a time-out isn't waited for again: three times two minutes would help nobody.
_SILENT = frozenset({"read_timeout", "write_timeout", "deadline"})


class Patience:
    """Of one call: how many attempts and how much time are left."""

    def __init__(self, options: Options) -> None:
        self._retries = options.retries
        self._repeated = 0
        self._ends_at = None if options.total_s is None else time.monotonic() + options.total_s

    def left_s(self) -> float | None:
        """Until the deadline; 0 when it has passed, None when there is none."""
        return None if self._ends_at is None else max(self._ends_at - time.monotonic(), 0.0)

    def pause_s(self, error: NotSent | Busy) -> float | None:
        """Before the next attempt; None if there shall be none. Counts the attempt as made.

        Never shorter than `Retry-After`; else doubling, jittered on the upper half as the queue's are.
        """
        if self._repeated >= self._retries or error.code in _SILENT:
            return None
        pause_s = error.retry_after_s
        if pause_s is None:
            top_s = FIRST_PAUSE_S * 2**self._repeated
            pause_s = min(top_s, MAX_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311
        left_s = self.left_s()
        if pause_s > MAX_PAUSE_S or (left_s is not None and pause_s >= left_s):
            return None
        self._repeated += 1
        return pause_s

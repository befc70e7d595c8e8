"""A long answer while it comes: how much of it there is, and what of it can be heard already.

An endpoint that answers as it goes shows by that how far it is, and what it has made. None of this is needed for the
answer itself: what goes wrong here ends no call, and a short one pays nothing for it.
"""

from __future__ import annotations

import logging
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import BinaryIO

from conversions.files import beginnings, durable
from conversions.ground import disk
from conversions.queue import shares
from conversions.queue.claim import Claim
from conversions.queue.shares import Share

logger = logging.getLogger(__name__)

# What comes within NOTE_EVERY_S of the first byte is there before anybody could listen. What is heard is added to no
# more often, and no less often than this: there are hundreds of parts after hours, not thousands.
KEPT_AT_LEAST_EVERY_S = 30.0
PART_BYTES = 4 << 20
# One for all calls of the process: a storage that hangs keeps nothing from being received.
_pen = ThreadPoolExecutor(1, "beginning")


class Coming:
    """An answer of `expected_bytes` or so, of a call with this claim. `is_result`: it can be listened to as it is."""

    def __init__(self, claim: Claim, expected_bytes: int, *, is_result: bool) -> None:
        self._claim = claim
        self.expected_bytes = expected_bytes
        self._is_heard = is_result
        self._key = durable.result_key(claim.conversion_id, claim.step_id, claim.attempt, claim.token)
        self._share: Share | None = None
        self._began_at = self._kept_at = 0.0
        self._size = 0
        self._descriptor: int | None = None
        self._kept_bytes = 0
        self._keeping: Future[None] | None = None

    def grown_to(self, file: BinaryIO, size: int) -> None:
        """Told after each chunk: so many bytes are in `file`."""
        if not self._claim.is_long:
            return
        now = time.monotonic()
        if self._share is None:
            self._share = Share(self._claim, self.expected_bytes)
            self._began_at = self._kept_at = now
        self._share.add(size - self._size)
        self._size = size
        pause_s = max(shares.NOTE_EVERY_S, min((now - self._began_at) / 8, KEPT_AT_LEAST_EVERY_S))
        if self._is_heard and now - self._kept_at >= pause_s and (self._keeping is None or self._keeping.done()):
            if self._descriptor is None:
                self._descriptor = os.dup(file.fileno())
            self._kept_at = now
            self._keeping = _pen.submit(self._keep, self._descriptor, size)

    def close(self) -> None:
        """The answer is known, or lost: nobody needs what was heard of it."""
        self._is_heard = False
        if self._descriptor is not None:
            with suppress(RuntimeError):  # the process ends: whoever takes the step up clears it away
                _pen.submit(self._forget, self._descriptor)

    def _keep(self, descriptor: int, size: int) -> None:
        try:
            while self._is_heard and self._kept_bytes < size:
                length = min(size - self._kept_bytes, PART_BYTES)
                # What the answer itself still needs is never taken.
                disk.require(max(0, self.expected_bytes - size) + length + disk.AT_LEAST_FREE)
                beginnings.keep(self._key, self._kept_bytes, os.pread(descriptor, length, self._kept_bytes))
                self._kept_bytes += length
        except OSError as error:
            self._is_heard = False
            logger.warning("what has come of the answer to step %s can't be heard: %s", self._claim.step_id, error)
        if self._kept_bytes:
            shares.note(self._claim, begun=beginnings.address_of(self._key, self._kept_bytes))

    def _forget(self, descriptor: int) -> None:
        os.close(descriptor)
        try:
            beginnings.forget(self._key)
        except OSError as error:  # housekeeping comes back for it
            logger.warning("what was heard of step %s can't be deleted now: %s", self._claim.step_id, error)

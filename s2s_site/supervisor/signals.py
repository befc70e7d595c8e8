"""Signals, turned into something a loop can wait for."""

from __future__ import annotations

import os
import select
import signal
import time
from types import FrameType

_ONE_PRESS_S = 0.3


class Signals:
    """Counts the requests to stop, and wakes the loop for them and for the death of a child."""

    def __init__(self) -> None:
        self.stop_requests = 0
        self._last_request = 0.0
        self._awake, self._bell = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._bell, False)
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _do_nothing)
        signal.signal(signal.SIGINT, self._request_stop)
        signal.signal(signal.SIGTERM, self._request_stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means: go on without the terminal
            signal.signal(signal.SIGHUP, self._request_stop)

    def wait(self, timeout_s: float) -> None:
        """Until a signal comes, at most `timeout_s`."""
        select.select([self._awake], [], [], max(0.0, timeout_s))
        try:
            while os.read(self._awake, 4096):
                pass
        except BlockingIOError:
            pass

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        # timeout(1) and some terminals send one request twice; only a later one means "at once".
        now = time.monotonic()
        if self.stop_requests == 0 or now - self._last_request > _ONE_PRESS_S:
            self.stop_requests += 1
        self._last_request = now


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Python wakes the loop only for signals that have a handler."""

"""A slow machine: processes that may run for a share of the time, whatever they do.

They are stopped and let go on (SIGSTOP, SIGCONT) five times a second, as cpulimit does it. What they compute takes so
many times as long, on one core and on all; nothing else of the product is touched, no clock runs slower, and no root is
needed, as it would be for a quota of the kernel's. Each of these pauses is shorter than anything waits for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.measure import tree

_PERIOD_S = 0.2


@dataclass
class Share:
    """Of the time that has passed, in which they ran: what was meant, and what came of it on a busy machine."""

    ran_s: float = 0.0
    passed_s: float = 0.0
    stood_still_s: float = 0.0  # the longest: a virtual machine that its host has paused, say

    @property
    def of_time(self) -> float:
        return self.ran_s / self.passed_s if self.passed_s else 1.0


@contextlib.contextmanager
def slowed(pid: int, times: float) -> Iterator[Share]:
    """Inside, `pid` and what it has started run for one part in `times` of the time. 1: they aren't touched."""
    share, enough = Share(), threading.Event()
    thread = threading.Thread(target=_slow, args=(pid, times, share, enough), daemon=True)
    if times > 1:
        thread.start()
    try:
        yield share
    finally:
        enough.set()
        if times > 1:
            thread.join()


def _slow(pid: int, times: float, share: Share, enough: threading.Event) -> None:
    """What is late in being stopped is stopped for longer: the share holds over the whole."""
    stopped: list[int] = []
    began, looked_at = time.monotonic(), time.time()
    try:
        while not enough.is_set():
            before, looked_at = looked_at, time.time()
            share.stood_still_s = max(share.stood_still_s, looked_at - before)
            let_go = time.monotonic()
            _send(stopped, signal.SIGCONT)
            stopped = []
            enough.wait(_PERIOD_S / times)
            stopped = tree(pid)  # some of them may be new
            _send(stopped, signal.SIGSTOP)
            now = time.monotonic()
            share.ran_s += now - let_go
            share.passed_s = now - began
            enough.wait(max(0.0, share.ran_s * times - share.passed_s))
            share.passed_s = time.monotonic() - began
    finally:
        _send(stopped, signal.SIGCONT)


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.kill(pid, number)

"""Waiting for what happens in a call, and ending it there: nothing depends on how fast the machine is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from s2s.client import Abort, EndpointError, NotSent
from s2s.client.abort import _Sleeper

# Far above what an end takes on a busy machine, far below the time-outs that would end the call otherwise.
AT_ONCE_S = 30


@contextmanager
def ended_at_once() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < AT_ONCE_S


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + AT_ONCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def abort_when(condition: Callable[[], object], abort: Abort) -> threading.Thread:
    def watch() -> None:
        while not condition():
            time.sleep(0.005)
        abort.abort()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def pauses(abort: Abort) -> bool:
    """Whether a call that was given it waits for its next attempt."""
    with abort._lock:
        return any(isinstance(line, _Sleeper) for line in abort._lines)


def after_sending(call: Callable[[float], EndpointError]) -> EndpointError:
    """What a call ends with whose deadline comes once it was sent. On a busy machine a short one comes before."""
    for deadline_s in (0.25, 1.0, 4.0):
        error = call(deadline_s)
        if not isinstance(error, NotSent):
            break
    return error

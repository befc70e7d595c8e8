"""Ending a call from another thread or task, by a person's wish or by its deadline."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from inspect import isawaitable
from typing import Any, Literal, Protocol

from s2s.client import timers

CutReason = Literal["aborted", "deadline"]
OnSent = Callable[[], Awaitable[None] | None]

# Idle for so many seconds, then a question each so many, given up after so many without an answer. What macOS calls
# the first of them has another name.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}


class Timer(Protocol):
    def cancel(self) -> object: ...


StartTimer = Callable[[float, Callable[[], None]], Timer]


class _Cuttable(Protocol):
    def cut(self, reason: CutReason) -> None: ...


class Abort:
    """Hand it to calls; `abort()` from any thread ends them at once, and every later call given it.

    Before anything was sent the call raises `Aborted`, afterwards `Unclear`. While a connection is being made there is
    no socket to shut down yet: then the call ends when that is over, after the resolver's time for the name and
    `Timeouts.connect_s` per address at most.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aborted = False
        self._lines: set[_Cuttable] = set()

    @property
    def aborted(self) -> bool:
        return self._aborted

    def abort(self) -> None:
        with self._lock:
            self._aborted = True
            lines = list(self._lines)
        for line in lines:
            line.cut("aborted")

    @contextmanager
    def _waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Inside, an abort calls `wake`, in the thread that aborts; at once if it came before."""
        sleeper = _Sleeper(wake)
        self._attach(sleeper)
        try:
            yield
        finally:
            self._detach(sleeper)

    def _attach(self, line: _Cuttable) -> None:
        with self._lock:
            self._lines.add(line)
            aborted = self._aborted
        if aborted:
            line.cut("aborted")

    def _detach(self, line: _Cuttable) -> None:
        with self._lock:
            self._lines.discard(line)


class _Sleeper:
    """A pause between two attempts."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake

    def cut(self, reason: CutReason) -> None:
        self._wake()


class Line:
    """One call's connection as seen through httpx's `trace`: has sending begun, and how to cut it.

    Closing an httpx client doesn't wake a thread that is blocked on its socket; `shutdown` does.
    """

    # How the events end that `trace` listens to: three of a dozen that each call has.
    HEARD = ("connect_tcp.started", "connect_tcp.complete", "send_request_headers.started")

    def __init__(
        self,
        deadline_s: float | None = None,
        abort: Abort | None = None,
        on_sent: OnSent | None = None,
        start_timer: StartTimer = timers.start,
    ) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._closed = False
        self.deadline_s = deadline_s
        self._abort = abort
        self._on_sent = on_sent
        self.connecting = False
        self.sent = False
        self.on_sent_error: Exception | None = None
        self.cut_by: CutReason | None = "deadline" if deadline_s is not None and deadline_s <= 0 else None
        self._ends_at = None if deadline_s is None else time.monotonic() + deadline_s
        self._timer: Timer | None = None
        if deadline_s is not None and not self.cut_by:
            self._timer = start_timer(deadline_s, lambda: self.cut("deadline"))
        if abort is not None:
            abort._attach(self)

    @property
    def overdue(self) -> bool:
        """The deadline has passed. On a busy machine another time-out of the same length may come before its timer."""
        return self._ends_at is not None and time.monotonic() >= self._ends_at

    def cut(self, reason: CutReason) -> None:
        """End the call now. The first reason stays; a closed line is left alone."""
        with self._lock:
            if self._closed:
                return
            self.cut_by = self.cut_by or reason
            self._shut_down()

    def close(self) -> None:
        """The call is over. May be called twice."""
        with self._lock:
            self._closed = True
            sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._abort is not None:
            self._abort._detach(self)

    def check(self) -> None:
        """Raises `LineCut` if the call was ended."""
        if self.cut_by:
            raise LineCut(self.cut_by)

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """httpx's `trace` request extension; `event` is e.g. `connection.connect_tcp.complete`."""
        step = event.partition(".")[2]
        if step == "connect_tcp.started":
            self.connecting = True
        elif step == "connect_tcp.complete":
            self._connected(info["return_value"].get_extra_info("socket"))
        elif step == "send_request_headers.started" and info["request"].method != b"CONNECT":
            # CONNECT goes to a proxy and carries nothing of ours.
            await self.begin_sending()

    async def begin_sending(self) -> None:
        """The next byte is the request's first. Raises `LineCut` if the call was ended, or what `on_sent` raises."""
        if self.sent:
            return
        self.check()
        if self._on_sent is not None:
            try:
                waiting = self._on_sent()
                if isawaitable(waiting):
                    await waiting
            except Exception as error:
                self.on_sent_error = error
                raise
        with self._lock:
            self.check()
            self.sent = True

    def _connected(self, sock: socket.socket | None) -> None:
        if sock is None:
            return
        # A duplicate: TLS takes the descriptor away from the original, and a number that httpx has closed may be
        # another connection's by the time we'd shut it down. It is also a plain socket, so that shutting it down
        # doesn't take the encryption off the original first, as SSLSocket.shutdown does.
        # By the descriptor, since the stand-ins of event loops have no dup().
        duplicate = socket.socket(fileno=os.dup(sock.fileno()))
        _keep_alive(duplicate)
        with self._lock:
            if self._closed:
                duplicate.close()
                return
            self._socket, former = duplicate, self._socket
            if self.cut_by:
                self._shut_down()
        if former is not None:
            former.close()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the other side was quicker
                self._socket.shutdown(socket.SHUT_RDWR)


def _keep_alive(sock: socket.socket) -> None:
    """A host that has vanished without a word (RFC 9293, 3.8.4) is found in a minute and a half, however long an answer
    may take: a time-out that is as patient as the endpoint is slow wouldn't."""
    with suppress(OSError):  # no TCP, as to a stand-in
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE.items():
            if (option := getattr(socket, name, None)) is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


class LineCut(Exception):
    """Raised inside the call itself where it finds its line cut; never leaves this package."""

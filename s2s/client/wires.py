"""The two ways to wait: in a thread, and in an asyncio event loop. All that differs between the clients is here.

How a call goes (`s2s.client.calls`) is written once, as coroutines. Over a `ThreadWire` none of them ever waits for an
event loop, so that `finish` runs them to their end like a function.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import nullcontext, suppress
from typing import Any, Generic, TypeVar

import httpx

from s2s.client import timers
from s2s.client.abort import Abort, Line, StartTimer, Timer

T = TypeVar("T")
Http = TypeVar("Http", bound=httpx.Client | httpx.AsyncClient)
Pull = Callable[[], Awaitable[bytes | None]]
"""Brings the next piece of a body, None at its end."""

_PIECE_BYTES = 1 << 18


def finish(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing. Raises RuntimeError for one that does."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("a coroutine that waits was given to the sync client")


class Wire(ABC, Generic[Http]):
    def __init__(self, http: Http, *, traced: bool) -> None:
        self._http = http
        # Other transports than httpx's own don't say when they send: then it counts as sent from the start.
        self.traced = traced

    def build(self, method: str, url: httpx.URL, **parts: Any) -> httpx.Request:
        """Reads an upload's size, so it may block on a file."""
        request = self._http.build_request(method, url, **parts)
        if method == "POST":
            assert isinstance(request.stream, httpx.SyncByteStream)
            request.stream = _Joined(request.stream)
        return request

    @abstractmethod
    async def send(self, request: httpx.Request) -> httpx.Response: ...

    @abstractmethod
    def body(self, response: httpx.Response, chunk_bytes: int | None) -> Pull: ...

    @abstractmethod
    async def close(self, response: httpx.Response) -> None: ...

    @abstractmethod
    async def run(self, work: Callable[[], T]) -> T:
        """Work that blocks, as on a file."""

    @abstractmethod
    def run_soon(self, work: Callable[[], None]) -> None:
        """The same, where nobody waits for its end."""

    @abstractmethod
    async def pause(self, seconds: float, abort: Abort | None) -> None:
        """Ends early on an abort."""

    @abstractmethod
    def trace(self, line: Line) -> Callable[[str, dict[str, Any]], object]: ...

    @property
    @abstractmethod
    def start_timer(self) -> StartTimer: ...


class _Joined(httpx.SyncByteStream):
    """An upload in a few large pieces. httpx makes one of every boundary and header, and each is sent by itself."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        held, size = [], 0
        for piece in self._stream:
            held.append(piece)
            size += len(piece)
            if size >= _PIECE_BYTES:
                yield b"".join(held)
                held, size = [], 0
        if held:
            yield b"".join(held)


class ThreadWire(Wire[httpx.Client]):
    async def send(self, request: httpx.Request) -> httpx.Response:
        return self._http.send(request, stream=True)

    def body(self, response: httpx.Response, chunk_bytes: int | None) -> Pull:
        chunks = response.iter_bytes(chunk_bytes)

        async def pull() -> bytes | None:
            return next(chunks, None)

        return pull

    async def close(self, response: httpx.Response) -> None:
        response.close()

    async def run(self, work: Callable[[], T]) -> T:
        return work()

    def run_soon(self, work: Callable[[], None]) -> None:
        work()

    async def pause(self, seconds: float, abort: Abort | None) -> None:
        woken = threading.Event()
        with abort._waking(woken.set) if abort else nullcontext():
            woken.wait(seconds)

    def trace(self, line: Line) -> Callable[[str, dict[str, Any]], object]:
        return lambda event, info: finish(line.trace(event, info)) if event.endswith(Line.HEARD) else None

    @property
    def start_timer(self) -> StartTimer:
        return timers.start


class LoopWire(Wire[httpx.AsyncClient]):
    async def send(self, request: httpx.Request) -> httpx.Response:
        if isinstance(request.stream, _Joined):
            request.stream = _ReadInThread(request.stream)
        return await self._http.send(request, stream=True)

    def body(self, response: httpx.Response, chunk_bytes: int | None) -> Pull:
        chunks = response.aiter_bytes(chunk_bytes)

        async def pull() -> bytes | None:
            return await anext(chunks, None)

        return pull

    async def close(self, response: httpx.Response) -> None:
        await response.aclose()

    async def run(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)

    def run_soon(self, work: Callable[[], None]) -> None:
        asyncio.get_running_loop().run_in_executor(None, work)

    async def pause(self, seconds: float, abort: Abort | None) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        with abort._waking(wake) if abort else nullcontext(), suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await woken.wait()

    def trace(self, line: Line) -> Callable[[str, dict[str, Any]], object]:
        return line.trace

    @property
    def start_timer(self) -> StartTimer:
        def start(seconds: float, work: Callable[[], None]) -> Timer:
            return asyncio.get_running_loop().call_later(seconds, work)

        return start


class _ReadInThread(httpx.AsyncByteStream):
    """An upload whose file is read outside the event loop: httpx's own async upload reads it inside."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._stream)
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk

"""From ASGI (3.0) to the routes, which work in threads.

Why not WSGI: there a server can't tell that a client has left while we work. Under ASGI it says `http.disconnect`. And
how a stream that broke off ends isn't for servers to guess there: an application that returns before the end of its
body has its connection cut.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any, TypeVar

from s2s.engine.app import App
from s2s.engine.exchange import ClientLeft, Request, Response

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
T = TypeVar("T")

_THREADS = 64
# A client that neither sends nor takes a byte for so long has left without saying so.
_PATIENCE_S = 600.0
_LOOK_AT_LOOP_S = 1.0


class Asgi:
    """The application as a server runs it; lifespan messages are not for us."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        line = _Line(loop, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], scope["path"], query, headers, scope["scheme"], line)
        await loop.run_in_executor(self._threads, self._serve, request, line)

    def _serve(self, request: Request, line: _Line) -> None:
        """In a thread of its own, from the first byte of the body to the last of the answer."""
        try:
            line.give(self._app.answer(request))
        except ClientLeft:
            logger.info("request %s: the client left", request.id)
        except Exception:
            # The status has been sent. The answer stays without its end, which the client notices.
            logger.exception("request %s: the answer broke off", request.id)
        finally:
            line.hang_up()


class _Line:
    """A request's way between its thread and the server's event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive, send: Send) -> None:
        self._loop = loop
        self._receive = receive
        self._send = send
        self._chunk = memoryview(b"")
        self._more = True
        self._left = threading.Event()
        self._watch: Future[None] | None = None

    def read(self, size: int) -> bytes:
        while not self._chunk and self._more and self._watch is None:
            message = self._on_loop(self._received())
            if message["type"] == "http.disconnect":
                raise ClientLeft
            self._chunk = memoryview(message.get("body", b""))
            self._more = message.get("more_body", False)
        taken, self._chunk = self._chunk[:size], self._chunk[size:]
        return bytes(taken)

    def check(self) -> None:
        if self._watch is None:
            self._watch = asyncio.run_coroutine_threadsafe(self._until_it_leaves(), self._loop)
        self._raise_if_left()

    def give(self, response: Response) -> None:
        with ExitStack() as stack:
            if (close := getattr(response.body, "close", None)) is not None:
                stack.callback(close)
            headers = [(name.encode(), value.encode("latin-1")) for name, value in response.all_headers().items()]
            self._put({"type": "http.response.start", "status": response.status_code, "headers": headers})
            for piece in response.body:
                self._put({"type": "http.response.body", "body": piece, "more_body": True})
            self._put({"type": "http.response.body", "body": b"", "more_body": False})

    def hang_up(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    def _put(self, message: Message) -> None:
        # To a client that has left the server sends silently nothing.
        self._raise_if_left()
        self._on_loop(self._sent(message))

    def _raise_if_left(self) -> None:
        # Without its loop, at a server's end, it can't be told any more.
        if self._left.is_set() or not self._loop.is_running():
            raise ClientLeft

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        give_up_at = time.monotonic() + _PATIENCE_S
        while not (done := future.done()) and time.monotonic() < give_up_at and self._loop.is_running():
            wait([future], _LOOK_AT_LOOP_S)
        if not done:
            future.cancel()
            raise ClientLeft
        return future.result()

    async def _received(self) -> Message:
        return await self._receive()

    async def _sent(self, message: Message) -> None:
        await self._send(message)

    async def _until_it_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left.set()

"""An endpoint's audio, as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple

import httpx

from s2s.client import said
from s2s.client.abort import LineCut
from s2s.client.calls import Begun
from s2s.client.statuses import empty, lost, media_type, too_large, unbilled
from s2s.client.wires import Wire, finish
from s2s.closing import AsyncClosing, Closing


class Concurrency(NamedTuple):
    """How many requests the endpoint has of us, and how many the plan allows."""

    current: int | None
    maximum: int | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Concurrency:
        """`headers` with their names in lower case."""
        return cls(
            said.count(headers.get("current-concurrent-requests")),
            said.count(headers.get("maximum-concurrent-requests")),
        )


class _Begun:
    """What both answers have: the headers, and the next piece."""

    def __init__(self, begun: Begun, wire: Wire[Any]) -> None:
        self._response = begun.response
        self._line = begun.line
        self._pull = begun.pull
        self._billed = begun.billed
        self._most_bytes = begun.most_bytes
        self._wire = wire
        self._size = 0
        self.headers = begun.response.headers
        self.complete = False  # the body came to its end

    @property
    def request_id(self) -> str | None:
        return said.name(self.headers.get("request-id"))

    @property
    def history_item_id(self) -> str | None:
        return said.name(self.headers.get("history-item-id"))

    @property
    def character_cost(self) -> float | None:
        """Credits charged, where the endpoint says so."""
        return said.credits(self.headers)

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return media_type(self.headers)

    @property
    def concurrency(self) -> Concurrency:
        return Concurrency.of(self.headers)

    async def _next(self) -> bytes | None:
        """The next piece, None at the end. Closes at the end and where it raises: `lost`, `unbilled`, `too_large`."""
        try:
            chunk = await self._pull()
            # After a cut the kernel still hands over what had arrived; and a body without a length ends where the
            # connection does: only the line knows that we ended it.
            self._line.check()
        except (httpx.HTTPError, httpx.StreamError, LineCut) as error:
            failure = lost(error, self._line, self.headers)
            await self._shut()
            raise (failure if self._billed else unbilled(failure)) from error
        except asyncio.CancelledError:
            # httpx has closed its end of the socket; the line has another.
            self._line.close()
            raise
        if chunk is not None:
            self._size += len(chunk)
            if self._most_bytes is not None and self._size > self._most_bytes:
                await self._shut()
                raise too_large(self.headers, self._most_bytes, billed=self._billed)
            return chunk
        await self._shut()
        if not self._size:
            raise empty(self.headers) if self._billed else unbilled(empty(self.headers))
        self.complete = True
        return None

    async def _shut(self) -> None:
        try:
            await self._wire.close(self._response)
        finally:
            self._line.close()


class Answer(_Begun, Closing):
    """The bytes of one conversion. Iterate once; close it (it is a context manager).

    Iterating raises `Unclear` when the body is cut, empty, late, too large or aborted: what came before may be
    unusable. Of an answer that is never billed, as from the history, it is `Busy`, `Rejected` (too large) or `Aborted`
    instead. `headers` are kept whole.
    """

    def __iter__(self) -> Iterator[bytes]:
        """Chunks as they arrive, or of `chunk_bytes`. Raises as above."""
        while (chunk := finish(self._next())) is not None:
            yield chunk

    def close(self) -> None:
        """Ends the connection; the deadline ends with it. May be called twice."""
        finish(self._shut())


class AsyncAnswer(_Begun, AsyncClosing):
    """As `Answer`, an async iterator and async context manager. A task that is cancelled while it waits ends it."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Chunks as they arrive, or of `chunk_bytes`. Raises as `Answer` does."""
        while (chunk := await self._next()) is not None:
            yield chunk

    async def close(self) -> None:
        """Ends the connection; the deadline ends with it. May be called twice."""
        await self._shut()

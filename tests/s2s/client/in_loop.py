"""An `AsyncClient` behind the face of a `Client`, so that one test says what both must do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from inspect import isasyncgen, iscoroutine
from typing import Any

from s2s.client import AsyncAnswer, AsyncClient


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def iterate(self, items: Any) -> Iterator[Any]:
        async def step() -> Any:
            return await anext(items, None)

        while (item := self.run(step())) is not None:
            yield item

    def close(self) -> None:
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class ClientInLoop:
    def __init__(self, *args: Any, **options: Any) -> None:
        self._client = AsyncClient(*args, **options)
        self._loop = Loop()

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            result = getattr(self._client, name)(*args, **options)
            if isasyncgen(result):
                return self._loop.iterate(result)
            result = self._loop.run(result) if iscoroutine(result) else result
            return AnswerInLoop(result, self._loop) if isinstance(result, AsyncAnswer) else result

        return call

    def __enter__(self) -> ClientInLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._client.close())
        self._loop.close()


class AnswerInLoop:
    def __init__(self, answer: AsyncAnswer, loop: Loop) -> None:
        self._answer = answer
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)

    def __iter__(self) -> Iterator[bytes]:
        return self._loop.iterate(aiter(self._answer))

    def __enter__(self) -> AnswerInLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._answer.close())

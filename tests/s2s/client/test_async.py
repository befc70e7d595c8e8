"""What only an event loop has: tasks that are cancelled, and a loop that must not be blocked."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from s2s.client import Abort, AsyncClient, Unclear
from s2s.client.wires import finish
from tests.s2s.client.waiting import AT_ONCE_S
from tests.support.endpoint import Behaviour, Endpoint

VOICE = "21m00Tcm4TlvDq8ikWAM"
AUDIO = os.urandom(300_000)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(AT_ONCE_S):
        while not condition():
            await asyncio.sleep(0.005)


async def take(client: AsyncClient, audio: bytes | BinaryIO | Path = AUDIO, **options) -> bytes:
    async with await client.convert(VOICE, audio, **options) as answer:
        return b"".join([chunk async for chunk in answer])


def with_client(endpoint: Endpoint, work: Callable[[AsyncClient], Awaitable[None]]) -> None:
    async def main() -> None:
        async with AsyncClient(endpoint.url, "a-key") as client:
            await work(client)

    asyncio.run(main())


def connections_to(endpoint: Endpoint) -> list[str]:
    """Sockets that somebody still holds; the kernel's own, of what is closed but not yet said, have no inode."""
    port = f":{int(endpoint.url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[2].endswith(port) and row[9] != "0"]


# ---- cancelled tasks ----


@pytest.mark.parametrize("fault", ["hang", "hang_upload", "hang_body"])
def test_a_cancelled_task_gives_up_its_socket_at_once(endpoint, fault):
    endpoint.script(Behaviour(fault=fault))
    audio = bytes(20_000_000) if fault == "hang_upload" else AUDIO

    async def work(client: AsyncClient) -> None:
        task = asyncio.create_task(take(client, audio, deadline_s=60))
        await until(lambda: endpoint.ledger.in_flight == 1)
        await asyncio.sleep(0.1)
        assert connections_to(endpoint)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not connections_to(endpoint))
        if fault != "hang_upload":  # with its buffer full it doesn't see us leave
            await until(lambda: endpoint.ledger.in_flight == 0)
        assert await take(client) == AUDIO

    with_client(endpoint, work)


def test_a_time_limit_of_asyncio_ends_a_call_and_an_iteration_without_a_context(endpoint):
    endpoint.script(Behaviour(fault="hang_body"), Behaviour(fault="hang"))

    async def work(client: AsyncClient) -> None:
        answer = await client.stream(VOICE, AUDIO)

        async def read_on() -> None:
            async for _ in answer:
                pass

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read_on(), 0.2)
        assert not answer.complete
        await until(lambda: endpoint.ledger.in_flight == 0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.convert(VOICE, AUDIO), 0.2)
        await until(lambda: endpoint.ledger.in_flight == 0)

    with_client(endpoint, work)


def test_a_task_cancelled_in_a_pause_sends_nothing_more(endpoint):
    endpoint.script(default=Behaviour(status=503, headers={"retry-after": "30"}))

    async def work(client: AsyncClient) -> None:
        task = asyncio.create_task(take(client, retries=3))
        await until(lambda: len(endpoint.requests) == 1)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(endpoint.requests) == 1

    with_client(endpoint, work)


def test_an_abort_by_another_task_is_unclear_as_one_by_a_thread_is(endpoint):
    endpoint.script(Behaviour(fault="hang"))

    async def work(client: AsyncClient) -> None:
        abort = Abort()
        task = asyncio.create_task(take(client, abort=abort))
        await until(lambda: endpoint.ledger.in_flight == 1)
        abort.abort()
        with pytest.raises(Unclear) as caught:
            await task
        assert caught.value.code == "aborted"

    with_client(endpoint, work)


# ---- on_sent ----


def test_on_sent_may_wait(endpoint):
    seen = []

    async def committed() -> None:
        await asyncio.sleep(0.05)
        seen.append(len(endpoint.requests))

    async def work(client: AsyncClient) -> None:
        assert await take(client, on_sent=committed) == AUDIO
        assert seen == [0]

        async def refuse() -> None:
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            await take(client, on_sent=refuse)
        assert len(endpoint.requests) == 1

    with_client(endpoint, work)


def test_a_coroutine_that_waits_cannot_be_given_to_the_sync_client():
    async def waits() -> None:
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError, match="sync client"):
        asyncio.run(_finish_in_loop(waits))


async def _finish_in_loop(work) -> None:
    finish(work())


# ---- the loop runs on ----


class OnASlowDisk(io.BytesIO):
    """Each block comes only once the loop has gone round again."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.went_round = threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        self.went_round.clear()
        assert self.went_round.wait(30), "the loop stands still"
        return super().read(size)


def test_the_loop_runs_on_while_a_slow_file_is_sent(endpoint):
    async def work(client: AsyncClient) -> None:
        file = OnASlowDisk(AUDIO)

        async def go_round() -> None:
            while True:
                await asyncio.sleep(0.005)
                file.went_round.set()

        rounds = asyncio.create_task(go_round())
        assert await take(client, file) == AUDIO
        rounds.cancel()
        with suppress(asyncio.CancelledError):
            await rounds

    with_client(endpoint, work)


def test_many_calls_share_a_loop_and_a_client(endpoint):
    endpoint.script(default=Behaviour(hold=True))
    recordings = [os.urandom(2_000) for _ in range(20)]

    async def work(client: AsyncClient) -> None:
        calls = asyncio.gather(*(take(client, audio) for audio in recordings))
        await until(lambda: endpoint.held == 20)
        endpoint.release()
        assert await calls == recordings

    with_client(endpoint, work)
    assert endpoint.billed == 20


def test_a_large_recording_costs_no_memory_and_no_standstill(send_large: Callable[[str], list[int]]) -> None:
    script = """
        import asyncio, resource, sys
        from s2s.client import AsyncClient

        ticks = 0

        async def tick():
            global ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        async def main():
            async with AsyncClient(sys.argv[1]) as client:
                await client.ping()
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                ticker = asyncio.create_task(tick())
                async with await client.convert("v", sys.argv[2]) as answer:
                    assert b"".join([chunk async for chunk in answer]) == b"\\0\\0\\0"
                ticker.cancel()
                print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, ticks)

        asyncio.run(main())
    """
    grown_kb, ticks = send_large(script)
    assert grown_kb < 24 * 1024
    assert ticks > 10

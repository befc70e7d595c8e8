"""One end of the line is gone: a client that left, or a stream that cannot go on."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL
from typing import Any

import httpx
import numpy as np
import pytest
from elevenlabs import ElevenLabs
from numpy.typing import NDArray

from s2s.audio import encode
from s2s.engine import asgi
from s2s.engine.app import App
from s2s.engine.concurrency import Slots
from tests.s2s.engine.conftest import NO_VOICES, EngineProcess, children
from tests.s2s.engine.test_server import NORA, as_wav
from tests.support.decoders import has_job
from tests.support.product import wait_for

Load = Callable[[str, int], NDArray[np.float32]]
NOISE_GOES = {"remove_background_noise": "true"}


@pytest.fixture(scope="module")
def of_this_file() -> Iterator[EngineProcess]:
    process = EngineProcess()
    yield process
    process.stop()


@pytest.fixture
def alone(of_this_file: EngineProcess) -> EngineProcess:
    """An engine that nobody else keeps busy."""
    (worker,) = of_this_file.workers()
    wait_for(lambda: at_rest(worker), "it has done what others wanted", 20)
    return of_this_file


@pytest.fixture(scope="module")
def long(speech: Load) -> bytes:
    """Ten minutes that take a decoder."""
    sink = io.BytesIO()
    samples = np.resize(speech("man_librivox.flac", 16_000), 16_000 * 600)
    encode([samples], sink, "flac", 16_000, None, input_rate_hz=16_000)
    return sink.getvalue()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def decoders(worker: int) -> list[int]:
    return [decoder for server in children(worker) for decoder in children(server) if has_job(decoder)]


def at_rest(worker: int) -> bool:
    before = cpu_s(worker)
    time.sleep(0.5)
    return cpu_s(worker) - before < 0.05 and not decoders(worker)


@pytest.mark.parametrize(
    ("verb", "options"),
    [("", {}), ("/stream", {}), ("", NOISE_GOES), ("/stream", NOISE_GOES)],
    ids=["convert", "stream", "convert without noise", "stream without noise"],
)
def test_work_stops_when_its_client_has_left(
    alone: EngineProcess, long: bytes, verb: str, options: dict[str, str]
) -> None:
    (worker,) = alone.workers()
    address = f"{alone.url}/v1/voice-changer/{NORA}{verb}"
    with httpx.stream("POST", address, files={"audio": long}, data=options, timeout=60) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw()  # held: an iterator that is let go closes the connection
        next(pieces)
        wait_for(lambda: not at_rest(worker), "it works on", 20)
    wait_for(lambda: at_rest(worker), "the worker doesn't go on for nobody", 20)


def test_a_clip_is_ready_while_a_long_recording_goes_on_in_the_same_process(
    alone: EngineProcess, long: bytes, speech: Load
) -> None:
    (worker,) = alone.workers()
    clip = as_wav(speech("woman_prompts.flac", 16_000)[:48_000], 16_000)
    address = f"{alone.url}/v1/voice-changer/{NORA}"
    with httpx.stream("POST", address, files={"audio": long}, timeout=60) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        beside = httpx.post(address, files={"audio": clip}, timeout=60)
        assert (beside.status_code, beside.headers["current-concurrent-requests"]) == (200, "2")
        next(pieces)
        wait_for(lambda: not at_rest(worker), "it works on", 20)


def test_an_upload_that_never_ends_is_given_up_with_its_client(alone: EngineProcess, long: bytes) -> None:
    request = httpx.Request("POST", "http://x", files={"audio": long})
    body = request.read()

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        raise RuntimeError("the client fails")

    with pytest.raises(RuntimeError):
        httpx.post(f"{alone.url}/v1/voice-changer/{NORA}", content=half(), headers=request.headers)
    answer = httpx.post(f"{alone.url}/v1/voice-changer/{NORA}", files={"audio": b"x"})
    assert answer.status_code == 400
    wait_for(lambda: at_rest(alone.workers()[0]), "the worker is at rest", 20)


def test_a_stream_that_breaks_off_does_not_look_like_its_end(alone: EngineProcess, long: bytes) -> None:
    """The decoder is killed in the middle. The connection is cut, which every client reports."""
    (worker,) = alone.workers()
    client = ElevenLabs(api_key="any", base_url=alone.url)
    stream = client.speech_to_speech.stream(NORA, audio=long)
    next(stream)
    found = decoders(worker)
    assert found
    for decoder in found:
        os.kill(decoder, SIGKILL)
    with pytest.raises(httpx.RemoteProtocolError):
        list(stream)
    assert httpx.get(f"{alone.url}/healthz").status_code == 200


def test_a_client_that_stalls_is_given_up_and_its_slot_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(asgi, "_LOOK_AT_LOOP_S", 0.05)
    slots, sent = Slots(None, 1), []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "method": "POST",
        "path": f"/v1/voice-changer/{NORA}",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"content-type", b"multipart/form-data; boundary=b"), (b"content-length", b"1000")],
    }
    asyncio.run(asyncio.wait_for(asgi.Asgi(App(slots, NO_VOICES))(scope, receive, send), 10))
    assert sent == []
    slots.take()

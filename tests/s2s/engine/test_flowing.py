"""A long recording is answered while it is being converted, in every kind of format, and is exact all the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing

import av
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import RawPcm, examine
from s2s.engine import blocks
from s2s.engine.app import App, _Rest
from s2s.engine.concurrency import Slots
from s2s.engine.exchange import Request, Response
from s2s.formats import OUTPUT_FORMATS, OutputFormat
from tests.s2s.engine.conftest import NO_VOICES
from tests.s2s.engine.test_server import NORA, as_wav
from tests.support.product import PATIENCE_S

Load = Callable[[str, int], NDArray[np.float32]]

RATE_HZ = 16_000
BLOCK_S = 2.5  # shorter than the engine's own, which come out no differently and take four times as long
SAMPLES = int(2.5 * BLOCK_S * RATE_HZ) + 1  # three blocks
KINDS = ["mp3_22050_32", "mp3_44100_128", "wav_24000", "pcm_16000", "ulaw_8000", "alaw_8000", "opus_48000_64"]


@pytest.fixture
def _short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONG_BLOCK_S", BLOCK_S)


@pytest.fixture(scope="module")
def speech_of_three_blocks(speech: Load) -> bytes:
    return as_wav(np.resize(speech("man_cards.flac", RATE_HZ), SAMPLES), RATE_HZ)


class Line:
    """A client that sends `body` and counts how often the work asks whether it is still there: in each block."""

    def __init__(self, body: bytes) -> None:
        self.read = io.BytesIO(body).read
        self.asked = 0

    def check(self) -> None:
        self.asked += 1


def ask(slots: Slots, audio: bytes, output_format: str) -> tuple[Response, Line]:
    request = httpx.Request("POST", "http://engine", files={"audio": audio})
    line = Line(request.read())
    path = f"/v1/speech-to-speech/{NORA}"
    query, headers = f"output_format={output_format}", dict(request.headers)
    return App(slots, NO_VOICES).answer(Request("POST", path, query, headers, "http", line)), line


def raw_of(form: OutputFormat) -> RawPcm | None:
    encodings = {"pcm": "s16le", "ulaw": "ulaw", "alaw": "alaw"}
    encoding = encodings.get(form.codec)
    return RawPcm(form.sample_rate_hz, 1, encoding) if encoding else None  # type: ignore[arg-type]


@pytest.mark.usefixtures("_short_blocks")
@pytest.mark.parametrize("name", KINDS)
def test_the_answer_begins_with_its_first_block_and_every_block_brings_bytes(
    speech_of_three_blocks: bytes, name: str
) -> None:
    slots = Slots(None, 1)
    response, line = ask(slots, speech_of_three_blocks, name)
    assert (response.status_code, response.length) == (200, None)
    asked_before = line.asked
    pieces = iter(response.body)
    content, brought, grown = b"", [], []
    for piece in pieces:
        content += piece
        grown.append(len(content))
        brought.append((line.asked, bool(piece)))
    assert [has_come for _asked, has_come in brought[:3]] == [True, True, True]
    assert asked_before == brought[0][0] < brought[1][0] < brought[2][0]
    # Of the second block its sound has come as well, but for what resampler and encoder hold back.
    assert grown[1] > 0.35 * len(content)
    slots.take()  # free since nothing was left but to send
    form = OUTPUT_FORMATS[name]
    found = examine(io.BytesIO(content), raw=raw_of(form))
    assert found.samples == round(SAMPLES * form.sample_rate_hz / RATE_HZ)
    assert found.sample_rate_hz == form.sample_rate_hz


@pytest.mark.usefixtures("_short_blocks")
@pytest.mark.parametrize("name", KINDS)
def test_what_is_finished_with_its_first_block_is_sent_with_its_length(speech: Load, name: str) -> None:
    clip = as_wav(np.resize(speech("man_cards.flac", RATE_HZ), int(BLOCK_S * RATE_HZ)), RATE_HZ)
    response, _line = ask(Slots(None, 1), clip, name)
    assert response.length == len(b"".join(response.body))


def test_a_long_mp3_has_one_tag_and_its_gapless_frame(speech: Load) -> None:
    """In blocks as long as the engine's."""
    samples = 25 * RATE_HZ + 1
    response, _line = ask(
        Slots(None, 1), as_wav(np.resize(speech("man_cards.flac", RATE_HZ), samples), RATE_HZ), "mp3_44100_128"
    )
    content = b"".join(response.body)
    assert content.count(b"ID3") == 1  # some read no second one
    with av.open(io.BytesIO(content)) as container:
        assert container.format.name == "mp3"
        stream = container.streams.audio[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        duration_s = float(stream.duration * stream.time_base)
        assert stream.start_time is not None
        assert float(stream.start_time * stream.time_base) == pytest.approx(1105 / 44_100, abs=1e-4)
    assert duration_s == pytest.approx(samples / RATE_HZ, abs=0.1)


def test_a_clip_waits_for_none_of_the_long_ones_at_work_in_its_process(
    speech_of_three_blocks: bytes, speech: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LONG_BLOCK_S", 1.0)
    clip = as_wav(speech("man_cards.flac", RATE_HZ)[:RATE_HZ], RATE_HZ)
    slots = Slots(None, 20)
    with ExitStack() as stack, ThreadPoolExecutor(1) as thread:
        for _ in range(8):
            response, _line = ask(slots, speech_of_three_blocks, "pcm_16000")
            assert isinstance(response.body, _Rest)
            stack.enter_context(closing(response.body))
            assert next(iter(response.body))  # and nobody takes more of it
        asked = thread.submit(ask, slots, clip, "pcm_16000")
        wait([asked], PATIENCE_S)
        is_answered = asked.done()
        stack.close()  # one that does wait shall not do so for ever
    assert is_answered
    assert asked.result()[0].headers["current-concurrent-requests"] == "9"


def test_a_recording_that_breaks_off_at_its_beginning_is_still_a_400() -> None:
    response, _ = ask(Slots(None, 1), b"RIFF\xff\xff\xff\x7fWAVE" + bytes(2000), "mp3_44100_128")
    assert response.status_code == 400

"""All 28 output formats as the official SDK gets them: what it is told, what it is sent, and how long that lasts."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from elevenlabs import ElevenLabs
from numpy.typing import NDArray

from s2s.audio import RawPcm, decode, examine
from s2s.formats import OUTPUT_FORMATS, OutputFormat
from tests.s2s.engine.conftest import API_KEY, EngineProcess
from tests.s2s.engine.test_server import NORA, as_wav

Load = Callable[[str, int], NDArray[np.float32]]
Get = Callable[[str, str], "Answer"]

RATE_HZ = 44_100
# 1.6 s: odd, so that no rate divides it.
SAMPLES = 70_561
MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "pcm": "audio/pcm",
    "wav": "audio/wav",
    "ulaw": "audio/basic",
    "alaw": "audio/x-alaw-basic",
    "opus": "audio/ogg",
}
CODECS = {"mp3": "mp3", "wav": "pcm_s16le", "opus": "opus"}
STREAMABLE = [name for name, form in OUTPUT_FORMATS.items() if form.streamable]


@dataclass(frozen=True)
class Answer:
    form: OutputFormat
    headers: dict[str, str]
    content: bytes

    @property
    def raw(self) -> RawPcm | None:
        """What has to be said about samples without a header."""
        encodings = {"pcm": "s16le", "ulaw": "ulaw", "alaw": "alaw"}
        encoding = encodings.get(self.form.codec)
        return RawPcm(self.form.sample_rate_hz, 1, encoding) if encoding else None  # type: ignore[arg-type]

    @property
    def samples_due(self) -> int:
        return round(SAMPLES * self.form.sample_rate_hz / RATE_HZ)

    def sound(self, rate_hz: int) -> NDArray[np.float32]:
        return np.concatenate(list(decode(io.BytesIO(self.content), sample_rate_hz=rate_hz, raw=self.raw)))


@pytest.fixture(scope="module")
def clip(speech: Load) -> bytes:
    return as_wav(speech("woman_prompts.flac", RATE_HZ)[:SAMPLES], RATE_HZ)


@pytest.fixture(scope="module")
def get(engine: EngineProcess, clip: bytes) -> Get:
    client = ElevenLabs(api_key=API_KEY, base_url=engine.url)

    @cache  # the same request gets the same bytes
    def ask(verb: str, name: str) -> Answer:
        speaking = getattr(client.speech_to_speech.with_raw_response, verb)
        with speaking(NORA, audio=clip, output_format=name) as answer:
            return Answer(OUTPUT_FORMATS[name], dict(answer.headers), b"".join(answer.data))

    return ask


@pytest.fixture(scope="module")
def plain(get: Get) -> NDArray[np.float32]:
    """Without a codec, at 8 kHz."""
    return get("convert", "pcm_8000").sound(8000)


def test_there_are_28_formats_of_which_21_can_be_streamed() -> None:
    assert (len(OUTPUT_FORMATS), len(STREAMABLE)) == (28, 21)


@pytest.mark.parametrize("name", OUTPUT_FORMATS)
def test_converted(get: Get, name: str) -> None:
    answer = get("convert", name)
    form = answer.form
    assert answer.headers["content-type"] == MEDIA_TYPES[form.codec]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["character-cost"] == "0"
    found = examine(io.BytesIO(answer.content), raw=answer.raw)
    assert (found.sample_rate_hz, found.channels) == (form.sample_rate_hz, 1)
    assert found.samples == answer.samples_due
    if form.codec in CODECS:
        assert found.codec == CODECS[form.codec]
    else:
        assert len(answer.content) == answer.samples_due * (2 if form.codec == "pcm" else 1)
    if form.bitrate_kbps:
        assert_bitrate(answer)


def assert_bitrate(answer: Answer) -> None:
    kbps = len(answer.content) * 8 / 1000 / (SAMPLES / RATE_HZ)
    assert answer.form.bitrate_kbps is not None
    # Beside the sound: a tag and two frames of padding in MP3, headers in Ogg. Opus saves what it does not need.
    least = 0.97 if answer.form.codec == "mp3" else 0.6
    assert least < kbps / answer.form.bitrate_kbps < 1.12


@pytest.mark.parametrize("name", STREAMABLE)
def test_streamed(get: Get, name: str) -> None:
    answer = get("stream", name)
    form = answer.form
    assert answer.headers["content-type"] == MEDIA_TYPES[form.codec]
    assert "content-length" not in answer.headers
    found = examine(io.BytesIO(answer.content), raw=answer.raw)
    assert (found.sample_rate_hz, found.channels) == (form.sample_rate_hz, 1)
    if form.codec == "mp3":  # whole frames of 1152, after the 1105 samples that LAME and the decoder take
        assert 0 <= found.samples - answer.samples_due < 1105 + 2 * 1152
    elif form.codec == "opus":  # rounded to 24 kHz and again to 48 kHz
        assert abs(found.samples - answer.samples_due) <= 1
    else:
        assert found.samples == answer.samples_due


@pytest.mark.parametrize(
    "name", ["mp3_22050_32", "mp3_44100_128", "wav_44100", "ulaw_8000", "alaw_8000", "opus_48000_32"]
)
def test_every_codec_has_the_same_sound_in_it(get: Get, plain: NDArray[np.float32], name: str) -> None:
    sound = get("convert", name).sound(8000)
    assert np.corrcoef(plain[:12_000], sound[:12_000])[0, 1] > 0.9


@pytest.mark.parametrize("verb", ["convert", "stream"])
@pytest.mark.parametrize("length", [1, 12_345])
def test_headerless_samples_come_back_as_many(client: ElevenLabs, speech: Load, verb: str, length: int) -> None:
    raw = (speech("man_cards.flac", 16_000)[:length] * 32767).astype("<i2").tobytes()
    answer = getattr(client.speech_to_speech, verb)(
        NORA, audio=raw, file_format="pcm_s16le_16", output_format="pcm_16000"
    )
    assert len(b"".join(answer)) == len(raw)

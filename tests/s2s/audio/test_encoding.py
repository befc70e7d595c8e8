"""What goes into an encoder comes out of a decoder: as long, and where it was."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest

from s2s.audio import Encoder, RawPcm, decode, encode, examine
from s2s.formats import OUTPUT_FORMATS

INPUT_RATE = 24000
SPEECH = Path(__file__).parents[2] / "data" / "speech" / "man_librivox.flac"


def raw_of(codec: str, rate: int) -> RawPcm | None:
    encodings = {"pcm": "s16le", "ulaw": "ulaw", "alaw": "alaw"}
    return RawPcm(rate, 1, encodings[codec]) if codec in encodings else None  # type: ignore[arg-type]


def samples_of(content: bytes, codec: str, rate: int, wanted_rate: int | None = None) -> np.ndarray:
    blocks = decode(io.BytesIO(content), sample_rate_hz=wanted_rate or rate, raw=raw_of(codec, rate))
    return np.concatenate(list(blocks))


def lag(one: np.ndarray, other: np.ndarray) -> int:
    """By how many samples `one` is late."""
    size = 2 * max(len(one), len(other))
    correlation = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    at = int(np.argmax(correlation))
    return at if at < size // 2 else at - size


def in_blocks(samples: np.ndarray, size: int = 7001) -> list[np.ndarray]:
    return [samples[start : start + size] for start in range(0, len(samples), size)]


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Noise below 3.4 kHz, so that every format can carry all of it."""
    spectrum = np.fft.rfft(np.random.default_rng(11).standard_normal(INPUT_RATE * 2 + 37))
    spectrum[int(3400 / INPUT_RATE * 2 * len(spectrum)) :] = 0
    samples = np.fft.irfft(spectrum, INPUT_RATE * 2 + 37)
    return (0.5 * samples / np.abs(samples).max()).astype(np.float32)


@pytest.mark.parametrize("name", OUTPUT_FORMATS)
def test_every_format_of_the_contract_is_exact_in_length_and_place(voice, name):
    form = OUTPUT_FORMATS[name]
    sink = io.BytesIO()
    written = encode(
        in_blocks(voice), sink, form.codec, form.sample_rate_hz, form.bitrate_kbps, input_rate_hz=INPUT_RATE
    )
    assert written == round(len(voice) * form.sample_rate_hz / INPUT_RATE)
    found = examine(sink, raw=raw_of(form.codec, form.sample_rate_hz))
    assert (found.samples, found.sample_rate_hz, found.channels) == (written, form.sample_rate_hz, 1)
    decoded = samples_of(sink.getvalue(), form.codec, form.sample_rate_hz, INPUT_RATE)
    assert lag(decoded, voice) == 0
    assert np.corrcoef(decoded[: len(voice)], voice[: len(decoded)])[0, 1] > 0.95


# 72018 and 577 need one more frame of padding than LAME's own delay; 1152 and 576 are whole frames.
@pytest.mark.parametrize("length", [100, 576, 577, 1000, 1152, 24000, 24061, 50000, 72018])
@pytest.mark.parametrize(
    ("codec", "rate", "kbps"),
    [("mp3", 22050, 32), ("mp3", 24000, 48), ("mp3", 44100, 128), ("opus", 48000, 64), ("flac", 44100, None)],
)
def test_no_length_is_rounded_to_frames(noise, codec, rate, kbps, length):
    sink = io.BytesIO()
    assert encode([noise(length)], sink, codec, rate, kbps, input_rate_hz=rate) == length
    assert len(samples_of(sink.getvalue(), codec, rate)) == length


@pytest.mark.parametrize("codec", ["pcm", "wav", "flac"])
def test_sixteen_bits_survive_unchanged(codec):
    steps = np.random.default_rng(5).integers(-32768, 32768, 30000).astype(np.int16)
    sink = io.BytesIO()
    encode([steps.astype(np.float32) / 32768], sink, codec, 24000, None, input_rate_hz=24000)
    assert np.array_equal(samples_of(sink.getvalue(), codec, 24000) * 32768, steps)


def test_what_is_too_loud_is_clipped_and_does_not_wrap_around():
    loud = np.array([2.0, -2.0, 1.0, -1.0], np.float32)
    sink = io.BytesIO()
    encode([loud], sink, "pcm", 24000, None, input_rate_hz=24000)
    assert np.frombuffer(sink.getvalue(), "<i2").tolist() == [32767, -32768, 32767, -32768]


def test_a_wav_has_the_right_header():
    sink = io.BytesIO()
    encode([np.zeros(1000, np.float32)] * 3, sink, "wav", 24000, None, input_rate_hz=24000)
    content = sink.getvalue()
    assert len(content) == 44 + 6000
    assert struct.unpack("<4sI4s4sIHHIIHH4sI", content[:44]) == (
        *(b"RIFF", 36 + 6000, b"WAVE"),
        *(b"fmt ", 16, 1, 1, 24000, 48000, 2, 16),
        *(b"data", 6000),
    )


@pytest.mark.parametrize("name", [name for name, form in OUTPUT_FORMATS.items() if form.streamable])
def test_every_streamable_format_streams(voice, name):
    form = OUTPUT_FORMATS[name]
    encoder = Encoder(form.codec, form.sample_rate_hz, form.bitrate_kbps, input_rate_hz=INPUT_RATE)
    pieces = [encoder.write(block) for block in in_blocks(voice, 2400)]
    assert sum(map(bool, pieces)) > 3  # it did not wait for the end
    content = b"".join([*pieces, encoder.finish()])
    decoded = samples_of(content, form.codec, form.sample_rate_hz)
    due = round(len(voice) * form.sample_rate_hz / INPUT_RATE)
    assert encoder.samples == due
    if form.codec == "mp3":  # no gapless tag: the codec's delay stays, and whole frames
        assert due <= len(decoded) <= due + 3 * 1152
    else:
        assert len(decoded) == due


@pytest.mark.parametrize("kbps", [32, 64, 96, 128, 192])
def test_opus_keeps_to_its_bitrate(kbps):
    # Clicks are what variable bitrate spends most on: nearly twice what was asked, were it not constrained.
    loud = 0.8 * (np.random.default_rng(2).random(48000 * 10) < 0.001).astype(np.float32)
    sink = io.BytesIO()
    encode(in_blocks(loud), sink, "opus", 48000, kbps, input_rate_hz=48000)
    assert len(sink.getvalue()) * 8 / 10 <= kbps * 1000 * 1.05


@pytest.mark.parametrize("name", ["mp3_44100_128", "opus_48000_64", "wav_24000", "pcm_24000", "ulaw_8000"])
def test_nothing_at_all_can_be_encoded(name):
    form = OUTPUT_FORMATS[name]
    sink = io.BytesIO()
    assert encode([], sink, form.codec, form.sample_rate_hz, form.bitrate_kbps, input_rate_hz=24000) == 0
    assert not sink.closed


@pytest.mark.parametrize(
    ("codec", "rate", "kbps"),
    [
        ("mp3", 44100, None),
        ("wav", 24000, 128),
        ("flac", 16000, 128),
        ("ulaw", 16000, None),
        ("opus", 44100, 64),
        ("mp3", 12345, 64),
    ],
)
def test_what_does_not_go_together_is_refused(codec, rate, kbps):
    with pytest.raises(ValueError):
        Encoder(codec, rate, kbps, input_rate_hz=24000, sink=io.BytesIO())


def test_a_wav_cannot_be_streamed():
    with pytest.raises(ValueError, match="rewound"):
        Encoder("wav", 24000, None, input_rate_hz=24000)


def test_a_sink_that_has_something_in_it_is_refused():
    sink = io.BytesIO(b"abc")
    sink.seek(3)
    with pytest.raises(ValueError, match="position 0"):
        Encoder("wav", 24000, None, input_rate_hz=24000, sink=sink)


def test_speech_as_mp3_is_nearer_to_itself_without_the_search_for_what_masks_noise():
    """Which is what `is_speech` saves: no more noise than with it, where the words are."""
    with SPEECH.open("rb") as file:
        speech = np.concatenate(list(decode(file, sample_rate_hz=44_100)))[: 5 * 44_100]
    noise_db = []
    for is_speech in (False, True):
        encoder = Encoder("mp3", 44_100, 64, input_rate_hz=44_100, length=len(speech), is_speech=is_speech)
        decoded = samples_of(encoder.write(speech) + encoder.finish(), "mp3", 44_100)
        assert len(decoded) == len(speech)
        noise = np.abs(np.fft.rfft(decoded - speech)[5 * 1500 : 5 * 5000]) ** 2
        noise_db.append(10 * np.log10(noise.mean()))
    assert noise_db[1] < noise_db[0] - 1

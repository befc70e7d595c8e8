"""A passage out of the middle of a recording is where it should be, whatever the container knows about its times."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import AudioError, Limits, RawPcm, decode, examine, excerpt
from tests.support.lag import speechlike

SECONDS = 10
# How much later or earlier a lossy codec plays, in seconds, is its container's affair.
KINDS = [
    ("wav", "pcm_s16le", 44100, False, 0.0),
    ("wav", "pcm_s16le", 44100, True, 0.0),
    ("flac", "flac", 48000, False, 0.0),
    ("flac", "flac", 48000, True, 0.0),
    ("mp3", "libmp3lame", 44100, False, 0.001),
    ("mp3", "libmp3lame", 44100, True, 0.03),
    ("ipod", "aac", 44100, False, 0.03),
    ("adts", "aac", 44100, False, 0.03),
    ("webm", "libopus", 48000, False, 0.01),
    ("webm", "libopus", 48000, True, 0.01),
    ("ogg", "libopus", 48000, False, 0.01),
    ("ogg", "libopus", 48000, True, 0.01),
    ("3gp", "libopencore_amrnb", 8000, False, 0.03),
    ("aiff", "pcm_s16be", 44100, False, 0.0),
    ("mpegts", "aac", 44100, False, 0.03),
]


def read(content: bytes) -> tuple[NDArray[np.float32], int]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        return samples, file.getframerate()


def rising(seconds: float, rate: int) -> NDArray[np.float32]:
    """A tone whose frequency tells the time: 300 Hz and 100 Hz more each second."""
    time_s = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * (300 * time_s + 50 * time_s**2))).astype(np.float32)


def moment_s(samples: NDArray[np.float32], rate: int) -> float:
    """When in `rising` the middle of the first fifth of a second was."""
    part = samples[: rate // 5] * np.hanning(rate // 5)
    size = 1 << 20
    hz = np.argmax(np.abs(np.fft.rfft(part, size))) * rate / size
    return float((hz - 300) / 100 - 0.1)


@dataclass(frozen=True)
class Kind:
    content: bytes
    rate: int
    slack_s: float


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(map(str, kind[:4])))
def kind(write, request) -> Kind:
    container, codec, rate, live, slack_s = request.param
    return Kind(write(rising(SECONDS, rate), rate, container=container, codec=codec, live=live), rate, slack_s)


@pytest.mark.parametrize("start_s", [0.0, 0.1, 7.777])
def test_it_begins_where_it_should_and_is_as_long(kind, start_s):
    content, rate, slack_s = kind.content, kind.rate, kind.slack_s
    samples, given_rate = read(excerpt(io.BytesIO(content), start_s, 2.0))
    assert given_rate == max(rate, 16_000)
    assert len(samples) == 2 * given_rate
    # A frequency is told to about a hertz, so a time to a hundredth of a second.
    assert moment_s(samples, given_rate) == pytest.approx(start_s, abs=slack_s + 0.01)
    assert moment_s(samples[given_rate:], given_rate) == pytest.approx(start_s + 1, abs=slack_s + 0.01)


@pytest.mark.parametrize(("container", "codec"), [("matroska", "aac"), ("mp4", "aac"), ("matroska", "flac")])
def test_the_sound_of_a_video_is_found(write, container, codec):
    content = write(rising(SECONDS, 44100), 44100, container=container, codec=codec, video_s=SECONDS)
    samples, rate = read(excerpt(io.BytesIO(content), 6.5, 1.0))
    assert len(samples) == rate == 44100
    assert moment_s(samples, rate) == pytest.approx(6.5, abs=0.04)


@pytest.mark.parametrize("codec", ["pcm_s16le", "flac"])
def test_lossless_samples_come_to_the_bit(write, noise, codec):
    samples = noise(44100 * 8)
    content = write(samples, container="wav" if codec == "pcm_s16le" else "flac", codec=codec)
    stored, _rate = read(excerpt(io.BytesIO(content), 0, 8))
    found, _rate = read(excerpt(io.BytesIO(content), 5, 1.5))
    assert np.array_equal(found, stored[5 * 44100 : 5 * 44100 + len(found)])
    assert len(found) == 1.5 * 44100


@pytest.mark.parametrize("start_s", [9.5, 5000.0])
def test_where_less_is_left_it_is_the_end(kind, start_s):
    content, slack_s = kind.content, kind.slack_s
    length_s = examine(io.BytesIO(content)).duration_s
    samples, given_rate = read(excerpt(io.BytesIO(content), start_s, 2.0))
    assert len(samples) == pytest.approx(2 * given_rate, abs=2 + 0.1 * given_rate * (slack_s > 0))
    assert moment_s(samples, given_rate) == pytest.approx(length_s - len(samples) / given_rate, abs=slack_s + 0.02)


def test_a_recording_that_is_shorter_comes_whole(write, a_tone):
    content = write(a_tone(1.5, 22050), 22050, container="wav", codec="pcm_s16le")
    for start_s in (0.0, 1.0, 99.0, None):
        samples, rate = read(excerpt(io.BytesIO(content), start_s, 10))
        assert (len(samples), rate) == (33075, 22050)


@pytest.mark.parametrize("silent_s", [0.4, 5.25])
def test_without_a_start_it_begins_at_the_first_sound(write, noise, silent_s):
    rate = 44100
    hiss = noise(round(silent_s * rate)) * 10 ** (-50 / 20)
    samples = np.concatenate([hiss, rising(4, rate)])
    content = write(samples, rate, container="wav", codec="pcm_s16le")
    found, _rate = read(excerpt(io.BytesIO(content), None, 2.0))
    assert len(found) == 2 * rate
    assert np.argmax(np.abs(found) > 0.1) / rate == pytest.approx(0.1, abs=0.03)


def test_of_a_silent_recording_it_is_the_beginning(write):
    content = write(np.zeros(8000 * 400, np.float32), 8000, container="flac", codec="flac")
    samples, rate = read(excerpt(io.BytesIO(content), None, 10))
    assert (len(samples), rate) == (160_000, 16_000)
    assert not samples.any()


@pytest.mark.parametrize(("rate", "given"), [(8000, 16_000), (22050, 22050), (96000, 48_000)])
def test_the_rate_is_its_own_within_bounds(write, a_tone, rate, given):
    content = write(a_tone(2, rate), rate, container="wav", codec="pcm_s16le")
    samples, found_rate = read(excerpt(io.BytesIO(content), 0.5, 1))
    assert (len(samples), found_rate) == (given, given)


def test_stereo_is_mixed(write, a_tone):
    both = np.stack([a_tone(2, 44100, amplitude=0.6), a_tone(2, 44100, amplitude=0.2)])
    samples, _rate = read(excerpt(io.BytesIO(write(both, container="wav", codec="pcm_s16le")), 0.5, 1))
    assert np.abs(samples).max() == pytest.approx(0.4, abs=0.01)


def test_headerless_samples_are_taken_when_told_what_they_are():
    samples = (rising(SECONDS, 16_000) * 32767).astype("<i2")
    found, rate = read(excerpt(io.BytesIO(samples.tobytes()), 4.0, 1.0, raw=RawPcm()))
    assert (len(found), rate) == (16_000, 16_000)
    assert np.array_equal(np.rint(found * 32768), samples[64_000:80_000])


@pytest.mark.parametrize("start_s", [None, 0.0, 3.0])
def test_what_is_no_recording_is_refused_with_a_sentence(start_s):
    with pytest.raises(AudioError) as caught:
        excerpt(io.BytesIO(b"These are words, not a recording.\n" * 50), start_s, 10)
    assert caught.value.code == "text"
    assert "not a recording" in str(caught.value)
    with pytest.raises(AudioError, match="empty"):
        excerpt(io.BytesIO(), start_s, 10)


def test_a_damaged_recording_gives_what_there_is(write, noise):
    content = bytearray(write(rising(SECONDS, 44100), container="mp3", codec="libmp3lame"))
    content[len(content) // 3 : len(content) // 3 + 5000] = bytes(np.random.default_rng(5).integers(0, 255, 5000, "u1"))
    samples, rate = read(excerpt(io.BytesIO(bytes(content[: 3 * len(content) // 4])), 6.0, 2.0))
    assert len(samples) == 2 * rate


def test_it_stops_at_its_limit_of_work(write, a_tone):
    content = write(a_tone(60, 48_000), 48_000, container="wav", codec="pcm_s16le")
    with pytest.raises(AudioError) as caught:
        excerpt(io.BytesIO(content), 0.0, 60.0, limits=Limits(memory_bytes=1 << 20))
    assert caught.value.code in {"decoder_memory", "decoder_failed"}


def test_hours_are_not_decoded_for_ten_seconds_in_their_middle(silence_of_hours):
    with silence_of_hours.open("rb") as source:
        samples, rate = read(excerpt(source, 3 * 3600.0, 10.0, limits=Limits(cpu_s=1)))
    assert len(samples) == 10 * rate


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        *[("ogg", codec) for codec in ("flac", "libopus", "vorbis")],
        # These count milliseconds, which no frame of theirs is made of.
        *[("matroska", codec) for codec in ("libopus", "aac", "libmp3lame")],
    ],
)
def test_a_passage_is_where_it_should_be_to_the_sample_anywhere(write, container, codec):
    samples = speechlike(16_000 * 20, 16_000)
    stored = samples if codec != "vorbis" else np.stack([samples] * 2)
    content = io.BytesIO(write(stored, 16_000, container=container, codec=codec))
    rate = examine(content).sample_rate_hz
    decoded = np.concatenate(list(decode(content, sample_rate_hz=rate)))
    for start_s in np.arange(0.3, 19.8, 0.9):
        found, _rate = read(excerpt(content, float(start_s), 0.1))
        begin = round(start_s * rate)
        assert np.abs(found - decoded[begin : begin + len(found)]).max() < 0.003, start_s

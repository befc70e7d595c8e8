"""Sound lies where its timestamps put it, whatever the container: late starts, holes, times that begin again."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import AudioError, Limits, decode, examine, excerpt
from tests.support.lag import found_at, level_db, speechlike

RATE = 48_000
SECONDS = 3
LATE_S = 1.5
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def source() -> Samples:
    return speechlike(SECONDS * RATE, RATE)


def read(content: bytes) -> Samples:
    """All samples; the examination, which people see, counts and shows the same."""
    found = examine(io.BytesIO(content))
    assert found.sample_rate_hz == RATE
    samples = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE)))
    assert len(samples) == found.samples
    loudest = np.argmax(np.abs(samples))
    assert max(found.peaks) - found.peaks[loudest * len(found.peaks) // len(samples)] <= 1
    return samples


def passage(content: bytes, start_s: float, length_s: float = 1.0) -> Samples:
    with wave.open(io.BytesIO(excerpt(io.BytesIO(content), start_s, length_s))) as file:
        assert file.getframerate() == RATE
        return (np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)).astype(np.float32)


def is_what_lies_there(part: Samples, whole: Samples, start_s: float) -> bool:
    """To the millisecond to which Matroska rounds its times."""
    begin = round(start_s * RATE)
    near = whole[max(0, begin - 48) : begin + len(part) + 48]
    lag, alike = found_at(near, part)
    return (abs(lag - min(begin, 48)) <= 48 and alike > 0.99) or not (near.any() or part.any())


def lies_at_s(samples: Samples, source: Samples) -> float:
    """Where `source` begins in `samples`, which has it at its own level."""
    lag, alike = found_at(samples, source)
    assert alike > 0.97
    there = samples[max(0, lag) : lag + len(source)]
    assert level_db(there) == pytest.approx(level_db(source[: len(there)]), abs=0.5)
    return lag / RATE


# How far from its place, in seconds: Matroska and FLV round to milliseconds, TS has no word for the delay of Opus.
LATE = [
    ("mp4", "aac", 5, 0.001),
    ("mp4", "aac", 0, 0.001),
    ("mp4", "libopus", 0, 0.001),
    ("mov", "aac", 5, 0.001),
    ("mov", "pcm_s16le", 5, 0.001),
    ("matroska", "aac", 5, 0.001),
    ("matroska", "pcm_s16le", 5, 0.001),
    ("webm", "libopus", 0, 0.0011),
    ("flv", "aac", 5, 0.001),
    ("mpegts", "aac", 5, 0.001),
    ("mpegts", "libopus", 5, 0.007),
    ("mpeg", "mp2", 5, 0.001),
]


@pytest.fixture(scope="module", params=LATE, ids=lambda kind: "-".join(map(str, kind[:3])))
def late(write, source, request) -> tuple[bytes, float]:
    container, codec, video_s, off_s = request.param
    return write(source, RATE, container=container, codec=codec, video_s=video_s, late_s=LATE_S), off_s


def test_a_late_start_is_silence_in_front(late, source):
    content, off_s = late
    samples = read(content)
    assert lies_at_s(samples, source) == pytest.approx(LATE_S, abs=off_s)
    assert level_db(samples[: round((LATE_S - 0.05) * RATE)]) < -80
    assert len(samples) / RATE == pytest.approx(LATE_S + SECONDS, abs=off_s + 0.023)
    assert examine(io.BytesIO(content)).noticed.lead_s == pytest.approx(LATE_S, abs=0.03)


@pytest.mark.parametrize("start_s", [0.0, 0.7, 1.2, 2.0, 3.4])
def test_a_passage_of_a_late_start_is_what_lies_there(late, start_s):
    content, _off_s = late
    whole, part = read(content), passage(content, start_s)
    assert len(part) == RATE
    assert is_what_lies_there(part, whole, start_s)


@pytest.mark.parametrize("container", ["mpegts", "mpeg"])
def test_a_stream_of_sound_alone_begins_with_it(write, source, container):
    content = write(source, RATE, container=container, codec="mp2", late_s=LATE_S)
    assert lies_at_s(read(content), source) == pytest.approx(0.010, abs=0.001)
    assert not examine(io.BytesIO(content)).noticed


@pytest.mark.parametrize(("container", "codec"), [("webm", "libopus"), ("flv", "aac"), ("mpegts", "aac")])
def test_what_was_cut_out_of_a_long_stream_begins_with_it(write, source, container, codec):
    content = write(source, RATE, container=container, codec=codec, late_s=27_000)
    assert lies_at_s(read(content), source) == pytest.approx(0, abs=0.022)
    assert not examine(io.BytesIO(content)).noticed


HOLES = [("webm", "libopus"), ("matroska", "aac"), ("mp4", "aac"), ("mpegts", "aac"), ("flv", "aac")]


@pytest.mark.parametrize(("container", "codec"), HOLES)
def test_a_hole_of_lost_packets_is_silence(write, source, container, codec):
    content = write(source, RATE, container=container, codec=codec, lost_s=(1.0, 1.8))
    samples = read(content)
    assert len(samples) / RATE == pytest.approx(SECONDS, abs=0.05)
    for part in (slice(0, round(0.95 * RATE)), slice(round(1.9 * RATE), None)):
        assert lies_at_s(samples, source[part]) == pytest.approx(part.start / RATE, abs=0.023)
    assert level_db(samples[round(1.07 * RATE) : round(1.75 * RATE)]) < -80
    noticed = examine(io.BytesIO(content)).noticed
    assert (noticed.lead_s, noticed.gaps, noticed.gaps_s) == (0, 1, pytest.approx(0.8, abs=0.03))


@pytest.mark.parametrize(("container", "codec"), HOLES)
@pytest.mark.parametrize("start_s", [0.8, 1.3, 1.9])
def test_a_passage_at_a_hole_is_what_lies_there(write, source, container, codec, start_s):
    content = write(source, RATE, container=container, codec=codec, lost_s=(1.0, 1.8))
    whole, part = read(content), passage(content, start_s)
    assert len(part) == RATE
    assert is_what_lies_there(part, whole, start_s)


@pytest.mark.parametrize(("container", "codec"), [("mpegts", "aac"), ("mpegts", "mp2"), ("adts", "aac")])
def test_joined_streams_neither_lose_nor_repeat(write, source, container, codec):
    other = speechlike(2 * RATE, RATE, seed=2)
    first, second = (write(sound, RATE, container=container, codec=codec) for sound in (source, other))
    samples = read(first + second)
    alone = [read(content) for content in (first, second)]
    assert len(samples) == pytest.approx(sum(map(len, alone)), abs=1)
    assert lies_at_s(samples, source) == pytest.approx(lies_at_s(alone[0], source), abs=1e-4)
    began_s = len(alone[0]) / RATE
    assert lies_at_s(samples[len(alone[0]) :], other) == pytest.approx(lies_at_s(alone[1], other), abs=1e-4)
    for start_s in (0.5, began_s + 0.6):
        part = passage(first + second, start_s, 0.8)
        assert is_what_lies_there(part, samples, start_s)


@pytest.mark.parametrize("codec", ["adpcm_ima_wav", "adpcm_ms"])
def test_blocks_of_a_wav_end_where_it_says_and_are_found(write, codec):
    source = speechlike(5 * RATE + 13, RATE)
    written = bytearray(write(source, RATE, container="wav", codec=codec))
    at = written.index(b"fact") + 8  # libav's writer counts the last block whole there
    written[at : at + 4] = len(source).to_bytes(4, "little")
    content = bytes(written)
    samples = read(content)
    lag, alike = found_at(samples, source)
    assert (lag, len(samples)) == (0, len(source))
    assert alike > 0.97
    part = passage(content, 3.3)
    assert np.abs(part - samples[round(3.3 * RATE) : round(4.3 * RATE)]).max() < 0.02


@pytest.mark.parametrize(("container", "codec"), [("ipod", "aac"), ("mov", "aac"), ("mp4", "libopus")])
@pytest.mark.parametrize("rate", [8000, RATE])
def test_an_end_is_exact_where_the_file_says_it(write, container, codec, rate):
    source = speechlike(2 * rate + 13, rate)
    content = write(source, rate, container=container, codec=codec)
    found = examine(io.BytesIO(content))
    samples = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=found.sample_rate_hz)))
    assert found.samples == len(samples) == round(len(source) * found.sample_rate_hz / rate)
    assert abs(found_at(samples, speechlike(2 * rate + 13, rate))[0]) <= 1 if found.sample_rate_hz == rate else True


def test_silence_counts_as_length(write, source):
    content = write(source, RATE, container="matroska", codec="aac", video_s=1, late_s=30)
    assert examine(io.BytesIO(content), limits=Limits(max_duration_s=34)).duration_s == pytest.approx(33, abs=0.05)
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content), limits=Limits(max_duration_s=29))
    assert caught.value.code == "too_long"


def test_times_that_mean_ill_cost_no_more_than_their_sound(write, source):
    """One packet of a Matroska file says that it is hours later than all others."""
    content = bytearray(write(source, RATE, container="matroska", codec="pcm_s16le"))
    cluster = content.rindex(bytes.fromhex("1f43b675"))
    place = content.index(b"\xe7", cluster)
    width = content[place + 1] & 0x0F
    content[place + 2 : place + 2 + width] = b"\x7f" * width
    assert len(read(bytes(content))) / RATE < 3700

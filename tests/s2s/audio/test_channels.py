"""One channel of two, alone: read as it is, told apart, and written beside another one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import decode, encode, examine, stretch
from s2s.audio.lanes import in_step, outline
from s2s.audio.limits import RawPcm
from s2s.audio.writers import Codec
from tests.support.written import write_recording

RATE = 44_100
Planes = NDArray[np.float32]


def voices(seconds: float = 4.0) -> Planes:
    """Two people who take turns of half a second, `(2, n)`, each faintly heard by the other one's microphone."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    turns = (time_s % 1.0 < 0.5).astype(np.float32)
    said = np.stack(
        [0.4 * np.sin(2 * np.pi * 300 * time_s) * turns, 0.4 * np.sin(2 * np.pi * 500 * time_s) * (1 - turns)]
    )
    return np.asarray(said + 0.02 * said[::-1], np.float32)


def wav_of(planes: Planes) -> io.BytesIO:
    file = io.BytesIO()
    encode([planes], file, "wav", RATE, None, input_rate_hz=RATE, channels=2)
    file.seek(0)
    return file


@pytest.mark.parametrize("channel", [0, 1])
def test_a_channel_is_read_to_the_bit_by_either_reader(channel: int) -> None:
    planes = voices()
    file = wav_of(planes)
    whole = np.concatenate(list(decode(file, sample_rate_hz=RATE, channel=channel)))
    assert np.array_equal(whole, np.rint(planes[channel] * 32768) / 32768)
    part = np.concatenate(list(stretch(file, 1.5, 30_000, sample_rate_hz=RATE, channel=channel)))
    assert np.array_equal(part, whole[66_150:96_150])


def test_it_is_not_mixed_with_one_that_cancels_it() -> None:
    left = voices()[0]
    file = wav_of(np.stack([left, -left]))
    right = np.concatenate(list(decode(file, sample_rate_hz=RATE, channel=1)))
    assert np.abs(right + left).max() < 1 / 32768


@pytest.mark.parametrize(
    ("codec", "rate_hz", "kbps", "most_off"),
    [
        ("wav", 44_100, None, 1 / 32768),
        ("pcm", 44_100, None, 1 / 32768),
        ("flac", 44_100, None, 1 / 32768),
        ("mp3", 44_100, 128, 0.05),
        ("opus", 48_000, 128, 0.05),
        ("ulaw", 8_000, None, 0.05),
        ("alaw", 8_000, None, 0.05),
    ],
)
def test_both_are_written_and_stay_in_step(codec: Codec, rate_hz: int, kbps: int | None, most_off: float) -> None:
    planes, file = voices(), io.BytesIO()
    blocks = [planes[:, first : first + 10_000] for first in range(0, planes.shape[1], 10_000)]
    written = encode(blocks, file, codec, rate_hz, kbps, input_rate_hz=RATE, channels=2)
    assert written == round(planes.shape[1] * rate_hz / RATE)
    raw = {"pcm": RawPcm(rate_hz, 2), "ulaw": RawPcm(rate_hz, 2, "ulaw"), "alaw": RawPcm(rate_hz, 2, "alaw")}.get(codec)
    assert examine(file, raw=raw).channels == 2
    for channel, plane in enumerate(planes):
        found = np.concatenate(list(decode(file, sample_rate_hz=RATE, raw=raw, channel=channel)))
        assert abs(len(found) - len(plane)) <= round(RATE / rate_hz)
        length = min(len(found), len(plane))
        assert float(np.sqrt(np.mean((found[:length] - plane[:length]) ** 2))) <= most_off


def test_one_channel_is_written_as_ever() -> None:
    left = voices()[0]
    for block in (left, left[None]):
        file = io.BytesIO()
        encode([block], file, "wav", RATE, None, input_rate_hz=RATE)
        assert examine(file).channels == 1
        assert np.abs(np.concatenate(list(decode(file, sample_rate_hz=RATE))) - left).max() < 1 / 32768


def test_three_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="one channel, or two"):
        encode([], io.BytesIO(), "wav", RATE, None, input_rate_hz=RATE, channels=3)


SAID = voices()
MUSIC = np.random.default_rng(0).normal(0, 0.1, (3, SAID.shape[1])).astype(np.float32)


@pytest.mark.parametrize(
    ("planes", "is_apart"),
    [
        (SAID, True),
        (np.stack([SAID[0], SAID[0]]), False),
        (np.stack([SAID[0], 0 * SAID[0]]), False),
        (np.stack([SAID.sum(0), 0.3 * SAID.sum(0)]), False),
        (np.stack([MUSIC[0] + MUSIC[1], MUSIC[0] + MUSIC[2]]), False),
    ],
    ids=["interview", "the same twice", "a single side", "off the middle", "music"],
)
def test_an_interview_is_told_from_a_mix(planes: Planes, *, is_apart: bool) -> None:
    file = wav_of(planes)
    plain = examine(file, with_levels=True)
    assert plain.is_apart == is_apart
    flac = io.BytesIO(write_recording(planes, RATE, container="flac", codec="flac"))
    found = examine(flac, with_levels=True)
    assert found.is_apart == is_apart
    levels = [np.frombuffer(each.channel_levels[1], np.uint8).astype(int) for each in (found, plain)]
    assert np.abs(levels[0] - levels[1]).max() <= 1


def test_lanes_of_any_blocks_are_in_step() -> None:
    planes = voices(1.0)
    lanes = [iter(np.array_split(planes[0], 7)), iter([planes[1][:0], *np.array_split(planes[1], 3)])]
    assert np.array_equal(np.concatenate(list(in_step(lanes)), axis=1), planes)
    loudest = outline(planes)
    assert np.array_equal(np.abs(loudest), np.abs(planes).max(0))

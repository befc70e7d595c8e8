"""Speech made faster or slower: its length, its pitch, and where its moments come to lie."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.engine.tempo import Tempo

Samples = NDArray[np.float32]
SPEEDS = (0.7, 0.85, 1.1, 1.2)


def at(speed: float, samples: Samples, rate_hz: int, block: int = 24_000) -> Samples:
    tempo = Tempo(rate_hz, speed)
    found = [tempo.write(samples[start : start + block]) for start in range(0, len(samples), block)]
    return np.concatenate([np.zeros(0, np.float32), *found, tempo.finish()])


def syllables(rate_hz: int, seconds: float) -> tuple[Samples, list[float]]:
    """A fifth of a second of a 150 Hz voice each half a second, and when each begins."""
    samples = np.zeros(round(seconds * rate_hz), np.float32)
    length = rate_hz // 5
    phase = 2 * np.pi * 150 * np.arange(length) / rate_hz
    sound = 0.2 * np.hanning(length) ** 0.2 * sum(np.sin(phase * number) / number for number in range(1, 10))
    begins = [0.5 * number for number in range(1, round(2 * seconds) - 1)]
    for begin in begins:
        start = round(begin * rate_hz)
        samples[start : start + length] = sound
    return samples, begins


def onsets(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    loud = np.convolve(np.abs(samples) > 0.02, np.ones(rate_hz // 50))[: len(samples)] > 0
    return np.flatnonzero(np.diff(np.concatenate([[False], loud]).astype(int)) == 1) / rate_hz


@pytest.mark.parametrize("rate_hz", [24_000, 48_000])
@pytest.mark.parametrize("speed", SPEEDS)
def test_each_moment_is_near_its_place_and_the_pitch_stays(speed: float, rate_hz: int) -> None:
    samples, begins = syllables(rate_hz, 12.0)
    found = at(speed, samples, rate_hz)
    assert len(found) == round(len(samples) / speed)
    assert onsets(found, rate_hz) == pytest.approx(np.array(begins) / speed, abs=0.02)
    spectrum = np.abs(np.fft.rfft(found))
    hz = np.fft.rfftfreq(len(found), 1 / rate_hz)
    assert hz[np.argmax(spectrum * (hz < 220))] == pytest.approx(150, abs=1)


@pytest.mark.parametrize("length", [0, 1, 700, 24_001])
@pytest.mark.parametrize("speed", SPEEDS)
def test_any_length_is_divided_by_the_speed(speed: float, length: int) -> None:
    assert len(at(speed, np.full(length, 0.1, np.float32), 24_000)) == round(length / speed)


def test_blocks_make_no_difference() -> None:
    samples, _begins = syllables(24_000, 4.0)
    assert np.array_equal(at(1.2, samples, 24_000, 1000), at(1.2, samples, 24_000))


def test_nothing_is_changed_at_the_recordings_own() -> None:
    samples, _begins = syllables(24_000, 2.0)
    assert np.array_equal(at(1.0, samples, 24_000), samples)


def test_the_end_is_not_lost() -> None:
    rate_hz = 24_000
    samples = np.zeros(3 * rate_hz, np.float32)
    samples[-rate_hz // 10 :] = 0.3 * np.sin(2 * np.pi * 200 * np.arange(rate_hz // 10) / rate_hz)
    for speed in SPEEDS:
        end = at(speed, samples, rate_hz)[-rate_hz // 50 :]
        assert np.sqrt(np.mean(end**2)) > 0.1, speed

"""The parts of the analysis against WORLD's own, which they follow in fewer steps and fewer digits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import pyworld
from numpy.typing import NDArray

from s2s.engine import pitch
from s2s.engine.along import along
from s2s.engine.aperiodicity import aperiodicities
from s2s.engine.envelope import envelopes
from s2s.engine.vocoder import BIN_HZ, ENVELOPE_FLOOR_HZ, FFT_SIZE, HOP, SAMPLE_RATE_HZ

Load = Callable[[str, int], NDArray[np.float32]]


@pytest.fixture(scope="module", params=["man_librivox.flac", "woman_prompts.flac", "man_cards.flac"])
def speech_in_16_bits(request: pytest.FixtureRequest, speech: Load) -> NDArray[np.float64]:
    """As the spool gives it: what is above its sources' 8 kHz is no quieter than a step."""
    found = speech(request.param, SAMPLE_RATE_HZ)[: 8 * SAMPLE_RATE_HZ].astype(np.float64)
    return np.asarray(np.rint(found * 32767) / 32767)


@pytest.fixture(scope="module")
def tracked(speech_in_16_bits: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """F0 by WORLD's DIO and StoneMask, where there is any, and in which frames."""
    f0_hz, times_s = pyworld.dio(
        speech_in_16_bits, SAMPLE_RATE_HZ, f0_floor=ENVELOPE_FLOOR_HZ + 1, f0_ceil=600.0, frame_period=5.0
    )
    f0_hz = pyworld.stonemask(speech_in_16_bits, f0_hz, times_s, SAMPLE_RATE_HZ)
    frames = np.flatnonzero(f0_hz > ENVELOPE_FLOOR_HZ + 1)
    assert len(frames) > 300
    return f0_hz[frames], frames


def seconds(frames: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.asarray(frames * HOP / SAMPLE_RATE_HZ, dtype=np.float64)


def test_envelopes_are_worlds(
    speech_in_16_bits: NDArray[np.float64], tracked: tuple[NDArray[np.float64], NDArray[np.intp]]
) -> None:
    f0_hz, frames = tracked
    ours = envelopes(speech_in_16_bits, f0_hz, frames)
    theirs = pyworld.cheaptrick(
        speech_in_16_bits, f0_hz, seconds(frames), SAMPLE_RATE_HZ, f0_floor=ENVELOPE_FLOOR_HZ, fft_size=FFT_SIZE
    )
    heard = BIN_HZ < 7000
    difference_db = 10 * np.log10(ours[:, heard] / theirs[:, heard])
    assert np.abs(difference_db).max() < 0.1


def test_aperiodicity_is_worlds(
    speech_in_16_bits: NDArray[np.float64], tracked: tuple[NDArray[np.float64], NDArray[np.intp]]
) -> None:
    f0_hz, frames = (each[::3].copy() for each in tracked)
    ours = aperiodicities(speech_in_16_bits, f0_hz, frames)
    theirs = pyworld.d4c(speech_in_16_bits, f0_hz, seconds(frames), SAMPLE_RATE_HZ, threshold=0, fft_size=FFT_SIZE)
    heard = BIN_HZ < 6000
    assert np.abs(ours - theirs)[:, heard].mean() < 0.01
    assert np.corrcoef(ours[:, 128], theirs[:, 128])[0, 1] > 0.99


def test_pitch_is_refined_as_by_world(
    speech_in_16_bits: NDArray[np.float64], tracked: tuple[NDArray[np.float64], NDArray[np.intp]]
) -> None:
    frames = tracked[1]
    coarse_hz, times_s = pyworld.dio(
        speech_in_16_bits, SAMPLE_RATE_HZ, f0_floor=ENVELOPE_FLOOR_HZ + 1, f0_ceil=600.0, frame_period=5.0
    )
    theirs = pyworld.stonemask(speech_in_16_bits, coarse_hz, times_s, SAMPLE_RATE_HZ)[frames]
    ours = pitch.refined(speech_in_16_bits, coarse_hz[frames], frames)
    off_cents = np.abs(1200 * np.log2(ours / theirs))
    coarse_off_cents = np.abs(1200 * np.log2(coarse_hz[frames] / theirs))
    assert np.median(off_cents) < 2.5 < np.median(coarse_off_cents) / 3
    assert np.percentile(off_cents, 95) < 40


def test_frames_of_another_voice_make_no_difference_to_one(
    speech_in_16_bits: NDArray[np.float64], tracked: tuple[NDArray[np.float64], NDArray[np.intp]]
) -> None:
    f0_hz, frames = tracked
    some = slice(40, 90)
    for measured in (envelopes, aperiodicities, pitch.refined):
        together = measured(speech_in_16_bits, f0_hz, frames)[some]
        assert np.array_equal(measured(speech_in_16_bits, f0_hz[some], frames[some]), together)


@pytest.mark.parametrize(("hop", "length"), [(120, 1), (120, 240), (240, 1000), (7, 100)])
def test_draws_from_frames_to_samples(hop: int, length: int) -> None:
    values = np.random.default_rng(1).standard_normal(5)
    known = np.interp(np.arange(length), np.arange(len(values)) * hop, values)
    assert np.abs(along(values, hop, length) - known).max() < 1e-12

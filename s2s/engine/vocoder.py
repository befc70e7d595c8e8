"""WORLD: speech as F0, spectral envelope and aperiodicity, frame by frame, and back.

Sources: Morise, Yokomori, Ozawa 2016 (WORLD); Morise 2015 (CheapTrick); Morise 2016 (D4C);
Morise, Kawahara, Katayose 2009 (DIO).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyworld
from numpy.typing import NDArray

# 48 kHz costs twice as much and gains nothing measurable; 10 ms frames lose similarity in copy-synthesis.
SAMPLE_RATE_HZ = 24_000
FRAME_PERIOD_MS = 5.0
HOP = int(SAMPLE_RATE_HZ * FRAME_PERIOD_MS / 1000)

F0_FLOOR_HZ = 65.0
F0_CEILING_HZ = 600.0
ENVELOPE_FLOOR_HZ = 71.0
FFT_SIZE: int = pyworld.get_cheaptrick_fft_size(SAMPLE_RATE_HZ, ENVELOPE_FLOOR_HZ)
BINS = FFT_SIZE // 2 + 1
BIN_HZ = np.arange(BINS) * SAMPLE_RATE_HZ / FFT_SIZE

# DIO with a narrower range (0.1) loses voicing; Harvest is slightly better and 25 times slower.
_DIO_ALLOWED_RANGE = 0.2
# DIO looks for F0 at 8 kHz: eight times cheaper, and StoneMask refines on the full signal.
_DIO_DECIMATION = 3
_D4C_THRESHOLD = 0.85
# D4C gives frames without periodicity values next to 1.
APERIODIC = 0.999
# WORLD's analysis windows need something to stand on, even when the recording is a single click.
_SHORTEST = 2 * FFT_SIZE
# What WORLD's synthesis takes for F0 where there is no voice.
UNVOICED_PULSE_HZ = 500.0

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Features:
    """A stretch of speech as WORLD sees it.

    `f0_hz` float64 (frames,), 0 where unvoiced; `envelope` float64 (frames, BINS), power; `aperiodicity`
    float64 (frames, BINS), 0..1.
    """

    f0_hz: Floats
    envelope: Floats
    aperiodicity: Floats

    @property
    def voiced(self) -> NDArray[np.bool_]:
        return self.f0_hz > 0


def analyse(samples: NDArray[np.floating], *, every: int = 1, between: Callable[[], object] = lambda: None) -> Features:
    """Take speech apart. `samples`: mono (n,) at 24 kHz, -1..1. Yields n / HOP + 1 frames.

    `every` keeps one frame in so many: F0 is tracked on all of them, but the costly envelope and aperiodicity
    are computed only for those kept. Statistics need no more. `between` is called between the parts of the work.
    """
    x = np.ascontiguousarray(samples, dtype=np.float64)
    if len(x) < _SHORTEST:
        x = np.pad(x, (0, _SHORTEST - len(x)))
    coarse_hz, times_s = pyworld.dio(
        x,
        SAMPLE_RATE_HZ,
        f0_floor=F0_FLOOR_HZ,
        f0_ceil=F0_CEILING_HZ,
        frame_period=FRAME_PERIOD_MS,
        allowed_range=_DIO_ALLOWED_RANGE,
        speed=_DIO_DECIMATION,
    )
    between()
    f0_hz = pyworld.stonemask(x, coarse_hz, times_s, SAMPLE_RATE_HZ)
    if every > 1:
        f0_hz, times_s = f0_hz[::every].copy(), times_s[::every].copy()
    between()
    envelope = pyworld.cheaptrick(x, f0_hz, times_s, SAMPLE_RATE_HZ, f0_floor=ENVELOPE_FLOOR_HZ, fft_size=FFT_SIZE)
    return Features(f0_hz, envelope, _aperiodicity(x, f0_hz, times_s, between))


def _aperiodicity(x: Floats, f0_hz: Floats, times_s: Floats, between: Callable[[], object]) -> Floats:
    """(frames, BINS). D4C costs as much as all else, and breath changes slowly inside a vowel: a frame between two
    periodic ones is their mean. At the edges of vowels, where words are told apart, every frame is measured."""

    def measure(frames: NDArray[np.intp]) -> None:
        between()
        f0, at = f0_hz[frames], times_s[frames]
        whole[frames] = pyworld.d4c(x, f0, at, SAMPLE_RATE_HZ, threshold=_D4C_THRESHOLD, fft_size=FFT_SIZE)

    whole = np.ones((len(f0_hz), BINS))
    measure(np.arange(0, len(f0_hz), 2))
    periodic = whole[:, 0] < APERIODIC
    middle = np.arange(1, len(f0_hz) - 1, 2)
    inside = middle[(f0_hz[middle] > 0) & periodic[middle - 1] & periodic[middle + 1]]
    whole[inside] = (whole[inside - 1] + whole[inside + 1]) / 2
    left = np.setdiff1d(np.arange(1, len(f0_hz), 2), inside, assume_unique=True)
    left = left[f0_hz[left] > 0]  # without a voice there is only noise
    if len(left):
        measure(left)
    return whole


def synthesise(features: Features, length: int) -> Floats:
    """Put speech together: float64 (length,) at 24 kHz.

    WORLD draws its noise from a generator that starts anew with every call: the same features always give the
    same samples, in any thread.
    """
    samples: Floats = pyworld.synthesize(
        np.ascontiguousarray(features.f0_hz),
        np.ascontiguousarray(features.envelope),
        np.ascontiguousarray(features.aperiodicity),
        SAMPLE_RATE_HZ,
        FRAME_PERIOD_MS,
    )
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    return samples[:length]


def pulse_phase(f0_hz: Floats, sample: int) -> float:
    """Cycles that the pulse train of `synthesise` has run through at `sample` (24 kHz).

    Follows WORLD's time base (Morise 2016): F0 and voicing are interpolated linearly between frames, the voice
    is on where the latter is above a half, and elsewhere pulses come at 500 Hz.
    """
    frames = min(len(f0_hz), sample // HOP + 2)
    positions = np.arange(sample) / HOP
    grid = np.arange(frames)
    pulse_hz = np.interp(positions, grid, f0_hz[:frames])
    on = np.interp(positions, grid, (f0_hz[:frames] > 0).astype(np.float64)) > 0.5
    return float(np.where(on, pulse_hz, UNVOICED_PULSE_HZ).sum() / SAMPLE_RATE_HZ)

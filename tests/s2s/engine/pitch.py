"""F0 by another tracker than the engine's own, which counts zero crossings.

P. Boersma, Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
sound, IFA Proceedings 17 (1993): the autocorrelation of a windowed frame, divided by the window's own.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

_RATE_HZ = 16_000
_HOP = _RATE_HZ // 200
_LEAST_LIKENESS = 0.6  # of a period to the next; less is breath
_LEAST_LEVEL = 0.03  # of the loudest frame's
_OCTAVE_COST = 0.01  # of two periods that are as alike the shorter one is meant


def f0_of(samples: NDArray[np.float32], rate_hz: int, *, floor_hz: float, ceiling_hz: float) -> NDArray[np.float64]:
    """In Hz, one frame every 5 ms, 0 where there is no voice. `samples`: mono `(n,)`."""
    sound = soxr.resample(samples.astype(np.float64), rate_hz, _RATE_HZ)
    width = int(3 * _RATE_HZ / floor_hz)  # three of the longest periods
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, width // 2), width)[::_HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    level = np.sqrt(np.mean(frames**2, axis=1))
    window = np.hanning(width + 2)[1:-1]
    likeness = _autocorrelation(frames * window) / _autocorrelation(window[None])
    shortest, longest = int(_RATE_HZ / ceiling_hz), int(np.ceil(_RATE_HZ / floor_hz))
    lags = np.arange(shortest, longest + 1)
    before, here, after = (likeness[:, lags + beside] for beside in (-1, 0, 1))
    is_peak = (here >= before) & (here > after)
    # The top of a parabola through the three: a period seldom is a whole number of samples.
    bend = np.minimum(before - 2 * here + after, -1e-12)
    beside, top = (before - after) / (2 * bend), here - (before - after) ** 2 / (8 * bend)
    best = np.where(is_peak, top - _OCTAVE_COST * np.log2(lags), -np.inf).argmax(axis=1)
    peak = np.arange(len(frames)), best
    is_voiced = is_peak[peak] & (top[peak] > _LEAST_LIKENESS) & (level > _LEAST_LEVEL * level.max())
    return np.where(is_voiced, _RATE_HZ / (lags[best] + beside[peak]), 0.0)


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 at lag 0; `(frames, width)`."""
    width = frames.shape[1]
    power = np.abs(np.fft.rfft(frames, 2 * width, axis=1)) ** 2
    products = np.fft.irfft(power, axis=1)[:, :width]
    return np.asarray(products / np.maximum(products[:, :1], 1e-12))

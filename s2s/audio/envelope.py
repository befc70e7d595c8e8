"""Whether two recordings can be the same performance: how their loudness rises and falls.

A changed voice keeps the words and their timing, so its energy envelope follows that of the recording it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAME_S: Final = 0.02
_RANGE_DB: Final = 50.0  # below the loudest frame; what is quieter is background
_SMOOTH_FRAMES: Final = 5
_LEAST_DB: Final = 1.5  # standard deviation; speech has 8 and more, a steady tone next to nothing


def envelope(
    blocks: Iterable[NDArray[np.float32]], sample_rate_hz: int, frame_s: float = FRAME_S
) -> NDArray[np.float32]:
    """The root mean square in dBFS of each `frame_s` of mono `(n,)` blocks: `(frames,)`."""
    length = round(frame_s * sample_rate_hz)
    rest, levels = np.zeros(0, np.float32), []
    for block in blocks:
        samples = np.concatenate([rest, block])
        whole = len(samples) // length * length
        frames = samples[:whole].reshape(-1, length)
        levels.append(np.einsum("ij,ij->i", frames, frames) / length)
        rest = samples[whole:]
    power = np.concatenate(levels) if levels else np.zeros(0, np.float32)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), np.float32)


def correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson's correlation of two envelopes, -1..1, the second stretched to the length of the first.

    0.0 where one of them says nothing: too short, or as loud everywhere.
    """
    if min(len(one), len(other)) < 2 * _SMOOTH_FRAMES:
        return 0.0
    moments = np.linspace(0, len(other) - 1, len(one))
    stretched = np.interp(moments, np.arange(len(other)), other)
    first, second = _shape(one), _shape(stretched)
    if min(first.std(), second.std()) < _LEAST_DB:
        return 0.0
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def _shape(levels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Smoothed, without what lies in the background, around zero."""
    bounded = np.maximum(levels, levels.max() - _RANGE_DB)
    padded = np.pad(bounded, _SMOOTH_FRAMES // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(_SMOOTH_FRAMES) / _SMOOTH_FRAMES, mode="valid")
    return np.asarray(smooth - smooth.mean(), np.float64)

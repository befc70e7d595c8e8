"""Whether a join can be heard: what is measured there, beside the same at other places of the same recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.support.dialogue import RATE_HZ, Samples
from tests.support.lag import level_db

# By how much more there may be at a join than anywhere else, in dB.
MOST: Final = {"click": 0.0, "flux": 0.0, "louder": 1.0, "softer": 1.0, "step": 1.0}
ONSET_S: Final = 0.005

_JOIN_S = 0.3  # around a join, in which all of its fade lies
_FRAME = 256  # samples, in which a spectrum is taken
_QUIET, _BACKGROUND = 1e-3, 0.03  # below the one nothing is heard, below the other nobody speaks
_AROUND_S = 4.0  # in which a level is that of several words
_ONSET_S, _REACH_S = 0.5, 0.05

Measure = Callable[[Samples], float]


def heard_at(joins: Sequence[int], source: Samples, result: Samples) -> dict[str, float]:
    """What `MOST` bounds, in dB: how much more of it `result` has beside `source` at its worst join (in samples)
    than at 99 of 100 other places; and the largest step in level there.
    """
    others, heard = elsewhere(joins, len(source)), {}
    for measure in (click, flux, loud):
        there, usual = (excess(measure, source, result, places) for places in (joins, others))
        least, most = np.percentile(usual, (1, 99))
        if measure is loud:
            heard |= {"louder": float(there.max() - most), "softer": float(least - there.min())}
        else:
            heard[measure.__name__] = float(there.max() - most)
    return heard | {"step": max(abs(step_db(source, result, place)) for place in joins)}


def loud(samples: Samples) -> float:
    """The level in dB of what isn't background."""
    return level_db(np.hypot(samples, _BACKGROUND).astype(np.float32))


def click(samples: Samples) -> float:
    """The largest second difference, in dB: what jumps bends at once, as no voice does."""
    return float(20 * np.log10(np.abs(np.diff(samples, 2)).max() + _QUIET))


def flux(samples: Samples) -> float:
    """The largest rise of the spectrum from one frame to the next, in dB over all bands (Dixon 2006)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[:: _FRAME // 2] * np.hanning(_FRAME)
    levels = 20 * np.log10(np.abs(np.fft.rfft(frames, axis=1)) + _QUIET * _FRAME)
    return float(np.maximum(np.diff(levels, axis=0), 0).mean(axis=1).max())


def excess(measure: Measure, source: Samples, result: Samples, places: Sequence[int]) -> NDArray[np.float64]:
    """How much more of it `result` has than `source` around each of `places`."""
    half = round(_JOIN_S * RATE_HZ / 2)
    around = [slice(max(0, place - half), place + half) for place in places]
    return np.array([measure(result[window]) - measure(source[window]) for window in around])


def step_db(source: Samples, result: Samples, place: int) -> float:
    """By how much what is behind `place` is louder than what is before it, beside the same in `source`."""
    length = round(_AROUND_S * RATE_HZ)
    sides = slice(max(0, place - length), place), slice(place, place + length)
    before, behind = (level_db(result[side]) - level_db(source[side]) for side in sides)
    return behind - before


def elsewhere(joins: Sequence[int], samples: int, count: int = 400) -> list[int]:
    """Places at which nothing is joined."""
    found = np.random.default_rng(0).integers(RATE_HZ, samples - RATE_HZ, 2 * count)
    near = np.abs(found[:, None] - np.array(joins)[None]).min(axis=1) < RATE_HZ
    return [int(place) for place in found[~near][:count]]


def moved_s(source: Samples, result: Samples, onset_s: float) -> float:
    """By how much later what begins there is in `result`."""
    first, length, reach = (round(seconds * RATE_HZ) for seconds in (onset_s, _ONSET_S, _REACH_S))
    first = max(reach, first - length // 4)
    window, around = source[first : first + length], result[first - reach : first + length + reach]
    powers = np.convolve(np.square(around, dtype=np.float64), np.ones(len(window)), "valid")
    likeness = np.correlate(around, window, "valid") / np.sqrt(powers + 1e-9)
    return (int(np.argmax(likeness)) - reach) / RATE_HZ

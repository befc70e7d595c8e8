"""Keeps a mix within full scale where its channels together go beyond it, without a click and without clipping."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
_RAMP_S: Final = 0.005


class Limiter:
    """Mono float32 in, as many samples out, of which none is beyond +-1.

    Around what would be, it is quieter for some milliseconds. Each sample depends on its neighbours alone, so that a
    passage comes out as it does within the whole. (The least gain that a stretch allows, averaged over one as long.)
    """

    def __init__(self, sample_rate_hz: int, ramp_s: float = _RAMP_S) -> None:
        self._reach = max(1, round(ramp_s * sample_rate_hz))
        self._held = np.zeros(2 * self._reach, np.float32)  # what was given already, and the last that wasn't

    def write(self, block: Samples) -> Samples:
        """Take `(n,)` samples, give those behind which enough is known."""
        if not len(block):
            return np.zeros(0, np.float32)
        return self._give(block, 2 * self._reach)

    def finish(self) -> Samples:
        """Give what is left."""
        return self._give(np.zeros(0, np.float32), 0)

    def _give(self, block: Samples, hold: int) -> Samples:
        """`_held` is what the first sample needs that is still due (`2 * reach`), and those that are."""
        behind = 2 * self._reach
        if len(block) == 0 and len(self._held) == behind:
            return np.zeros(0, np.float32)
        known = np.concatenate([self._held, block])
        due = known[behind:]
        ready = max(0, len(due) - hold)
        if float(np.abs(known).max()) > 1.0:
            given = due[:ready] * self._gains(known)[behind : behind + ready]
            given = np.clip(given, -1.0, 1.0)  # a rounding error at most
        else:
            given = due[:ready].copy()
        self._held = known[ready:].copy()
        return given

    def _gains(self, known: Samples) -> Samples:
        reach = self._reach
        allowed = 1.0 / np.maximum(np.abs(known.astype(np.float64)), 1.0)
        padded = np.pad(allowed, 2 * reach, constant_values=1.0)
        least = _moving_minimum(padded, 2 * reach + 1)
        sums = np.concatenate([[0.0], np.cumsum(least)])
        width = 2 * reach + 1
        gains: Samples = ((sums[width:] - sums[:-width]) / width).astype(np.float32)
        return gains


def _moving_minimum(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Of every `width` neighbours: `(n - width + 1,)`. By doubling, because numpy is slow along short axes."""
    covered = 1
    while 2 * covered <= width:
        values = np.minimum(values[:-covered], values[covered:])
        covered *= 2
    rest = width - covered
    return np.minimum(values[: len(values) - rest], values[rest:]) if rest else values

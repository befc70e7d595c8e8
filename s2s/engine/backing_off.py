"""Where speech is far above the noise that is there, it stays as it was recorded: nobody hears that noise beside it,
and what a network takes from clean speech is missing.

How loud the noise is tells the quietest moment of the last seconds (minimum statistics: Martin 2001).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

# Levels are of so many frames, to both sides of the one that is meant.
_BESIDE = 2
# Later frames that must be known of one that is decided.
AHEAD = _BESIDE + 1
_REMEMBERED = 150
# So far above the noise that all of it is removed, and that none is.
_ALL_DB, _NONE_DB = 15.0, 25.0
_TINY = 1e-10


class BackingOff:
    """How much of the recording stays as it is, for one frame (of 10 ms) after the other, AHEAD of them late."""

    def __init__(self, frame: int) -> None:
        self._frame = frame
        self._powers = np.zeros(0)
        self._levels_db = np.zeros(0)
        self._shares = np.zeros(0)

    def hear(self, samples: Samples) -> Samples:
        """Whole frames (n * frame,) in, the share (n * frame,) 0..1 of those AHEAD of them out; what comes out first is
        of no frame."""
        powers = np.square(samples.astype(np.float64)).reshape(-1, self._frame).mean(axis=1)
        if not len(self._powers):
            self._powers = np.full(2 * _BESIDE, powers[0])
            self._levels_db, self._shares = np.full(_REMEMBERED, np.inf), np.zeros(2)
        heard = np.concatenate([self._powers, powers])
        mean = np.convolve(heard, np.full(2 * _BESIDE + 1, 1 / (2 * _BESIDE + 1)), "valid")
        levels_db = np.concatenate([self._levels_db, 10 * np.log10(mean + _TINY)])
        quietest_db = np.lib.stride_tricks.sliding_window_view(levels_db, _REMEMBERED + 1).min(axis=1)
        above_db = levels_db[_REMEMBERED:] - quietest_db
        shares = np.concatenate([self._shares, np.clip((above_db - _ALL_DB) / (_NONE_DB - _ALL_DB), 0, 1)])
        self._powers, self._levels_db = heard[-2 * _BESIDE :], levels_db[-_REMEMBERED:]
        self._shares = shares[-2:]
        # Each share belongs to the middle of its frame; in the first half it comes from the one before.
        at = np.arange(len(powers) * self._frame) / self._frame + 0.5
        return np.asarray(np.interp(at, np.arange(len(shares)), shares), dtype=np.float32)

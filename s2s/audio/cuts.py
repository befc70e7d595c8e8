"""Where a recording is cut that is too long for one call: at the quietest places, into pieces of like length.

Neighbours overlap, so that they can be faded into each other where they are joined: within the pause, or by a quarter
of a second to both sides where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.pauses import FRAME_S, pauses, smoothed
from s2s.audio.portions import OVERLAP_S, most_s
from s2s.audio.portions import pieces as pieces_of

_SMOOTH_FRAMES: Final = 21  # 210 ms: a fade has to be quiet all along
_AS_QUIET_DB: Final = 1.0
_LEAST_FRAMES: Final = 6  # to each side, of what is faded
_LONG_FRAMES: Final = 100  # a pause of a second is as good as a longer one
_WINDOW_SHARE: Final = 0.15  # of a piece's length, to each side of where it would end if all were alike


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start`, and up to `end`, in samples of the recording."""

    start: int
    end: int


def cut(levels: NDArray[np.float32], samples: int, sample_rate_hz: int, longest_s: float) -> list[Stretch]:
    """Pieces that cover all of a recording of so many `samples`, each of `longest_s` at most with its overlaps.

    One that is no longer stays whole. `levels` as `pauses` takes them. The same recording is always cut the same way.
    Raises ValueError where `longest_s` leaves pieces shorter than `portions.SHORTEST_S`.
    """
    if samples <= longest_s * sample_rate_hz:
        return [Stretch(0, samples)]
    most = most_s(longest_s) / FRAME_S
    frames = samples / sample_rate_hz / FRAME_S
    count = pieces_of(samples / sample_rate_hz, longest_s)
    reach = min((most - frames / count) / 2, _WINDOW_SHARE * frames / count)
    places = _Places(levels)
    cuts = [places.quietest(round(frames * number / count), int(reach)) for number in range(1, count)]

    def sample(frame: int) -> int:
        return min(samples, round(frame * FRAME_S * sample_rate_hz))

    starts = [0, *(sample(at - half) for at, half in cuts)]
    ends = [*(sample(at + half) for at, half in cuts), samples]
    return [Stretch(*both) for both in zip(starts, ends, strict=True)]


class _Places:
    def __init__(self, levels: NDArray[np.float32]) -> None:
        self._levels = smoothed(levels, _SMOOTH_FRAMES)
        self._pauses = pauses(levels)

    def quietest(self, around: int, reach: int) -> tuple[int, int]:
        """A frame at most `reach` from `around`, and how many to each side both pieces have."""
        first = max(0, around - reach)
        window = self._levels[first : around + reach + 1]
        if not len(window):  # levels that end early: silence
            return around, round(OVERLAP_S / FRAME_S)
        quiet = first + np.flatnonzero(window <= window.min() + _AS_QUIET_DB)
        pause = np.searchsorted(self._pauses[:, 0], quiet, side="right") - 1
        within = (pause >= 0) & (quiet < self._pauses[pause, 1]) if len(self._pauses) else np.zeros(len(quiet), bool)
        length = np.where(within, np.minimum(self._lengths(pause), _LONG_FRAMES), 0)
        best = np.lexsort((np.abs(quiet - around), -length))[0]
        at, half = int(quiet[best]), round(OVERLAP_S / FRAME_S)
        if not within[best]:
            return at, half
        begins, ends = (int(edge) for edge in self._pauses[pause[best]])
        half = min(half, (ends - begins) // 2)
        at = min(max(at, begins + half), ends - half)
        at = min(max(at, around - reach), around + reach)  # a piece is never longer for it
        return at, max(min(half, at - begins, ends - at), _LEAST_FRAMES)

    def _lengths(self, pause: NDArray[np.int64]) -> NDArray[np.int64]:
        if not len(self._pauses):
            return np.zeros(len(pause), np.int64)
        return np.asarray(np.diff(self._pauses, axis=1)[pause, 0], np.int64)

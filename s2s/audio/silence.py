"""Where nothing is heard at all, so that nobody need be paid for it: far below the quietest that anybody says.

Decided with care. A quiet room has -60 dBFS; what is taken for silence is ten times softer, and far below the loudest
of the recording.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.levels import FRAMES_A_SECOND
from s2s.audio.pauses import smoothed

_MOST_DBFS: Final = -70.0
_BELOW_LOUDEST_DB: Final = 45.0
_SMOOTH_FRAMES: Final = 5
_EDGE_FRAMES: Final = 5
_LEAST_FRAMES: Final = 10 * FRAMES_A_SECOND  # what is shorter isn't worth a call more
_MARGIN_FRAMES: Final = FRAMES_A_SECOND // 2  # what begins softly isn't cut off


def silence_dbfs(levels: NDArray[np.float32]) -> float:
    """What is no louder is silence. `levels`: of all of the recording, as `pauses` takes them."""
    loudest = float(smoothed(levels, 2 * _SMOOTH_FRAMES + 1).max(initial=-100.0))
    return min(_MOST_DBFS, loudest - _BELOW_LOUDEST_DB)


def heard(levels: NDArray[np.float32], below_dbfs: float) -> NDArray[np.int64]:
    """Where something is heard: `(count, 2)`, the first frame and the one after the last.

    Silence of less than ten seconds belongs to what is around it, but where all is silent there is nothing; nor where
    only the ends are heard, which is what reaches in from next to it.
    """
    sounding = np.flatnonzero(smoothed(levels, _SMOOTH_FRAMES) > below_dbfs)
    edge = min(_EDGE_FRAMES, len(levels) // 4)
    if not ((sounding >= edge) & (sounding < len(levels) - edge)).any():
        return np.zeros((0, 2), np.int64)
    apart = np.flatnonzero(np.diff(sounding) > _LEAST_FRAMES)
    first = np.concatenate([sounding[:1], sounding[apart + 1]]) - _MARGIN_FRAMES
    last = np.concatenate([sounding[apart], sounding[-1:]]) + 1 + _MARGIN_FRAMES
    if first[0] < _LEAST_FRAMES:
        first[0] = 0
    if last[-1] > len(levels) - _LEAST_FRAMES:
        last[-1] = len(levels)
    return np.stack([first, last], axis=1)

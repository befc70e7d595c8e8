"""Where nobody speaks: short-time energy with hysteresis over the recording's own noise floor.

Energy tells speech from background as in Rabiner & Sambur 1975 ("An Algorithm for Determining the Endpoints of
Isolated Utterances"), whose two thresholds lie between the level of the background and that of speech. Both are taken
from the recording, and around each place anew: an hour has quiet rooms and loud ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.levels import FRAMES_A_SECOND

FRAME_S: Final = 1 / FRAMES_A_SECOND

_SMOOTH_FRAMES: Final = 3  # 30 ms: a deep voice has several periods in it
_SHORTEST_FRAMES: Final = 20  # what a plosive closes the mouth for is shorter
_WINDOW_FRAMES: Final = 1000  # 10 s: nobody speaks longer without taking a breath
_AROUND: Final = 3  # windows to both sides that are asked where one has only speech, or only its background
_BACKGROUND, _SPEECH = 2, 95  # percentiles of the levels in a window, where the shortest pause has 2 of 100
_BEGINS, _ENDS = 0.2, 0.35  # of the way from the background to speech, in dB
_LEAST_RANGE_DB: Final = 10.0  # steady noise, or music, has no pauses
_SILENCE_DBFS: Final = -65.0


def pauses(levels: NDArray[np.float32]) -> NDArray[np.int64]:
    """The pauses of 200 ms and more in a recording, `(count, 2)`: first frame, and the one after the last.

    `levels`: the root mean square of each 10 ms in dBFS, `(frames,)`.
    """
    smooth = smoothed(levels, _SMOOTH_FRAMES)
    background, speech = _surroundings(smooth)
    span = speech - background
    has_pauses = span >= _LEAST_RANGE_DB
    begins = np.where(has_pauses, background + _BEGINS * span, _SILENCE_DBFS)
    ends = np.where(has_pauses, background + _ENDS * span, _SILENCE_DBFS)
    quiet, still = smooth <= np.maximum(begins, _SILENCE_DBFS), smooth <= np.maximum(ends, _SILENCE_DBFS)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]])))
    stretches = edges.reshape(-1, 2)
    heard = np.concatenate([[0], np.cumsum(quiet)])
    first, last = stretches.T
    is_pause = (heard[last] > heard[first]) & (last - first >= _SHORTEST_FRAMES)
    return np.asarray(stretches[is_pause], np.int64)


def smoothed(levels: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """`levels` in dB, each the mean power of so many frames around it, an odd number; of fewer at both ends."""
    power = np.concatenate([[0.0], np.cumsum(10 ** (levels.astype(np.float64) / 10))])
    places = np.arange(len(levels))
    first, last = np.maximum(places - frames // 2, 0), np.minimum(places + frames // 2 + 1, len(levels))
    mean = (power[last] - power[first]) / np.maximum(last - first, 1)
    return np.asarray(10 * np.log10(np.maximum(mean, 1e-12)), np.float32)


def _surroundings(levels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The levels of the background and of speech around each frame, in dBFS."""
    if not len(levels):
        return levels, levels
    count = max(1, len(levels) // _WINDOW_FRAMES)
    windows = np.array_split(levels, count)
    background, speech = np.array([np.percentile(window, (_BACKGROUND, _SPEECH)) for window in windows], np.float32).T
    told = speech - background >= _LEAST_RANGE_DB
    nearby = [
        slice(place, place + 1) if told[place] else slice(max(0, place - _AROUND), place + _AROUND + 1)
        for place in range(count)
    ]
    lengths = [len(window) for window in windows]
    return (
        np.repeat([background[around].min() for around in nearby], lengths).astype(np.float32),
        np.repeat([speech[around].max() for around in nearby], lengths).astype(np.float32),
    )

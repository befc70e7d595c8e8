"""Whether both channels of a recording have something to say that the other one hasn't: an interview, not a stereo mix.

Decided by their levels from moment to moment: where two people have a microphone each, who speaks is far louder in the
own one. Instruments and rooms are in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.levels import Levels, in_dbfs

_SOUND_DB: Final = 30.0  # below the loudest: what is quieter is nobody who speaks
_LEADS_DB: Final = 10.0
_LEAST_SHARE: Final = 0.03  # of the moments with sound; an interviewer says little


class ChannelLevels:
    """`Levels` of each channel, gathered block by block; none where the recording changes its rate or its channels."""

    def __init__(self, channels: int, sample_rate_hz: int) -> None:
        self._kind = channels, sample_rate_hz
        self._levels = Levels(sample_rate_hz, channels)
        self._changes = False

    def write(self, planes: NDArray[np.float32], sample_rate_hz: int) -> None:
        """Take `(channels, n)` samples."""
        self._changes |= (len(planes), sample_rate_hz) != self._kind
        if not self._changes:
            self._levels.write(planes)

    def finish(self) -> tuple[bytes, ...]:
        """As `Levels.finish`, for each."""
        return () if self._changes else self._levels.of_each()


def are_apart(levels: Sequence[bytes]) -> bool:
    """Of what `ChannelLevels.finish` gave for two channels; False for any other number."""
    if len(levels) != 2 or not levels[0]:
        return False
    left, right = (in_dbfs(each) for each in levels)
    louder = np.maximum(left, right)
    has_sound = louder > louder.max() - _SOUND_DB
    shares = [
        float((has_sound & (ahead > _LEADS_DB)).sum() / has_sound.sum()) for ahead in (left - right, right - left)
    ]
    return min(shares) >= _LEAST_SHARE

"""How loud a recording is from moment to moment: 100 bytes a second, in which its pauses show."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAMES_A_SECOND: Final = 100

_STEPS_A_DB: Final = 2


class Levels:
    """The root mean square of each 10 ms of a signal, gathered block by block.

    Frames begin at the sample that is nearest to their time, so none drifts at a rate that isn't made of hundreds.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._written = 0
        self._begun = 0  # frames
        self._power, self._count = 0.0, 0  # of the last of them: the sum of squares, and samples
        self._found: list[NDArray[np.uint8]] = []

    def write(self, block: NDArray[np.float32]) -> None:
        """Take `(n,)` mono samples."""
        if not len(block):
            return
        begins = self._begins(self._written + len(block)) - self._written
        if self._count and not (len(begins) and begins[0] == 0):
            edges = np.concatenate([[0], begins])
        else:
            self._close()
            edges = begins
        power = np.add.reduceat(np.square(block, dtype=np.float64), edges)
        counts = np.diff(np.concatenate([edges, [len(block)]]))
        power[0] += self._power
        counts[0] += self._count
        self._found.append(_in_steps(power[:-1], counts[:-1]))
        self._power, self._count = float(power[-1]), int(counts[-1])
        self._written += len(block)

    def finish(self) -> bytes:
        """One uint8 for each frame: how many half decibels it is below full scale, 255 for silence."""
        self._close()
        return b"".join(each.tobytes() for each in self._found)

    def _begins(self, end: int) -> NDArray[np.int64]:
        """Where those frames begin that haven't yet, and do before `end`."""
        frames = np.arange(self._begun, end * FRAMES_A_SECOND // self._rate_hz + 2)
        begins = (frames * self._rate_hz + FRAMES_A_SECOND // 2) // FRAMES_A_SECOND
        begins = begins[begins < end]
        self._begun += len(begins)
        return begins

    def _close(self) -> None:
        if self._count:
            self._found.append(_in_steps(np.array([self._power]), np.array([self._count])))
        self._power, self._count = 0.0, 0


def in_dbfs(levels: bytes) -> NDArray[np.float32]:
    """What `Levels.finish` gave, in dBFS: `(frames,)`."""
    return np.frombuffer(levels, np.uint8).astype(np.float32) / np.float32(-_STEPS_A_DB)


def _in_steps(power: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    below_db = -10 * np.log10(np.maximum(power / np.maximum(counts, 1), 1e-13))
    return np.asarray(np.clip(np.rint(below_db * _STEPS_A_DB), 0, 255), np.uint8)

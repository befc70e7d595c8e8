"""How loud a recording is from moment to moment: 100 bytes a second, in which its pauses show."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAMES_A_SECOND: Final = 100

_STEPS_A_DB: Final = 2
_AT_ONCE: Final = 64  # blocks, most of them of a second: a logarithm of a few takes as long as one of hundreds


class Levels:
    """The root mean square of each 10 ms of every channel of a signal, gathered block by block.

    Frames begin at the sample that is nearest to their time, so none drifts at a rate that isn't made of hundreds.
    """

    def __init__(self, sample_rate_hz: int, channels: int = 1) -> None:
        self._rate_hz = sample_rate_hz
        self._written = 0
        self._begun = 0  # frames
        # Of the last of them: the sums of squares, in single precision (off by .0001 dB at most), and samples.
        self._power, self._count = np.zeros((channels, 1), np.float32), 0
        self._ended: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []  # the same of those that are whole
        self._found: list[NDArray[np.uint8]] = []
        self._squares = np.empty((channels, 0), np.float32)

    def write(self, block: NDArray[np.float32]) -> None:
        """Take `(n,)` samples of one channel, or `(channels, n)`."""
        planes = np.atleast_2d(block)
        length = planes.shape[1]
        if not length:
            return
        begins = self._begins(self._written + length) - self._written
        goes_on = self._count and not (len(begins) and begins[0] == 0)
        if goes_on:
            begins = np.concatenate([[0], begins])
        else:
            self._close()
        if self._squares.shape[1] < length:
            self._squares = np.empty((len(planes), length), np.float32)
        power = np.add.reduceat(np.square(planes, out=self._squares[:, :length]), begins, axis=1)
        counts = np.diff(begins, append=length)
        if goes_on:
            power[:, :1] += self._power
            counts[0] += self._count
        self._end(power[:, :-1], counts[:-1])
        self._power, self._count = power[:, -1:], int(counts[-1])
        self._written += length

    def finish(self) -> bytes:
        """One uint8 for each frame: how many half decibels it is below full scale, 255 for silence. Of one channel."""
        (levels,) = self.of_each()
        return levels

    def of_each(self) -> tuple[bytes, ...]:
        """As `finish`, of every channel."""
        self._close()
        self._settle()
        return tuple(each.tobytes() for each in np.concatenate(self._found, axis=1))

    def _begins(self, end: int) -> NDArray[np.int64]:
        """Where those frames begin that haven't yet, and do before `end`."""
        frames = np.arange(self._begun, end * FRAMES_A_SECOND // self._rate_hz + 2)
        begins = (frames * self._rate_hz + FRAMES_A_SECOND // 2) // FRAMES_A_SECOND
        begins = begins[begins < end]
        self._begun += len(begins)
        return begins

    def _close(self) -> None:
        if self._count:
            self._end(self._power, np.array([self._count]))
        self._count = 0

    def _end(self, power: NDArray[np.float32], counts: NDArray[np.int64]) -> None:
        self._ended.append((power, counts))
        if len(self._ended) >= _AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        """Frames take a byte each from here on."""
        powers, counts = zip(*self._ended, strict=True) if self._ended else ([self._power[:, :0]], [np.empty(0, int)])
        self._found.append(_in_steps(np.concatenate(powers, axis=1), np.concatenate(counts)))
        self._ended = []


def in_dbfs(levels: bytes) -> NDArray[np.float32]:
    """What `Levels.finish` gave, in dBFS: `(frames,)`."""
    return np.frombuffer(levels, np.uint8).astype(np.float32) / np.float32(-_STEPS_A_DB)


def _in_steps(power: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    below_db = -10 * np.log10(np.maximum(power / np.maximum(counts, 1), 1e-13))
    return np.asarray(np.clip(np.rint(below_db * _STEPS_A_DB), 0, 255), np.uint8)

"""The waveform as a few numbers, and how loud it is, gathered block by block in flat memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2s.audio.levels import Levels
from s2s.audio.limits import SILENCE_DBFS

# Fine enough to see syllables when one zooms in; of what is longer than 83 minutes somewhat less.
PER_SECOND = 20
BUCKETS_AT_MOST = 100_000
_CELLS = 1 << 19


class Survey(NamedTuple):
    """What a signal looks like: its length in samples, `Peaks`, `Level`, and `Levels` where they were wanted."""

    samples: int
    peaks: bytes
    level_dbfs: float
    levels: bytes = b""


def survey(
    blocks: Iterable[NDArray[np.float32]],
    sample_rate_hz: int,
    peak_buckets: int,
    expected: int | None = None,
    *,
    with_levels: bool = False,
) -> Survey:
    """Looks at mono `(n,)` blocks once, in flat memory; at least `peak_buckets` peaks.

    Told how many samples to expect it finds the same in a fraction of the time.
    """

    def buckets(samples: int) -> int:
        return buckets_for(samples / sample_rate_hz, peak_buckets)

    peaks = Peaks() if expected is None else ForeseenPeaks(expected, buckets(expected))
    level, samples = Level(), 0
    levels = Levels(sample_rate_hz) if with_levels else None
    for block in blocks:
        peaks.write(block)
        level.write(block)
        if levels is not None:
            levels.write(block)
        samples += len(block)
    found = peaks.finish() if isinstance(peaks, ForeseenPeaks) else peaks.finish(buckets(samples))
    return Survey(samples, found, level.finish(), levels.finish() if levels is not None else b"")


def buckets_for(duration_s: float, at_least: int) -> int:
    """How many parts a waveform of that length has."""
    return max(at_least, min(BUCKETS_AT_MOST, math.ceil(duration_s * PER_SECOND)))


class Peaks:
    """The largest |sample| of each of a number of equal parts of a signal whose length is not known beforehand.

    Keeps a grid of cells finer than any buckets; when it is full, neighbours are merged and each cell stands for twice
    as many samples. The edge of one of `n` buckets is thus off by at most n / 262,144 of a bucket.
    """

    def __init__(self) -> None:
        self._cells = np.zeros(_CELLS, np.float32)
        self._used = 0
        self._samples_per_cell = 1
        self._open = np.zeros(0, np.float32)

    def write(self, block: NDArray[np.float32]) -> None:
        """Take `(n,)` mono samples."""
        magnitudes = np.abs(block)
        self._open = np.concatenate([self._open, magnitudes]) if len(self._open) else magnitudes
        while (ready := len(self._open) // self._samples_per_cell) > 0:
            fitting = min(ready, len(self._cells) - self._used)
            taken = fitting * self._samples_per_cell
            self._cells[self._used : self._used + fitting] = _maxima(self._open[:taken], self._samples_per_cell)
            self._used += fitting
            self._open = self._open[taken:]
            if self._used == len(self._cells):
                self._merge_pairs()

    def finish(self, buckets: int) -> bytes:
        """One uint8 per bucket; 255 is full scale. All zero for a signal without samples."""
        if buckets < 1:
            raise ValueError("a waveform needs at least one bucket")
        cells = self._cells[: self._used]
        if len(self._open):
            cells = np.append(cells, self._open.max())
        if not len(cells):
            return bytes(buckets)
        return _drawn(np.maximum.reduceat(cells, _starts(buckets, len(cells))))

    def _merge_pairs(self) -> None:
        half = len(self._cells) // 2
        self._cells[:half] = _maxima(self._cells, 2)
        self._used = half
        self._samples_per_cell *= 2


class ForeseenPeaks:
    """What `Peaks` finds, of a signal whose length is known: the buckets are filled at once, without a grid."""

    def __init__(self, samples: int, buckets: int) -> None:
        per_cell = 1
        while samples // per_cell >= _CELLS:
            per_cell *= 2
        starts = per_cell * _starts(buckets, -(-samples // per_cell))
        begins = np.empty(buckets, np.bool_)  # several buckets of a short signal show the same cell
        begins[0] = True
        np.not_equal(starts[1:], starts[:-1], out=begins[1:])
        self._starts, self._cell_of = starts[begins], np.cumsum(begins) - 1
        self._cells = np.zeros(len(self._starts), np.float32)
        self._magnitudes = np.empty(0, np.float32)
        self._written = 0

    def write(self, block: NDArray[np.float32]) -> None:
        """Take `(n,)` mono samples."""
        if not len(block):
            return
        first, end = np.searchsorted(self._starts, (self._written + 1, self._written + len(block)))
        first -= 1  # the bucket in which the block begins
        if len(self._magnitudes) < len(block):
            self._magnitudes = np.empty(len(block), np.float32)
        magnitudes = np.abs(block, out=self._magnitudes[: len(block)])
        starts, cells = np.maximum(self._starts[first:end] - self._written, 0), self._cells[first:end]
        np.maximum(cells, np.maximum.reduceat(magnitudes, starts), out=cells)
        self._written += len(block)

    def finish(self) -> bytes:
        """As `Peaks.finish`; nothing where samples are missing."""
        return _drawn(self._cells[self._cell_of])


def _starts(buckets: int, cells: int) -> NDArray[np.int64]:
    """Where each bucket begins. Of a signal shorter than the buckets, several show the same cell."""
    return np.arange(buckets) * cells // buckets


def _drawn(peaks: NDArray[np.float32]) -> bytes:
    return bytes(np.rint(np.minimum(peaks, 1.0) * 255).astype(np.uint8))


def _maxima(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The largest of every `count` values, a power of two. By halves: numpy is slow along a short axis."""
    while count > 1:
        values = np.maximum(values[0::2], values[1::2])
        count //= 2
    return values


class Level:
    """The root mean square of a signal in dB relative to full scale (a square wave at full scale is 0 dBFS)."""

    def __init__(self) -> None:
        self._sum_of_squares = 0.0
        self._samples = 0

    def write(self, block: NDArray[np.float32]) -> None:
        """Take `(n,)` mono samples."""
        self._sum_of_squares += float(np.dot(block, block))
        self._samples += len(block)

    def finish(self) -> float:
        """dBFS, never below `SILENCE_DBFS`."""
        if self._sum_of_squares <= 0.0:
            return SILENCE_DBFS
        return max(SILENCE_DBFS, 10.0 * math.log10(self._sum_of_squares / self._samples))

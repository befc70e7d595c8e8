"""The decoded recording on disk, read ahead of only as far as somebody asks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from s2s.closing import Closing

_FULL_SCALE = 32767.0


def within_full_scale(block: NDArray[np.floating]) -> NDArray[np.float32]:
    """A broken file may decode to NaN or far beyond full scale."""
    finite = np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0)
    return np.asarray(np.clip(finite, -1, 1), dtype=np.float32)


class Spool(Closing):
    """Samples from an iterator, kept as int16 in an anonymous temporary file.

    An hour at 24 kHz takes 173 MB of disk and no memory. Nothing is pulled from `blocks` (float32 (n,), -1..1)
    before it is needed, so that work can begin before decoding ends.
    """

    def __init__(self, blocks: Iterator[NDArray[np.float32]]) -> None:
        self._blocks = blocks
        self._file = tempfile.TemporaryFile(prefix="timbre-engine-")  # noqa: SIM115 - closed by close()
        self.length = 0
        self.complete = False

    def close(self) -> None:
        self._file.close()
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()  # a decoder's child process ends with its generator

    def reach(self, length: int) -> bool:
        """Pull until there are `length` samples; False when the recording is shorter. Raises what decoding does."""
        while self.length < length and not self.complete:
            block = next(self._blocks, None)
            if block is None:
                self.complete = True
                break
            integers = np.rint(within_full_scale(block) * _FULL_SCALE).astype("<i2")
            self._file.seek(self.length * 2)
            self._file.write(integers.tobytes())
            self.length += len(integers)
        return self.length >= length

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples `start` to `stop` (or to the end)."""
        self.reach(stop)
        stop = min(stop, self.length)
        self._file.seek(start * 2)
        data = self._file.read(max(0, stop - start) * 2)
        return np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(_FULL_SCALE)

"""Change of sample rate, block by block, with a sample count that can be foretold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import soxr
from numpy.typing import NDArray


class Resampler:
    """Mono float32 from one rate to another; `n` samples in give exactly `round(n * out / in)` samples out.

    soxr's high-quality polyphase filter is linear in phase and its delay is taken out, so a sample stays where
    it was. Equal rates pass through untouched.
    """

    def __init__(self, input_rate_hz: int, output_rate_hz: int) -> None:
        self._ratio = Fraction(output_rate_hz, input_rate_hz)
        self._soxr = (
            None
            if input_rate_hz == output_rate_hz
            else soxr.ResampleStream(input_rate_hz, output_rate_hz, 1, dtype="float32", quality="HQ")
        )
        self._taken = 0
        self._given = 0

    def write(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take `(n,)` samples, give those that are ready."""
        self._taken += len(block)
        if self._soxr is None:
            return block
        return self._give(self._soxr.resample_chunk(block))

    def finish(self) -> NDArray[np.float32]:
        """Give what is left."""
        if self._soxr is None:
            return np.zeros(0, np.float32)
        rest = self._give(self._soxr.resample_chunk(np.zeros(0, np.float32), last=True))
        missing = self._due() - self._given
        self._given += missing
        return np.concatenate([rest, np.zeros(missing, np.float32)])

    def _due(self) -> int:
        return round(self._taken * self._ratio)

    def _give(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        # soxr rounds the end up or down as its phase falls.
        kept = samples[: self._due() - self._given]
        self._given += len(kept)
        return kept

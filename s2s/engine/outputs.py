"""The converted recording in its format, in pieces that can be sent before the rest is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s2s.audio import Encoder
from s2s.audio.resampling import Resampler
from s2s.engine.vocoder import SAMPLE_RATE_HZ
from s2s.formats import OutputFormat

# Their headers say how much follows, and are sent before it.
FORETOLD = frozenset({"wav", "mp3"})


class Output:
    """Takes 24 kHz; ends after as many samples as it is told.

    Rounding twice, to 24 kHz and from there, may be a sample off. Until the end it gives fewer: the resampler holds
    some back. `length` in samples, of the whole: needed for what is FORETOLD; without it an MP3 isn't exact.
    """

    def __init__(self, form: OutputFormat, length: int | None = None) -> None:
        rate_hz = form.sample_rate_hz
        self._resampler = Resampler(SAMPLE_RATE_HZ, rate_hz)
        self._encoder = Encoder(form.codec, rate_hz, form.bitrate_kbps, input_rate_hz=rate_hz, length=length)
        self._ready = bytearray()

    def write(self, block: NDArray[np.float32]) -> None:
        self._ready += self._encoder.write(self._resampler.write(block))

    def ready(self) -> bytes:
        """What can be sent now, and is given only once."""
        taken = bytes(self._ready)
        self._ready.clear()
        return taken

    def rest(self, length: int | None) -> bytes:
        """What is left, when all has been written. The whole has `length` samples; None: as it comes."""
        rest = self._resampler.finish()
        if length is not None:
            missing = max(0, length - self._encoder.samples)
            rest = np.pad(rest[:missing], (0, max(0, missing - len(rest))))
        self._ready += self._encoder.write(rest) + self._encoder.finish()
        return self.ready()

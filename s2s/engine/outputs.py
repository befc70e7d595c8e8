"""The converted recording in its format, in pieces that can be sent before the rest is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s2s.audio import Encoder
from s2s.audio.resampling import Resampler
from s2s.engine.vocoder import FULL_BAND_HZ, SAMPLE_RATE_HZ
from s2s.formats import OutputFormat

# Their headers say how much follows, and are sent before it.
FORETOLD = frozenset({"wav", "mp3"})


def working_rate_hz(form: OutputFormat) -> int:
    """At which the engine converts for this format: what has no room for more than the vocoder's band needs no more."""
    return FULL_BAND_HZ if form.sample_rate_hz > SAMPLE_RATE_HZ else SAMPLE_RATE_HZ


class Output:
    """Takes what `working_rate_hz` says; ends after as many samples as it is told.

    Rounding twice, to that rate and from there, may be a sample off. Until the end it gives fewer: the resampler holds
    some back. `length` in samples, of the whole: needed for what is FORETOLD; without it an MP3 isn't exact.
    """

    def __init__(self, form: OutputFormat, length: int | None = None) -> None:
        rate_hz = form.sample_rate_hz
        self._resampler = Resampler(working_rate_hz(form), rate_hz)
        self._encoder = Encoder(
            form.codec, rate_hz, form.bitrate_kbps, input_rate_hz=rate_hz, length=length, is_speech=True
        )
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

"""What stays the speaker's own sound: whatever has no voice, and all above the vocoder's band.

It is filtered, not resynthesised: two fixed linear-phase filters, by overlap-save (Oppenheim, Schafer 1975).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s2s.engine.spectrum import NEPER_DB
from s2s.engine.vocoder import BIN_HZ, SAMPLE_RATE_HZ, Floats, Rows

# The vocoder's voice ends there, and the source's takes over.
HANDOVER_HZ = 11_000.0
_HANDOVER_WIDTH_HZ = 800.0
# Colour at the top of the vocoder's band goes on above it, but no profile knows what is there: hiss isn't raised far.
_TOP_BAND_HZ = (8500.0, HANDOVER_HZ)
_TOP_LIMIT = 6 / NEPER_DB
_REACH_S = 0.005
_FFT = 4096


def handover(hz: NDArray[np.floating]) -> Floats:
    """The share of the source above the vocoder's band, 0..1 in amplitude."""
    return np.asarray(1 / (1 + np.exp(-(hz - HANDOVER_HZ) / (_HANDOVER_WIDTH_HZ / 4))), dtype=np.float64)


class OwnSound:
    """`colour` (BINS,) log power, of what has no voice; `voice_colour`, of a voice. At `ratio` times 24 kHz."""

    def __init__(self, colour: Floats, voice_colour: Floats, ratio: int) -> None:
        self._hz: Floats = np.fft.rfftfreq(_FFT, 1 / (SAMPLE_RATE_HZ * ratio)).astype(np.float64)
        self._reach = round(_REACH_S * SAMPLE_RATE_HZ * ratio)
        self._unvoiced = self._filter(self._drawn(colour))
        self._above = self._filter(self._drawn(voice_colour) * handover(self._hz)) if ratio > 1 else None

    def coloured(self, samples: Rows) -> tuple[Rows, Rows | None]:
        """`samples` (n,) in the colour of what has no voice, and what of them lies above a voice (None: nothing)."""
        step = _FFT - 2 * self._reach
        blocks = -(-len(samples) // step)
        padded = np.pad(samples, (self._reach, blocks * step - len(samples) + self._reach))
        frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::step]
        spectra = np.fft.rfft(frames)

        def through(response: Rows) -> Rows:
            heard = np.fft.irfft(spectra * response)[:, self._reach : self._reach + step]
            return np.asarray(heard.reshape(-1)[: len(samples)], dtype=np.float32)

        return through(self._unvoiced), None if self._above is None else through(self._above)

    def _drawn(self, colour: Floats) -> Floats:
        low, high = _TOP_BAND_HZ
        top = np.clip(colour[(low <= BIN_HZ) & (high > BIN_HZ)].mean(), -_TOP_LIMIT, _TOP_LIMIT)
        inside = np.interp(self._hz, BIN_HZ, colour)
        return np.asarray(np.exp(0.5 * np.where(self._hz < high, inside, top)), dtype=np.float64)

    def _filter(self, amplitude: Floats) -> Rows:
        """Of a filter that reaches 5 ms both ways and comes close to `amplitude`. It is real, so nothing is late."""
        impulse = np.fft.fftshift(np.fft.irfft(amplitude))
        middle = _FFT // 2
        window = np.zeros(_FFT)
        window[middle - self._reach : middle + self._reach + 1] = np.hanning(2 * self._reach + 3)[1:-1]
        return np.fft.rfft(np.fft.ifftshift(impulse * window)).real.astype(np.float32)

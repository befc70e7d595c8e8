"""The spectral envelope of a voice, frame by frame: CheapTrick (Morise 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s2s.engine.smoothing import AT_ONCE, fill_below_f0, hann, moving_mean, power_spectra, surroundings, windowed
from s2s.engine.vocoder import BINS, ENVELOPE_FLOOR_HZ, FFT_SIZE, HOP, SAMPLE_RATE_HZ, Floats, Rows

_PERIODS = 3
_WIDTH = 2 / 3  # of F0
# What the cepstrum gets back of what smoothing took from it.
_RECOVERY = 0.15
_TINY = np.float32(1e-16)
_QUEFRENCY_S = (np.arange(BINS) / SAMPLE_RATE_HZ).astype(np.float32)


def envelopes(x: NDArray[np.floating], f0_hz: Floats, frames: NDArray[np.intp]) -> Rows:
    """Power (n, BINS) at `frames` (n,) of `x`, mono at 24 kHz, where F0 is `f0_hz` (n,); with less than
    ENVELOPE_FLOOR_HZ, no longer window fits, it is taken for that."""
    around, found = surroundings(x, FFT_SIZE), np.empty((len(frames), BINS), np.float32)
    for start in range(0, len(frames), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        found[some] = _envelopes(around[frames[some] * HOP], np.maximum(f0_hz[some], ENVELOPE_FLOOR_HZ))
    return found


def _envelopes(samples: Rows, f0_hz: Floats) -> Rows:
    window = hann(f0_hz, FFT_SIZE, _PERIODS)
    window /= np.sqrt(np.einsum("ij,ij->i", window, window))[:, None]
    power = power_spectra(windowed(samples, window))
    fill_below_f0(power, f0_hz)
    return _smoothed(moving_mean(power, f0_hz * _WIDTH), f0_hz)


def _smoothed(power: Rows, f0_hz: Floats) -> Rows:
    """By liftering: what F0 makes of the spectrum goes."""
    power += _TINY
    spectra = np.zeros(power.shape, np.complex64)
    spectra.real = np.log(power)  # a copy is quicker than logarithms into every other place
    cepstra = np.fft.irfft(spectra)[:, :BINS]
    angle = _QUEFRENCY_S * (f0_hz * np.pi).astype(np.float32)[:, None]
    angle[:, 0] = 1
    sine = np.sin(angle)
    # sin(a) / a, times 1 + 2 r (1 - cos(2 a)).
    lifter = np.square(sine)
    lifter *= 4 * _RECOVERY
    lifter += 1
    lifter *= sine
    lifter /= angle
    lifter[:, 0] = 1
    lifter *= FFT_SIZE
    lifter *= cepstra
    spectra.real = lifter
    return np.asarray(np.exp(np.fft.irfft(spectra)[:, :BINS]), dtype=np.float32)

"""Speech in noise, and how much of it is left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def pink(length: int, rate_hz: int, seed: int = 1) -> NDArray[np.float64]:
    """Noise (length,) that falls by 3 dB an octave, of power 1."""
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    noise = np.fft.irfft(white / np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / rate_hz), 20)), length)
    return np.asarray(noise / noise.std())


def in_noise(speech: Samples, rate_hz: int, snr_db: float) -> Samples:
    """`speech` in pink noise, of which it has `snr_db` more power."""
    return np.asarray(speech + pink(len(speech), rate_hz) * speech.std() * 10 ** (-snr_db / 20), dtype=np.float32)


def si_snr_db(heard: Samples, meant: Samples) -> float:
    """How much louder what is meant is than all else, whatever its level (Le Roux et al. 2019, SI-SDR). Falls to
    nothing where `heard` is late by a few samples."""
    heard64, meant64 = (each.astype(np.float64) - each.mean() for each in (heard, meant))
    part = heard64 @ meant64 / (meant64 @ meant64) * meant64
    return float(10 * np.log10(part @ part / np.sum((heard64 - part) ** 2)))


def lag(heard: Samples, meant: Samples) -> int:
    """By how many samples `heard` is late, where both are most alike."""
    size = 2 * max(len(heard), len(meant))
    alike = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(meant, size)))
    return int((np.argmax(alike) + size // 2) % size - size // 2)

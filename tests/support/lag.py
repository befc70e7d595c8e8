"""Where a known sound is in what came back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def found_at(samples: NDArray[np.float32], source: NDArray[np.float32]) -> tuple[int, float]:
    """By how many samples `(n,)` is later than `source`, and how alike they are there: 1 is the same, at any level."""
    size = 1 << (len(samples) + len(source)).bit_length()
    products = np.fft.irfft(np.fft.rfft(samples, size) * np.conj(np.fft.rfft(source, size)), size)
    peak = int(np.argmax(products))
    lag = peak if peak < len(samples) else peak - size
    part = samples[max(0, lag) : lag + len(source)]
    beside = source[max(0, -lag) : max(0, -lag) + len(part)]
    return lag, float(products[peak] / (np.linalg.norm(part) * np.linalg.norm(beside) + 1e-12))


def level_db(samples: NDArray[np.float32]) -> float:
    """Root mean square, dB relative to full scale."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20))


def speechlike(samples: int, rate_hz: int, seed: int = 1) -> NDArray[np.float32]:
    """Noise within 150 to 3,200 Hz whose loudness rises and falls as a speaker's: a codec for speech keeps it."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1 / rate_hz)
    sound = np.fft.irfft(spectrum * ((hz > 150) & (hz < 3200)) / (1 + (hz / 900) ** 2), samples)
    knots = random.random(samples * 10 // rate_hz + 2) ** 2
    sound *= np.interp(np.arange(samples) * 10 / rate_hz, np.arange(len(knots)), knots)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)

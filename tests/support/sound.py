"""Small real recordings made on the spot."""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray


def phrase(seconds: float = 3.0, seed: int = 0, rate_hz: int = 16000) -> bytes:
    """A mono 16-bit WAV whose loudness rises and falls as that of speech does, about four times a second."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    knots = np.arange(0, seconds + 0.25, 0.125)
    loudness = np.interp(time_s, knots, random.uniform(0, 1, len(knots)) ** 3)
    tone = sum(np.sin(2 * np.pi * 180 * k * time_s) / k for k in range(1, 6))
    return as_wav(np.asarray(tone) * loudness * 0.4, rate_hz)


def wav(seconds: float = 1.0, rate_hz: int = 16000, hz: float = 220.0) -> bytes:
    """A mono 16-bit WAV of a tone with a few harmonics."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in range(1, 6))
    return as_wav(np.asarray(tone) * 0.2, rate_hz)


def lengthless(recording: bytes) -> bytes:
    """A WAV of ours as a program writes it that doesn't know yet how long it will be: only a decoder takes it."""
    return recording[:40] + bytes(4) + recording[44:]


def as_wav(samples: NDArray[np.floating], rate_hz: int) -> bytes:
    """Of `(n,)`, or of `(channels, n)`; 16 bits, `samples` from -1 to 1."""
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else len(samples))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples.T * 32767).astype("<i2").tobytes())
    return sink.getvalue()

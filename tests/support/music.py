"""Music that is made here: plucked and held chords, drums, and a vowel that is sung. Mono float32 `(n,)`, -1..1."""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_CHORDS = ((0, 4, 7), (-3, 0, 4), (5, 9, 12), (7, 11, 14))  # semitones
_MELODY = (0, 2, 4, 5, 7, 5, 4, 2)
_FORMANTS = ((700, 90, 1.0), (1150, 110, 0.6), (2600, 150, 0.25))  # of an open vowel: Hz, bandwidth, gain


def chords(seconds: float, rate_hz: int, root_hz: float = 110.0) -> Samples:
    """Plucked strings, a chord a second."""
    made = np.zeros(round(seconds * rate_hz))
    for number, start in enumerate(range(0, len(made), rate_hz)):
        part = made[start : start + rate_hz]
        time_s = np.arange(len(part)) / rate_hz
        for semitones in _CHORDS[number // 2 % len(_CHORDS)]:
            hz = root_hz * 2 ** (semitones / 12)
            for harmonic in range(1, 7):
                part += np.sin(2 * np.pi * hz * harmonic * time_s + harmonic) * np.exp(-1.5 * time_s) / harmonic
    return (0.08 * made).astype(np.float32)


def held(seconds: float, rate_hz: int, root_hz: float = 110.0) -> Samples:
    """The same chords held: one fades into the next, so that it is never quieter."""
    made = np.zeros(round(seconds * rate_hz))
    time_s = np.arange(len(made)) / rate_hz
    for number, semitones in enumerate(_CHORDS):
        near = np.abs((time_s / 2 - number + 2) % len(_CHORDS) - 2)  # chords from the middle of this one
        gain = np.cos(np.pi / 2 * np.clip(near / 0.2 - 2, 0, 1))
        for hz in root_hz * 2 ** (np.array(semitones) / 12):
            made += gain * sum(np.sin(2 * np.pi * hz * harmonic * time_s + hz) / harmonic for harmonic in range(1, 7))
    return (0.08 * made).astype(np.float32)


def drums(seconds: float, rate_hz: int) -> Samples:
    """Four beats a second: kick, hat, snare, hat."""
    random = np.random.default_rng(2)
    made = np.zeros(round(seconds * rate_hz))
    for number, start in enumerate(range(0, len(made), rate_hz // 4)):
        part = made[start : start + rate_hz // 5]
        time_s = np.arange(len(part)) / rate_hz
        noise = random.standard_normal(len(part))
        part += 0.05 * noise * np.exp(-60 * time_s)
        if number % 2 == 0:
            part += 0.4 * np.sin(2 * np.pi * (55 * time_s - 3 * np.exp(-30 * time_s))) * np.exp(-12 * time_s)
        if number % 4 == 2:
            part += 0.2 * noise * np.exp(-18 * time_s)
    return made.astype(np.float32)


def sung(seconds: float, rate_hz: int, f0_hz: float = 130.0, vibrato: float = 0.3) -> Samples:
    """Somebody sings a scale on one vowel; `vibrato` in semitones."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    note = np.array(_MELODY)[(time_s / 0.8).astype(int) % len(_MELODY)]
    hz = f0_hz * 2 ** ((note + vibrato * np.sin(2 * np.pi * 5.5 * time_s)) / 12)
    phase = 2 * np.pi * np.cumsum(hz) / rate_hz
    made = np.zeros(len(time_s))
    for harmonic in range(1, 30):
        formants = sum(gain / (1 + ((hz * harmonic - at) / width) ** 2) for at, width, gain in _FORMANTS)
        made += formants * np.sin(phase * harmonic) * (hz * harmonic < 8000)
    return (0.3 * made / np.abs(made).max()).astype(np.float32)


def band(seconds: float, rate_hz: int) -> Samples:
    """All of them together."""
    return chords(seconds, rate_hz) + drums(seconds, rate_hz) + 0.5 * sung(seconds, rate_hz)


def band_as_wav(seconds: float, rate_hz: int = 16_000) -> bytes:
    """A mono 16-bit WAV of them."""
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes((np.clip(band(seconds, rate_hz), -1, 1) * 32767).astype("<i2").tobytes())
    return sink.getvalue()

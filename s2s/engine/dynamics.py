"""Loudness over time, which belongs to the performance and not to the speaker: it stays what it was."""

from __future__ import annotations

import numpy as np

from s2s.audio.limiter import Limiter
from s2s.engine.along import along
from s2s.engine.vocoder import HOP, SAMPLE_RATE_HZ, Rows

# Long enough to hold two pulses of the deepest voice, short enough to follow a consonant.
_WINDOW_FRAMES = 7
_LIMIT_DB = 9.0
# Nothing is raised out of what is as good as silence.
_SILENCE_POWER = 1e-7

# Shorter than most periods: a loud vowel would else be quieter as a whole, for the sake of its pulses.
_LIMITER_RAMP_S = 0.001
_ROUNDS = 2


def keep_loudness(samples: Rows, source: Rows, ratio: int = 1) -> Rows:
    """Give `samples` the level contour of `source`, both (n,) at `ratio` times 24 kHz; changed in place and given back.

    WORLD's voiced frames are slightly too loud. Levels are measured over 35 ms and corrected by at most 9 dB.
    """
    hop = HOP * ratio
    gain_db = 10 * np.log10((_power(source, hop) + _SILENCE_POWER) / (_power(samples, hop) + _SILENCE_POWER))
    gain = 10 ** (np.clip(gain_db, -_LIMIT_DB, _LIMIT_DB) / 20)
    # Each gain belongs to the middle of its frame.
    samples *= along(np.concatenate([gain[:1], gain]), hop, len(samples) + hop // 2)[hop // 2 :]
    return samples


def _power(samples: Rows, hop: int) -> Rows:
    """Mean square around every frame of `hop` samples, Hann-weighted."""
    frames = -(-len(samples) // hop)
    square = np.pad(np.square(samples), (0, frames * hop - len(samples))).reshape(frames, hop).mean(axis=1)
    window = np.hanning(_WINDOW_FRAMES + 2).astype(np.float32)
    # Padded, because numpy's "same" is as long as the longer of the two.
    padded = np.pad(square, _WINDOW_FRAMES // 2 + 1)
    return np.convolve(padded, window / window.sum(), "valid")


def as_loud_within_limits(samples: Rows, source: Rows, ratio: int = 1) -> Rows:
    """`keep_loudness` and `limit` at once: what is around a pulse that had to be quieter makes up for it."""
    samples = keep_loudness(samples, source, ratio)
    for _ in range(_ROUNDS):
        if np.abs(samples).max(initial=0.0) <= 1:
            return samples
        samples = keep_loudness(limit(samples, ratio), source, ratio)
    return limit(samples, ratio)


def limit(samples: Rows, ratio: int = 1) -> Rows:
    """Keep samples (n,) at `ratio` times 24 kHz within -1..1, by being quieter for some milliseconds around a peak that
    is beyond. WORLD's pulses are higher than those of a natural voice. Each sample depends on its neighbours alone, so
    blocks agree."""
    if np.abs(samples).max(initial=0.0) <= 1:
        return samples
    limiter = Limiter(SAMPLE_RATE_HZ * ratio, _LIMITER_RAMP_S)
    return np.concatenate([limiter.write(samples), limiter.finish()])

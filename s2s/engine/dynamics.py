"""Loudness over time, which belongs to the performance and not to the speaker: it stays what it was."""

from __future__ import annotations

import numpy as np

from s2s.engine.vocoder import HOP, Floats

# Long enough to hold two pulses of the deepest voice, short enough to follow a consonant.
_WINDOW_FRAMES = 7
_LIMIT_DB = 9.0
# Nothing is raised out of what is as good as silence.
_SILENCE_POWER = 1e-7

# Above this, samples are bent towards full scale instead of being cut off there.
_KNEE = 0.85


def keep_loudness(samples: Floats, source: Floats) -> Floats:
    """Give `samples` the level contour of `source`, both (n,) at 24 kHz; changed in place and given back.

    WORLD resynthesises noise some 3 dB too soft (CheapTrick smooths its logarithm) and voiced frames slightly too loud.
    Levels are measured over 35 ms and corrected by at most 9 dB.
    """
    gain_db = 10 * np.log10((_power(source) + _SILENCE_POWER) / (_power(samples) + _SILENCE_POWER))
    gain = 10 ** (np.clip(gain_db, -_LIMIT_DB, _LIMIT_DB) / 20)
    centres = (np.arange(len(gain)) + 0.5) * HOP
    samples *= np.interp(np.arange(len(samples)), centres, gain)
    return samples


def _power(samples: Floats) -> Floats:
    """Mean square around every frame of HOP samples, Hann-weighted."""
    frames = -(-len(samples) // HOP)
    square = np.pad(np.square(samples), (0, frames * HOP - len(samples))).reshape(frames, HOP).mean(axis=1)
    window = np.hanning(_WINDOW_FRAMES + 2)
    # Padded, because numpy's "same" is as long as the longer of the two.
    padded = np.pad(square, _WINDOW_FRAMES // 2 + 1)
    return np.convolve(padded, window / window.sum(), "valid")


def soft_limit(samples: Floats) -> Floats:
    """Keep samples within -1..1, in place. WORLD's pulses are higher than those of a natural voice.

    The curve depends on nothing but the sample, so blocks agree.
    """
    over = np.abs(samples) > _KNEE
    excess = (np.abs(samples[over]) - _KNEE) / (1 - _KNEE)
    samples[over] = np.sign(samples[over]) * (_KNEE + (1 - _KNEE) * np.tanh(excess))
    return samples

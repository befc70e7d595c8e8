"""Channels to mono, by weights that `listening` has decided. Needs no decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.limiter import Limiter
from s2s.audio.noticed import Noticed

Samples = NDArray[np.float32]

# ITU-R BS.775-3, annex 4, to mono, by the centre: front at -3 dB each, surround at -6 dB; the low-frequency channel
# is left out.
_WEIGHTS: Final = {
    **dict.fromkeys(("FL", "FR", "FLC", "FRC"), 0.7071),
    "FC": 1.0,
    **dict.fromkeys(("BL", "BR", "BC", "SL", "SR"), 0.5),
    **dict.fromkeys(("LFE", "LFE2"), 0.0),
}


@dataclass(frozen=True, slots=True)
class Mix:
    """`weights` of the channels, of which none is above 1. `used` and `why` are those of `Noticed`.

    `gain_db` is what they were lowered by so that the sample stays within full scale. With weights that add up to more
    than one, louder places may still go beyond it (`limits`).
    """

    weights: NDArray[np.float32]
    used: tuple[int, ...] = ()
    why: str = ""
    gain_db: float = 0.0

    @property
    def limits(self) -> bool:
        """Whether what fits into full scale may leave it when it is mixed."""
        return float(self.weights.sum()) > 1.0 + 1e-6

    @property
    def noticed(self) -> Noticed:
        """What is unusual about it."""
        if not self.why:
            return Noticed(scaled_db=self.gain_db)
        channels = len(self.weights)
        return Noticed(channels=channels, channels_used=self.used, channels_why=self.why, scaled_db=self.gain_db)

    def of(self, planes: Samples) -> Samples:
        """`(channels, n)` samples to `(n,)`."""
        mixed: Samples = planes[0] if len(planes) == 1 else self.weights @ planes
        return mixed


def usual(names: Sequence[str]) -> Mix:
    """Of channels that nobody has listened to. `names` are libav's; what it doesn't name is weighted alike."""
    return Mix(usual_weights(names))


def only(channel: int, channels: int) -> Mix:
    """One of so many channels, from 0, as it is; of fewer the last."""
    weights = np.zeros(channels, np.float32)
    weights[min(channel, channels - 1)] = 1.0
    return Mix(weights)


def usual_weights(names: Sequence[str]) -> NDArray[np.float32]:
    """By ITU-R BS.775 with the centre at 0 dB; the mean of two channels, and of those that nobody named."""
    weights = np.array([_WEIGHTS.get(name, np.nan) for name in names], np.float32)
    if len(names) > 2 and np.isfinite(weights).all() and weights.sum() > 0:
        return weights
    return np.full(len(names), 1 / len(names), np.float32)


class Mixer:
    """Mixes block by block, at one rate."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._limiter = Limiter(sample_rate_hz)

    def write(self, planes: Samples, mix: Mix) -> Samples:
        """Take `(channels, n)` samples, give those `(n,)` that are ready."""
        if mix.limits:
            return self._limiter.write(mix.of(planes))
        mixed, before = mix.of(planes), self._limiter.finish()
        return np.concatenate([before, mixed]) if len(before) else mixed

    def finish(self) -> Samples:
        """Give what is left."""
        return self._limiter.finish()

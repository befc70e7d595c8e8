"""How the channels of a recording become one: decided by listening to a sample of it, once, and the same for all of it.

The mean of all channels is right for what was mixed for loudspeakers. It silences a microphone whose plug turns one
channel around, and halves one that stands alone on its side. So it is asked first what mixing would do to the passages
that have sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.mixing import Mix, usual, usual_weights

Samples = NDArray[np.float32]

_STATISTICS_HZ: Final = 8000  # what is above says nothing new about a voice
_WINDOW_S: Final = 0.05
_PASSAGE_RANGE: Final = 10**-3.5  # in power, below the loudest: what is quieter is background
_SILENT_SHARE: Final = 1e-4  # of the power in the passages: a channel with less has crosstalk, not sound
_LEAST_SHARE: Final = 10**-0.5  # -5 dB: the mean of two channels that have nothing in common is at -3, of one at -6
# Beyond this a low-frequency channel has what no subwoofer plays: the file names a recorder's inputs as loudspeakers.
_LOW_HZ: Final = 250.0
# A passage is lost where the mix is that much, in power, below its loudest channel; and the share of passages that may
# be. Two microphones cancel each other in a vowel here and there; what is almost gone was plugged in the wrong way.
_LOST: Final = ((1 / 4, 0.2), (1 / 32, 0.03))
_KEPT_BYTES: Final = 32 << 20


class Listener:
    """Hears places of a recording, then says how it is mixed."""

    def __init__(self, names: Sequence[str], sample_rate_hz: int) -> None:
        self._names = tuple(names)
        self._step = max(1, sample_rate_hz // _STATISTICS_HZ)
        self._rate_hz = sample_rate_hz / self._step
        self._window = round(_WINDOW_S * self._rate_hz)
        count = len(names)
        self._products = [np.zeros((0, count, count))]  # of the slopes, for each window
        self._powers = [np.zeros((0, count))]  # without what is constant
        self._kept: list[Samples] = []
        self._kept_bytes = 0

    @property
    def passages(self) -> int:
        """How many windows of 50 ms had sound."""
        return sum(int((products.max((1, 2), initial=0.0) > 0).sum()) for products in self._products)

    def write(self, planes: Samples) -> None:
        """Take a place: `(channels, n)` samples, some tenths of a second."""
        step, width = self._step, self._window
        windows = planes.shape[1] // step // width
        if windows == 0 or not planes.any():
            return
        length = windows * width
        if self._kept_bytes < _KEPT_BYTES:
            self._kept.append(planes)
            self._kept_bytes += planes.nbytes
        thin = np.zeros((len(planes), length), np.float32)
        for at in range(step):
            thin += planes[:, at : length * step : step]
        thin /= step
        # Slopes: blind to a constant, and nearly to hum, which two inputs may share though their voices cancel.
        by_window = thin.reshape(len(planes), windows, width).transpose(1, 0, 2)
        slopes = np.diff(by_window, axis=2).astype(np.float64)
        self._products.append(slopes @ slopes.transpose(0, 2, 1) / (width - 1))
        self._powers.append(by_window.var(2, dtype=np.float64))

    def decide(self) -> Mix:
        """The usual mix where nothing was heard, or nothing is wrong with it."""
        products, powers = np.concatenate(self._products), np.concatenate(self._powers)
        loudest = products.diagonal(axis1=1, axis2=2).max(1, initial=0.0)
        has_sound = loudest > _PASSAGE_RANGE * loudest.max(initial=0.0)
        if not has_sound.any():
            return usual(self._names)
        passages = _Passages(products[has_sound], powers[has_sound], self._rate_hz)
        mix = _decided(passages, self._names)
        return self._within_full_scale(mix)

    def _within_full_scale(self, mix: Mix) -> Mix:
        if not mix.limits:
            return mix
        peak = max(float(np.abs(mix.of(planes)).max()) for planes in self._kept)
        if peak <= 1.0:
            return mix
        # As low as what can't leave full scale, at most.
        weights = mix.weights / min(peak, float(mix.weights.sum()))
        lowered_db = 20 * float(np.log10(mix.weights.max() / weights.max()))
        return Mix(weights, mix.used, mix.why, round(lowered_db, 1))


class _Passages:
    """The windows with sound: `products` `(n, channels, channels)` of the slopes, and what follows from them."""

    def __init__(self, products: NDArray[np.float64], powers: NDArray[np.float64], rate_hz: float) -> None:
        self.products = products
        self.levels = products.diagonal(axis1=1, axis2=2)
        slope_share = self.levels.sum(0) / np.maximum(powers.sum(0), 1e-30)
        # What a sine of that frequency would have.
        self.frequency_hz = np.arcsin(np.minimum(np.sqrt(slope_share) / 2, 1.0)) * rate_hz / np.pi

    @property
    def audible(self) -> NDArray[np.bool_]:
        """Which channels have sound of their own."""
        leads = (self.levels >= self.levels.max(1, keepdims=True)).any(0)
        powers = self.levels.sum(0)
        audible: NDArray[np.bool_] = (leads | (powers > _SILENT_SHARE * self.levels.max(1).sum())) & (powers > 0)
        return audible

    def shares(self, weights: NDArray[np.float32], among: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The power of the mix by that of the loudest of the channels `among`, `(n,)`."""
        mixed = np.einsum("i,nij,j->n", weights, self.products, weights, dtype=np.float64)
        shares: NDArray[np.float64] = np.maximum(mixed, 0.0) / np.maximum(self.levels[:, among].max(1), 1e-30)
        return shares

    def lost(self, weights: NDArray[np.float32], among: NDArray[np.bool_]) -> tuple[float, float]:
        """The shares of passages that are lost in a mix, whatever its level is: a little, and almost entirely."""
        shares = self.shares((weights > 0).astype(np.float32), among)
        little, almost = (float((shares < least).mean()) for least, _ in _LOST)
        return little, almost


def _decided(passages: _Passages, names: Sequence[str]) -> Mix:
    weights, audible = usual_weights(names), passages.audible
    low = np.array([name.startswith("LFE") for name in names])
    if (low & audible & (passages.frequency_hz > _LOW_HZ)).any() or not (audible & (weights > 0)).any():
        weights = np.full(len(names), 1 / len(names), np.float32)
    among = audible & (weights > 0)
    kept = _without_cancelling(passages, weights, among)
    if kept is not None:
        left = np.where(kept, weights, 0).astype(np.float32)
        gain = _gain(passages, left, kept & among, names)
        return Mix(_lifted(left, gain), _numbers(kept & among), "cancel")
    gain = _gain(passages, weights, among, names)
    alone = among.sum() < (weights > 0).sum()
    why = "" if gain < 1.1 else "silent" if alone else "apart"
    return Mix(_lifted(weights, gain), _numbers(among) if why else (), why)


def _without_cancelling(
    passages: _Passages, weights: NDArray[np.float32], among: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """The channels that are left so that none cancels another; None where all can stay, or leaving out doesn't help."""
    kept = weights > 0
    before = lost = passages.lost(weights, among)
    while any(share > most for share, (_, most) in zip(lost, _LOST, strict=True)) and (kept & among).sum() > 1:
        candidates = []
        levels = passages.levels.mean(0)
        for channel in np.flatnonzero(kept & among):
            left = kept.copy()
            left[channel] = False
            now = passages.lost(np.where(left, weights, 0), among)
            # Within a decibel the first channels stay, else the louder ones.
            below_db = int(10 * np.log10(levels[kept].max() / levels[channel]))
            candidates.append((round(sum(now), 2), -below_db, -channel, now, left))
        *_, lost, kept = min(candidates, key=lambda candidate: candidate[:3])
    helped = lost != before and sum(lost) < sum(before) / 2
    return kept if helped else None


def _gain(passages: _Passages, weights: NDArray[np.float32], among: NDArray[np.bool_], names: Sequence[str]) -> float:
    """What makes most passages of the mix as loud as their loudest channel; 1 where it is as it should be."""
    shares = np.sort(passages.shares(weights, among))  # not np.quantile, which loads a module when it is called first
    named = bool((weights != weights.max()).any()) and len(names) > 2
    centre = [index for index, name in enumerate(names) if name == "FC" and weights[index] == 1.0]
    if centre and among[centre[0]]:  # where people speak, unless the same is everywhere
        return float(max(shares[len(shares) // 4], 1.0) ** -0.5)
    share = float(shares[3 * len(shares) // 4])
    if share <= 0.0 or (share > _LEAST_SHARE and not named):
        return 1.0
    return min(float(share**-0.5), 1.0 / float(weights[among].max()))


def _lifted(weights: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """What is silent is lifted too, as far as it may: it may have sound where nobody has listened."""
    lifted: NDArray[np.float32] = np.minimum(weights * np.float32(gain), np.float32(1.0))
    return lifted


def _numbers(channels: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(channel) + 1 for channel in np.flatnonzero(channels))

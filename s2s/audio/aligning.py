"""How an endpoint has shifted, stretched and levelled what it was sent, so that it can be put back where it was.

A changed voice keeps the timing of the words, so its energy rises where that of its source rises: envelopes are
cross-correlated in windows all along, and a straight line through the lags is shift and stretch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Energies = NDArray[np.float64]

MOST_S: Final = 0.5  # a lag that is looked for

HOPS_A_SECOND: Final = 500

_HOP_S: Final = 1 / HOPS_A_SECOND
_SMOOTH_HOPS: Final = 5
_RANGE_DB: Final = 40.0  # below the loudest; what is quieter is background, which a voice changer may change at will
_WINDOW_S, _LEAST_WINDOW_S = 12.0, 2.5
_MOST_WINDOWS: Final = 24
# The standard deviation of a window in dB (where it is as loud all along, any lag is as good), how alike both are, and
# in how many windows. Over music that has no pauses little must be enough, where hardly anything of it was changed.
_PLAIN: Final = (3.0, 0.5, 1)
_FAINT: Final = (1.0, 0.8, 3)
_MOST_STRETCH: Final = 0.05
_STRAIGHT_S: Final = 0.01  # lags off the line by more than that, in their middle, are none of a line
_SURE: Final = 0.5  # correlation; of other passages it stays below
_EXACT_S: Final = 0.0025  # as near as envelopes tell: what lies within was never moved
_LOOKS: Final = 3  # a window in which lags differ says less than there is
_LEVEL_FRAMES: Final = 10  # 20 ms
_BLOCK_HOPS: Final = 1 << 16


class Energy:
    """The mean power of each 2 ms of a signal, gathered block by block: 4 kB a second."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._hop = sample_rate_hz * _HOP_S
        self._hops, self._written = 0, 0
        self._rest = np.zeros(0, np.float32)
        self._found: list[Energies] = [np.zeros(0)]

    def write(self, block: Samples) -> None:
        """Take `(n,)` mono samples."""
        held = np.concatenate([self._rest, block])
        self._written += len(block)
        begins_at = self._written - len(held)
        hops = int(self._written / self._hop)
        ends = np.rint(np.arange(self._hops, hops + 1) * self._hop).astype(np.int64)
        ends = ends[ends <= self._written] - begins_at
        if len(ends) > 1:
            power = np.add.reduceat(np.square(held, dtype=np.float64), ends[:-1])
            power[-1] -= np.square(held[ends[-1] :], dtype=np.float64).sum()
            self._found.append(np.maximum(power, 0) / np.diff(ends))
            self._hops += len(ends) - 1
            held = held[ends[-1] :]
        self._rest = held

    def finish(self) -> Energies:
        """`(hops,)`, of full scale."""
        return np.concatenate(self._found)


@dataclass(frozen=True, slots=True)
class Alignment:
    """`answer(t * stretch + late_s)` is what `source(t)` became; it is `louder_db` than that.

    `likeness`: the correlation of both, 0..1; below a half nothing is known of the time, and it is taken as it is.
    """

    late_s: float = 0.0
    stretch: float = 1.0
    louder_db: float = 0.0
    likeness: float = 0.0


def align(source: Energies, answer: Energies, expected: float = 1.0) -> Alignment:
    """Lags of up to half a second are found, to a few milliseconds, both ways of looking at both `Energy.finish`.

    A stretch is believed where the windows agree on one, to .01 %. What differs by less than envelopes can tell is
    none. `expected`: the stretch that was asked for, of which it tells how far off it is. About .1 s of processor time
    for five minutes.
    """
    ours, theirs = _stretched(source, expected), answer
    if min(len(ours), len(theirs)) < 2 * _SMOOTH_HOPS:
        return Alignment()
    for least_db, least_likeness, least_windows in (_PLAIN, _FAINT):
        found = _aligned(ours, theirs, least_db, least_windows)
        if found is not None and found.likeness >= least_likeness:
            return found
    return Alignment(louder_db=_louder(ours, theirs))


def _aligned(ours: Energies, theirs: Energies, least_db: float, least_windows: int) -> Alignment | None:
    """By windows whose levels deviate by so much; None where fewer than that say something, or not the same."""
    shape, moved, late_s, stretch = _shape(ours), theirs, 0.0, 1.0
    for _ in range(_LOOKS):
        found = _lags(shape, _shape(moved), least_db)
        sure = np.array([(at, lag, likeness) for at, lag, likeness in found if likeness >= _SURE])
        if len(sure) < least_windows:
            return None
        more_s, more = _line(sure[:, 0] * _HOP_S, sure[:, 1] * _HOP_S)
        late_s, stretch = late_s + stretch * more_s, stretch * more
        moved = _moved(theirs, len(ours), late_s, stretch)
    off_s = np.abs(sure[:, 1]) * _HOP_S  # of what was moved by all that was found before
    if float(np.median(off_s)) > _STRAIGHT_S or abs(stretch - 1) > _MOST_STRETCH:
        return None
    length_s = len(ours) * _HOP_S
    if max(abs(late_s), abs(late_s + (stretch - 1) * length_s)) <= _EXACT_S:
        late_s, stretch, moved = 0.0, 1.0, theirs
    return Alignment(late_s, stretch, _louder(ours, moved), float(np.median(sure[:, 2])))


def left_over(source: Energies, answer: Energies, lies: Alignment, expected: float = 1.0) -> tuple[float, float]:
    """Seconds of the source's end that an answer which `lies` so doesn't have, and those that it has beyond that end.

    Zero where nothing is heard in them. `expected` as `align` takes it.
    """
    ours = _stretched(source, expected)
    ends_s = (len(answer) * _HOP_S - lies.late_s) / lies.stretch
    source_ends_s = len(ours) * _HOP_S * lies.stretch + lies.late_s
    return _heard_s(ours, ends_s), _heard_s(answer, source_ends_s) / lies.stretch


def _heard_s(energy: Energies, from_s: float) -> float:
    """The length of what follows, where it isn't quieter than the background may be."""
    rest = energy[max(0, round(from_s / _HOP_S)) :]
    least = max(float(np.percentile(energy, 99)) * 10 ** (-_RANGE_DB / 10), 1e-12) if len(energy) else 0.0
    return len(rest) * _HOP_S if rest.max(initial=0.0) > least else 0.0


def _moved(energy: Energies, length: int, late_s: float, stretch: float) -> Energies:
    """Block by block: of hours, all moments at once would take more memory than what is moved."""
    moved = np.empty(length)
    for first in range(0, length, _BLOCK_HOPS):
        moments = np.arange(first, min(first + _BLOCK_HOPS, length)) * stretch + late_s / _HOP_S
        begin = min(max(int(moments[0]), 0), len(energy) - 1)
        end = max(begin + 1, min(int(moments[-1]) + 2, len(energy)))
        moved[first : first + len(moments)] = np.interp(moments, np.arange(begin, end), energy[begin:end])
    return moved


def _stretched(energy: Energies, stretch: float) -> Energies:
    return energy if stretch == 1.0 else _moved(energy, round(len(energy) * stretch), 0.0, 1 / stretch)


def _shape(energy: Energies) -> Energies:
    levels = np.convolve(energy, np.hanning(2 * _SMOOTH_HOPS + 1) / _SMOOTH_HOPS, mode="same")
    np.log10(np.maximum(levels, 1e-12, out=levels), out=levels)  # of hours it is large: in its place
    levels *= 10
    return np.asarray(np.maximum(levels, np.percentile(levels, 99) - _RANGE_DB, out=levels), np.float64)


def _places(hops: int) -> list[tuple[int, int]]:
    window = min(hops, max(round(_LEAST_WINDOW_S / _HOP_S), min(round(_WINDOW_S / _HOP_S), hops // 4)))
    count = min(_MOST_WINDOWS, max(1, 2 * hops // window - 1))
    return [(int(first), int(first) + window) for first in np.linspace(0, hops - window, count)]


def _lags(ours: Energies, theirs: Energies, least_db: float) -> list[tuple[float, float, float]]:
    return [_lag(ours, theirs, place, least_db) for place in _places(len(ours))]


def _lag(ours: Energies, theirs: Energies, place: tuple[int, int], least_db: float) -> tuple[float, float, float]:
    """The window's middle, how many hops later `theirs` has it, and their correlation there."""
    first, last = place
    reach = round(MOST_S / _HOP_S)
    window = ours[first:last] - ours[first:last].mean()
    padded = theirs[np.arange(first - reach, last + reach).clip(0, len(theirs) - 1)]  # its ends go on
    size = 1 << int(np.ceil(np.log2(len(padded) + len(window))))
    spectrum = np.fft.rfft(padded, size) * np.conj(np.fft.rfft(window, size))
    products = np.fft.irfft(spectrum, size)[: 2 * reach + 1]
    deviations = _deviations(padded, len(window))
    says_something = (deviations >= least_db) & (float(window.std()) >= least_db)
    norms = deviations * np.sqrt(len(window)) * float(np.linalg.norm(window))
    likeness = np.where(says_something, products / np.maximum(norms, 1e-9), 0.0)
    best = int(np.argmax(likeness))
    return (first + last) / 2, best + _vertex(likeness, best) - reach, float(likeness[best])


def _deviations(padded: Energies, length: int) -> Energies:
    """The standard deviation of each stretch of that length."""
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    squares = np.concatenate([[0.0], np.cumsum(padded**2)])
    count = len(padded) - length + 1
    total, square = sums[length:] - sums[:count], squares[length:] - squares[:count]
    return np.asarray(np.sqrt(np.maximum(square / length - (total / length) ** 2, 0)), np.float64)


def _vertex(values: Energies, best: int) -> float:
    """Where between hops a parabola through the highest three has its top, -.5..5."""
    if not 0 < best < len(values) - 1:
        return 0.0
    before, top, after = values[best - 1 : best + 2]
    bend = before - 2 * top + after
    return 0.0 if bend >= 0 else float(np.clip((before - after) / (2 * bend), -0.5, 0.5))


def _line(moments: Energies, lags: Energies) -> tuple[float, float]:
    """Shift and stretch, by the median of all slopes (Theil 1950; Sen 1968): a third may be wrong."""
    one, other = np.triu_indices(len(moments), 1)
    apart = moments[other] - moments[one]
    slopes = (lags[other] - lags[one])[apart > 0] / apart[apart > 0]
    slope = float(np.median(slopes)) if len(slopes) >= 3 else 0.0
    return float(np.median(lags - slope * moments)), 1.0 + slope


def _louder(ours: Energies, theirs: Energies) -> float:
    """In dB, while somebody speaks: the median of 20 ms frames within 20 dB of the loudest."""
    count = min(len(ours), len(theirs)) // _LEVEL_FRAMES * _LEVEL_FRAMES
    if not count:
        return 0.0
    one, other = (each[:count].reshape(-1, _LEVEL_FRAMES).mean(axis=1) for each in (ours, theirs))
    loud = (one > np.percentile(one, 95) / 100) & (other > 0)
    return float(np.median(10 * np.log10(other[loud] / one[loud]))) if loud.any() else 0.0

"""How much of a voice is noise, frame by frame: D4C (Morise 2016), as WORLD has it.

WORLD's own decision of what is noise altogether (its "love train") isn't asked: it takes bright voices for it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from s2s.engine.smoothing import (
    AT_ONCE,
    blackman,
    fill_below_f0,
    hann,
    moving_mean,
    power_spectra,
    reach,
    surroundings,
    windowed,
)
from s2s.engine.vocoder import BIN_HZ, BINS, HOP, SAMPLE_RATE_HZ, Floats, Rows, voiced_stretches

_PERIODS = 4
# Transforms that hold so many periods, the shorter one for most voices.
_SIZES = (1024, 2048)
# It is measured around so many multiples of 3 kHz, each by a window that is 6 kHz wide.
_BANDS = 3
_BAND_HZ = 3000.0
# The strongest of a band's spectrum are what repeats: those within the window's main lobe.
_STRONGEST = 17
_NUTTALL = (0.355768, -0.487396, 0.144232, -0.012604)
_AT_ZERO_DB = -60.0
_TINY = np.float32(1e-20)


def aperiodicities(x: NDArray[np.floating], f0_hz: Floats, frames: NDArray[np.intp]) -> Rows:
    """Amplitude of the noise against all, (n, BINS) 0..1, at `frames` (n,) of `x`, mono at 24 kHz, where F0 is
    `f0_hz` (n,)."""
    bands_db = np.empty((len(frames), _BANDS))
    held_hz = np.maximum(f0_hz, _lowest_hz(_SIZES[-1]))
    left = np.arange(len(frames))
    for size in _SIZES:
        fits = held_hz[left] >= _lowest_hz(size)
        ours, left = left[fits], left[~fits]
        around = surroundings(x, size) if len(ours) else None
        for start in range(0, len(ours), AT_ONCE):
            some = ours[start : start + AT_ONCE]
            assert around is not None
            bands_db[some] = _bands_db(around, frames[some] * HOP, held_hz[some])
    known_db = np.column_stack([np.full(len(frames), _AT_ZERO_DB), bands_db, np.zeros(len(frames))])
    return np.asarray(10 ** (known_db @ _BETWEEN_BANDS / 20), dtype=np.float32)


def _lowest_hz(size: int) -> float:
    return _PERIODS * SAMPLE_RATE_HZ / (size - 2)


def _between_bands() -> Floats:
    """(_BANDS + 2, BINS): from values at 0 Hz, the bands' middles and the end to all bins."""
    known_hz = [*(_BAND_HZ * np.arange(_BANDS + 1)), SAMPLE_RATE_HZ / 2]
    return np.array([np.interp(BIN_HZ, known_hz, one) for one in np.eye(_BANDS + 2)])


_BETWEEN_BANDS = _between_bands()


def _bands_db(around: Rows, at: NDArray[np.intp], f0_hz: Floats) -> Floats:
    """(n, _BANDS), at samples `at` (n,): how much a band's group delay has that doesn't go with F0."""
    size = around.shape[1]
    quarter = SAMPLE_RATE_HZ / 4 / f0_hz
    centroid = _centroids(around, at - quarter, f0_hz)
    centroid += _centroids(around, at + quarter, f0_hz)
    fill_below_f0(centroid, f0_hz)
    power = power_spectra(windowed(around[at], hann(f0_hz, size, _PERIODS)))
    fill_below_f0(power, f0_hz)
    delay = moving_mean(centroid / (moving_mean(power, f0_hz) + _TINY), f0_hz / 2)
    delay -= moving_mean(delay, f0_hz)
    window = _band_window(size)
    parts = np.lib.stride_tricks.sliding_window_view(delay, len(window), axis=1)[:, :: len(window) // 2][:, :_BANDS]
    spectra = np.fft.rfft(parts * window, size // 2)
    power = np.square(spectra.real) + np.square(spectra.imag)
    weak = power.shape[2] - _STRONGEST
    power = np.partition(power, weak, axis=2)
    share = power[:, :, :weak].sum(axis=2) / (power.sum(axis=2) + _TINY)
    # A high voice has few harmonics in a window.
    return np.asarray(np.minimum(0, 10 * np.log10(share + 1e-12) + ((f0_hz - 100) / 50)[:, None]), dtype=np.float64)


@cache
def _band_window(size: int) -> Rows:
    """Nuttall's, as wide as two bands are apart."""
    half = int(_BAND_HZ * size / SAMPLE_RATE_HZ)
    turn = np.arange(2 * half + 1) / (2 * half) * 2 * np.pi
    return np.asarray(sum(a * np.cos(k * turn) for k, a in enumerate(_NUTTALL)), dtype=np.float32)


def _centroids(around: Rows, at: Floats, f0_hz: Floats) -> Rows:
    """Power times group delay, (n, bins), of the periods around samples `at` (n,)."""
    size = around.shape[1]
    middle = np.clip(np.floor(at + 0.5), 0, len(around) - 1).astype(np.intp)
    samples = windowed(around[middle], blackman(f0_hz, size, _PERIODS))
    samples /= np.sqrt(np.einsum("ij,ij->i", samples, samples) + _TINY)[:, None]
    spectra = np.fft.rfft(samples)
    # Counted from 1 at a window's beginning: group delay is never negative, as WORLD has it.
    samples *= np.arange(-size // 2 + 1, size // 2 + 1, dtype=np.float32) + reach(f0_hz, _PERIODS)
    delayed = np.fft.rfft(samples)
    return np.asarray(spectra.real * delayed.real + spectra.imag * delayed.imag)


def throughout(
    x: NDArray[np.floating], f0_hz: Floats, frames: NDArray[np.intp], alive: NDArray[np.bool_], step: int
) -> Rows:
    """(n, BINS) at `frames`, 1 where nothing is `alive` (n,): measured at the ends of each stretch and at every
    `step`th frame between, as it changes slowly inside a vowel, and drawn to those beside."""
    whole = np.ones((len(f0_hz), BINS), np.float32)
    stretches = voiced_stretches(np.where(alive, f0_hz, 0.0))
    looked = [frame for stretch in stretches for frame in _looked_at(*stretch, step)]
    if not looked:
        return whole
    at = np.unique(looked).astype(np.intp)
    rows = aperiodicities(x, f0_hz[at], frames[at])
    for first, stop in stretches:
        own = np.flatnonzero((at >= first) & (at < stop))
        whole[first:stop] = _drawn(rows[own], at[own], np.arange(first, stop))
    return whole


def _looked_at(first: int, stop: int, step: int) -> list[int]:
    return sorted({first, stop - 1, *range(first + min(step, (stop - first) // 2), stop - 1, step)})


def _drawn(rows: Rows, at: NDArray[np.intp], frames: NDArray[np.intp]) -> Rows:
    """`rows` (n, BINS) measured `at` frames, drawn to all `frames`."""
    position = np.interp(frames, at, np.arange(len(at)))
    left = np.minimum(position.astype(np.intp), max(0, len(at) - 2))
    share = (position - left).astype(np.float32)[:, None]
    right = np.minimum(left + 1, len(at) - 1)
    drawn: Rows = rows[left] * (1 - share) + rows[right] * share
    return drawn

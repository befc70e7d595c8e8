"""F0, frame by frame: DIO (Morise, Kawahara, Katayose 2009) finds it, StoneMask refines it (Kawahara et al. 1999, as
WORLD has it), and what repeats itself tells whether there was any (Boersma 1993)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyworld
import soxr
from numpy.typing import NDArray

from s2s.engine.vocoder import (
    F0_CEILING_HZ,
    F0_FLOOR_HZ,
    FRAME_PERIOD_MS,
    HOP,
    SAMPLE_RATE_HZ,
    Floats,
    Rows,
    voiced_stretches,
)

# DIO with a narrower range (0.1) loses voicing; Harvest is slightly better and 25 times slower.
_DIO_ALLOWED_RANGE = 0.2
# DIO looks for F0 at 3 kHz: what it finds there is as near, and StoneMask has more of the signal.
_DIO_DECIMATION = 8
# Fewer voiced frames than this in a row are no voice.
_FEWEST_VOICED = 3

_REFINING_DECIMATION = 3
_REFINING_HZ = SAMPLE_RATE_HZ // _REFINING_DECIMATION
# Three periods of the lowest F0, and bins no further apart than 16 Hz.
_REFINING_WIDTH = 2 * int(1.5 * _REFINING_HZ / F0_FLOOR_HZ + 1) + 2
_REFINING_FFT = 512
_REFINING_AT_ONCE = 64
_FIRST_HARMONICS, _ALL_HARMONICS = 2, 6
_FARTHEST = 0.2  # of what DIO says

_LIKENESS_DECIMATION = 4
_LIKENESS_WINDOW_S = 0.04


def track(x: Floats, every: int = 1, between: Callable[[], object] = lambda: None) -> Floats:
    """F0 of every so many of the n / HOP + 1 frames of `x`, mono (n,) at 24 kHz; 0 where no voice is. `between` is
    called between the parts."""
    coarse_hz, _times = pyworld.dio(
        x,
        SAMPLE_RATE_HZ,
        f0_floor=F0_FLOOR_HZ,
        f0_ceil=F0_CEILING_HZ,
        frame_period=FRAME_PERIOD_MS,
        allowed_range=_DIO_ALLOWED_RANGE,
        speed=_DIO_DECIMATION,
    )
    between()
    f0_hz: Floats = np.where(coarse_hz >= F0_FLOOR_HZ, coarse_hz, 0.0)
    for first, stop in voiced_stretches(f0_hz):
        if stop - first < _FEWEST_VOICED:
            f0_hz[first:stop] = 0
    kept_hz = f0_hz[::every].copy()
    voiced = np.flatnonzero(kept_hz)
    if len(voiced):
        kept_hz[voiced] = refined(x, kept_hz[voiced], voiced * every)
    return kept_hz


def refined(x: Floats, f0_hz: Floats, frames: NDArray[np.intp]) -> Floats:
    """`f0_hz` (n,) of `frames` (n,), by the instantaneous frequency of up to six harmonics."""
    low = soxr.resample(x.astype(np.float32), SAMPLE_RATE_HZ, _REFINING_HZ)
    padded = np.pad(low, (_REFINING_WIDTH // 2, _REFINING_WIDTH))
    around = np.lib.stride_tricks.sliding_window_view(padded, _REFINING_WIDTH)[:: HOP // _REFINING_DECIMATION]
    found = np.empty_like(f0_hz)
    for start in range(0, len(frames), _REFINING_AT_ONCE):
        some = slice(start, start + _REFINING_AT_ONCE)
        found[some] = _refined(around[np.minimum(frames[some], len(around) - 1)], f0_hz[some])
    return found


def _refined(samples: Rows, f0_hz: Floats) -> Floats:
    half = np.floor(1.5 * _REFINING_HZ / f0_hz + 1).astype(np.float32)[:, None]
    at = np.arange(-_REFINING_WIDTH // 2, _REFINING_WIDTH // 2, dtype=np.float32)
    cosine = np.cos(at * (np.float32(2 * np.pi) / (2 * half + 1)))
    window = 0.16 * np.square(cosine)
    cosine *= 0.5
    window += cosine
    window += 0.42 - 0.08
    window *= np.abs(at) <= half
    slope = np.zeros_like(window)
    slope[:, 1:-1] = (window[:, :-2] - window[:, 2:]) / 2
    spectra = np.fft.rfft(samples * window, _REFINING_FFT)
    slopes = np.fft.rfft(samples * slope, _REFINING_FFT)
    first_hz = _from_harmonics(spectra, slopes, f0_hz, _FIRST_HARMONICS)
    better_hz = _from_harmonics(spectra, slopes, np.clip(first_hz, F0_FLOOR_HZ, 2 * f0_hz), _ALL_HARMONICS)
    return np.where(np.abs(better_hz / f0_hz - 1) <= _FARTHEST, better_hz, f0_hz)


def _from_harmonics(
    spectra: NDArray[np.complexfloating], slopes: NDArray[np.complexfloating], f0_hz: Floats, harmonics: int
) -> Floats:
    """(n,): the mean of what each harmonic says of F0, weighted by its amplitude."""
    numbers = np.arange(1, harmonics + 1)
    bins = np.minimum(np.rint(f0_hz[:, None] * numbers * (_REFINING_FFT / _REFINING_HZ)), _REFINING_FFT // 2)
    row, column = np.arange(len(f0_hz))[:, None], bins.astype(np.intp)
    here, slope = spectra[row, column].astype(np.complex128), slopes[row, column].astype(np.complex128)
    power = np.square(here.real) + np.square(here.imag) + 1e-30
    off = (here.real * slope.imag - here.imag * slope.real) / power
    harmonic_hz = bins * (_REFINING_HZ / _REFINING_FFT) + off * (_REFINING_HZ / (2 * np.pi))
    amplitude = np.sqrt(power)
    return np.asarray((amplitude * harmonic_hz).sum(axis=1) / (amplitude * numbers).sum(axis=1), dtype=np.float64)


def likeness(x: Floats, f0_hz: Floats, frames: NDArray[np.intp]) -> Floats:
    """Of each period to the next, (n,) up to 1, around `frames` with these `f0_hz`: the autocorrelation of a windowed
    frame divided by the window's own, at its highest within 6 % of the period (Boersma 1993)."""
    rate_hz = SAMPLE_RATE_HZ // _LIKENESS_DECIMATION
    low = np.asarray(soxr.resample(x, SAMPLE_RATE_HZ, rate_hz))
    width, size = int(_LIKENESS_WINDOW_S * rate_hz) // 2 * 2, 512
    padded = np.pad(low, (width // 2, width))
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)[frames * HOP // _LIKENESS_DECIMATION]
    window = np.hanning(width)
    spectra = np.fft.rfft(
        (windows - windows.mean(axis=1, keepdims=True)).astype(np.float32) * window.astype(np.float32), size
    )
    products = np.fft.irfft(np.square(spectra.real) + np.square(spectra.imag), size)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, size)) ** 2)
    longest = size // 2
    likeness = products[:, :longest] / np.maximum(products[:, :1], 1e-12) / np.maximum(own[:longest] / own[0], 0.1)
    lags = (rate_hz / f0_hz)[:, None] * np.linspace(0.94, 1.06, 9)
    left = np.minimum(lags.astype(np.intp), longest - 2)
    row = np.arange(len(frames))[:, None]
    between = likeness[row, left] * (1 - (lags - left)) + likeness[row, left + 1] * (lags - left)
    return np.asarray(between.max(axis=1), dtype=np.float64)

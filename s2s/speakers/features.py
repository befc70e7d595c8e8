"""Mel features as Kaldi computes them (Povey et al. 2011, `compute-fbank-feats`): what the network was trained on."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.speakers import RATE_HZ

HOP: Final = 160
WINDOW: Final = 400
_FFT: Final = 512
_MELS: Final = 80
_LOWEST_HZ: Final = 20.0
_EMPHASIS: Final = 0.97
_FLOOR: Final = float(np.finfo(np.float32).eps)


def mel_features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(frames, 80) float32 without their mean over time, of mono samples (n,) at 16 kHz, n >= 400."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP].astype(np.float32)
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    spectrum = np.fft.rfft((frames - _EMPHASIS * before) * _window(), _FFT)[:, : _FFT // 2]
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    # Kaldi's floor is for samples of 16 bits.
    mels = np.log(np.maximum(power @ _filters().T * 2.0**30, _FLOOR))
    return np.asarray(mels - mels.mean(axis=0), np.float32)


@cache
def _window() -> NDArray[np.float64]:
    """Povey's: a Hann window whose edges don't quite fall to zero."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))) ** 0.85


@cache
def _filters() -> NDArray[np.float64]:
    """(80, 256) triangles on the mel scale, each of height 1."""
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(RATE_HZ / 2), _MELS + 2)
    bins = _mel(np.arange(_FFT // 2) * RATE_HZ / _FFT)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling))


def _mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(np.asarray(hz) / 700.0))

"""What CheapTrick and D4C have in common: windows that span some periods, and spectra smoothed by a share of F0.

WORLD's own arithmetic (Morise 2015 and 2016), for many frames at a time and in single precision, which numpy's
transforms are quicker in: a spectrum's sums alone need more digits than that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s2s.engine.vocoder import F0_CEILING_HZ, SAMPLE_RATE_HZ, Floats, Rows

# Frames at a time: what they need stays in the processor's cache.
AT_ONCE = 64
# F0 is found up to 600 Hz, and refined by 20 % at most.
_WIDEST_HZ = 1.25 * F0_CEILING_HZ


def surroundings(x: NDArray[np.floating], width: int) -> Rows:
    """A view (n + 1, width): row i holds what lies around sample i, which is in column `width // 2`."""
    padded = np.pad(x.astype(np.float32), (width // 2, width - width // 2), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, width)


def reach(f0_hz: Floats, periods: float) -> Rows:
    """How many samples a window of so many periods reaches to each side: (n, 1)."""
    return np.floor(periods / 2 * SAMPLE_RATE_HZ / f0_hz + 0.5).astype(np.float32)[:, None]


def hann(f0_hz: Floats, width: int, periods: float) -> Rows:
    """Windows (n, width), each so many of its periods long, with their middle in column `width // 2`."""
    window = _cosines(f0_hz, width, periods)
    window *= 0.5
    window += 0.5
    return window


def blackman(f0_hz: Floats, width: int, periods: float) -> Rows:
    """As `hann`."""
    cosine = _cosines(f0_hz, width, periods)
    # 0.42 + 0.5 cos(a) + 0.08 cos(2 a), by the cosine of a alone.
    window = 0.16 * cosine
    window += 0.5
    window *= cosine
    window += 0.42 - 0.08
    return window


def _cosines(f0_hz: Floats, width: int, periods: float) -> Rows:
    """(n, width): one turn around the middle, -1 beyond it."""
    turn = (f0_hz * (2 * np.pi / periods / SAMPLE_RATE_HZ)).astype(np.float32)[:, None]
    angle = np.arange(-(width // 2), width - width // 2, dtype=np.float32) * turn
    np.clip(angle, -np.pi, np.pi, out=angle)
    return np.asarray(np.cos(angle, out=angle))


def windowed(samples: Rows, window: Rows) -> Rows:
    """`samples` (n, width) under `window` (n, width), without an offset. `window` is used up."""
    under = samples * window
    window *= (under.sum(axis=1) / window.sum(axis=1))[:, None]
    under -= window
    return under


def power_spectra(samples: Rows) -> Rows:
    """(n, width) -> (n, width / 2 + 1)."""
    spectra = np.fft.rfft(samples)
    power = np.square(spectra.real)
    power += np.square(spectra.imag)
    return np.asarray(power)


def fill_below_f0(spectra: Rows, f0_hz: Floats) -> None:
    """What a window takes from below F0 is given back, in place: what lies above 0 Hz up to F0, mirrored."""
    bins = f0_hz * (2 * (spectra.shape[1] - 1) / SAMPLE_RATE_HZ)
    some = np.arange(int(bins.max()) + 2)
    at = bins[:, None] - some
    left = np.maximum(at, 0).astype(np.intp)
    share = (at - left).astype(np.float32)
    row = np.arange(len(spectra))[:, None]
    low = spectra[row, left]
    mirrored = low + (spectra[row, left + 1] - low) * share
    spectra[:, : len(some)] += np.where(at > 0, mirrored, 0)


def moving_mean(rows: Rows, width_hz: Floats) -> Rows:
    """Each row of `rows` (n, bins) under a rectangle that is `width_hz` (n,) wide, up to _WIDEST_HZ."""
    bins = rows.shape[1]
    half = width_hz * ((bins - 1) / SAMPLE_RATE_HZ)
    # The same for all, so that what is beside a row makes no difference to it.
    pad = int(_WIDEST_HZ / 2 * (2 * (bins - 1) / SAMPLE_RATE_HZ)) + 2
    padded = np.empty((len(rows), bins + 2 * pad))
    padded[:, pad : pad + bins] = rows
    padded[:, :pad] = rows[:, pad:0:-1]
    padded[:, pad + bins :] = rows[:, bins - 2 : bins - 2 - pad : -1]
    sums = np.lib.stride_tricks.sliding_window_view(np.cumsum(padded, axis=1), bins, axis=1)
    row = np.arange(len(rows))

    def up_to(shift: Floats) -> Floats:
        # A sum reaches to the upper edge of its bin.
        position = pad - 0.5 + shift
        left = np.floor(position).astype(np.intp)
        sum_: Floats = sums[row, left]
        sum_ += (sums[row, left + 1] - sum_) * (position - left)[:, None]
        return sum_

    mean = up_to(half)
    mean -= up_to(-half)
    mean /= (2 * half)[:, None]
    return mean.astype(np.float32)

"""WORLD: speech as F0, spectral envelope and aperiodicity, frame by frame, and back.

Sources: Morise, Yokomori, Ozawa 2016 (WORLD); Morise 2015 (CheapTrick); Morise 2016 (D4C);
Morise, Kawahara, Katayose 2009 (DIO).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyworld
import soxr
from numpy.typing import NDArray

# 48 kHz costs twice as much and gains nothing measurable; 10 ms frames lose similarity in copy-synthesis.
SAMPLE_RATE_HZ = 24_000
# What is above the vocoder's band is the source's own sound.
FULL_BAND_HZ = 2 * SAMPLE_RATE_HZ
FRAME_PERIOD_MS = 5.0
HOP = int(SAMPLE_RATE_HZ * FRAME_PERIOD_MS / 1000)

F0_FLOOR_HZ = 65.0
F0_CEILING_HZ = 600.0
ENVELOPE_FLOOR_HZ = 71.0
FFT_SIZE: int = pyworld.get_cheaptrick_fft_size(SAMPLE_RATE_HZ, ENVELOPE_FLOOR_HZ)
BINS = FFT_SIZE // 2 + 1
BIN_HZ = np.arange(BINS) * SAMPLE_RATE_HZ / FFT_SIZE

# DIO with a narrower range (0.1) loses voicing; Harvest is slightly better and 25 times slower.
_DIO_ALLOWED_RANGE = 0.2
# DIO looks for F0 at 6 kHz: ten times cheaper, and StoneMask refines on the full signal.
_DIO_DECIMATION = 4
# What has less of its power below 4 kHz than that is bright (D4C's "love train": Morise 2016). (BINS,), positive of it.
_IS_LOW = (BIN_HZ >= 100) & (BIN_HZ < 4000)
_BRIGHTNESS = np.where(_IS_LOW, 0.85 - 1, np.where((BIN_HZ >= 100) & (BIN_HZ < 7900), 0.85, 0)).astype(np.float32)
_LEAST_LIKENESS_OF_BRIGHT = 0.5
# A voice that counts repeats itself from period to period at least as well as this.
_LEAST_LIKENESS = 0.6
_LIKENESS_DECIMATION = 4
_LIKENESS_WINDOW_S = 0.04
# WORLD's analysis windows need something to stand on, even when the recording is a single click.
_SHORTEST = 2 * FFT_SIZE
# Fewer voiced frames than this in a row are no voice.
_FEWEST_VOICED = 3
# An envelope is measured so many frames beyond each end of a voiced stretch, where the voice is faded.
EDGE = 2
# Breath changes slowly inside a vowel: it is measured that often, and drawn in between.
_BREATH_EVERY = 8

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
Stretch = tuple[int, int]


@dataclass(slots=True)
class Features:
    """A stretch of speech as WORLD sees it.

    `f0_hz` float64 (frames,), 0 where unvoiced; `level_db` float64 (frames,), of every frame; `envelope` float32
    (frames, BINS), power, and `aperiodicity` float32 (frames, BINS), 0..1, where a voice sounds (`sounding`), else 0
    and 1: what has no voice is never resynthesised. `hiss` bool (frames,): a consonant over which F0 is drawn.
    """

    f0_hz: Floats
    level_db: Floats
    envelope: Rows
    aperiodicity: Rows
    hiss: NDArray[np.bool_]

    @property
    def voiced(self) -> NDArray[np.bool_]:
        return self.f0_hz > 0

    @property
    def sounding(self) -> NDArray[np.bool_]:
        """(frames,): voiced, or the fade of what is."""
        return sounding(self.f0_hz)


def voiced_stretches(f0_hz: Floats) -> list[Stretch]:
    """First frame and the one after the last, of each stretch with a voice."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], f0_hz > 0, [False]))))
    return [(int(first), int(stop)) for first, stop in zip(edges[::2], edges[1::2], strict=True)]


def sounding(f0_hz: Floats) -> NDArray[np.bool_]:
    """(frames,): voiced, or within EDGE frames of it."""
    found = np.zeros(len(f0_hz), dtype=bool)
    for first, stop in voiced_stretches(f0_hz):
        found[max(0, first - EDGE) : stop + EDGE] = True
    return found


def analyse(samples: NDArray[np.floating], *, every: int = 1, between: Callable[[], object] = lambda: None) -> Features:
    """Take speech apart. `samples`: mono (n,) at 24 kHz, -1..1. Yields n / HOP + 1 frames.

    `every` keeps one frame in so many: F0 is tracked on all of them, but the costly envelope and aperiodicity
    are computed only for those kept, and only what is voiced for sure counts as such. Statistics need no more.
    `between` is called between the parts of the work.
    """
    x = np.ascontiguousarray(samples, dtype=np.float64)
    if len(x) < _SHORTEST:
        x = np.pad(x, (0, _SHORTEST - len(x)))
    f0_hz, times_s = _track(x, between)
    level_db = levels_db(x)[: len(f0_hz)]
    if every > 1:
        f0_hz, times_s, level_db = f0_hz[::every].copy(), times_s[::every].copy(), level_db[::every].copy()
        _drop_what_does_not_repeat(x, f0_hz, np.arange(len(f0_hz)) * every)
    between()
    envelope = _envelope(x, f0_hz, times_s)
    hiss = _hiss(x, f0_hz, envelope, np.arange(len(f0_hz)) * every)
    if every > 1:
        f0_hz[hiss] = 0
    _cut_ends(f0_hz, hiss)
    between()
    aperiodicity = _aperiodicity(x, f0_hz, times_s, hiss, _BREATH_EVERY // every)
    return Features(f0_hz, level_db, envelope, aperiodicity, hiss)


def _track(x: Floats, between: Callable[[], object]) -> tuple[Floats, Floats]:
    """F0 (frames,), 0 where unvoiced, and times. StoneMask refines every second frame of a stretch, and its neighbours
    by what it made of those: what it corrects is DIO's bias, which changes slowly."""
    coarse_hz, times_s = pyworld.dio(
        x,
        SAMPLE_RATE_HZ,
        f0_floor=F0_FLOOR_HZ,
        f0_ceil=F0_CEILING_HZ,
        frame_period=FRAME_PERIOD_MS,
        allowed_range=_DIO_ALLOWED_RANGE,
        speed=_DIO_DECIMATION,
    )
    between()
    voiced = np.flatnonzero(coarse_hz > 0)
    # From where each stretch begins, so that it is refined the same in every block.
    since = voiced - np.maximum.accumulate(np.where(np.diff(voiced, prepend=-2) > 1, voiced, 0))
    some = voiced[since % 2 == 0]
    refined = pyworld.stonemask(x, coarse_hz[some], times_s[some], SAMPLE_RATE_HZ) if len(some) else coarse_hz[some]
    kept = refined > 0
    f0_hz = coarse_hz.copy()
    if kept.any():
        f0_hz[voiced] *= np.interp(voiced, some[kept], refined[kept] / coarse_hz[some[kept]])
    for first, stop in voiced_stretches(f0_hz):
        if stop - first < _FEWEST_VOICED:
            f0_hz[first:stop] = 0
    return f0_hz, times_s


def _drop_what_does_not_repeat(x: Floats, f0_hz: Floats, frames: NDArray[np.intp]) -> None:
    """A second opinion, in place, on `f0_hz` (n,) of these `frames`: DIO takes a quarter more of them for voiced than
    a tracker by autocorrelation, and their low F0 would put a speaker's median too low. In what is converted they stay
    voiced: the source's own voice would be heard beside the new one."""
    voiced = np.flatnonzero(f0_hz > 0)
    if len(voiced):
        f0_hz[voiced[_likeness(x, f0_hz[voiced], frames[voiced]) < _LEAST_LIKENESS]] = 0


def _likeness(x: Floats, f0_hz: Floats, frames: NDArray[np.intp]) -> Floats:
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


def levels_db(x: Floats) -> Floats:
    """Level of each frame, (n / HOP + 1,) dB: mean square over 20 ms around it."""
    hops = -(-len(x) // HOP) + 1
    square = np.pad(np.square(x), (2 * HOP, (hops + 2) * HOP - len(x))).reshape(-1, HOP).mean(axis=1)
    # Frame i lies between the hops i - 1 and i.
    mean = (square[:-3] + square[1:-2] + square[2:-1] + square[3:]) / 4
    return np.asarray(10 * np.log10(mean[:hops] + 1e-12), dtype=np.float64)


def _envelope(x: Floats, f0_hz: Floats, times_s: Floats) -> Rows:
    envelope = np.zeros((len(f0_hz), BINS), np.float32)
    held_hz, where = f0_hz.copy(), np.flatnonzero(sounding(f0_hz))
    for first, stop in voiced_stretches(f0_hz):
        held_hz[max(0, first - EDGE) : first] = f0_hz[first]
        held_hz[stop : stop + EDGE] = np.where(
            f0_hz[stop : stop + EDGE] > 0, f0_hz[stop : stop + EDGE], f0_hz[stop - 1]
        )
    if len(where):
        envelope[where] = pyworld.cheaptrick(
            x, held_hz[where], times_s[where], SAMPLE_RATE_HZ, f0_floor=ENVELOPE_FLOOR_HZ, fft_size=FFT_SIZE
        )
    return envelope


def _cut_ends(f0_hz: Floats, hiss: NDArray[np.bool_]) -> None:
    """A stretch neither begins nor ends with hiss, in place: there the speaker's own sound does."""
    for first, stop in voiced_stretches(f0_hz):
        alive = np.flatnonzero(~hiss[first:stop])
        if not len(alive):
            f0_hz[first:stop] = 0
        else:
            f0_hz[first : first + alive[0]] = 0
            f0_hz[first + alive[-1] + 1 : stop] = 0
    hiss &= f0_hz > 0


def _hiss(x: Floats, f0_hz: Floats, envelope: Rows, frames: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(n,): voiced as DIO has it, but bright and not repeating: a consonant over which it has drawn F0.

    Bright is what D4C's own decision calls noise, and takes bright voices for, too; those repeat.
    """
    hiss = (f0_hz > 0) & (envelope @ _BRIGHTNESS > 0)
    where = np.flatnonzero(hiss)
    if len(where):
        hiss[where] = _likeness(x, f0_hz[where], frames[where]) < _LEAST_LIKENESS_OF_BRIGHT
    return hiss


def _aperiodicity(x: Floats, f0_hz: Floats, times_s: Floats, hiss: NDArray[np.bool_], step: int) -> Rows:
    """(frames, BINS). D4C costs as much as all else: it looks at the ends of each stretch and at some frames between.
    Its own decision of what is noise isn't asked, as it takes bright voices for it; hiss is."""
    whole = np.ones((len(f0_hz), BINS), np.float32)
    alive = np.where(hiss, 0.0, f0_hz)
    looked = [frame for stretch in voiced_stretches(alive) for frame in _looked_at(*stretch, max(1, step))]
    if not looked:
        return whole
    frames = np.unique(looked).astype(np.intp)
    rows = pyworld.d4c(x, f0_hz[frames], times_s[frames], SAMPLE_RATE_HZ, threshold=0, fft_size=FFT_SIZE)
    rows = rows.astype(np.float32)
    for first, stop in voiced_stretches(alive):
        own = np.flatnonzero((frames >= first) & (frames < stop))
        whole[first:stop] = _drawn(rows[own], frames[own], np.arange(first, stop))
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

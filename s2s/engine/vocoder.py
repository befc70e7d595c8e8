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
# What has less of its power below 4 kHz than this is noise for D4C (its "love train").
_D4C_THRESHOLD = 0.85
# D4C gives frames without periodicity values next to 1.
APERIODIC = 0.999
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
_FADE = int(0.008 * SAMPLE_RATE_HZ)

Floats = NDArray[np.float64]
Stretch = tuple[int, int]


@dataclass(slots=True)
class Features:
    """A stretch of speech as WORLD sees it.

    `f0_hz` float64 (frames,), 0 where unvoiced; `level_db` float64 (frames,), of every frame; `envelope` float64
    (frames, BINS), power, and `aperiodicity` float64 (frames, BINS), 0..1, where a voice sounds (`sounding`), else 0
    and 1: what has no voice is never resynthesised.
    """

    f0_hz: Floats
    level_db: Floats
    envelope: Floats
    aperiodicity: Floats

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
    aperiodicity = _aperiodicity(x, f0_hz, times_s, _BREATH_EVERY // every)
    between()
    return Features(f0_hz, level_db, _envelope(x, f0_hz, times_s), aperiodicity)


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


def _envelope(x: Floats, f0_hz: Floats, times_s: Floats) -> Floats:
    envelope = np.zeros((len(f0_hz), BINS))
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


def _aperiodicity(x: Floats, f0_hz: Floats, times_s: Floats, step: int) -> Floats:
    """(frames, BINS); `f0_hz` is cut back, in place, where there is no voice after all.

    D4C costs as much as all else: it looks at the ends of each stretch and at some frames between. An end that it
    takes for noise is none of the voice. In the middle it may take a bright voice for noise, even all of it; there
    its measure without that decision counts, or the voice would be hoarse.
    """
    frames = np.unique([frame for stretch in voiced_stretches(f0_hz) for frame in _looked_at(*stretch, max(1, step))])
    whole = np.ones((len(f0_hz), BINS))
    if not len(frames):
        return whole
    frames = frames.astype(np.intp)
    rows = _d4c(x, f0_hz, times_s, frames, _D4C_THRESHOLD)
    is_noise = rows[:, 0] >= APERIODIC
    noisy = frames[is_noise]
    for first, stop in voiced_stretches(f0_hz):
        if is_noise[(frames >= first) & (frames < stop)].mean() <= 0.5:
            _cut_back(f0_hz, first, stop, noisy)
    if is_noise.any():
        rows[is_noise] = _d4c(x, np.maximum(f0_hz, F0_FLOOR_HZ), times_s, noisy, 0.0)
    for first, stop in voiced_stretches(f0_hz):
        own = np.flatnonzero((frames >= first) & (frames < stop))
        if len(own):
            whole[first:stop] = _drawn(rows[own], frames[own], np.arange(first, stop))
    return whole


def _d4c(x: Floats, f0_hz: Floats, times_s: Floats, frames: NDArray[np.intp], threshold: float) -> Floats:
    rows: Floats = pyworld.d4c(
        x, f0_hz[frames], times_s[frames], SAMPLE_RATE_HZ, threshold=threshold, fft_size=FFT_SIZE
    )
    return rows


def _looked_at(first: int, stop: int, step: int) -> list[int]:
    return sorted({first, stop - 1, *range(first + min(step, (stop - first) // 2), stop - 1, step)})


def _cut_back(f0_hz: Floats, first: int, stop: int, noisy: NDArray[np.intp]) -> None:
    """An end that is noise is given up, two frames of it: nothing was looked at beyond."""
    if first in noisy:
        f0_hz[first : min(first + 2, stop)] = 0
    if stop - 1 in noisy:
        f0_hz[max(first, stop - 2) : stop] = 0


def _drawn(rows: Floats, at: NDArray[np.intp], frames: NDArray[np.intp]) -> Floats:
    """`rows` (n, BINS) measured `at` frames, drawn to all `frames`."""
    position = np.interp(frames, at, np.arange(len(at)))
    left = np.minimum(position.astype(np.intp), max(0, len(at) - 2))
    share = (position - left)[:, None]
    right = np.minimum(left + 1, len(at) - 1)
    return np.asarray(rows[left] * (1 - share) + rows[right] * share, dtype=np.float64)


def synthesise(features: Features, length: int, *, first_frame: int = 0) -> Floats:
    """The voiced part of speech, put together and faded at the ends of each stretch: float64 (length,) at 24 kHz.

    Stretch by stretch: WORLD draws its noise from a generator that starts anew with every call, so that a stretch
    comes out the same whatever is around it, in any block and any thread. `first_frame` says where in the recording
    the first frame lies: from it follows how many frames each is begun ahead, so that not all have the same noise.
    """
    samples = np.zeros(length)
    frames = len(features.f0_hz)
    for first, stop in voiced_stretches(features.f0_hz):
        lead = _lead(first_frame + first)
        index = np.arange(first - EDGE - lead, stop + EDGE)
        voice = np.clip(index, first, stop - 1)
        around = np.clip(index, max(0, first - EDGE), min(frames, stop + EDGE) - 1)
        sound = pyworld.synthesize(
            features.f0_hz[voice],
            features.envelope[around],
            features.aperiodicity[voice],
            SAMPLE_RATE_HZ,
            FRAME_PERIOD_MS,
        )
        begin = (first - EDGE) * HOP
        sound = sound[lead * HOP :]
        kept = slice(max(0, begin), min(length, begin + len(sound)))
        if kept.stop > kept.start:
            weight = _faded(first, stop, np.arange(kept.start, kept.stop), 1)
            samples[kept] += sound[kept.start - begin : kept.stop - begin] * weight
    return samples


def _lead(frame: int) -> int:
    """1 to 8 frames, by place."""
    return 1 + frame * 2_654_435_761 % 2**32 // 2**29


def voice_weight(f0_hz: Floats, length: int, ratio: int) -> Floats:
    """How much of each sample is the voice's, (length,) 0..1 at `ratio` times 24 kHz; what `synthesise` fades by."""
    weight = np.zeros(length)
    for first, stop in voiced_stretches(f0_hz):
        begin, end = (first - EDGE) * HOP * ratio, (stop + EDGE) * HOP * ratio
        kept = np.arange(max(0, begin), min(length, end))
        weight[kept] += _faded(first, stop, kept, ratio)
    return weight


def _faded(first: int, stop: int, at: NDArray[np.intp], ratio: int) -> Floats:
    """1 from half a frame before the stretch to half a frame after it, with rounded edges of 8 ms."""
    width = _FADE * ratio
    begin, end = (first - 0.5) * HOP * ratio, (stop - 0.5) * HOP * ratio
    return _risen((at - begin) / width) - _risen((at - end) / width)


def _risen(position: Floats) -> Floats:
    """The integral of a Hann window one wide around 0."""
    t = np.clip(position + 0.5, 0, 1)
    return np.asarray(t - np.sin(2 * np.pi * t) / (2 * np.pi), dtype=np.float64)


def pulse_phase(f0_hz: Floats, sample: int, first_frame: int = 0) -> float | None:
    """Cycles that the pulse train of `synthesise` has run through at `sample` (24 kHz) since its stretch began; None
    where no voice is. Follows WORLD's time base (Morise 2016): F0 is interpolated linearly between frames."""
    frame = round(sample / HOP)
    for first, stop in voiced_stretches(f0_hz):
        if first <= frame < stop:
            begin = (first - EDGE - _lead(first_frame + first)) * HOP
            positions = np.arange(begin, sample) / HOP
            return float(np.interp(positions, np.arange(first, stop), f0_hz[first:stop]).sum() / SAMPLE_RATE_HZ)
    return None

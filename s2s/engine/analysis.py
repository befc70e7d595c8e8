"""A recording as WORLD sees it: F0, spectral envelope and aperiodicity, and what only looks like a voice.

Source: Morise, Yokomori, Ozawa 2016 (WORLD).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from s2s.engine import aperiodicity
from s2s.engine.envelope import envelopes
from s2s.engine.pitch import likeness, track
from s2s.engine.vocoder import BIN_HZ, BINS, EDGE, FFT_SIZE, HOP, Features, Floats, Rows, sounding, voiced_stretches

# What has less of its power below 4 kHz than that is bright (D4C's "love train": Morise 2016). (BINS,), positive of it.
_IS_LOW = (BIN_HZ >= 100) & (BIN_HZ < 4000)
_BRIGHTNESS = np.where(_IS_LOW, 0.85 - 1, np.where((BIN_HZ >= 100) & (BIN_HZ < 7900), 0.85, 0)).astype(np.float32)
_LEAST_LIKENESS_OF_BRIGHT = 0.5
# A voice that counts repeats itself from period to period at least as well as this.
_LEAST_LIKENESS = 0.6
# WORLD's analysis windows need something to stand on, even when the recording is a single click.
_SHORTEST = 2 * FFT_SIZE
# Breath is measured that often; where frames are left out, for what it is on the mean.
_BREATH_EVERY, _BREATH_EVERY_ON_THE_MEAN = 8, 16


def analyse(samples: NDArray[np.floating], *, every: int = 1, between: Callable[[], object] = lambda: None) -> Features:
    """Take speech apart. `samples`: mono (n,) at 24 kHz, -1..1. Yields n / HOP + 1 frames.

    `every` keeps one frame in so many: what is costly is done for those alone, aperiodicity more rarely, and only what
    is voiced for sure counts as such. Statistics need no more.
    `between` is called between the parts of the work.
    """
    x = np.ascontiguousarray(samples, dtype=np.float64)
    if len(x) < _SHORTEST:
        x = np.pad(x, (0, _SHORTEST - len(x)))
    f0_hz = track(x, every, between)
    frames = np.arange(len(f0_hz)) * every
    level_db = levels_db(x)[frames]
    if every > 1:
        _drop_what_does_not_repeat(x, f0_hz, frames)
    between()
    envelope = _envelope(x, f0_hz, frames)
    hiss = _hiss(x, f0_hz, envelope, frames)
    if every > 1:
        f0_hz[hiss] = 0
    _cut_ends(f0_hz, hiss)
    between()
    step = _BREATH_EVERY if every == 1 else max(1, _BREATH_EVERY_ON_THE_MEAN // every)
    breath = aperiodicity.throughout(x, f0_hz, frames, ~hiss, step)
    return Features(f0_hz, level_db, envelope, breath, hiss)


def _drop_what_does_not_repeat(x: Floats, f0_hz: Floats, frames: NDArray[np.intp]) -> None:
    """A second opinion, in place, on `f0_hz` (n,) of these `frames`: DIO takes a quarter more of them for voiced than
    a tracker by autocorrelation, and their low F0 would put a speaker's median too low. In what is converted they stay
    voiced: the source's own voice would be heard beside the new one."""
    voiced = np.flatnonzero(f0_hz > 0)
    if len(voiced):
        f0_hz[voiced[likeness(x, f0_hz[voiced], frames[voiced]) < _LEAST_LIKENESS]] = 0


def levels_db(x: Floats) -> Floats:
    """Level of each frame, (n / HOP + 1,) dB: mean square over 20 ms around it."""
    hops = -(-len(x) // HOP) + 1
    square = np.pad(np.square(x), (2 * HOP, (hops + 2) * HOP - len(x))).reshape(-1, HOP).mean(axis=1)
    # Frame i lies between the hops i - 1 and i.
    mean = (square[:-3] + square[1:-2] + square[2:-1] + square[3:]) / 4
    return np.asarray(10 * np.log10(mean[:hops] + 1e-12), dtype=np.float64)


def _envelope(x: Floats, f0_hz: Floats, frames: NDArray[np.intp]) -> Rows:
    """(n, BINS) at `frames`: where a voice sounds, else 0."""
    envelope = np.zeros((len(f0_hz), BINS), np.float32)
    where = np.flatnonzero(sounding(f0_hz))
    if len(where):
        envelope[where] = envelopes(x, _held(f0_hz)[where], frames[where])
    return envelope


def _held(f0_hz: Floats) -> Floats:
    """(n,): each stretch goes on at both ends as it is there."""
    held_hz = f0_hz.copy()
    for first, stop in voiced_stretches(f0_hz):
        held_hz[max(0, first - EDGE) : first] = f0_hz[first]
        held_hz[stop : stop + EDGE] = f0_hz[stop - 1]
    return np.where(f0_hz > 0, f0_hz, held_hz)


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
        hiss[where] = likeness(x, f0_hz[where], frames[where]) < _LEAST_LIKENESS_OF_BRIGHT
    return hiss

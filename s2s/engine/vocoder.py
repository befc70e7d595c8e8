"""WORLD: speech as F0, spectral envelope and aperiodicity, frame by frame, and back.

Sources: Morise, Yokomori, Ozawa 2016 (WORLD); Morise 2015 (CheapTrick); Morise 2016 (D4C);
Morise, Kawahara, Katayose 2009 (DIO).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyworld
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

# An envelope is measured so many frames beyond each end of a voiced stretch, where the voice is faded.
EDGE = 2

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

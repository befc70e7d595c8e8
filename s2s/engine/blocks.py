"""Block-wise conversion without audible edges, in memory that does not grow with the recording.

A block is analysed with context on both sides. Two things keep its edges silent: the pulse train of a block is
brought into phase with that of the block before, by bending F0 in the context that is thrown away; and blocks
overlap by 10 ms, cross-faded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from s2s.engine.dynamics import keep_loudness, soft_limit
from s2s.engine.spool import Spool
from s2s.engine.transform import Transform
from s2s.engine.turns import Turns
from s2s.engine.vocoder import (
    HOP,
    SAMPLE_RATE_HZ,
    UNVOICED_PULSE_HZ,
    Features,
    Floats,
    analyse,
    pulse_phase,
    synthesise,
)

_CONTEXT = SAMPLE_RATE_HZ // 2
_CROSS_FADE = SAMPLE_RATE_HZ // 100
# Bending fewer frames than this would bend F0 audibly far, and reach into what is kept.
_FEWEST_BENT_FRAMES = 5

CRUNCHING = Turns()

LONG_BLOCK_S = 10.0
# A stream begins with short blocks, to be heard early, and grows to where context costs little.
_FIRST_STREAMED_BLOCK_S = 0.5
_LONGEST_STREAMED_BLOCK_S = 5.0


def constant_sizes() -> Iterator[int]:
    """Block lengths in samples when nobody waits for the first of them."""
    while True:
        yield int(LONG_BLOCK_S * SAMPLE_RATE_HZ)


def growing_sizes() -> Iterator[int]:
    """Block lengths in samples when somebody listens along: .5 s, doubling up to 5 s."""
    size_s = _FIRST_STREAMED_BLOCK_S
    while True:
        yield int(size_s * SAMPLE_RATE_HZ) // HOP * HOP
        size_s = min(_LONGEST_STREAMED_BLOCK_S, size_s * 2)


def convert_blocks(spool: Spool, transform: Transform, sizes: Iterator[int]) -> Iterator[Floats]:
    """The converted recording, block by block, float64 at 24 kHz; as many samples as the spool has, in all.

    `sizes` are multiples of HOP. Raises whatever decoding into the spool raises.
    """
    start = 0
    phase: float | None = None
    tail: Floats | None = None
    while spool.reach(start + 1):
        planned_stop = start + next(sizes)
        spool.reach(planned_stop + _CONTEXT)
        stop = min(planned_stop, spool.length)
        first = max(0, start - _CONTEXT)
        last = min(stop + _CONTEXT, spool.length)
        source = spool.read(first, last)
        with CRUNCHING.turn(done_s=start / SAMPLE_RATE_HZ) as give_way:
            features = analyse(source, between=give_way)
            give_way()
            features = transform.apply(features)
            if phase is not None:
                _align(features, start - first, phase)
            give_way()
            samples = soft_limit(keep_loudness(synthesise(features, last - first), source))
        phase = pulse_phase(features.f0_hz, stop - first)
        kept = samples[start - first : stop - first].copy()
        if tail is not None:
            _cross_fade(tail, kept)
        tail = samples[stop - first : stop - first + _CROSS_FADE].copy()
        del source, features, samples  # nothing big is held while the listener takes its time
        yield kept
        start = stop


def _align(features: Features, at: int, phase: float) -> None:
    """Bend F0 before sample `at`, in place, so that the pulse train is there in `phase` (cycles)."""
    frames = at // HOP - 2
    if frames < _FEWEST_BENT_FRAMES:
        return
    # Every frame takes part, also those without a voice: what is bent is never heard.
    bent = features.f0_hz[:frames]
    bent[bent == 0] = UNVOICED_PULSE_HZ
    missing = phase - pulse_phase(features.f0_hz, at)
    missing -= round(missing)
    bent += missing * SAMPLE_RATE_HZ / (frames * HOP)


def _cross_fade(tail: Floats, head: Floats) -> None:
    """Fade from the last block's `tail` into the `head` of this one, in place."""
    length = min(len(tail), len(head))
    weight = np.linspace(0, 1, length)
    head[:length] = tail[:length] * (1 - weight) + head[:length] * weight

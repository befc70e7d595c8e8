"""Block-wise conversion without audible edges, in memory that does not grow with the recording.

A block is analysed with context on both sides. Two things keep its edges silent: the pulse train of a block is
brought into phase with that of the block before, by bending F0 in the context that is thrown away; and blocks
overlap by 10 ms, cross-faded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import soxr

from s2s.engine.dynamics import as_loud_within_limits
from s2s.engine.own_sound import OwnSound, handover
from s2s.engine.spool import Spool
from s2s.engine.transform import Transform
from s2s.engine.turns import Turns
from s2s.engine.vocoder import (
    BIN_HZ,
    HOP,
    SAMPLE_RATE_HZ,
    Floats,
    analyse,
    pulse_phase,
    synthesise,
    voice_weight,
    voiced_stretches,
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


def convert_blocks(spool: Spool, transform: Transform, sizes: Iterator[int], ratio: int = 1) -> Iterator[Floats]:
    """The converted recording, block by block, float64 at `ratio` (1 or 2) times 24 kHz, as the spool has it; as many
    samples as the spool has, in all.

    `sizes` are multiples of HOP at 24 kHz. Raises whatever decoding into the spool raises.
    """
    own_sound = OwnSound(transform.consonant_colour, transform.colour, ratio)
    context, cross_fade = _CONTEXT * ratio, _CROSS_FADE * ratio
    start = 0
    phase: float | None = None
    tail: Floats | None = None
    while spool.reach(start + 1):
        planned_stop = start + next(sizes) * ratio
        spool.reach(planned_stop + context)
        stop = min(planned_stop, spool.length)
        first = max(0, start - context)
        source = spool.read(first, min(stop + context, spool.length))
        with CRUNCHING.turn(done_s=start / (SAMPLE_RATE_HZ * ratio)) as give_way:
            block = _Block(source, first // (HOP * ratio), ratio, transform, give_way)
            block.align((start - first) // ratio, phase)
            give_way()
            samples = block.rendered(own_sound, give_way)
        phase = block.phase((stop - first) // ratio)
        kept = samples[start - first : stop - first].copy()
        if tail is not None:
            _cross_fade(tail, kept)
        tail = samples[stop - first : stop - first + cross_fade].copy()
        del source, block, samples  # nothing big is held while the listener takes its time
        yield kept
        start = stop


class _Block:
    """`source` float64 (n,) at `ratio` times 24 kHz, whose first sample is that of frame `first_frame`."""

    def __init__(
        self, source: Floats, first_frame: int, ratio: int, transform: Transform, give_way: Callable[[], object]
    ) -> None:
        self._source = source
        self._first_frame = first_frame
        self._ratio = ratio
        self._at_24k = _resampled(source, ratio, 1)
        features = analyse(self._at_24k, between=give_way)
        give_way()
        self._active = transform.activity(features)
        self._features = transform.apply(features)

    def align(self, at: int, phase: float | None) -> None:
        """Bend F0 before sample `at` (24 kHz) so that the pulse train is there in `phase` (cycles), if a voice is.

        Only in a stretch that began long before: one that begins here has its phase already.
        """
        if phase is None:
            return
        f0_hz = self._features.f0_hz
        missing = pulse_phase(f0_hz, at, self._first_frame)
        if missing is None:
            return
        first = next(first for first, stop in voiced_stretches(f0_hz) if first <= at // HOP < stop)
        frames = at // HOP - 2 - first
        if frames < _FEWEST_BENT_FRAMES:
            return
        missing = phase - missing
        missing -= round(missing)
        f0_hz[first : first + frames] += missing * SAMPLE_RATE_HZ / (frames * HOP)

    def phase(self, at: int) -> float | None:
        return pulse_phase(self._features.f0_hz, at, self._first_frame)

    def rendered(self, own_sound: OwnSound, give_way: Callable[[], object]) -> Floats:
        """(n,) as `source`: the new voice where one is, the speaker's own sound elsewhere."""
        features, ratio, source = self._features, self._ratio, self._source
        if ratio > 1:
            features.envelope *= (1 - handover(BIN_HZ)) ** 2
        voice = _resampled(synthesise(features, len(self._at_24k), first_frame=self._first_frame), 1, ratio)
        give_way()
        weight = voice_weight(features.f0_hz, len(source), ratio)
        coloured, above = own_sound.coloured(source)
        at = np.arange(len(source)) / (HOP * ratio)
        active = np.interp(at, np.arange(len(self._active)), self._active)
        # In pauses nothing is coloured: what sounds there is the room.
        samples = (1 - weight) * (source + active * (coloured - source))
        samples += voice[: len(source)]
        if above is not None:
            samples += weight * above
        return as_loud_within_limits(samples, source, ratio)


def _resampled(samples: Floats, from_ratio: int, to_ratio: int) -> Floats:
    if from_ratio == to_ratio:
        return samples
    return np.asarray(soxr.resample(samples, from_ratio * SAMPLE_RATE_HZ, to_ratio * SAMPLE_RATE_HZ), dtype=np.float64)


def _cross_fade(tail: Floats, head: Floats) -> None:
    """Fade from the last block's `tail` into the `head` of this one, in place."""
    length = min(len(tail), len(head))
    weight = np.linspace(0, 1, length)
    head[:length] = tail[:length] * (1 - weight) + head[:length] * weight

"""Block-wise conversion without audible edges, in memory that does not grow with the recording.

A block is analysed with context on both sides. Two things keep its edges silent: the pulse train of a block is
brought into phase with that of the block before, by bending F0 in the context that is thrown away; and blocks
overlap by 10 ms, cross-faded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import numpy as np
import soxr

from s2s.engine.along import along
from s2s.engine.analysis import analyse
from s2s.engine.cores import Cores
from s2s.engine.dynamics import as_loud_within_limits
from s2s.engine.helping import in_order
from s2s.engine.own_sound import OwnSound, handover
from s2s.engine.spool import Spool
from s2s.engine.synthesis import phase, synthesise, voice_share
from s2s.engine.transform import Transform
from s2s.engine.turns import Turns
from s2s.engine.vocoder import BIN_HZ, HOP, SAMPLE_RATE_HZ, Rows

# With it, DIO's transforms of a block of 10 s are just short of the next power of two.
_CONTEXT = 80 * HOP
_CROSS_FADE = SAMPLE_RATE_HZ // 100

CRUNCHING = Turns()
# A server process sets those it shares with others (`worker`).
CORES = Cores(None, 1)

_BELOW_HANDOVER = np.square(1 - handover(BIN_HZ)).astype(np.float32)

LONG_BLOCK_S = 10.0
# A stream begins with short blocks, to be heard early, and grows to where context costs little.
_FIRST_STREAMED_BLOCK_S = 0.3
_LONGEST_STREAMED_BLOCK_S = 5.0


def constant_sizes() -> Iterator[int]:
    """Block lengths in samples when nobody waits for the first of them."""
    while True:
        yield int(LONG_BLOCK_S * SAMPLE_RATE_HZ)


def growing_sizes() -> Iterator[int]:
    """Block lengths in samples when somebody listens along: .3 s, doubling up to 5 s."""
    size_s = _FIRST_STREAMED_BLOCK_S
    while True:
        yield int(size_s * SAMPLE_RATE_HZ) // HOP * HOP
        size_s = min(_LONGEST_STREAMED_BLOCK_S, size_s * 2)


def convert_blocks(
    spool: Spool,
    transform: Transform,
    sizes: Iterator[int],
    ratio: int = 1,
    check: Callable[[], object] = lambda: None,
) -> Iterator[Rows]:
    """The converted recording, block by block, float32 at `ratio` (1 or 2) times 24 kHz, as the spool has it; as many
    samples as the spool has, in all.

    `sizes` are multiples of HOP at 24 kHz. While one block is worked on here, idle cores work on those after it; they
    come in their order. `check` is called between the parts of a block, and may raise to stop the work. Raises whatever
    decoding into the spool raises.
    """
    tail: Rows | None = None
    jobs = _jobs(spool, transform, sizes, ratio)
    with closing(in_order(jobs, CORES, lambda job: _turn(job, check))) as results:
        for samples, kept_from, kept_to in results:
            kept = samples[kept_from:kept_to].copy()
            if tail is not None:
                _cross_fade(tail, kept)
            tail = samples[kept_to : kept_to + _CROSS_FADE * ratio].copy()
            del samples  # nothing big is held while the listener takes its time
            yield kept


@contextmanager
def _turn(job: _Job, check: Callable[[], object]) -> Iterator[Callable[[], None]]:
    with CRUNCHING.turn(job.done_s) as give_way:

        def check_and_give_way() -> None:
            check()
            give_way()

        yield check_and_give_way


def _jobs(spool: Spool, transform: Transform, sizes: Iterator[int], ratio: int) -> Iterator[_Job]:
    own_sound = OwnSound(transform.consonant_colour, transform.colour, ratio)
    start, phase = 0, _known(None)
    while spool.reach(start + 1):
        planned_stop = start + next(sizes) * ratio
        spool.reach(planned_stop + _CONTEXT * ratio)
        stop, first = min(planned_stop, spool.length), max(0, start - _CONTEXT * ratio)
        source = spool.read(first, min(stop + _CONTEXT * ratio, spool.length))
        job = _Job(transform, own_sound, ratio, source, first, start, stop, phase)
        phase = job.phase_at_stop
        yield job
        start = stop


@dataclass(slots=True)
class _Job:
    """A block to be converted: samples `start` to `stop` of the recording; `source` begins at `first`.

    It waits for the phase in which the one before it ends, which that knows after half of its own work.
    """

    transform: Transform
    own_sound: OwnSound
    ratio: int
    source: Rows
    first: int
    start: int
    stop: int
    phase_at_start: Future[float | None]
    phase_at_stop: Future[float | None] = field(default_factory=Future)

    @property
    def done_s(self) -> float:
        """How much of the recording lies before."""
        return self.start / (SAMPLE_RATE_HZ * self.ratio)

    def run(self, give_way: Callable[[], object]) -> tuple[Rows, int, int]:
        """The converted samples of `source`, and from where to where they are kept."""
        try:
            block = _Block(self.source, self.first // (HOP * self.ratio), self.ratio, self.transform, give_way)
            block.align((self.start - self.first) // self.ratio, self.phase_at_start.result())
            self.phase_at_stop.set_result(block.phase((self.stop - self.first) // self.ratio))
        finally:
            if not self.phase_at_stop.done():
                self.phase_at_stop.set_result(None)
        give_way()
        return block.rendered(self.own_sound, give_way), self.start - self.first, self.stop - self.first


def _known(phase: float | None) -> Future[float | None]:
    future: Future[float | None] = Future()
    future.set_result(phase)
    return future


class _Block:
    """`source` float32 (n,) at `ratio` times 24 kHz, whose first sample is that of frame `first_frame`."""

    def __init__(
        self, source: Rows, first_frame: int, ratio: int, transform: Transform, give_way: Callable[[], object]
    ) -> None:
        self._source = source
        self._first_frame = first_frame
        self._ratio = ratio
        self._at_24k = _resampled(source, ratio, 1)
        features = analyse(self._at_24k, between=give_way)
        give_way()
        self._active = transform.activity(features)
        self._features = transform.apply(features, first_frame)
        self._seed = transform.seed
        self._turns: dict[int, float] = {}

    def align(self, at: int, turn: float | None) -> None:
        """Have the pulses at sample `at` (24 kHz) where those of the block before are, `turn` cycles, if a voice is
        there that began before this block did."""
        found = phase(self._features.f0_hz, at)
        if turn is not None and found is not None:
            first, own = found
            self._turns = {first: (turn - own) % 1}

    def phase(self, at: int) -> float | None:
        """Cycles of the pulses at sample `at` (24 kHz); None where no voice is."""
        found = phase(self._features.f0_hz, at)
        return None if found is None else (found[1] + self._turns.get(found[0], 0.0)) % 1

    def rendered(self, own_sound: OwnSound, give_way: Callable[[], object]) -> Rows:
        """(n,) as `source`: the new voice where one is, the speaker's own sound elsewhere."""
        features, ratio, source = self._features, self._ratio, self._source
        if ratio > 1:
            features.envelope *= _BELOW_HANDOVER
        sound = synthesise(
            features, len(self._at_24k), first_frame=self._first_frame, turns=self._turns, seed=self._seed
        )
        voice = _resampled(sound, 1, ratio)
        give_way()
        share = voice_share(features, len(source), ratio)
        coloured, above = own_sound.coloured(source)
        # In pauses nothing is coloured: what sounds there is the room.
        samples = coloured
        samples -= source
        samples *= along(self._active.astype(np.float32), HOP * ratio, len(source))
        samples += source
        samples *= 1 - share
        samples += voice[: len(source)]
        if above is not None:
            above *= share
            samples += above
        return as_loud_within_limits(samples, source, ratio)


def _resampled(samples: Rows, from_ratio: int, to_ratio: int) -> Rows:
    if from_ratio == to_ratio:
        return samples
    return np.asarray(soxr.resample(samples, from_ratio * SAMPLE_RATE_HZ, to_ratio * SAMPLE_RATE_HZ), dtype=np.float32)


def _cross_fade(tail: Rows, head: Rows) -> None:
    """Fade from the last block's `tail` into the `head` of this one, in place."""
    length = min(len(tail), len(head))
    weight = np.linspace(0, 1, length, dtype=np.float32)
    head[:length] = tail[:length] * (1 - weight) + head[:length] * weight

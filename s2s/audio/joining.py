"""Converted pieces of one recording, put together again: each where its source was, to the sample.

Neighbours are faded into each other in the middle of what both have. Constant in power whatever the two have in
common: equal gain where they are the same sound, equal power where they aren't (Fink, Holters & Zölzer 2016,
"Signal-Matched Power-Complementary Cross-Fading and Dry-Wet Mixing").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.aligning import Alignment
from s2s.audio.resampling import Resampler

Samples = NDArray[np.float32]

FADE_S: Final = 0.12
EDGE_S: Final = 0.005  # of what begins where another one ends
_ALIKE: Final = 0.5
_MOST_GAIN_DB: Final = 12.0
_FINE: Final = 1000  # of a hertz: a rate that differs by what an endpoint stretches


@dataclass(frozen=True, slots=True)
class Part:
    """A converted piece: `blocks`, mono float32 (n,), are what became of samples `start` up to `end` of the source.

    Both are counted at the rate of `blocks`. `alignment` is undone, and the whole is made `gain_db` louder.
    """

    start: int
    end: int
    blocks: Iterable[Samples]
    alignment: Alignment = field(default_factory=Alignment)
    gain_db: float = 0.0


def join(parts: Sequence[Part], samples: int, sample_rate_hz: int) -> Iterator[Samples]:
    """Blocks of exactly so many `samples` in all. Holds no more than what two parts have in common.

    `parts` in order; each begins where the one before ends, or earlier, and ends behind it. Where they only touch, the
    one goes down to silence and the other up from it, each within itself. What a part lacks, because its answer came
    short, is silence. Raises what the blocks raise.
    """
    kept = np.zeros(0, np.float32)  # of the part before: what the next one has too
    ends = [*(following.start for following in parts[1:]), samples]
    edges = [None, *(part.end for part in parts[:-1])]
    for part, begins_at, alone_until in zip(parts, edges, ends, strict=True):
        touches = begins_at == part.start, part is not parts[-1] and alone_until == part.end
        placed = _Reader(_edged(_placed(part, sample_rate_hz), part.end - part.start, touches, sample_rate_hz))
        yield _faded(kept, placed.read(len(kept)), sample_rate_hz)
        left = min(alone_until, part.end) - part.start - len(kept)
        while left > 0:
            block = placed.read(min(left, sample_rate_hz))
            left -= len(block)
            yield block
        kept = placed.read(part.end - min(alone_until, part.end))


def usual_db(alignments: Sequence[Alignment]) -> float:
    """How much louder than its source a part is, of those that are like theirs: the median."""
    louder = [alignment.louder_db for alignment in alignments if alignment.likeness >= _ALIKE]
    return float(np.median(louder)) if louder else 0.0


def levelled(alignments: Sequence[Alignment], usual_db: float) -> list[float]:
    """The gain of each part in dB with which none is louder beside its source than by `usual_db`.

    One that isn't like its source, noise or music that was all but taken away, stays as it is.
    """
    gains = [usual_db - each.louder_db if each.likeness >= _ALIKE else 0.0 for each in alignments]
    return [float(np.clip(gain, -_MOST_GAIN_DB, _MOST_GAIN_DB)) for gain in gains]


def _placed(part: Part, sample_rate_hz: int) -> Iterator[Samples]:
    """Where its source was, and as long: `end - start` samples."""
    left, gain = part.end - part.start, np.float32(10 ** (part.gain_db / 20))
    for block in _moved(part.blocks, part.alignment, sample_rate_hz):
        taken = block[:left] * gain
        left -= len(taken)
        yield taken
        if not left:
            return
    while left:
        silence = np.zeros(min(left, sample_rate_hz), np.float32)
        left -= len(silence)
        yield silence


def _edged(
    blocks: Iterator[Samples], length: int, touches: tuple[bool, bool], sample_rate_hz: int
) -> Iterator[Samples]:
    """So many samples, with a beginning and an end in silence where it `touches` others."""
    edge = min(round(EDGE_S * sample_rate_hz), length // 2)
    if not edge or not any(touches):
        yield from blocks
        return
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)).astype(np.float32)
    at = 0
    for block in blocks:
        shaped = block.copy()
        if touches[0] and at < edge:
            shaped[: edge - at] *= rise[at : at + len(shaped)]
        falls_from = length - edge
        if touches[1] and at + len(shaped) > falls_from:
            first = max(0, falls_from - at)
            down = rise[::-1][at + first - falls_from :]
            shaped[first:] *= down[: len(shaped) - first]
        at += len(shaped)
        yield shaped


def _moved(blocks: Iterable[Samples], alignment: Alignment, sample_rate_hz: int) -> Iterator[Samples]:
    late = round(alignment.late_s * sample_rate_hz)
    if late < 0:
        yield np.zeros(-round(late / alignment.stretch), np.float32)
    skipped = _without_first(blocks, max(late, 0))
    if alignment.stretch == 1.0:
        yield from skipped
        return
    stretched = round(sample_rate_hz * _FINE * alignment.stretch)
    resampler = Resampler(stretched, sample_rate_hz * _FINE)
    for block in skipped:
        yield resampler.write(block)
    yield resampler.finish()


def _without_first(blocks: Iterable[Samples], count: int) -> Iterator[Samples]:
    for block in blocks:
        yield block[count:]
        count -= min(count, len(block))


class _Reader:
    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._rest = np.zeros(0, np.float32)

    def read(self, count: int) -> Samples:
        """Exactly so many."""
        taken = [self._rest[:count]]
        self._rest = self._rest[count:]
        missing = count - len(taken[0])
        while missing:
            block = next(self._blocks)
            taken.append(block[:missing])
            self._rest = block[missing:]
            missing -= len(taken[-1])
        return np.concatenate(taken)


def _faded(before: Samples, after: Samples, sample_rate_hz: int) -> Samples:
    length = min(len(before), round(FADE_S * sample_rate_hz))
    first = (len(before) - length) // 2
    middle = slice(first, first + length)
    rise = (np.arange(length, dtype=np.float32) + 0.5) / max(length, 1)
    fall = 1 - rise
    common = _correlation(before[middle], after[middle])
    power = np.sqrt(rise**2 + fall**2 + 2 * common * rise * fall)
    joined = np.concatenate([before[:first], np.zeros(length, np.float32), after[first + length :]])
    joined[middle] = (before[middle] * fall + after[middle] * rise) / power
    return joined


def _correlation(one: Samples, other: Samples) -> float:
    """0..1: what cancels itself isn't made louder."""
    norms = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return max(0.0, float(one @ other) / norms) if norms > 0 else 0.0

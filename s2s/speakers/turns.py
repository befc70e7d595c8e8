"""Who speaks when (speaker diarization): stretches of speech, how each moment sounds, and whose voice that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.speaking import stretches_of_speech
from s2s.speakers import RATE_HZ
from s2s.speakers.clustering import group
from s2s.speakers.features import mel_features
from s2s.speakers.network import embedding

Samples = NDArray[np.float32]

_WINDOW_S: Final = 1.5
_STEP_S: Final = 0.5
_SHORTEST_S: Final = 0.6  # a "yes" tells too little of a voice to find a speaker by it
_PAUSE_S: Final = 0.15  # people answer each other faster than one of them takes breath
_LONGEST_S: Final = 60.0  # of speech without any pause, so that memory stays as it is
_BREATH_S: Final = 1.0  # who goes on after it has not stopped
_AROUND_S: Final = 0.15  # what is soft in front of a word and behind it


@dataclass(frozen=True, slots=True)
class Turn:
    """`speaker`, from 0 on in the order in which they are heard first, speaks from `start_s` up to `end_s`."""

    start_s: float
    end_s: float
    speaker: int


@dataclass(frozen=True, slots=True)
class _Moment:
    start_s: float
    end_s: float
    vector: Samples
    certain: bool


def find_turns(blocks: Iterable[Samples]) -> list[Turn]:
    """In order, without overlaps: where two speak at once, the one who is heard more.

    `blocks`: mono float32 (n,) at 16 kHz. About 90 ms of processor time for a second of speech, 5 ms for any other;
    memory grows by 2 KB with each second of speech. Raises what `blocks` raises, and ModuleNotFoundError without the
    optional package.
    """
    moments = [each for start_s, samples in _stretches(blocks) for each in _moments(start_s, samples)]
    certain = [each for each in moments if each.certain] or moments
    if not moments:
        return []
    lengths = np.array([each.end_s - each.start_s for each in certain], np.float32)
    voices = group(np.stack([each.vector for each in certain]), lengths)
    speakers = (np.stack([each.vector for each in moments]) @ voices.T).argmax(axis=1)
    turns = [Turn(each.start_s, each.end_s, int(who)) for each, who in zip(moments, speakers, strict=True)]
    return _renumbered(_with_edges(_joined(_without_islands(turns))))


def _stretches(blocks: Iterable[Samples]) -> Iterator[tuple[float, Samples]]:
    whole = (np.nan_to_num(block, posinf=1, neginf=-1).clip(-1, 1) for block in blocks)
    return stretches_of_speech(whole, RATE_HZ, pause_s=_PAUSE_S, longest_s=_LONGEST_S)


def _moments(start_s: float, samples: Samples) -> Iterator[_Moment]:
    """A stretch in moments of half a second, each told by the window around it.

    The first and the last one, which are longer, by themselves: where one has just fallen into another's word, most of
    a window may be the other's.
    """
    window, step = round(_WINDOW_S * RATE_HZ), round(_STEP_S * RATE_HZ)
    last = max(0, len(samples) - window)
    starts = [*range(0, last, step), last]
    middles = [start + min(window, len(samples)) // 2 for start in starts]
    edges = [0, *((one + other) // 2 for one, other in pairwise(middles)), len(samples)]
    for start, (begins, ends) in zip(starts, pairwise(edges), strict=True):
        is_edge = begins == 0 or ends == len(samples)
        heard = samples[begins:ends] if is_edge else samples[start : start + window]
        vector = embedding(mel_features(heard))
        at, until = (start_s + place / RATE_HZ for place in (begins, ends))
        yield _Moment(at, until, vector, len(heard) >= _SHORTEST_S * RATE_HZ)


def _without_islands(turns: list[Turn]) -> list[Turn]:
    """A single moment in the midst of what somebody else says without a pause is theirs as well."""
    smooth = list(turns)
    for index in range(1, len(turns) - 1):
        before, here, after = smooth[index - 1], turns[index], turns[index + 1]
        unbroken = here.start_s - before.end_s < 1e-6 and after.start_s - here.end_s < 1e-6
        if unbroken and before.speaker == after.speaker != here.speaker:
            smooth[index] = replace(here, speaker=before.speaker)
    return smooth


def _joined(turns: list[Turn]) -> list[Turn]:
    joined = turns[:1]
    for turn in turns[1:]:
        before = joined[-1]
        if turn.speaker == before.speaker and turn.start_s - before.end_s < _BREATH_S:
            joined[-1] = replace(before, end_s=turn.end_s)
        else:
            joined.append(turn)
    return joined


def _with_edges(turns: list[Turn]) -> list[Turn]:
    """Each a little longer, never into its neighbour."""
    befores = [0.0, *((one.end_s + other.start_s) / 2 for one, other in pairwise(turns))]
    afters = [*befores[1:], turns[-1].end_s + _AROUND_S]
    return [
        replace(turn, start_s=max(before, turn.start_s - _AROUND_S), end_s=min(after, turn.end_s + _AROUND_S))
        for turn, before, after in zip(turns, befores, afters, strict=True)
    ]


def _renumbered(turns: list[Turn]) -> list[Turn]:
    names = {speaker: number for number, speaker in enumerate(dict.fromkeys(turn.speaker for turn in turns))}
    return [replace(turn, speaker=names[turn.speaker]) for turn in turns]

"""A passage out of the middle of a recording, without decoding what lies before it where that can be avoided.

Runs only in a worker, behind its limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.chain import Sound
from s2s.audio.envelope import FRAME_S, envelope
from s2s.audio.limits import MAX_RATE_HZ, MIN_RATE_HZ
from s2s.audio.seeking import LostError, Place

_SILENCE_DBFS: Final = -45.0
_BEFORE_SOUND_S: Final = 0.1  # what starts softly isn't cut off
_SEARCH_S: Final = 300.0

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Passage:
    """Mono `(n,)` samples, nominally -1..1."""

    samples: Samples
    sample_rate_hz: int


def passage(opened: Callable[[], Sound], start_s: float | None, length_s: float) -> Passage:
    """At most `length_s` from `start_s` on, or from the first sound. Where less would be left, the last `length_s`.

    `opened` opens the recording anew. Raises `AudioError`.
    """
    recording = opened()
    rate = min(max(recording.description.sample_rate_hz, MIN_RATE_HZ), MAX_RATE_HZ)
    wanted = round(length_s * rate)
    if start_s is None:
        return Passage(_from_first_sound(recording.blocks(rate), rate, wanted), rate)
    samples = _first(_from(recording, opened, start_s, rate), wanted)
    if len(samples) < wanted and start_s > 0:
        samples = _end(opened, start_s, len(samples), rate, wanted)
    return Passage(samples, rate)


def stretch(
    opened: Callable[[], Sound], start_s: float, samples: int, sample_rate_hz: int, places: Sequence[Place] = ()
) -> Iterator[Samples]:
    """So many `samples` from `start_s` on, in blocks; fewer where the recording ends before. `places` as
    `Recording.seek` takes them. Raises `AudioError`."""
    for block in _from(opened(), opened, start_s, sample_rate_hz, places):
        yield block[:samples]
        samples -= min(samples, len(block))
        if not samples:
            return


def _from(
    recording: Sound, opened: Callable[[], Sound], start_s: float, rate: int, places: Sequence[Place] = ()
) -> Iterator[Samples]:
    """The blocks from `start_s` on, found by the container's index, by the packets' times, or by counting."""
    for by_index in (True, False):
        try:
            begins_s = recording.seek(start_s, by_index=by_index, places=places)
            break
        except LostError:
            recording = opened()
    else:
        begins_s = 0.0
    return _without(recording.blocks(rate), round((start_s - begins_s) * rate))


def _end(opened: Callable[[], Sound], start_s: float, left: int, rate: int, wanted: int) -> Samples:
    """The last `wanted` samples of a recording that has `left` of them from `start_s` on."""
    if left:
        begin_s = max(0.0, start_s - (wanted - left) / rate)
        return _first(_from(opened(), opened, begin_s, rate), wanted)
    recording = opened()
    said_s = recording.said_duration_s
    if said_s is not None and said_s < start_s:
        # A little earlier than need be: what a header says isn't exact.
        samples = _last(_from(recording, opened, max(0.0, said_s - wanted / rate - 1), rate), wanted)
        if len(samples):
            return samples
        recording = opened()
    return _last(recording.blocks(rate), wanted)


def _from_first_sound(blocks: Iterator[Samples], rate: int, wanted: int) -> Samples:
    beginning, before, searched = np.zeros(0, np.float32), np.zeros(0, np.float32), 0
    for block in blocks:
        loud = np.flatnonzero(envelope([block], rate) > _SILENCE_DBFS)
        joined = np.concatenate([before, block])
        if len(loud):
            begin = len(before) + round((loud[0] * FRAME_S - _BEFORE_SOUND_S) * rate)
            return _first(_chained(joined[max(0, begin) :], blocks), wanted)
        if len(beginning) < wanted:
            beginning = np.concatenate([beginning, block])
        before = joined[-round(_BEFORE_SOUND_S * rate) :]
        searched += len(block)
        if searched > _SEARCH_S * rate:
            break
    return beginning[:wanted]


def _chained(head: Samples, rest: Iterator[Samples]) -> Iterator[Samples]:
    yield head
    yield from rest


def _without(blocks: Iterator[Samples], count: int) -> Iterator[Samples]:
    """All but the first `count` samples."""
    for block in blocks:
        yield block[count:]
        count = max(0, count - len(block))


def _first(blocks: Iterator[Samples], count: int) -> Samples:
    taken, have = [np.zeros(0, np.float32)], 0
    for block in blocks:
        taken.append(block[: count - have])
        have += len(taken[-1])
        if have == count:
            break
    return np.concatenate(taken)


def _last(blocks: Iterator[Samples], count: int) -> Samples:
    tail = np.zeros(0, np.float32)
    for block in blocks:
        tail = np.concatenate([tail, block])[-count:]
    return tail

"""Frames of a recording as its edit list has them, where that is more than a beginning and an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from av.audio.frame import AudioFrame

from s2s.audio.edits import Edit
from s2s.audio.timeline import Placed

_LEAST_HOLE_S: Final = 0.03  # within an edit, where a timestamp may be rounded


def cut(
    edits: Sequence[Edit], from_s: float, decode_from: Callable[[float], Iterator[AudioFrame]]
) -> Iterator[Placed[AudioFrame]]:
    """What is heard from `from_s` on, to the sample; the first silence counts from there.

    `decode_from` decodes from a little before a media time on, as often as it is asked.
    """
    position_s = from_s
    for edit in edits:
        if edit.end_s <= from_s:
            continue
        skipped_s = max(0.0, from_s - edit.at_s)
        begin_s, shift_s = edit.media_s + skipped_s, edit.at_s - edit.media_s
        entered = False
        for frame in decode_from(begin_s):
            if frame.time is None:
                continue
            if frame.time >= edit.media_s + edit.length_s:
                break
            rate, samples = frame.sample_rate, frame.samples
            first = _within(begin_s - frame.time, frame)
            heard = _within(edit.media_s + edit.length_s - frame.time, frame) - first
            if heard <= 0:
                continue
            silent_s = frame.time + first / rate + shift_s - position_s
            silence = max(0, round(silent_s * rate)) if not entered or silent_s > _LEAST_HOLE_S else 0
            entered = True
            yield Placed(silence, frame, first, samples - first - heard)
            position_s += (silence + heard) / rate


def _within(moment_s: float, frame: AudioFrame) -> int:
    """The sample of `frame` at a moment from its beginning."""
    if moment_s * frame.sample_rate >= frame.samples:
        return frame.samples
    return max(0, round(moment_s * frame.sample_rate))

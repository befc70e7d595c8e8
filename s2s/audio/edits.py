"""The edit list of a track in MP4, MOV and their like: which stretches of its sound are heard, and when.

ISO/IEC 14496-12:2022, 8.6.6 (`elst`), 8.2.2 (`mvhd`), 8.3.2 (`tkhd`), 8.4.2 (`mdhd`). Read here, because libav gives
its packets by that list and doesn't say it, plays the first stretch again where the list has silence in its middle,
and ends with a whole packet. Whatever is damaged, or beyond the bounds, counts as no list.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from s2s.audio.structure import Bytes, Part, box, boxes

_EDITS_AT_MOST: Final = 4096
_LIST_BYTES: Final = 8 + 20 * _EDITS_AT_MOST
_SILENT: Final = -1  # a media time


@dataclass(frozen=True, slots=True)
class Edit:
    """From `at_s` on, for `length_s` (the last one may have no end), the track's sound from `media_s` on is heard."""

    at_s: float
    media_s: float
    length_s: float

    @property
    def end_s(self) -> float:
        return self.at_s + self.length_s


@dataclass(frozen=True, slots=True)
class EditList:
    """What is heard, in order, with silence between; `tick_s` is what its lengths are rounded to."""

    edits: tuple[Edit, ...]
    tick_s: float

    @property
    def cuts(self) -> bool:
        """Whether there is more than a beginning and an end."""
        return len(self.edits) > 1

    @property
    def end_s(self) -> float:
        return self.edits[-1].end_s


def edit_list(source: Bytes, track_id: int) -> EditList | None:
    """The edit list of a track of a file; None without one that says anything."""
    try:
        found = track(source, track_id)
        listed = found and box(source, b"edts", b"elst", within=found)
        if not found or not listed:
            return None
        movie_scale = _number(source, None, b"moov", b"mvhd")
        media_scale = _number(source, found, b"mdia", b"mdhd")
        data = source.peek(listed.start, min(listed.length or _LIST_BYTES, _LIST_BYTES))
        edits = _joined(_edits(data, movie_scale, media_scale))
        return EditList(edits, 1 / movie_scale) if edits else None
    except (LookupError, struct.error, ZeroDivisionError):
        return None


def track(source: Bytes, track_id: int, *path: bytes) -> Part | None:
    """That track of a file, or the first box at the end of `path` in it. Raises LookupError and struct.error where a
    track has no id."""
    movie = box(source, b"moov")
    for found in boxes(source, movie.start, movie.end(source)) if movie else ():
        if found.name == b"trak" and _number(source, found, b"tkhd") == track_id:
            return box(source, *path, within=found)
    return None


def _number(source: Bytes, within: Part | None, *path: bytes) -> int:
    """What stands behind two dates, of 32 bits or in version 1 of 64: the units a second, or a track's id."""
    found = box(source, *path, within=within)
    if found is None:
        raise LookupError(path)
    head = source.peek(found.start, 24)
    (number,) = struct.unpack_from(">I", head, 20 if head[:1] == b"\1" else 12)
    return int(number)


def _edits(box: bytes, movie_scale: int, media_scale: int) -> Iterator[Edit]:
    entry = struct.Struct(">QqI" if box[:1] == b"\1" else ">IiI")
    (count,) = struct.unpack_from(">I", box, 4)
    if count > _EDITS_AT_MOST:
        raise LookupError("nobody cuts that often")
    at = 0
    for index in range(count):
        length, media, rate = entry.unpack_from(box, 8 + index * entry.size)
        if media != _SILENT and rate != 0:
            # No length: to the end, in a file of fragments.
            endless = length == 0 and index == count - 1
            if length or endless:
                length_s = math.inf if endless else length / movie_scale
                yield Edit(at / movie_scale, max(0, media) / media_scale, length_s)
        at += length


def _joined(edits: Iterator[Edit]) -> tuple[Edit, ...]:
    """Stretches that go on where the one before ends are one."""
    joined: list[Edit] = []
    for edit in edits:
        last = joined[-1] if joined else None
        if last and last.end_s == edit.at_s and abs(last.media_s + last.length_s - edit.media_s) < 1e-3:
            joined[-1] = Edit(last.at_s, last.media_s, last.length_s + edit.length_s)
        else:
            joined.append(edit)
    return tuple(joined)

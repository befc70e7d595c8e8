"""Pictures whose pixels aren't square, in a copy of a Matroska or WebM: how wide they are shown.

PyAV gives libav no word of it for a stream that is copied, and its writer asks nobody else. So the writer is given a
longer name for the track, and when it has finished, what players heed (RFC 9559, 5.1.4.1.28: DisplayWidth and
DisplayHeight) takes that room. Nothing outside the track's own entry moves.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, TypeGuard

from s2s.audio.remuxing import Sink
from s2s.audio.structure import Part, elements

_HEAD_BYTES: Final = 1 << 20  # in which all tracks are listed
_SEGMENT, _TRACKS, _ENTRY, _VIDEO = (bytes.fromhex(name) for name in ("18538067", "1654ae6b", "ae", "e0"))
_NAME, _WIDTH, _HEIGHT = (bytes.fromhex(name) for name in ("536e", "b0", "ba"))
_SHOWN: Final = (bytes.fromhex("54b0"), bytes.fromhex("54ba"), bytes.fromhex("54b2"))  # and in which unit
_WIDEST: Final = 16  # what is said to be wider is damaged
_CRC, _VOID = b"\xbf", b"\xec"
ROOM: Final = " " * 40  # behind the name of a track; players show none of it, should it stay


def is_shape(pixel: Fraction | None) -> TypeGuard[Fraction]:
    """Whether that is how wide a pixel is by its height, and not square."""
    return pixel is not None and pixel != 1 and 1 / _WIDEST <= pixel <= _WIDEST


class Head:
    """The beginning of what `sink` is told, which is kept, and may be changed in the end."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._kept = bytearray()

    def write(self, data: bytes) -> int:
        place = self._sink.tell()
        if place < _HEAD_BYTES:
            taken = data[: _HEAD_BYTES - place]
            self._kept.extend(bytes(max(0, place + len(taken) - len(self._kept))))
            self._kept[place : place + len(taken)] = taken
        return self._sink.write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._sink.seek(offset, whence)

    def tell(self) -> int:
        return self._sink.tell()

    @property
    def size(self) -> int:
        return len(self._kept)

    def peek(self, place: int, size: int) -> bytes:
        return bytes(self._kept[place : place + size])

    def change(self, place: int, data: bytes) -> None:
        self._sink.seek(place)
        self._sink.write(data)


def tell_proportions(head: Head, pixels: dict[int, Fraction]) -> None:
    """`pixels`: how wide one is by its height, of the tracks, by their place, that have `ROOM` behind their names."""
    tracks = _within(head, _within(head, None, _SEGMENT), _TRACKS)
    if tracks is None or tracks.end(head) > head.size:
        return
    inside = list(elements(head, tracks.start, tracks.end(head)))
    for part in inside:
        if part.name == _CRC:  # of what it was before
            head.change(part.start - 2, _VOID)
    entries = [part for part in inside if part.name == _ENTRY]
    for number, width in pixels.items():
        head.change(entries[number].start, _entry(head, entries[number], width))


def _within(head: Head, parent: Part | None, name: bytes) -> Part | None:
    start, end = (0, None) if parent is None else (parent.start, parent.end(head))
    return next((part for part in elements(head, start, end) if part.name == name), None)


def _entry(head: Head, entry: Part, width: Fraction) -> bytes:
    """As long as it was."""
    made = b""
    for part in elements(head, entry.start, entry.end(head)):
        content = head.peek(part.start, part.length or 0)
        if part.name == _VIDEO:
            content = _video(head, part, width)
        elif part.name == _NAME:
            content = content.removesuffix(ROOM.encode())
        if content or part.name != _NAME:
            made += _element(part.name, content)
    left = (entry.length or 0) - len(made)
    return made + _element(_VOID, bytes(left - 2))


def _video(head: Head, video: Part, width: Fraction) -> bytes:
    parts = [
        (part.name, head.peek(part.start, part.length or 0))
        for part in elements(head, video.start, video.end(head))
        if part.name not in _SHOWN
    ]
    coded = {name: int.from_bytes(content) for name, content in parts}
    shown = (max(1, round(coded[_WIDTH] * width)), coded[_HEIGHT])
    parts += [(name, size.to_bytes(4)) for name, size in zip(_SHOWN, shown, strict=False)]
    return b"".join(_element(*part) for part in parts)


def _element(name: bytes, content: bytes) -> bytes:
    """With the shortest length; what is all ones would mean that nobody knows it (RFC 8794, 4.4)."""
    size = next(size for size in range(1, 9) if len(content) < (1 << 7 * size) - 1)
    return name + (len(content) | 1 << 7 * size).to_bytes(size) + content

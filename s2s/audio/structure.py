"""How files are put together: chunks, boxes and elements, with what their lengths say. Reads a few bytes of each.

Whatever a length claims, the walk only goes forward, and ends after as many parts as no recorder writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final, Protocol

MOST_PARTS: Final = 1000


class Bytes(Protocol):
    """A file of `size` bytes."""

    @property
    def size(self) -> int: ...

    def peek(self, place: int, size: int) -> bytes:
        """Fewer where the file ends before."""


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes at `start`, behind a header that names them; there may be fewer. None: until the file ends."""

    name: bytes
    start: int
    length: int | None

    def end(self, source: Bytes) -> int:
        """As its header says."""
        return source.size if self.length is None else self.start + self.length


@dataclass(frozen=True, slots=True)
class _Chunks:
    header: Struct
    counts_header: bool = False
    alignment: int = 2


_KINDS: Final = {
    "riff": _Chunks(Struct("<4sI")),  # Multimedia Programming Interface and Data Specifications 1.0
    "iff": _Chunks(Struct(">4sI")),  # EA IFF 85
    "caf": _Chunks(Struct(">4sq"), alignment=1),  # Apple Core Audio Format Specification 1.0
    "w64": _Chunks(Struct("<4s12xQ"), counts_header=True, alignment=8),  # Sony Wave64
}


def chunks(source: Bytes, kind: str, start: int, end: int | None = None) -> Iterator[Part]:
    """Of RIFF, IFF, CAF or Wave64, from `start` on, behind the file's own header."""
    how, place = _KINDS[kind], start
    end = source.size if end is None else min(end, source.size)
    for _ in range(MOST_PARTS):
        header = source.peek(place, how.header.size)
        if place + how.header.size > end or len(header) < how.header.size:
            return
        name, length = how.header.unpack(header)
        place += how.header.size
        length = max(0, length - how.header.size) if how.counts_header else length
        yield Part(name, place, length if length >= 0 else None)
        if length < 0:
            return
        place += length + -length % how.alignment


def boxes(source: Bytes, start: int = 0, end: int | None = None) -> Iterator[Part]:
    """ISO/IEC 14496-12."""
    place, end = start, source.size if end is None else min(end, source.size)
    for _ in range(MOST_PARTS):
        header = source.peek(place, 16)
        if place + 8 > end or len(header) < 8:
            return
        length, name, size = int.from_bytes(header[:4]), header[4:8], 8
        if length == 1 and len(header) == 16:
            length, size = int.from_bytes(header[8:]), 16
        if length == 0:
            yield Part(name, place + size, None)
            return
        if length < size:
            return
        yield Part(name, place + size, length - size)
        place += length


def box(source: Bytes, *path: bytes, within: Part | None = None) -> Part | None:
    """The first one at the end of `path`."""
    for name in path:
        inside = boxes(source) if within is None else boxes(source, within.start, within.end(source))
        within = next((part for part in inside if part.name == name), None)
        if within is None:
            return None
    return within


def elements(source: Bytes, start: int = 0, end: int | None = None) -> Iterator[Part]:
    """RFC 8794 (EBML), as Matroska and WebM have them; a name is the element's ID with its marker."""
    place, end = start, source.size if end is None else min(end, source.size)
    for _ in range(MOST_PARTS):
        header = source.peek(place, 12)
        if place >= end or not header or not header[0]:
            return
        name_size = 9 - header[0].bit_length()
        if name_size > 4 or len(header) <= name_size or not header[name_size]:
            return
        length_size = 9 - header[name_size].bit_length()
        data = header[name_size : name_size + length_size]
        if len(data) < length_size:
            return
        most = (1 << 7 * length_size) - 1
        length = int.from_bytes(data) & most
        place += name_size + length_size
        yield Part(header[:name_size], place, None if length == most else length)
        if length == most:
            return
        place += length

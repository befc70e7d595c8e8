"""What a film with another sound is, and its bytes in the order in which it plays while it arrives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from s2s.audio.structure import Part, boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK: Final = 1 << 20
_OFFSETS: Final = {b"stco": ">u4", b"co64": ">u8"}  # ISO/IEC 14496-12, 8.7.5
_TO_OFFSETS: Final = (b"trak", b"mdia", b"minf", b"stbl")
_COUNTED: Final = 8  # version and flags, and how many follow
# Of six hours of pictures and sound some 20 MB. One beyond this isn't read into memory, and stays where it is.
_MOST_INDEX_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Film:
    """A film as it was written: in which `container` (mp4, mov, matroska or webm), the `codec` of its new sound
    (libav's name), and which kinds of streams that container couldn't hold (subtitle, audio, data, attachment)."""

    container: str
    codec: str
    left_out: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["container"], data["codec"], tuple(data["left_out"]))


class _File:
    """A file as `structure` reads it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)

    def peek(self, place: int, size: int) -> bytes:
        self._file.seek(place)
        return self._file.read(size)


class _Memory:
    def __init__(self, data: bytes | bytearray) -> None:
        self._data = data
        self.size = len(data)

    def peek(self, place: int, size: int) -> bytes:
        return bytes(self._data[place : place + size])


def in_playing_order(film: BinaryIO) -> Iterator[bytes]:
    """The bytes of `film`, of an MP4 or MOV with the index first: a player that gets them can begin at once.

    libav does the same by writing the whole file a second time, which its child process may not read.
    """
    file = _File(film)
    index = _index_at_end(file)
    if index is None:
        yield from _bytes(film, 0, file.size)
        return
    start, end, first = index
    moved = _moved(file.peek(start, end - start), first)
    if moved is None:
        yield from _bytes(film, 0, file.size)
        return
    yield from _bytes(film, 0, first)
    yield moved
    yield from _bytes(film, first, start)
    yield from _bytes(film, end, file.size)


def _index_at_end(file: _File) -> tuple[int, int, int] | None:
    """Where the index begins and ends, and where it should begin: behind what the file says of its kind."""
    if file.peek(4, 4) != b"ftyp":
        return None
    place, first = 0, 0
    for part in boxes(file):
        begins, place = place, part.end(file)
        if part.name == b"ftyp":
            first = place
        elif part.name == b"moov":
            is_moved = begins > first and place <= file.size and place - begins <= _MOST_INDEX_BYTES
            return (begins, place, first) if is_moved else None
    return None


def _moved(index: bytes, to: int) -> bytes | None:
    """The index, where all that it tells the place of lies further back by its own length. None: that can't be said.

    `to`: what lies before it stays where it is.
    """
    moved = bytearray(index)
    memory = _Memory(index)
    for part in _places(memory, next(boxes(memory)), _TO_OFFSETS):
        if not _shift(moved, part, len(index), to):
            return None
    return bytes(moved)


def _places(memory: _Memory, within: Part, path: tuple[bytes, ...]) -> Iterator[Part]:
    for part in boxes(memory, within.start, within.end(memory)):
        if path and part.name == path[0]:
            yield from _places(memory, part, path[1:])
        elif not path and part.name in _OFFSETS:
            yield part


def _shift(moved: bytearray, part: Part, by: int, to: int) -> bool:
    import numpy as np

    kind = np.dtype(_OFFSETS[part.name])
    count = ((part.length or 0) - _COUNTED) // kind.itemsize
    if count < 1:
        return True
    offsets: NDArray[Any] = np.frombuffer(moved, kind, count, part.start + _COUNTED)
    if int(offsets.max()) + by > np.iinfo(kind).max or int(offsets.min()) < to:
        return False
    offsets += kind.type(by)
    return True


def _bytes(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    while start < end and (block := file.read(min(_BLOCK, end - start))):
        start += len(block)
        yield block

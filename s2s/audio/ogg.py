"""Where the links of a chained Ogg file begin: recordings that stand one behind the other in one file (RFC 3533, 4).

Radio recorders write them, one for each piece, and joining two files makes one. Each link is a file by itself: it has
its own rate, channels, beginning and end. libav stops where the next one has other channels or another rate, and where
it hasn't it takes what the next one's codec needs to begin for sound.

Headers of pages are looked at, and what is between them is jumped over: a sixtieth of a second an hour.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from s2s.audio.errors import AudioError

MARK: Final = b"OggS"
_CAPTURE: Final = MARK + b"\0"  # of the only version that there is
# The pattern, flags, granule position, serial number, sequence number, checksum, and how many lacing values follow.
_HEADER: Final = struct.Struct("<5sBqIIIB")
_LONGEST_HEADER: Final = _HEADER.size + 255
_BEGINS: Final = 0x02
_SEARCHED_BYTES: Final = 1 << 16
LINKS_AT_MOST: Final = 10_000  # a day of a radio station has some 500

Read = Callable[[int, int], bytes]  # place and size; less at the end


class Link(NamedTuple):
    """From which byte to which."""

    start: int
    end: int


class _Page(NamedTuple):
    at: int
    begins: bool  # a stream
    granule: int
    serial: int


def links(read: Read, size: int) -> list[Link]:
    """All of a file of `size` bytes, in order; one where it isn't chained. Raises `AudioError` (too_many_links)."""
    starts: list[int] = []
    streams: set[int] = set()
    in_beginning, last_serial = False, _last_serial(read, size)
    for page in _pages(read):
        if page.begins and not in_beginning:
            starts.append(page.at)
            streams = set()
            if len(starts) > LINKS_AT_MOST:
                raise AudioError("too_many_links", most=LINKS_AT_MOST)
        in_beginning = page.begins
        if page.begins:
            streams.add(page.serial)
        elif len(streams) > 1 and last_serial in streams:
            break  # a film to its end: it has many more pages than its sound
    starts = starts or [0]
    return [Link(start, end) for start, end in zip(starts, [*starts[1:], size], strict=True)]


def has_one_page(read: Read) -> bool:
    """Whether all the sound of a link is in one page."""
    positions = (page.granule for page in _pages(read) if page.granule > 0)  # headers have none
    return next(positions, None) is not None and next(positions, None) is None


def _pages(read: Read) -> Iterator[_Page]:
    """From the first on. Where there is none, what comes up to the next is passed over."""
    at = 0
    while True:
        header = read(at, _LONGEST_HEADER)
        if header[: len(_CAPTURE)] != _CAPTURE:
            found = _next(read, at)
            if found is None:
                return
            at = found
            header = read(at, _LONGEST_HEADER)
        if len(header) < _HEADER.size:
            return
        _capture, flags, granule, serial, _sequence, _checksum, segments = _HEADER.unpack_from(header)
        yield _Page(at, bool(flags & _BEGINS), granule, serial)
        at += _HEADER.size + segments + sum(header[_HEADER.size : _HEADER.size + segments])


def _next(read: Read, at: int) -> int | None:
    """Where a page might begin. What is near is found by reading little."""
    size = _LONGEST_HEADER
    while len(data := read(at, size)) >= len(_CAPTURE):
        found = data.find(_CAPTURE)
        if found >= 0:
            return at + found
        at += len(data) - len(_CAPTURE) + 1
        size = min(2 * size, _SEARCHED_BYTES)
    return None


def _last_serial(read: Read, size: int) -> int | None:
    """Of the last page, if it is of an ordinary length."""
    start = max(0, size - _SEARCHED_BYTES)
    tail = read(start, _SEARCHED_BYTES)
    at = tail.rfind(_CAPTURE)
    return None if at < 0 or len(tail) - at < _HEADER.size else int(_HEADER.unpack_from(tail, at)[3])

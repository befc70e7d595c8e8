"""What a chat shows of a shared link: the waveform in the product's colours, as a PNG.

It is written here by means of the standard library: numpy and libav would stay in each process of the site for it, with
34 MB (tests/s2s_site/test_footprint.py).
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import NamedTuple

from conversions.models import Share
from conversions.words.waveforms import thinned

WIDTH, HEIGHT = 1200, 630  # as Open Graph's readers crop to
_PAPER, _SOURCE, _TARGET = (0xF8, 0xF7, 0xF4), (0x7A, 0x72, 0x67), (0x0B, 0x6E, 0x5F)  # of timbre.css, in the light
_SHADES = 16  # of a colour, from the paper's to its own: how much of a pixel it covers
_BARS, _BAR, _GAP = 63, 10, 6
_LEFT, _MIDDLE, _REACH = (WIDTH - _BARS * (_BAR + _GAP) + _GAP) // 2, 360, 190
_SILENCE = 5  # of a bar without sound: a dot
# templates/brand.html, in its units: x, upper and lower end of each stroke.
_MARK = ((3, 10, 14), (7, 6, 18), (11, 3, 21), (15, 6, 18), (19, 9, 15), (22, 11, 13))
_MARK_SCALE, _MARK_BAR, _MARK_TOP = 3, 8, 48


class _Bar(NamedTuple):
    """With round ends, in pixels; `colour`: 0 the recording's, 1 the result's."""

    left: int
    top: int
    bottom: int
    width: int
    colour: int


def picture_of(share: Share) -> bytes:
    """A PNG of `WIDTH` x `HEIGHT`. Of both, the recording is seen in the first half and the result in the second."""
    source = thinned(bytes(share.conversion.source_peaks), _BARS)
    result = thinned(bytes(share.conversion.output_peaks), _BARS)
    half = {share.What.BOTH: _BARS // 2, share.What.RESULT: 0, share.What.ORIGINAL: _BARS}[share.What(share.what)]
    bars = [_of_peak(n, source, 0) for n in range(half)] + [_of_peak(n, result, 1) for n in range(half, _BARS)]
    return _png(_painted([*_mark(), *bars]))


def _of_peak(number: int, peaks: bytes, colour: int) -> _Bar:
    peak = peaks[number * len(peaks) // _BARS] if peaks else 0
    reach = max(_SILENCE, round(peak * _REACH / 255))
    return _Bar(_LEFT + number * (_BAR + _GAP), _MIDDLE - reach, _MIDDLE + reach, _BAR, colour)


def _mark() -> list[_Bar]:
    half = _MARK_BAR // 2
    return [
        _Bar(
            _LEFT + _MARK_SCALE * (x - _MARK[0][0]),
            _MARK_TOP + _MARK_SCALE * top - half,
            _MARK_TOP + _MARK_SCALE * bottom + half,
            _MARK_BAR,
            number // 3,
        )
        for number, (x, top, bottom) in enumerate(_MARK)
    ]


def _painted(bars: list[_Bar]) -> bytearray:
    """`WIDTH` x `HEIGHT` indices of `_palette`, row by row."""
    canvas = bytearray(WIDTH * HEIGHT)
    for bar in bars:
        first = bar.colour * _SHADES
        body = bytes([first + _SHADES]) * bar.width
        ends = _end(bar.width, first)
        for row in range(bar.top, bar.bottom):
            within = min(row - bar.top, bar.bottom - 1 - row)
            place = row * WIDTH + bar.left
            canvas[place : place + bar.width] = ends[within] if within < len(ends) else body
    return canvas


@cache
def _end(width: int, first: int) -> list[bytes]:
    """The rows of half a circle, from its edge on; what is covered in part is a shade after `first`."""
    radius = width / 2
    return [bytes(_shade(x, y, radius, first) for x in range(width)) for y in range(width // 2)]


def _shade(x: int, y: int, radius: float, first: int) -> int:
    """By sixteen points of the pixel."""
    points = [
        ((x + (i + 0.5) / 4 - radius) ** 2 + (y + (j + 0.5) / 4 - radius) ** 2) for i in range(4) for j in range(4)
    ]
    covered = sum(point <= radius**2 for point in points)
    return first + covered if covered else 0


def _palette() -> bytes:
    mixed = bytearray(_PAPER)
    for colour in (_SOURCE, _TARGET):
        for shade in range(1, _SHADES + 1):
            pairs = zip(_PAPER, colour, strict=True)
            mixed += bytes(round(paper + (ink - paper) * shade / _SHADES) for paper, ink in pairs)
    return bytes(mixed)


def _png(canvas: bytearray) -> bytes:
    """Portable Network Graphics (Third Edition), W3C: a byte for each pixel, an index of the palette; no filter."""
    rows = b"".join(b"\0" + canvas[place : place + WIDTH] for place in range(0, WIDTH * HEIGHT, WIDTH))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", _palette()), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

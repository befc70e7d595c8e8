"""PCM whose samples have fewer bits than room: 24, 20 or 16 in 32, 20 in 24, 12 in 16.

The sound is in the upper bits and the rest is empty, so that as samples of the whole width they are right as they are.
libav goes by the number of bits and reads them as noise, or at another length: what it is given to read of such a file
says the width instead. Which containers can have it: WAV with RF64, BW64 and RIFX, Wave64, AVI, CAF. (AIFF has no room
but for whole bytes, which libav reads right.) Runs only in a worker: it believes what a stranger's header says.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

from s2s.audio.errors import AudioError

Read = Callable[[int, int], bytes]  # place and size; less at the end
Corrections = dict[int, bytes]  # by their place

_CHUNKS_AT_MOST: Final = 100_000
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_FORMAT_BYTES: Final = 40  # 18 and the extension's 22
_WIDTHS: Final = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}
_LOOK_BYTES: Final = 1 << 16
_W64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")  # the GUID that stands for "riff"
_W64_CHUNK: Final = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # what follows four letters in the others


def corrections(read: Read) -> Corrections:
    """What must stand where in the file's headers for libav to read its samples as wide as they are.

    Raises `AudioError` (odd_samples) where nobody can say what they are.
    """
    head = read(0, 64)
    if head[:4] == b"caff":
        return _caf(head)
    if head[:16] == _W64:
        chunks, order = _w64_chunks(read), "<"
    elif head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] in (b"WAVE", b"AVI "):
        order = ">" if head[:4] == b"RIFX" else "<"
        chunks = _riff_chunks(read, order)
    else:
        return {}
    found: Corrections = {}
    formats, kind = [], b"auds"
    for name, at, length in chunks:
        if name == b"strh":  # an AVI says of each stream what it is, then its format
            kind = read(at, 4)
        elif name == b"fmt " or (name == b"strf" and kind == b"auds"):
            formats.append((at, read(at, min(length, _FORMAT_BYTES))))
        elif name in (b"data", b"movi"):
            samples = read(at, _LOOK_BYTES) if name == b"data" else b""
            for place, fmt in formats:
                found |= _format(place, fmt, order, samples)
            break
    return found


def _format(at: int, fmt: bytes, order: str, samples: bytes) -> Corrections:
    """Of a WAVEFORMATEX or WAVEFORMATEXTENSIBLE at `at` (Microsoft, mmreg.h)."""
    if len(fmt) < 16:
        return {}
    tag, channels, rate_hz, bytes_s, frame_bytes, bits = struct.unpack_from(f"{order}HHIIHH", fmt)
    if tag == _EXTENSIBLE and len(fmt) == _FORMAT_BYTES:
        valid, _mask, tag = struct.unpack_from(f"{order}HIH", fmt, 18)
        extensible = True
    else:
        valid, extensible = bits, False
        if bytes_s == rate_hz * channels * -(-bits // 8):  # it is the size of a frame that isn't so
            return {}
    width = _width(frame_bytes, channels)
    if tag not in _WIDTHS or width is None or not 0 < valid < width:
        return {}
    if width not in _WIDTHS[tag]:
        raise AudioError("odd_samples", bits=valid, width=width)
    # Without an extension nothing says that the other bits are empty: Cool Edit wrote floats so.
    if not extensible and tag == _PCM and width == 32 and any(samples[0 if order == "<" else 3 :: 4]):
        raise AudioError("odd_samples", bits=valid, width=width)
    whole = struct.pack(f"{order}H", width)
    return {at + 14: whole, at + 18: whole} if extensible else {at + 14: whole}


def _caf(head: bytes) -> Corrections:
    """Of the description that is a CAF's first chunk (Apple, Core Audio Format Specification 1.0)."""
    if head[8:12] != b"desc" or len(head) < 52 or head[28:32] != b"lpcm":
        return {}
    flags, frame_bytes, frames, channels, bits = struct.unpack_from(">5I", head, 32)
    width = _width(frame_bytes, channels)
    if frames != 1 or width is None or not 0 < bits < width:
        return {}
    if width not in _WIDTHS[_FLOAT if flags & 1 else _PCM]:
        raise AudioError("odd_samples", bits=bits, width=width)
    return {48: struct.pack(">I", width)}


def _width(frame_bytes: int, channels: int) -> int | None:
    return 8 * frame_bytes // channels if channels and frame_bytes and frame_bytes % channels == 0 else None


def _riff_chunks(read: Read, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length, up to the samples; lists are gone into."""
    at = 12
    for _ in range(_CHUNKS_AT_MOST):
        header = read(at, 12)
        if len(header) < 8:
            return
        name, (length,) = header[:4], struct.unpack_from(f"{order}I", header, 4)
        if name == b"LIST" and header[8:] in (b"hdrl", b"strl", b"movi"):
            yield header[8:], at + 12, length
            at += 12
            continue
        yield name, at + 8, length
        at += 8 + length + length % 2


def _w64_chunks(read: Read) -> Iterator[tuple[bytes, int, int]]:
    at = 40
    for _ in range(_CHUNKS_AT_MOST):
        header = read(at, 24)
        if len(header) < 24 or header[4:16] != _W64_CHUNK:
            return
        (length,) = struct.unpack_from("<Q", header, 16)
        if length < 24:
            return
        yield header[:4], at + 24, length - 24
        at += length + -length % 8

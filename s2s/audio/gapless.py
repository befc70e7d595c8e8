"""The first frame of an MP3, which has no sound and says how much sound there is, for a length known beforehand.

It has how many frames and bytes follow and how many samples of the last ones to leave out (Xing's tag with LAME's
additions, http://gabriel.mp3-tech.org/mp3infotag.html), so an encoder writes it when it has finished. At a constant
bitrate all of it follows from the number of samples.
"""

from __future__ import annotations

import struct
from fractions import Fraction

# From its name, "Info", on: which of the next three there are; frames and bytes; places for seeking. Then LAME's words:
# samples to leave out at the end, the file's size, and two checksums, of all sound and of what stands before it here.
_COUNTS_AT, _PLACES_AT, _PADDING_AT, _SIZE_AT, _SOUND_CRC_AT, _CRC_AT = 8, 16, 142, 148, 152, 154
_COUNTS = struct.Struct(">II")
_PLACES = 100
_ALL = 0b111
_LATEST = 64  # where the name stands: behind the frame's header and its side information (ISO/IEC 11172-3, 2.4.1.7)
# More than an encoder holds back at its end.
_LEAST_FRAMES = 16


def left_out(length: int, frame_samples: int, frame_bytes: Fraction) -> int:
    """How many of the frames of `length` samples a shorter file can be without, and end in the same way.

    A frame has `frame_bytes` on the mean: some have one byte more, in a pattern that comes again.
    """
    pattern = frame_bytes.denominator
    return max(0, length // frame_samples - _LEAST_FRAMES) // pattern * pattern


def with_more(head: bytes, frames: int, size: int) -> bytes:
    """`head`, all before the sound, as it is where so many `frames` more follow, of `size` bytes together.

    The checksum of the sound is left open (0): nobody has heard it yet. Raises ValueError for a head without counts.
    """
    begin = _counts_begin(head)
    if begin is None:
        raise ValueError("an MP3 without the frame that says its length")
    had_frames, had_bytes = _COUNTS.unpack_from(head, begin + _COUNTS_AT)
    changed = bytearray(head)
    _COUNTS.pack_into(changed, begin + _COUNTS_AT, had_frames + frames, had_bytes + size)
    struct.pack_into(">I", changed, begin + _SIZE_AT, had_bytes + size)
    changed[begin + _PLACES_AT : begin + _PLACES_AT + _PLACES] = bytes(
        256 * percent // _PLACES for percent in range(_PLACES)
    )
    return _sealed(changed, begin)


def cut_mp3_head(head: bytes, size: int) -> bytes:
    """`head`, the first bytes of an MP3 of which `size` bytes are there, saying that this is all, and plays to its end.

    As it is where it says nothing of its length. Players believe it more than they believe the end of a file.
    """
    begin = _counts_begin(head)
    if begin is None:
        return head
    frames, whole = _COUNTS.unpack_from(head, begin + _COUNTS_AT)
    size -= _frame_begin(head)
    if not 0 < size < whole:
        return head
    changed = bytearray(head)
    _COUNTS.pack_into(changed, begin + _COUNTS_AT, frames * size // whole, size)
    struct.pack_into(">I", changed, begin + _SIZE_AT, size)
    changed[begin + _PADDING_AT] &= 0xF0
    changed[begin + _PADDING_AT + 1] = 0
    return _sealed(changed, begin)


def _counts_begin(head: bytes) -> int | None:
    """Where "Info" stands in the first frame, if it has all that we change."""
    start = _frame_begin(head)
    begin = head.find(b"Info", start, start + _LATEST)
    if begin < 0 or len(head) < begin + _CRC_AT + 2 or head[begin + 7] & _ALL != _ALL:
        return None
    return begin


def _sealed(changed: bytearray, begin: int) -> bytes:
    struct.pack_into(">H", changed, begin + _SOUND_CRC_AT, 0)
    content = bytes(changed)
    checked = content[_frame_begin(content) : begin + _CRC_AT]
    struct.pack_into(">H", changed, begin + _CRC_AT, _crc16(checked))
    return bytes(changed)


def _frame_begin(head: bytes) -> int:
    """Behind an ID3v2 tag: its size has seven bits a byte (ID3v2.4.0, 6.2)."""
    if head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte
    return 10 + size


def _crc16(content: bytes) -> int:
    """CRC-16 of x^16 + x^15 + x^2 + 1, low bit first, from 0."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc

"""The header of a WAV: the canonical 44 bytes of RIFF WAVE (Microsoft and IBM, 1991), and that of one that was cut."""

from __future__ import annotations

import struct
from typing import Final, Literal

Encoding = Literal["pcm", "alaw", "ulaw"]

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_BYTES: Final = _HEADER.size
MOST_BYTES: Final = 2**32 - 1  # of all of it
_CHUNK: Final = struct.Struct("<4sI")
_TAGS: Final[dict[Encoding, tuple[int, int]]] = {"pcm": (1, 2), "alaw": (6, 1), "ulaw": (7, 1)}


def wav_header(sample_rate_hz: int, data_bytes: int, encoding: Encoding = "pcm", channels: int = 1) -> bytes:
    """Of 16-bit PCM, or G.711. Raises ValueError beyond 4 GiB."""
    if data_bytes + HEADER_BYTES > MOST_BYTES:
        raise ValueError("longer than a WAV can be (4 GiB)")
    tag, sample_bytes = _TAGS[encoding]
    riff = (b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE")
    frame_bytes = sample_bytes * channels
    fmt = (b"fmt ", 16, tag, channels, sample_rate_hz, sample_rate_hz * frame_bytes, frame_bytes, 8 * sample_bytes)
    return _HEADER.pack(*riff, *fmt, b"data", data_bytes)


def cut_wav_header(head: bytes, size: int) -> bytes:
    """The first bytes of a WAV of which `size` bytes are there, with the lengths that those have.

    As it is where its samples don't begin within `head`, or it is no WAV.
    """
    at = 12
    while head[:4] == b"RIFF" and at + _CHUNK.size <= len(head):
        name, length = _CHUNK.unpack_from(head, at)
        if name == b"data":
            riff, data = _CHUNK.pack(b"RIFF", size - 8), _CHUNK.pack(name, min(length, size - at - _CHUNK.size))
            return riff + head[8:at] + data + head[at + _CHUNK.size :]
        at += _CHUNK.size + length + length % 2
    return head

"""Files of PCM with fewer bits than room: the sound is in the upper `valid` of `width` bits."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

PCM, FLOAT = 1, 3
GUID = bytes.fromhex("000000001000800000aa00389b71")
Samples = NDArray[np.float32]


def stored(sound: Samples, valid: int, width: int, channels: int = 1, order: str = "<") -> bytes:
    """`(n,)` samples, the same in each channel."""
    samples = np.rint(sound * (2 ** (valid - 1) - 1)).astype(np.int64) << (width - valid)
    octets = np.repeat(samples, channels).astype("<i8").view(np.uint8).reshape(-1, 8)[:, : width // 8]
    return (octets if order == "<" else octets[:, ::-1]).tobytes()


def plain(rate_hz: int, valid: int, width: int, channels: int = 1, order: str = "<") -> bytes:
    frame_bytes = channels * width // 8
    return struct.pack(f"{order}HHIIHH", PCM, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, valid)


def extensible(
    rate_hz: int, valid: int, width: int, channels: int = 1, *, bits: int | None = None, tag: int = PCM
) -> bytes:
    frame_bytes = channels * width // 8
    head = struct.pack("<HHIIHH", 0xFFFE, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, bits or width)
    return head + struct.pack("<HHIH", 22, valid, (1 << channels) - 1, tag) + GUID


def riff(fmt: bytes, data: bytes, order: str = "<", said: int | None = None) -> bytes:
    def chunk(name: bytes, body: bytes, length: int | None = None) -> bytes:
        return name + struct.pack(f"{order}I", len(body) if length is None else length) + body

    body = b"WAVE" + chunk(b"LIST", b"INFOICMT\x04\0\0\0abc\0") + chunk(b"fmt ", fmt) + chunk(b"data", data, said)
    return chunk(b"RIFF" if order == "<" else b"RIFX", body)


def rf64(fmt: bytes, data: bytes, name: bytes = b"RF64") -> bytes:
    sizes = struct.pack("<QQQI", 0, len(data), 0, 0)
    body = b"WAVEds64" + struct.pack("<I", len(sizes)) + sizes
    body += b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data\xff\xff\xff\xff" + data
    return name + b"\xff\xff\xff\xff" + body


def w64(fmt: bytes, data: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        guid = name + bytes.fromhex("f3acd3118cd100c04f8edb8a")
        return guid + struct.pack("<Q", 24 + len(body)) + body + bytes(-len(body) % 8)

    body = b"wave" + bytes.fromhex("f3acd3118cd100c04f8edb8a") + chunk(b"fmt ", fmt) + chunk(b"data", data)
    return bytes.fromhex("726966662e91cf11a5d628db04c10000") + struct.pack("<Q", 24 + len(body)) + body


def caf(sound: Samples, rate_hz: int, valid: int, width: int, order: str = "<") -> bytes:
    data = stored(sound, valid, width, order=order)
    description = struct.pack(">d4sIIIII", rate_hz, b"lpcm", 2 if order == "<" else 0, width // 8, 1, 1, valid)
    head = b"caff\0\1\0\0desc" + struct.pack(">q", len(description)) + description
    return head + b"data" + struct.pack(">qI", 4 + len(data), 0) + data

"""Bytes that somebody writes and somebody else takes."""

from __future__ import annotations

import io


class Pieces(io.RawIOBase):
    """A sink that cannot be rewound and gives its bytes away."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken

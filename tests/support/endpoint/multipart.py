"""Reads a multipart/form-data body block by block, so that a large upload costs no memory (RFC 7578, RFC 2046 5.1)."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import BinaryIO, Protocol

BLOCK = 64 * 1024


@dataclass
class Part:
    """One field. Of a file the size and checksum; of anything else the text."""

    name: str
    filename: str | None
    content_type: str | None
    size: int = 0
    sha256: str = ""
    value: str | None = None


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class _Body:
    """A body of known length, taken up to a delimiter at a time."""

    def __init__(self, source: Source, length: int) -> None:
        self._source = source
        self._left = length
        self._buffer = b""
        self.ended = False  # nothing more will come, though the length said so

    def until(self, delimiter: bytes, sink: Sink | None = None) -> bytes:
        """What stands before `delimiter`, which is taken too; written to `sink` if there is one."""
        taken = b""
        while (at := self._buffer.find(delimiter)) < 0:
            # A delimiter may be half in the buffer: its length less one stays.
            safe = max(len(self._buffer) - len(delimiter) + 1, 0)
            if sink is not None:
                sink.write(self._buffer[:safe])
            else:
                taken += self._buffer[:safe]
            self._buffer = self._buffer[safe:]
            block = self._source.read(min(BLOCK, self._left)) if self._left else b""
            if not block:
                self.ended = True
                return taken
            self._left -= len(block)
            self._buffer += block
        before, self._buffer = self._buffer[:at], self._buffer[at + len(delimiter) :]
        if sink is not None:
            sink.write(before)
        return taken + before

    def drain(self) -> bool:
        """Takes the rest. False if it doesn't come."""
        while self._left:
            block = self._source.read(min(BLOCK, self._left))
            if not block:
                return False
            self._left -= len(block)
        return not self.ended


class _Hashing:
    """Passes on what is written and keeps its size and checksum."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.size = 0
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._digest.update(data)
        self._sink.write(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def read_parts(source: Source, length: int, content_type: str, audio: BinaryIO) -> tuple[list[Part], bool]:
    """The parts of a body of `length` bytes, and whether it came whole. The `audio` file goes to the file given."""
    boundary = content_type.partition("boundary=")[2].partition(";")[0].strip('"').encode()
    body = _Body(source, length)
    parts: list[Part] = []
    body.until(b"--" + boundary)
    while not body.ended and body.until(b"\r\n") != b"--":
        head = body.until(b"\r\n\r\n")
        if not body.ended:
            parts.append(_read_part(body, _headers(head), b"\r\n--" + boundary, audio))
    return parts, body.drain()


def _read_part(body: _Body, headers: dict[str, str], delimiter: bytes, audio: BinaryIO) -> Part:
    disposition = headers["content-disposition"]
    name = _quoted(disposition, "name") or ""
    filename = _quoted(disposition, "filename")
    content_type = headers.get("content-type")
    if filename is None:
        value = body.until(delimiter)
        return Part(name, None, content_type, len(value), hashlib.sha256(value).hexdigest(), value.decode())
    sink = _Hashing(audio if name == "audio" else io.BytesIO())
    body.until(delimiter, sink)
    return Part(name, filename, content_type, sink.size, sink.sha256)


def _headers(head: bytes) -> dict[str, str]:
    # By hand: the e-mail parser spoils the raw UTF-8 that browsers and SDKs put into names.
    lines = (line.partition(":") for line in head.decode().splitlines())
    return {name.lower(): value.strip() for name, _, value in lines}


def _quoted(disposition: str, parameter: str) -> str | None:
    _, found, rest = disposition.partition(f' {parameter}="')
    return rest.partition('"')[0] if found else None

"""The Range header of a request for bytes (RFC 9110, 14.2): one range is answered, several get the whole file."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    start: int
    length: int


class UnsatisfiableRangeError(Exception):
    """The range lies behind the end of the file."""


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """None: send everything (no header, one we don't understand, or several ranges, as the RFC allows)."""
    match = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:  # the last N bytes
        length = min(int(last), size)
        if length == 0:
            raise UnsatisfiableRangeError
        return ByteRange(size - length, length)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise UnsatisfiableRangeError
    end = min(int(last), size - 1) if last else size - 1
    return ByteRange(start, end - start + 1)

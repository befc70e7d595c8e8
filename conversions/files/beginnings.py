"""What has come of an answer while the rest still comes, to be listened to. Nobody takes it for a result.

    conversions/<id>/.<step>-<attempt>-<token>.<begin>-<end>.part    bytes of it, whole or absent like every file

Once the answer lies there itself, its bytes are read from it, so that an address that somebody listens to stays good. A
part that its writer was killed beside is a write that broke off: whoever takes up the step clears it away, or, where
nobody does, housekeeping.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from conversions.files import durable

_EDITION = 8  # characters of a token; what a conversion's answers are told apart by
_ADDRESS = re.compile(rf"([0-9a-f]{{{_EDITION}}})-([1-9]\d{{0,14}})", re.ASCII)


def address_of(key: str, size: int) -> str:
    """Of the first `size` bytes of the answer that lies at `key`, or will: the same bytes for ever."""
    return f"{key[-_EDITION:]}-{size}"


def size_at(address: str) -> int:
    """0 where it is none."""
    found = _ADDRESS.fullmatch(address)
    return int(found[2]) if found else 0


def keep(key: str, begin: int, data: bytes) -> None:
    """Lays the bytes from `begin` on beside where the answer will lie. Raises OSError."""
    folder, name = key.rsplit("/", 1)
    default_storage.save(f"{folder}/.{name}.{begin}-{begin + len(data)}.part", ContentFile(data))


def forget(key: str) -> None:
    """What was laid beside the answer at `key`, or where it would have lain. Raises OSError."""
    folder, name = key.rsplit("/", 1)
    _forget(uuid.UUID(folder.rsplit("/", 1)[1]), f".{name}.")


def forget_all(conversion_id: uuid.UUID, step_id: int) -> None:
    """Of every attempt at the step. Raises OSError."""
    _forget(conversion_id, f".{step_id}-")


def _forget(conversion_id: uuid.UUID, like: str) -> None:
    durable.delete(conversion_id, [name for name in durable.names_in(conversion_id) if name.startswith(like)])


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first `size` bytes of the answer that lies at `key`, or will."""

    key: str
    size: int
    parts: tuple[tuple[int, str], ...]  # which byte each begins with, and its key; none where the answer is there

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start` on. Raises FileNotFoundError before the first where they aren't there any more.

        A part is opened when its turn comes: of a long call there are hundreds.
        """
        spans = list(self._spans(start, start + length))
        first = self._read(*spans[0]) if spans else iter(())
        return chain(first, chain.from_iterable(self._read(*span) for span in spans[1:]))

    def _spans(self, start: int, end: int) -> Iterator[tuple[int, str, int, int]]:
        parts = self.parts or ((0, self.key),)
        ends = [begin for begin, _key in parts[1:]] + [self.size]
        for (begin, key), until in zip(parts, ends, strict=True):
            first, last = max(start, begin), min(end, until)
            if first < last:
                yield begin, key, first, last

    def _read(self, begin: int, key: str, first: int, last: int) -> Iterator[bytes]:
        try:
            return durable.blocks(key, first - begin, last - first)
        except FileNotFoundError:  # the answer has come meanwhile
            return durable.blocks(self.key, first, last - first)


def find(conversion_id: uuid.UUID, step_id: int, address: str) -> Beginning | None:
    """What is at an address that `address_of` made; None where it isn't there, or not any more. Raises OSError."""
    known = _ADDRESS.fullmatch(address)
    if known is None:
        return None
    size, folder = int(known[2]), durable.folder_of(conversion_id)
    names = durable.names_in(conversion_id)
    answer = re.compile(rf"{step_id}-\d+-[0-9a-f]{{24}}{known[1]}")
    for name in filter(answer.fullmatch, names):
        key = f"{folder}/{name}"
        return Beginning(key, size, ()) if durable.size(key) >= size else None
    part = re.compile(rf"\.({answer.pattern})\.(\d+)-(\d+)\.part")
    found = {int(match[2]): match for match in map(part.fullmatch, names) if match}
    parts: list[tuple[int, str]] = []
    at = 0
    while at < size and at in found:
        parts.append((at, f"{folder}/{found[at][0]}"))
        at = int(found[at][3])
    return Beginning(f"{folder}/{found[0][1]}", size, tuple(parts)) if at >= size else None

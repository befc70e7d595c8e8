"""Notes about the queue itself, in Redis: when the sweeper last ran, what housekeeping found, which alarms are on.

Losing them loses nothing: the next run writes them anew. Every function raises RedisError.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TypedDict, cast

from conversions.ground.connections import redis


class Note(TypedDict, total=False):
    """What any of them says."""

    at: str  # ISO 8601, like the two that follow
    asleep_from: str
    asleep_to: str
    until: float  # seconds since 1970
    missing: int
    shown: list[str]


_PREFIX = "timbre:note:"
_KEPT = timedelta(days=7)


def write(name: str, note: Note) -> None:
    redis().set(f"{_PREFIX}{name}", json.dumps(note), ex=_KEPT)


def read(*names: str) -> list[Note]:
    """The notes in the order of `names`, {} for one that isn't there."""
    found = redis().mget([f"{_PREFIX}{name}" for name in names])
    return [json.loads(note) if note else {} for note in found]


def set_mark(group: str, name: str) -> bool:
    """Whether it is new: of several that set it at once, one is told so."""
    return bool(redis().hsetnx(f"{_PREFIX}{group}", name, "1"))


def take_mark(group: str, name: str) -> bool:
    """Whether it was there: of several that take it at once, one is told so."""
    return bool(redis().hdel(f"{_PREFIX}{group}", name))


def marks(group: str) -> set[str]:
    return {name.decode() for name in cast("set[bytes]", redis().hkeys(f"{_PREFIX}{group}"))}

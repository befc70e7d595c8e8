"""Notes about the queue itself, in Redis: when the sweeper last ran, what housekeeping found, which alarms are on.

Losing them loses nothing: the next run writes them anew. Every function raises RedisError.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from redis import Redis

_PREFIX = "timbre:note:"
_KEPT = timedelta(days=7)


def redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def write(name: str, note: dict[str, Any]) -> None:
    with redis() as connection:
        connection.set(f"{_PREFIX}{name}", json.dumps(note), ex=_KEPT)


def read(*names: str) -> list[dict[str, Any]]:
    """The notes in the order of `names`, {} for one that isn't there."""
    with redis() as connection:
        found = connection.mget([f"{_PREFIX}{name}" for name in names])
    return [json.loads(note) if note else {} for note in found]


def set_mark(group: str, name: str) -> bool:
    """Whether it is new: of several that set it at once, one is told so."""
    with redis() as connection:
        return bool(connection.hsetnx(f"{_PREFIX}{group}", name, "1"))


def take_mark(group: str, name: str) -> bool:
    """Whether it was there: of several that take it at once, one is told so."""
    with redis() as connection:
        return bool(connection.hdel(f"{_PREFIX}{group}", name))


def marks(group: str) -> set[str]:
    with redis() as connection:
        return {name.decode() for name in connection.hkeys(f"{_PREFIX}{group}")}

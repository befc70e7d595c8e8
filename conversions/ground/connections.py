"""Connections to the database and to Redis, and waits: long ones, and those for each other."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import lru_cache

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from redis import Redis

_writing = threading.Lock()


def redis() -> Redis:
    """Kept with its connections, which cost more to make than what is said over them; safe in threads and forks."""
    return _redis(settings.REDIS_URL)


@lru_cache(maxsize=1)
def _redis(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def give_back() -> None:
    """Before a wait for an endpoint, a decoder or a slow listener: a connection of PostgreSQL's pool is for others.

    SQLite has no pool, and opening its file anew takes as long as several queries.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "sqlite" and not database.in_atomic_block:
        database.close()


def rest() -> None:
    """When a thread's work is done: one of the pool's is for others, SQLite's is for what comes next, for a minute.

    A new one reads the whole schema and writes every statement anew, which takes longer than to claim a step.
    """
    for database in connections.all(initialized_only=True):
        if database.errors_occurred:
            database.close()
        else:
            database.close_if_unusable_or_obsolete()


def lock_out(number: int) -> None:
    """Until the end of the transaction nobody else comes by here with the same `number`. For what has no row that could
    be locked. Who begins to write to SQLite is alone already."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


@contextlib.contextmanager
def written_in_turn() -> Iterator[None]:
    """A transaction for which the threads of this process line up.

    Whoever finds SQLite's one write lock taken sleeps, up to a tenth of a second, and looks again: some come late each
    time, with a slot in their hand. A lock of our own wakes the next at once.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "sqlite" or database.in_atomic_block:
        with transaction.atomic():
            yield
    else:
        with _writing, transaction.atomic():
            yield

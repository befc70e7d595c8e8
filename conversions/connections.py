"""Database connections and long waits."""

from __future__ import annotations

from django.db import connection


def give_back() -> None:
    """Before a wait for an endpoint, a decoder or a slow listener: a connection of PostgreSQL's pool is for others.

    SQLite has no pool, and opening its file anew takes as long as several queries.
    """
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()

"""Connections of the pool: one that the server has closed is never handed out, one that it has talked to is."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.db import ConnectionHandler
from environ import Env
from pytest_django import DjangoDbBlocker

from bin.groups import postgres
from s2s_site.postgresql.base import DatabaseWrapper


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        assert url, "PostgreSQL is not installed"
        yield url


@pytest.fixture
def database(server: str, django_db_blocker: DjangoDbBlocker) -> Iterator[DatabaseWrapper]:
    """With one connection in its pool, which is idle."""
    pool = {"pool": {"min_size": 1, "max_size": 1, "timeout": 20}}
    settings = Env().db_url_config(server) | {"ENGINE": "s2s_site.postgresql", "OPTIONS": pool}
    database = ConnectionHandler({"default": settings})["default"]
    assert isinstance(database, DatabaseWrapper)
    with django_db_blocker.unblock():
        with database.temporary_connection():
            pass
        yield database
        database.close()
        database.close_pool()


def server_process(database: DatabaseWrapper) -> int:
    with database.temporary_connection() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
        return pid


def test_a_connection_that_the_server_has_closed_is_replaced(database: DatabaseWrapper, server: str) -> None:
    before = server_process(database)
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [before])
    assert server_process(database) != before


def test_a_connection_that_the_server_has_told_something_stays(database: DatabaseWrapper, server: str) -> None:
    with database.temporary_connection() as cursor:
        cursor.execute("LISTEN news")
    before = server_process(database)
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("NOTIFY news")
    assert server_process(database) == before

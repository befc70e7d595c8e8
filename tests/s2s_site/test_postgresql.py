"""Connections of the pool: one that the server has closed is never handed out, one that it has talked to is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import ConnectionHandler
from environ import Env
from pytest_django import DjangoDbBlocker

from bin.groups import postgres
from s2s_site.postgresql.base import DatabaseWrapper
from tests.support.product import CHECKOUT

KEEPALIVES = """
import socket
from django.db import connection
with connection.temporary_connection(), socket.socket(fileno=connection.connection.fileno()) as line:
    asked = [line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0]
    asked += [line.getsockopt(socket.SOL_TCP, name) for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL)]
    print(*asked, line.getsockopt(socket.SOL_TCP, socket.TCP_KEEPCNT))
    line.detach()
"""


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


def test_the_kernel_asks_whether_a_silent_server_is_still_there(server: str, tmp_path: Path) -> None:
    """Within a minute: nobody else does, and a firewall may have forgotten the connection."""
    said = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", KEEPALIVES],
        env=os.environ | {"DATABASE_URL": server, "DATA_DIR": str(tmp_path), "SECRET_KEY": "for-this-test"},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["True", "30", "10", "3"], said.stderr

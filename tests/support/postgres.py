"""A PostgreSQL server of the tests' own, which they may restart, and fresh databases on it."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import psycopg
import pytest

from bin.groups import postgres, postgres_programs


@dataclass(frozen=True)
class Cluster:
    """`url` is that of the database `postgres`, as its superuser."""

    url: str
    folder: Path
    programs: Path

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"timbre_{secrets.token_hex(4)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def restart(self, how: Literal["fast", "immediate"] = "fast") -> None:
        """`fast` rolls back and disconnects everyone; `immediate` is a crash, with recovery at the next start."""
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*as_user, str(self.programs / "pg_ctl"), "-D", str(self.folder), "-s", "-w", "-m", how, "restart"]
        subprocess.run([*command, "-l", str(self.folder.parent / "log")], cwd="/", stdin=subprocess.DEVNULL, check=True)


@contextlib.contextmanager
def running_postgres() -> Iterator[Cluster]:
    """Skips the test where PostgreSQL isn't installed; bin/test installs it."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres() as url:
        with psycopg.connect(url) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        yield Cluster(url, Path(row[0]), programs)

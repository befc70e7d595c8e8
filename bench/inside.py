"""A process beside the product, with its settings, its database, its files and its Redis; and databases for it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

import psycopg

from bin.groups import postgres, postgres_programs

P = ParamSpec("P")
R = TypeVar("R")


class Inside:
    """Calls functions in the other process, one after the other. What they are given and return is pickled."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_enter, initargs=(dict(environment),)
        )

    def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return self._pool.submit(function, *args, **kwargs).result()

    def __enter__(self) -> Inside:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


def _enter(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    import django

    django.setup()


def migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)


NewDatabase = Callable[[], str]


@contextlib.contextmanager
def databases() -> Iterator[Mapping[str, NewDatabase]]:
    """Both kinds, by name, and for each a function that makes a new one and returns its URL.

    Both wait for the disk at every commit, as in production.
    """
    if postgres_programs() is None:
        sys.exit("PostgreSQL is not installed: bin/test installs it, or apt install postgresql")
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as folder, postgres(durable=True) as url:
        count = iter(range(1_000_000))

        def sqlite() -> str:
            return f"sqlite:///{Path(folder) / str(next(count))}.sqlite3"

        def postgresql() -> str:
            name = f"bench_{next(count)}"
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
            return urlsplit(url)._replace(path=f"/{name}").geturl()

        yield {"SQLite": sqlite, "PostgreSQL": postgresql}


def in_a_database(measure: Callable[[], int], **environment: str) -> int:
    """What `measure` returns, run in this process, in Django with an empty database of its own."""
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as folder:
        os.environ.update(DATA_DIR=folder, DJANGO_SETTINGS_MODULE="tests.settings", **environment)
        import django

        django.setup()
        from django.test.runner import DiscoverRunner

        runner = DiscoverRunner(verbosity=0, interactive=False)
        databases = runner.setup_databases()
        try:
            return measure()
        finally:
            runner.teardown_databases(databases)

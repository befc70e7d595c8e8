"""Work that happens at the same time, in threads with a database connection each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import pytest
from django.db import connection

T = TypeVar("T")


def at_once(*verbs: Callable[[], T]) -> list[T]:
    """All begin together. What each came to, in their order; when all have ended, the first error is raised."""
    begin = threading.Barrier(len(verbs))

    def run(verb: Callable[[], T]) -> T:
        begin.wait()
        return alone(verb)

    with ThreadPoolExecutor(len(verbs)) as people:
        return list(people.map(run, verbs))


def alone(verb: Callable[[], T]) -> T:
    """In a thread that does nothing else: its connection is closed afterwards, else the database can't be dropped."""
    try:
        return verb()
    finally:
        connection.close()


def meet(monkeypatch: pytest.MonkeyPatch, room: object, name: str, *, before: bool = False) -> None:
    """Two that call `room.name` wait for each other, a second at most, when it has looked (or `before` it does).

    What it protects must not let them meet, so the wait is in vain.
    """
    both, act = threading.Barrier(2), getattr(room, name)

    def wait_for_the_other() -> None:
        with suppress(threading.BrokenBarrierError):
            both.wait(1.0)

    def together(*arguments: Any, **named: Any) -> Any:
        if before:
            wait_for_the_other()
        found = act(*arguments, **named)
        if not before:
            wait_for_the_other()
        return found

    monkeypatch.setattr(room, name, together)

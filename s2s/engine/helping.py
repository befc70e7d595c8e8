"""The blocks of one recording on several cores: this thread works, others help while cores are idle."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar

from s2s.engine.cores import Cores
from s2s.engine.turns import GiveWay

Result = TypeVar("Result", covariant=True)
Given = TypeVar("Given")


class Job(Protocol[Result]):
    def run(self, give_way: GiveWay) -> Result:
        """May wait for what jobs before it find out, which have all begun."""


def in_order(
    jobs: Iterator[Job[Given]], cores: Cores, turn: Callable[[Any], AbstractContextManager[GiveWay]]
) -> Generator[Given, None, None]:
    """What each job gives, in the order of `jobs`, which this thread alone pulls from.

    A job that is worked on here waits for its `turn`; helpers need an idle core instead, for one job each, so that they
    never stand in anybody's way for longer. Close the generator to stop: helpers do where they would give way.
    """
    first = next(jobs, None)
    if first is None:
        return
    yield _here(first, cores, turn).result()  # nothing is read ahead for others while somebody waits for the beginning
    results: deque[Future[Given]] = deque()
    helping: list[Future[Given]] = []
    is_over, left = False, threading.Event()
    with ThreadPoolExecutor(max(1, cores.helpers), thread_name_prefix="helper") as helpers, _set_at_end(left):
        while True:
            helping = [future for future in helping if not future.done()]
            if not is_over and len(helping) < cores.helpers and (core := cores.take()) is not None:
                job = next(jobs, None)
                is_over = job is None
                if job is None:
                    cores.give_back(core)
                else:
                    helping.append(helpers.submit(_help, job, core, left))
                    results.append(helping[-1])
            # Whoever helps may be slow: what is made meanwhile is held no longer than that.
            if results and (results[0].done() or is_over or len(results) > cores.helpers):
                yield results.popleft().result()
                continue
            job = None if is_over else next(jobs, None)
            if job is None and not results:
                return
            is_over = job is None
            if job is not None:
                results.append(_here(job, cores, turn))


def _here(job: Job[Given], cores: Cores, turn: Callable[[Any], AbstractContextManager[GiveWay]]) -> Future[Given]:
    done: Future[Given] = Future()
    with turn(job) as give_way, cores.busy():
        done.set_result(job.run(give_way))
    return done


class _LeftError(Exception):
    """Nobody waits for it any more."""


@contextmanager
def _set_at_end(event: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        event.set()


def _help(job: Job[Given], core: int, left: threading.Event) -> Given:
    def go_on() -> None:
        if left.is_set():
            raise _LeftError

    try:
        return job.run(go_on)
    finally:
        Cores.give_back(core)

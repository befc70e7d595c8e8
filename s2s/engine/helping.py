"""The blocks of one recording on several cores: this thread works, others help while cores are idle."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Generic, Protocol, TypeVar

from s2s.engine.cores import Cores
from s2s.engine.turns import GiveWay

Result = TypeVar("Result", covariant=True)
Given = TypeVar("Given")

# A tenth of what others get where all want the same processor (sched(7)).
_NICE = 10


class Job(Protocol[Result]):
    def run(self, give_way: GiveWay) -> Result:
        """May wait for what jobs before it find out, which have all begun."""


def in_order(
    jobs: Iterator[Job[Given]], cores: Cores, turn: Callable[[Any], AbstractContextManager[GiveWay]]
) -> Generator[Given, None, None]:
    """What each job gives, in the order of `jobs`, which this thread alone pulls from.

    A job that is worked on here waits for its `turn`; helpers need an idle core instead, for one job each, so that they
    never stand in anybody's way for longer. The next job waits for whoever comes first: helpers don't wait for this
    thread, which has results to give away. Close the generator to stop: helpers do where they would give way.
    """
    first = next(jobs, None)
    if first is None:
        return
    yield _here(_Task(first), cores, turn)  # nothing is read ahead for others while somebody waits for the beginning
    # Whoever helps may be slow: no more is made meanwhile, and held.
    tasks, most, left = _Tasks(jobs), 2 * cores.helpers + 2, threading.Event()
    helping = ThreadPoolExecutor(max(1, cores.helpers), thread_name_prefix="helper", initializer=_stand_back)
    with helping as helpers, _set_at_end(left):

        def offer() -> None:
            while tasks.free < cores.helpers and len(tasks.begun) < most and (task := tasks.pull()) is not None:
                helpers.submit(_help, task, cores, left)

        while True:
            offer()
            if tasks.begun and tasks.begun[0].result.done():
                yield tasks.begun.popleft().result.result()
                continue
            mine = tasks.claim(most)
            if mine is not None:
                offer()
                _here(mine, cores, turn)
            elif tasks.begun:
                yield tasks.begun.popleft().result.result()
            else:
                return


class _Task(Generic[Given]):
    def __init__(self, job: Job[Given]) -> None:
        self.job = job
        self.result: Future[Given] = Future()
        self._lock = threading.Lock()
        self.is_free = True

    def claim(self) -> bool:
        """Whether it is the caller's now: the first one's."""
        with self._lock:
            was_free, self.is_free = self.is_free, False
        return was_free


class _Tasks(Generic[Given]):
    """Those that have been pulled and not given yet, in their order."""

    def __init__(self, jobs: Iterator[Job[Given]]) -> None:
        self._jobs = jobs
        self.begun: deque[_Task[Given]] = deque()

    @property
    def free(self) -> int:
        """How many nobody works on."""
        return sum(task.is_free for task in self.begun)

    def pull(self) -> _Task[Given] | None:
        job = next(self._jobs, None)
        if job is None:
            return None
        self.begun.append(_Task(job))
        return self.begun[-1]

    def claim(self, most: int) -> _Task[Given] | None:
        """The first that nobody works on, the next one if there are less than `most`; None: there is none to be had."""
        mine = next((task for task in self.begun if task.claim()), None)
        if mine is None and len(self.begun) < most and (mine := self.pull()) is not None:
            mine.claim()
        return mine


def _here(task: _Task[Given], cores: Cores, turn: Callable[[Any], AbstractContextManager[GiveWay]]) -> Given:
    with turn(task.job) as give_way, cores.busy():
        task.result.set_result(task.job.run(give_way))
    return task.result.result()


class _LeftError(Exception):
    """Nobody waits for it any more."""


@contextmanager
def _set_at_end(event: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        event.set()


def _stand_back() -> None:
    """This thread gets a processor when nobody else wants it: a clip that comes meanwhile, and whoever looks after it,
    has it at once. Linux has a priority for each thread (sched(7)); elsewhere one would have to be the process's. Where
    a sandbox forbids it, helping goes on without."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)


def _help(task: _Task[Given], cores: Cores, left: threading.Event) -> None:
    """Unless no core is idle, or somebody was quicker."""

    def go_on() -> None:
        if left.is_set():
            raise _LeftError

    core = cores.take()
    if core is None:
        return
    try:
        if not left.is_set() and task.claim():
            task.result.set_result(task.job.run(go_on))
    except BaseException as error:
        task.result.set_exception(error)
    finally:
        Cores.give_back(core)

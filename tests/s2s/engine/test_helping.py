"""Blocks of one recording on idle cores: the same samples in the same order, and nobody is stood in the way of."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.engine import blocks
from s2s.engine.converter import convert
from s2s.engine.cores import Cores
from s2s.engine.helping import in_order
from s2s.engine.turns import GiveWay
from s2s.engine.vocoder import SAMPLE_RATE_HZ
from s2s.engine.voices import catalogue
from tests.support.product import PATIENCE_S

Load = Callable[[str, int], NDArray[np.float32]]


class Work:
    """Says who did it. `meets`: two that must be at work at the same time, or neither ends."""

    def __init__(self, number: int, meets: threading.Barrier | None = None) -> None:
        self.number = number
        self._meets = meets

    def run(self, give_way: GiveWay) -> tuple[int, str]:
        if self._meets is not None:
            self._meets.wait(PATIENCE_S)
        return self.number, threading.current_thread().name


def done(jobs: Iterator[Work], cores: Cores) -> list[tuple[int, str]]:
    return list(in_order(jobs, cores, lambda job: nullcontext(lambda: None)))


@pytest.fixture
def cores(tmp_path: Path) -> Cores:
    return Cores(tmp_path, 2)


def test_two_are_worked_on_at_once_and_come_in_order(cores: Cores) -> None:
    meeting = threading.Barrier(2)
    jobs = iter([Work(0), Work(1, meeting), Work(2, meeting), *(Work(number) for number in range(3, 7))])
    results = done(jobs, cores)
    assert [number for number, _ in results] == list(range(7))
    assert len({name for _, name in results}) == 2


class Priority:
    """Says whether a helper did it, and how far its thread stands back (nice(2))."""

    def __init__(self, meets: threading.Barrier | None) -> None:
        self._meets = meets

    def run(self, give_way: GiveWay) -> tuple[bool, int]:
        if self._meets is not None:
            self._meets.wait(PATIENCE_S)
        helps = threading.current_thread() is not threading.main_thread()
        return helps, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere a thread has no priority of its own.")
def test_who_helps_stands_back_behind_all_who_have_work_of_their_own(cores: Cores) -> None:
    meeting = threading.Barrier(2)
    jobs = iter([Priority(None), Priority(meeting), Priority(meeting)])
    found = dict(in_order(jobs, cores, lambda job: nullcontext(lambda: None)))
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert found == {False: own, True: min(own + 10, 19)}


def test_where_priorities_are_forbidden_others_help_all_the_same(cores: Cores, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError("as a filter of system calls does")

    monkeypatch.setattr(os, "setpriority", forbid)
    meeting = threading.Barrier(2)
    assert len({name for _, name in done(iter([Work(0), Work(1, meeting), Work(2, meeting)]), cores)}) == 2


def test_while_no_core_is_idle_nobody_helps(tmp_path: Path, cores: Cores) -> None:
    elsewhere = Cores(tmp_path, 2)
    taken = [elsewhere.take(), elsewhere.take()]
    assert None not in taken
    assert {name for _, name in done(iter([Work(number) for number in range(5)]), cores)} == {"MainThread"}
    for core in taken:
        elsewhere.give_back(core)
    assert cores.take() is not None


def test_a_core_is_given_back_by_whom_it_helped(cores: Cores) -> None:
    done(iter([Work(number) for number in range(5)]), cores)
    taken = [cores.take(), cores.take()]
    assert None not in taken
    for core in taken:
        cores.give_back(core)


def test_nothing_is_read_ahead_before_the_first_is_there(cores: Cores) -> None:
    pulled = []

    def jobs() -> Iterator[Work]:
        for number in range(9):
            pulled.append(number)
            yield Work(number)

    with closing(in_order(jobs(), cores, lambda job: nullcontext(lambda: None))) as results:
        assert next(results)[0] == 0
        assert pulled == [0]


def test_not_much_is_held_while_a_helper_is_slow(cores: Cores) -> None:
    pulled: list[int] = []

    class Slow(Work):
        def run(self, give_way: GiveWay) -> tuple[int, str]:
            threading.Event().wait(1)
            return len(pulled), "slow"

    def jobs() -> Iterator[Work]:
        for number in range(100_000):
            pulled.append(number)
            yield Slow(number) if number == 1 else Work(number)

    with closing(in_order(jobs(), cores, lambda job: nullcontext(lambda: None))) as results:
        assert next(results)[0] == 0
        assert next(results)[0] < 10


def test_who_leaves_is_helped_no_longer(cores: Cores) -> None:
    begun, ended = threading.Event(), threading.Event()

    class Endless(Work):
        def run(self, give_way: GiveWay) -> tuple[int, str]:
            if threading.current_thread() is threading.main_thread():
                begun.wait(PATIENCE_S)  # it is as quick as anything, and would leave nothing to help with
                return super().run(give_way)
            begun.set()
            give_up_at = time.monotonic() + PATIENCE_S
            try:
                while time.monotonic() < give_up_at:
                    give_way()
            except Exception:
                ended.set()
                raise
            return self.number, "to its end"

    meeting = threading.Barrier(2)
    jobs = iter([Work(0), Work(1, meeting), Work(2, meeting), Endless(3), Endless(4)])
    results = in_order(jobs, cores, lambda job: nullcontext(lambda: None))
    assert [next(results)[0] for _ in range(3)] == [0, 1, 2]
    assert begun.wait(PATIENCE_S)
    results.close()
    assert ended.is_set()


def test_what_fails_in_a_helper_fails_here(cores: Cores) -> None:
    class Broken(Work):
        def run(self, give_way: GiveWay) -> tuple[int, str]:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        done(iter([Work(0), Broken(1), Work(2)]), cores)


def test_a_recording_sounds_the_same_with_help(speech: Load, cores: Cores, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = speech("man_librivox.flac", SAMPLE_RATE_HZ)[: 8 * SAMPLE_RATE_HZ]
    voice = catalogue()["TimbreNora0000000001"]

    def converted() -> NDArray[np.float32]:
        return np.concatenate(list(convert(iter([samples]), voice, streaming=True, speech=samples)))

    alone = converted()
    monkeypatch.setattr(blocks, "CORES", cores)
    assert np.array_equal(converted(), alone)

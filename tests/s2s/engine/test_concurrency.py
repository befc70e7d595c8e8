"""The engine's own limit: counted over its processes, told with every answer, never leaked, never a reason to fail."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGKILL

import httpx
import numpy as np
import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core import ApiError
from numpy.typing import NDArray

from s2s.engine.concurrency import Slot, Slots
from s2s.engine.errors import Refusal
from tests.s2s.engine.conftest import EngineProcess
from tests.s2s.engine.test_server import NORA, as_wav
from tests.support.product import wait_for

Load = Callable[[str, int], NDArray[np.float32]]
CONVERT = f"/v1/speech-to-speech/{NORA}"

HOLD = """
import sys, time
from pathlib import Path
from s2s.engine.concurrency import Slots
held = Slots(Path(sys.argv[1]), 3).take()
print("held", flush=True)
time.sleep(60)
"""


def said(slot: Slot) -> tuple[str, str]:
    return slot.headers["current-concurrent-requests"], slot.headers["maximum-concurrent-requests"]


class TestSlots:
    def test_are_counted_and_given_back(self, tmp_path: Path) -> None:
        slots = Slots(tmp_path / "new" / "folder", 2)
        one, two = slots.take(), slots.take()
        assert (said(one), said(two)) == (("1", "2"), ("2", "2"))
        with pytest.raises(Refusal) as refused:
            slots.take()
        assert refused.value.status_code == 429
        assert refused.value.detail["status"] == "too_many_concurrent_requests"
        assert refused.value.headers["current-concurrent-requests"] == "2"
        two.close()
        two.close()
        with slots.take() as three:
            assert said(three) == ("2", "2")
        assert said(slots.take()) == ("2", "2")

    def test_are_shared_with_other_processes_and_outlive_none(self, tmp_path: Path) -> None:
        slots = Slots(tmp_path, 3)
        ours = slots.take()
        with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            third = slots.take()
            assert said(third) == ("3", "3")
            with pytest.raises(Refusal):
                slots.take()
            other.send_signal(SIGKILL)
            other.wait()
            assert said(slots.take()) == ("3", "3")
        assert said(ours) == ("1", "3")

    def test_threads_never_take_more_than_there_are(self, tmp_path: Path) -> None:
        at_work, most, lock = 0, 0, threading.Lock()

        def work(_: int) -> bool:
            nonlocal at_work, most
            try:
                slot = Slots(tmp_path, 3).take()  # as a process of its own would
            except Refusal:
                return False
            with slot:
                with lock:
                    at_work += 1
                    most = max(most, at_work)
                time.sleep(0.005)
                with lock:
                    at_work -= 1
            return True

        with ThreadPoolExecutor(8) as threads:
            taken = list(threads.map(work, range(80)))
        assert most <= 3
        assert any(taken)

    def test_as_many_as_there_are_can_be_taken_at_once(self, tmp_path: Path) -> None:
        """Nobody is refused because somebody else is just looking."""
        for _ in range(8):
            with ThreadPoolExecutor(8) as threads:
                slots = list(threads.map(lambda _: Slots(tmp_path, 8).take(), range(8)))
            assert {said(slot) for slot in slots} == {(str(number), "8") for number in range(1, 9)}
            for slot in slots:
                slot.close()

    def test_one_who_stopped_while_looking_stops_nobody(self, tmp_path: Path) -> None:
        with (tmp_path / "gate.lock").open("w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            assert said(Slots(tmp_path, 1).take()) == ("1", "1")

    def test_a_full_disk_or_a_folder_that_cannot_be_is_no_reason_to_refuse(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        in_the_way = tmp_path / "file"
        in_the_way.touch()
        slots = Slots(in_the_way / "folder", 2)
        assert said(slots.take()) == ("1", "2")

        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        slots = Slots(tmp_path, 2)
        monkeypatch.setattr(os, "open", full)
        one = slots.take()
        slots.take()
        with pytest.raises(Refusal):
            slots.take()
        one.close()
        slots.take()

    def test_a_folder_that_was_deleted_is_made_again(self, tmp_path: Path) -> None:
        slots = Slots(tmp_path / "slots", 1)
        slots.take().close()
        for file in (tmp_path / "slots").iterdir():
            file.unlink()
        (tmp_path / "slots").rmdir()
        assert said(slots.take()) == ("1", "1")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """Two workers, two requests at a time."""
    process = EngineProcess(workers=2, concurrency=2, DATA_DIR=str(tmp_path_factory.mktemp("data")))
    yield process
    process.stop()


@pytest.fixture(scope="module")
def long(speech: Load) -> bytes:
    return as_wav(np.resize(speech("man_librivox.flac", 16_000), 16_000 * 300), 16_000)


@pytest.fixture(scope="module")
def short(speech: Load) -> bytes:
    return as_wav(speech("man_librivox.flac", 16_000)[:16_000], 16_000)


def until_free(engine: EngineProcess, clip: bytes, current: str) -> None:
    """Until an answer says that so many are at work, itself included."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = httpx.post(engine.url + CONVERT, files={"audio": clip}, timeout=20)
        except httpx.TransportError:  # by a worker that was just killed
            time.sleep(0.1)
            continue
        if answer.status_code == 200 and answer.headers["current-concurrent-requests"] == current:
            return
        time.sleep(0.1)
    raise AssertionError("the slots were not given back")


def test_over_its_limit_the_engine_says_so(small: EngineProcess, long: bytes, short: bytes) -> None:
    client = ElevenLabs(api_key="any", base_url=small.url)
    streams = [client.speech_to_speech.with_raw_response.stream(NORA, audio=long) for _ in range(2)]
    for number, stream in enumerate(streams, 1):
        begun = stream.__enter__()
        assert begun.headers["current-concurrent-requests"] == str(number)
        assert begun.headers["maximum-concurrent-requests"] == "2"
    with pytest.raises(ApiError) as refused:
        list(client.speech_to_speech.convert(NORA, audio=short))
    assert refused.value.status_code == 429
    assert refused.value.body["detail"]["status"] == "too_many_concurrent_requests"
    assert refused.value.headers is not None
    assert refused.value.headers["current-concurrent-requests"] == "2"
    assert refused.value.headers["maximum-concurrent-requests"] == "2"
    for stream in streams:
        stream.__exit__(None, None, None)  # the listener leaves
    until_free(small, short, "1")


def test_a_bad_request_takes_no_slot(small: EngineProcess, short: bytes) -> None:
    for _ in range(3):
        answer = httpx.post(small.url + CONVERT, files={"audio": b"no sound"})
        assert answer.status_code == 400
    assert httpx.post(f"{small.url}/v1/speech-to-speech/Nobody", files={"audio": short}).status_code == 404
    until_free(small, short, "1")


def test_the_next_request_after_an_answer_is_never_one_too_many(small: EngineProcess, short: bytes) -> None:
    """A slot is given back before the last byte of its answer is sent."""
    with httpx.Client() as client:
        for number in range(12):
            path = CONVERT + ("/stream" if number % 2 else "")
            answer = client.post(small.url + path, files={"audio": short}, timeout=20)
            assert answer.headers["current-concurrent-requests"] == "1"


def test_a_killed_worker_takes_no_slot_with_it(small: EngineProcess, long: bytes, short: bytes) -> None:
    def ask() -> str:
        try:
            while (answer := httpx.post(small.url + CONVERT, files={"audio": long}, timeout=60)).status_code == 429:
                pass  # a short one was quicker
            return str(answer.status_code)
        except httpx.TransportError:
            return "cut"

    def full() -> bool:
        return httpx.post(small.url + CONVERT, files={"audio": short}).status_code == 429

    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(ask) for _ in range(2)]
        wait_for(full, "both are at work", 20)
        for pid in small.workers():
            os.kill(pid, SIGKILL)
        assert [one.result() for one in asked] == ["cut", "cut"]
    until_free(small, short, "1")


def test_without_a_data_folder_the_workers_still_share_one_count(long: bytes) -> None:
    engine = EngineProcess(workers=2, concurrency=1)
    try:
        with httpx.stream("POST", f"{engine.url}{CONVERT}/stream", files={"audio": long}, timeout=20) as stream:
            pieces = stream.iter_raw()  # a name: the connection ends with its iterator
            next(pieces)
            answers = [httpx.post(engine.url + CONVERT, files={"audio": b"x"}).status_code for _ in range(8)]
        assert answers == [429] * 8
    finally:
        engine.stop()

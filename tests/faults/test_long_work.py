"""Long recordings on a slow machine: their sound comes while they are converted, clips go first; what breaks off."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.slow import slowed
from s2s.audio import decode, encode, examine
from tests.faults.conftest import ON_POSTGRESQL, fresh_database
from tests.faults.promises import ids_of
from tests.support.decoders import has_job
from tests.support.inside import Inside
from tests.support.person import Person
from tests.support.product import CHECKOUT, Product, wait_for

RATE_HZ = 16_000
# On a machine that is ten times slower the longest outlast several leases, as hours do it; two clips come back
# meanwhile. What is killed has a second or two of its answer still to come.
LONGEST_S, LONG_S, CLIP_S = 60, 30, 3
TIMES_SLOWER = 10
LEASE_S = 10
UNREAD_S = 150  # idle cores are given blocks ahead: of half a minute the decoder has read all when its answer begins
SLOTS = 3  # two for long recordings
SETTINGS = {"LONG_SECONDS": "10", "LEASE_SECONDS": str(LEASE_S), "ENGINE_CONCURRENCY": str(SLOTS + 1)}


class Scene:
    """A product with its own engine, of one process, and somebody who sends it speech."""

    def __init__(self, product: Product, person: Person, inside: Inside) -> None:
        self.product = product
        self.person = person
        self._inside = inside

    def send(self, seconds: int, name: str) -> str:
        return self.person.submit(speech(seconds), name, "mp3_44100_128")

    def fact(self, address: str) -> dict[str, Any]:
        found: dict[str, Any] = self._inside.ask("survey", ids_of([address]))[0]
        return found

    def outcomes(self, address: str) -> list[str]:
        """Of its calls that reached the engine, in their order."""
        calls = [call["outcome"] for call in self.fact(address)["calls"]]
        return [outcome for outcome in reversed(calls) if outcome != "not sent"]

    @property
    def is_paused(self) -> bool:
        return bool(self._inside.ask("endpoints")["local"]["held"])

    def strike_all_but(self, failures: int) -> None:
        """So many more of different recordings would pause the engine's endpoint."""
        self._inside.ask("strike_all_but", "local", failures)

    def received(self) -> dict[str, int]:
        """Bytes of each answer that is coming in."""
        return {part.name: part.stat().st_size for part in (self.product.data_dir / "uploads").glob("result-*")}

    def wait_for_answer(self, address: str, call: int) -> None:
        """Until that call of the only recording under way has brought something."""
        wait_for(lambda: len(self.outcomes(address)) == call and any(self.received().values()), "its answer has begun")

    def kill_engine(self) -> None:
        """The process that converts: the one that holds a slot's lock."""
        slots = set((self.product.data_dir / "engine" / "slots").glob("[0-9]*.lock"))
        (converting,) = [pid for pid in self.product.pids()["engine"] if slots & _open_files(pid)]
        os.kill(converting, signal.SIGKILL)

    def kill_decoder(self) -> None:
        decoders = [pid for pid in self.product.pids()["decoders"] if has_job(pid)]
        assert decoders, "nothing is decoded"
        for decoder in decoders:
            os.kill(decoder, signal.SIGKILL)


def _open_files(pid: int) -> set[Path]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(descriptor.readlink())
    return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, database: str, request: pytest.FixtureRequest) -> Iterator[Scene]:
    environment = SETTINGS | fresh_database(database, request)
    with (
        Product(tmp_path_factory.mktemp("long") / "data", environment) as product,
        Person(product) as person,
        closing(Inside.of(product, "tests.faults.inside")) as inside,
    ):
        inside.ask("refresh_endpoints", SLOTS)
        yield Scene(product, person, inside)


def speech(seconds: int) -> bytes:
    """FLAC, which takes a decoder."""
    with (CHECKOUT / "tests" / "data" / "speech" / "man_librivox.flac").open("rb") as file:
        samples = np.concatenate(list(decode(file, sample_rate_hz=RATE_HZ)))
    sink = io.BytesIO()
    encode([np.resize(samples, seconds * RATE_HZ)], sink, "flac", RATE_HZ, None, input_rate_hz=RATE_HZ)
    return sink.getvalue()


def assert_whole(scene: Scene, address: str, seconds: int) -> None:
    assert examine(io.BytesIO(scene.person.download(address))).samples == seconds * 44_100


@pytest.mark.timeout(600)  # nearly all of which the engine stands still
def test_long_recordings_come_back_in_one_attempt_each_and_clips_do_not_wait_for_them(scene: Scene) -> None:
    """Of hours: `bench/patience --hours`."""
    with slowed(scene.product.pid("engine"), TIMES_SLOWER):
        long = [scene.send(LONGEST_S, f"long {number}.flac") for number in range(2)]
        wait_for(lambda: len(scene.received()) == 2, "both are being answered", 60)
        began, before = time.monotonic(), scene.received()
        waiting = scene.send(LONG_S, "third.flac")
        for number in range(2):
            clip = scene.send(CLIP_S, f"clip {number}.flac")
            assert scene.person.wait(clip, timeout_s=120) == "ready"
            assert [scene.outcomes(address) for address in long] == [["sent"], ["sent"]]
            assert scene.outcomes(waiting) == []  # the slot was kept for the clip
        wait_for(
            lambda: any(scene.received().get(name, 0) > size for name, size in before.items()), "more has come", 60
        )
        assert scene.person.wait(long[0], timeout_s=300) == "ready"
        assert time.monotonic() > began + LEASE_S, "no lease had to be renewed"

    for address, seconds in ((long[0], LONGEST_S), (long[1], LONGEST_S), (waiting, LONG_S)):
        assert scene.person.wait(address, timeout_s=300) == "ready", scene.fact(address)["error"]
        assert scene.outcomes(address) == ["answered"]
        assert_whole(scene, address, seconds)


# What dies in these two is the engine and its decoder; what becomes of rows then (a lease, an attempt) is asked of both
# databases in tests/conversions and in the files beside this one.
@ON_POSTGRESQL
def test_what_an_engine_that_died_had_begun_is_begun_again(scene: Scene) -> None:
    long = scene.send(LONG_S, "long.flac")
    scene.wait_for_answer(long, call=1)
    scene.kill_engine()
    clip = scene.send(CLIP_S, "clip.flac")
    assert scene.person.wait(clip) == "ready"
    assert scene.person.wait(long, timeout_s=120) == "ready", scene.fact(long)["error"]

    fact = scene.fact(long)
    assert [step["attempt"] for step in fact["steps"] if step["kind"] == "convert"] == [2]
    assert scene.outcomes(long) == ["unclear", "answered"]
    assert_whole(scene, long, LONG_S)
    assert "The answer broke off." in fact["told"]
    assert "billed" not in scene.person.http.get(long).text
    kept = {path.name for path in (scene.product.data_dir / "media" / fact["source"]).parent.iterdir()}
    names = {key.rpartition("/")[2] for key in (fact["source"], fact["output"], f"{fact['output']}.json")}
    assert kept == names
    assert not list((scene.product.data_dir / "uploads").iterdir())


@ON_POSTGRESQL
def test_what_breaks_off_again_and_again_fails_after_a_second_time_and_keeps_nobody_else_back(scene: Scene) -> None:
    """A long recording took long each time."""
    scene.strike_all_but(2)
    long = scene.send(UNREAD_S, "long.flac")
    for call in (1, 2):
        scene.wait_for_answer(long, call)
        scene.kill_decoder()
        wait_for(lambda call=call: scene.outcomes(long) == ["unclear"] * call, "its answer is lost")
    assert scene.person.wait(long) == "failed"
    assert scene.fact(long)["error"] == (
        "The answer broke off. We tried 2 times. Your recording is safe; press Retry to go on."
    )
    assert not scene.is_paused
    clip = scene.send(CLIP_S, "clip.flac")
    assert scene.person.wait(clip) == "ready"
    assert scene.outcomes(clip) == ["answered"]
    assert not list((scene.product.data_dir / "uploads").iterdir())

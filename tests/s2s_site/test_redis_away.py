"""Redis comes and goes: what the processes that live by it say in the meantime, and what beat leaves there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from redis import Redis

from s2s_site.supervisor.processes import COMMANDS
from s2s_site.supervisor.redis_server import find_program
from tests.support.product import CHECKOUT, wait_for
from tests.support.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)


class SwitchedRedis:
    """A Redis that can be switched off and on again, at the same address."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self._command = [find_program(folder), "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self.url = f"unix://{self._socket}?db=0"

    def on(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_for(self._socket.exists, "Redis is there")

    def off(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[SwitchedRedis]:
    switched = SwitchedRedis(tmp_path)
    switched.on()
    yield switched
    switched.off()


@pytest.fixture
def beat(redis: SwitchedRedis, tmp_path: Path) -> Iterator[Path]:
    """Its output."""
    output_path = tmp_path / "beat.txt"
    command = COMMANDS["beat"].format(beat_schedule=tmp_path / "beat-schedule").split()
    environment = {"DATA_DIR": str(tmp_path), "REDIS_URL": redis.url, "SWEEP_SECONDS": "0.2"}
    with output_path.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=os.environ | environment | {"DJANGO_SETTINGS_MODULE": "s2s_site.settings"},
            cwd=CHECKOUT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    yield output_path
    process.kill()
    process.wait()


def hanging(url: str) -> int:
    with Redis.from_url(url) as connection:
        return int(connection.llen("sweep"))


def test_beats_bells_do_not_pile_up_while_no_worker_is_there(redis: SwitchedRedis, beat: Path) -> None:
    wait_for(lambda: hanging(redis.url) >= 6, "beat has rung", 30)
    time.sleep(3)  # fifteen intervals
    assert hanging(redis.url) <= 2 * (len(settings.CELERY_BEAT_SCHEDULE) + 1)  # and one of Celery's own


def test_beat_says_once_that_redis_is_away_and_rings_when_it_is_back(redis: SwitchedRedis, beat: Path) -> None:
    wait_for(lambda: hanging(redis.url), "beat has rung", 30)
    redis.off()
    wait_for(lambda: "beat can't ring" in beat.read_text(), "it has noticed")
    time.sleep(2)
    redis.on()
    wait_for(lambda: hanging(redis.url), "beat rings again", 30)
    wait_for(lambda: "beat rings again" in beat.read_text(), "it has said so")
    said = beat.read_text()
    assert said.count("beat can't ring") == 1
    assert "Traceback" not in said


def test_a_worker_whose_redis_goes_as_it_becomes_ready_says_so_and_stops_when_told(
    redis: SwitchedRedis, tmp_path: Path
) -> None:
    worker = Worker("calls", redis.url, tmp_path)
    with ExitStack() as stack, Redis.from_url(redis.url) as connection:
        worker.launch()
        stack.push(worker)
        while not connection.exists("timbre:alive:calls"):
            time.sleep(0.001)
        redis.off()
        wait_for(lambda: "redis" in worker.output().lower(), "it has noticed")
        worker.terminate()


def test_a_worker_says_in_single_lines_that_redis_is_away(redis: SwitchedRedis, tmp_path: Path) -> None:
    with Worker("calls", redis.url, tmp_path) as worker:
        redis.off()
        wait_for(lambda: "redis" in worker.output().lower(), "it has noticed")
        time.sleep(4)
        redis.on()
        with Redis.from_url(redis.url) as connection:
            wait_for(lambda: connection.exists("timbre:alive:calls"), "it is back", 40)
        assert "Traceback" not in worker.output()
        assert len(worker.output().splitlines()) < 12, worker.output()

"""Sounds for recordings, and a look at the processes that decode them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from s2s.audio import warm_up
from tests.support.decoders import has_job
from tests.support.written import Samples, write_recording


@pytest.fixture(scope="session")
def write() -> Callable[..., bytes]:
    return write_recording


def tone(seconds: float, rate: int, hz: float = 440.0, amplitude: float = 0.5) -> Samples:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture(scope="session")
def a_tone() -> Callable[..., Samples]:
    return tone


@pytest.fixture(scope="session")
def noise() -> Callable[[int], Samples]:
    """The first `n` samples of a noise: its correlation has one peak only."""
    made = np.empty(0, np.float32)

    def first(n: int) -> Samples:
        nonlocal made
        if n > len(made):
            made = (0.2 * np.random.default_rng(7).standard_normal(n)).astype(np.float32)
        return made[:n].copy()

    return first


@pytest.fixture(scope="session")
def silence_of_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hours and a minute of silence in half a megabyte."""
    path = tmp_path_factory.mktemp("silence") / "silence.flac"
    rate = 8000
    with av.open(path, "w", format="flac") as output:
        stream = output.add_stream("flac", rate=rate, layout="mono")
        # As it is at 44.1 kHz. An eighth of it would be usual here: most of the time goes by the frame.
        stream.codec_context.options = {"frame_size": "4608"}
        stream.codec_context.open()
        size = stream.codec_context.frame_size
        frame = av.AudioFrame.from_ndarray(np.zeros((1, size), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        for index in range((6 * 3600 + 60) * rate // size):
            frame.pts = index * size
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    state: str
    command: str


def processes() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        yield Process(int(entry.name), int(fields[1]), fields[0], command)


class Decoders:
    """The fork server of a process and its workers, as the system sees them."""

    def server(self, owner: int | None = None) -> int:
        (server,) = self._servers(owner or os.getpid())
        return server

    def _servers(self, owner: int) -> list[int]:
        alive = (p for p in processes() if p.parent == owner and p.state != "Z")
        return [p.pid for p in alive if "s2s.audio.forkserver" in p.command]

    def at_rest(self) -> bool:
        """Our own server is there, and none of its workers has a job."""
        warm_up()
        servers = self._servers(os.getpid())
        return len(servers) == 1 and not self.workers(servers[0])

    def workers(self, server: int | None = None) -> list[int]:
        server = server or self.server()
        return [p.pid for p in processes() if p.parent == server and p.state != "Z" and has_job(p.pid)]

    def forked_by(self, owner: int) -> list[int]:
        return [p.pid for p in processes() if p.parent == owner and "s2s.audio.forkserver" not in p.command]

    def alive(self, pid: int) -> bool:
        return any(p.pid == pid and p.state != "Z" for p in processes())

    def wait_until(self, condition: Callable[[], bool], seconds: float = 20) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True


@pytest.fixture
def decoders() -> Decoders:
    if not Path("/proc/self/stat").exists():
        pytest.skip("looks at processes through /proc")
    found = Decoders()
    assert found.wait_until(found.at_rest), "what an earlier test has left is gone"
    return found

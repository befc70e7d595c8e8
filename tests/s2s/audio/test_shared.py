"""One fork server for several processes: their decoders are its children, and what ends one ends no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.s2s.audio.conftest import Decoders, processes
from tests.support.product import wait_for

ROOT = Path(__file__).resolve().parents[3]

# The fixture of this name counts ours, and knows of one.
DECODERS = Decoders()

# Decodes a little of the recording at each line that it reads, from the beginning where it can't go on.
ASKING = """
import sys
from s2s.audio import AudioError, decode
samples = iter(())
for line in sys.stdin:
    try:
        found = next(samples, None)
        if found is None:
            samples = decode(open(sys.argv[1], "rb"), sample_rate_hz=16000)
            found = next(samples)
        print(len(found), flush=True)
    except AudioError as error:
        samples = iter(())
        print(error.code, flush=True)
"""


class Asking:
    """A process that wants something decoded."""

    def __init__(self, path: Path, socket: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ASKING, str(path)],
            cwd=ROOT,
            env=os.environ | {"DECODERS_SOCKET": str(socket)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("on\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def children(self) -> list[int]:
        return [p.pid for p in processes() if p.parent == self.process.pid and p.state != "Z"]

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


class Server:
    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "s2s.audio.shared", str(self._socket)],
            cwd=ROOT,
            env=os.environ | {"SECRET_KEY": "nobody's business", "DATA_DIR": "/"},
        )
        wait_for(lambda: b"forkserver" in Path(f"/proc/{self.process.pid}/cmdline").read_bytes(), "it listens")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("d") / "decoders.sock"


@pytest.fixture
def server(socket: Path) -> Iterator[Server]:
    found = Server(socket)
    yield found
    found.end()


@pytest.fixture
def two(server: Server, silence_of_hours: Path, socket: Path) -> Iterator[tuple[Asking, Asking]]:
    with ExitStack() as stack:
        one, other = Asking(silence_of_hours, socket), Asking(silence_of_hours, socket)
        stack.callback(one.end)
        stack.callback(other.end)
        assert one.ask().isdigit()
        assert other.ask().isdigit()
        yield one, other


def test_it_forks_the_decoders_of_all(two: tuple[Asking, Asking], server: Server) -> None:
    assert len(DECODERS.workers(server.process.pid)) == 2
    assert [asking.children() for asking in two] == [[], []]


def test_who_ends_takes_only_its_own_decoder_along(two: tuple[Asking, Asking], server: Server) -> None:
    one, other = two
    one.end()
    assert DECODERS.wait_until(lambda: len(DECODERS.workers(server.process.pid)) == 1)
    assert other.ask().isdigit()
    assert len(DECODERS.workers(server.process.pid)) == 1


def test_a_decoder_has_neither_secrets_nor_a_line_of_somebody_else(two: tuple[Asking, Asking], server: Server) -> None:
    for pid in (server.process.pid, *DECODERS.workers(server.process.pid)):
        names = {pair.partition(b"=")[0] for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
        assert not names & {b"SECRET_KEY", b"DATA_DIR", b"HOME"}
    for pid in DECODERS.workers(server.process.pid):
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        assert len([link for link in links if link.startswith("socket")]) == 1


def test_after_its_death_all_go_on_with_the_one_that_is_started_in_its_place(
    two: tuple[Asking, Asking], server: Server
) -> None:
    workers = DECODERS.workers(server.process.pid)
    server.end()
    for pid in workers:  # as the supervisor does with all of a group
        os.kill(pid, signal.SIGKILL)
    server.start()
    for asking in two:
        while (answer := asking.ask()).isdigit():  # what was on its way
            pass
        assert answer == "decoder_lost"  # nobody calls the recording broken
        assert asking.ask().isdigit()
        assert asking.children() == []
    assert len(DECODERS.workers(server.process.pid)) == 2


def test_who_finds_none_starts_its_own(silence_of_hours: Path, socket: Path) -> None:
    asking = Asking(silence_of_hours, socket)
    try:
        assert asking.ask().isdigit()
        assert len(DECODERS.workers(DECODERS.server(asking.process.pid))) == 1
    finally:
        asking.end()


def test_stop_signals_are_for_those_that_it_works_for(two: tuple[Asking, Asking], server: Server) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        server.process.send_signal(number)
    assert [asking.ask().isdigit() for asking in two] == [True, True]
    assert server.process.poll() is None

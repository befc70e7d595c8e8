"""A decoder that crashes, hangs or eats memory fails one recording; no decoder outlives whoever asked for it."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from s2s.audio import AudioError, Limits, Stop, decode, examine, warm_up

ROOT = Path(__file__).resolve().parents[3]
RATE = 16000

pytestmark = pytest.mark.usefixtures("decoders")


@pytest.fixture
def long_recording(silence_of_hours: Path):
    with silence_of_hours.open("r+b") as source:  # we may write to it, its decoder may not
        yield source


@pytest.fixture
def short(write, a_tone) -> bytes:
    return write(a_tone(0.5, RATE), RATE, container="flac", codec="flac")


@pytest.fixture
def under_way(long_recording, decoders):
    """A decode that has given its first block, and the process that does it."""
    samples = decode(long_recording, sample_rate_hz=RATE)
    next(samples)
    (worker,) = decoders.workers()
    yield samples, worker
    samples.close()


@pytest.mark.parametrize("signal_number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGBUS])
def test_a_crash_fails_one_recording_and_no_other(under_way, short, signal_number):
    samples, worker = under_way
    os.kill(worker, signal_number)
    with pytest.raises(AudioError) as caught:
        list(samples)
    assert caught.value.code == "decoder_failed"
    assert examine(io.BytesIO(short)).samples == RATE // 2


def test_closing_the_generator_ends_its_process(under_way, decoders):
    samples, worker = under_way
    samples.close()
    assert decoders.wait_until(lambda: not decoders.alive(worker))


def test_closing_the_generator_ends_even_a_process_that_hangs(under_way, decoders):
    samples, worker = under_way
    os.kill(worker, signal.SIGSTOP)
    samples.close()
    assert decoders.wait_until(lambda: not decoders.alive(worker))


@pytest.mark.parametrize("before_it_begins", [True, False])
def test_it_can_be_stopped_from_another_thread_even_if_it_hangs(long_recording, decoders, before_it_begins):
    stop = Stop()
    if before_it_begins:
        stop.stop()
    with ThreadPoolExecutor(1) as pool:
        examining = pool.submit(examine, long_recording, stop=stop)
        if not before_it_begins:
            assert decoders.wait_until(decoders.workers)
            os.kill(decoders.workers()[0], signal.SIGSTOP)
            stop.stop()
        with pytest.raises(AudioError) as caught:
            examining.result()
    assert caught.value.code == "decoder_lost"
    assert decoders.wait_until(lambda: not decoders.workers())
    stop.stop()  # nothing is left to be ended


def test_a_decoder_that_hangs_is_given_up(long_recording, decoders):
    samples = decode(long_recording, sample_rate_hz=RATE, limits=Limits(idle_s=3.0))
    next(samples)
    (worker,) = decoders.workers()
    os.kill(worker, signal.SIGSTOP)
    with pytest.raises(AudioError) as caught:
        list(samples)
    assert caught.value.code == "decoder_timeout"
    assert decoders.wait_until(lambda: not decoders.alive(worker))


def test_a_reader_that_takes_its_time_is_not_a_decoder_that_hangs(write, noise):
    source = io.BytesIO(write(noise(RATE * 20), RATE, container="flac", codec="flac"))
    pause = threading.Event()
    total = 0
    for index, block in enumerate(decode(source, sample_rate_hz=48000, limits=Limits(idle_s=3.0))):
        total += len(block)
        if index == 1:
            pause.wait(3.5)
    assert total == 48000 * 20


def test_the_limit_on_cpu_time(long_recording):
    with pytest.raises(AudioError) as caught:
        examine(long_recording, limits=Limits(cpu_s=1))
    assert caught.value.code == "decoder_timeout"


def test_the_limit_on_memory(write, noise):
    wide = write(np.tile(noise(96_000), (8, 1)), 96_000, container="wav", codec="pcm_s16le", layout="7.1")
    assert examine(io.BytesIO(wide)).channels == 8
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(wide), limits=Limits(memory_bytes=1 << 24))
    assert caught.value.code == "decoder_memory"


def test_nothing_can_be_opened_written_or_started_behind_the_limits(tmp_path: Path):
    code = """
import os, socket, subprocess, sys, threading
from s2s.audio.child import confine
from s2s.audio.limits import Limits
target = open(sys.argv[1], "r+b", buffering=0)
confine(Limits())
def refused(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
    return None
print([
    refused(lambda: open("/etc/hostname")),
    refused(lambda: open(sys.argv[1], "wb")),
    refused(lambda: socket.socket()),
    refused(lambda: os.dup(0)),
    refused(lambda: os.pipe()),
    refused(lambda: target.write(b"y")),
])
"""
    target = tmp_path / "target"
    target.write_bytes(b"x")
    done = subprocess.run(
        [sys.executable, "-c", code, target], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    assert done.stdout.strip() == str(
        [errno.EMFILE, errno.EMFILE, errno.EMFILE, errno.EINVAL, errno.EMFILE, errno.EFBIG]
    )
    assert target.read_bytes() == b"x"


def test_a_worker_has_the_limits_the_input_and_nothing_secret(under_way, decoders, monkeypatch):
    _samples, worker = under_way
    limits = Path(f"/proc/{worker}/limits").read_text().splitlines()
    soft = {line[:26].strip(): line[26:].split()[0] for line in limits[1:]}
    assert (soft["Max open files"], soft["Max file size"], soft["Max core file size"]) == ("0", "0", "0")
    assert (soft["Max cpu time"], soft["Max address space"]) == ("600", str(1 << 30))
    links = [str(entry.readlink()) for entry in Path(f"/proc/{worker}/fd").iterdir()]
    assert sorted(link.split(":")[0] for link in links if not link.endswith("silence.flac")) == [
        *["/dev/null"] * 3,
        "socket",
    ]
    (silence,) = (entry for entry in Path(f"/proc/{worker}/fdinfo").iterdir() if is_recording(worker, entry.name))
    assert int(silence.read_text().split("flags:")[1].split()[0], 8) & os.O_ACCMODE == os.O_RDONLY
    names = {pair.partition(b"=")[0] for pair in Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")}
    assert not names & {b"SECRET_KEY", b"ELEVENLABS_API_KEY", b"DATABASE_URL", b"HOME", b"DJANGO_SETTINGS_MODULE"}


def is_recording(pid: int, fd: str) -> bool:
    return Path(f"/proc/{pid}/fd/{fd}").readlink().name == "silence.flac"


def test_a_fork_server_that_was_killed_is_started_again(short, decoders):
    warm_up()
    server = decoders.server()
    os.kill(server, signal.SIGKILL)
    assert decoders.wait_until(lambda: not decoders.alive(server))
    assert examine(io.BytesIO(short)).samples == RATE // 2
    assert decoders.server() != server


def test_a_worker_goes_on_without_its_fork_server_and_ends_when_it_is_closed(under_way, decoders):
    samples, worker = under_way
    os.kill(decoders.server(), signal.SIGKILL)
    assert len(next(samples))
    samples.close()
    assert decoders.wait_until(lambda: not decoders.alive(worker))


def test_a_decoder_lost_with_its_fork_server_is_not_the_recordings_fault(under_way, decoders):
    samples, worker = under_way
    for pid in (decoders.server(), worker):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(AudioError) as caught:
        list(samples)
    assert caught.value.code == "decoder_lost"


def test_an_interrupted_terminal_or_a_stopped_service_does_not_end_a_decoder(under_way, decoders):
    samples, worker = under_way
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker, signal_number)
        os.kill(decoders.server(), signal_number)
    for _ in range(30):
        assert len(next(samples))


PARENT = """
import sys
from s2s.audio import decode
samples = decode(open(sys.argv[1], "rb"), sample_rate_hz=16000)
next(samples)
print("ready", flush=True)
sys.stdin.read()
"""


# What is forked lives on, as a worker process might for a moment, and has a copy of every descriptor.
FORKING_PARENT = PARENT.replace(
    "print(",
    """
import os, time
forked = os.fork()
if forked == 0:
    sys.stdin.close()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    time.sleep(30)
    os._exit(0)
print(""",
)


@pytest.mark.parametrize("script", [PARENT, FORKING_PARENT], ids=["alone", "with a forked process that lives on"])
@pytest.mark.parametrize("stopped", [False, True], ids=["at work", "hanging"])
def test_decoders_end_when_their_parent_is_killed(silence_of_hours: Path, decoders, script, stopped):
    parent = subprocess.Popen(
        [sys.executable, "-c", script, silence_of_hours],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        server = decoders.server(parent.pid)
        (worker,) = decoders.workers(server)
        if stopped:
            os.kill(worker, signal.SIGSTOP)
        forked = decoders.forked_by(parent.pid)
        parent.kill()
    try:
        assert decoders.wait_until(lambda: not decoders.alive(server) and not decoders.alive(worker), seconds=10)
    finally:
        for pid in forked:
            os.kill(pid, signal.SIGKILL)


def test_a_forked_process_gets_its_own_fork_server_and_lets_the_parents_be(short, decoders, under_way):
    samples, _worker = under_way
    server = decoders.server()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            found = examine(io.BytesIO(short)).samples
            os.write(writing, f"{found} {decoders.server()} {decoders.server(os.getppid())}".encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as answer:  # noqa: PTH123 - a descriptor
        found, its_server, our_server = map(int, answer.read().split())
    os.waitpid(pid, 0)
    assert found == RATE // 2
    assert our_server == server != its_server
    assert decoders.wait_until(lambda: not decoders.alive(its_server))
    assert len(next(samples))


def test_many_threads_at_once(write, noise, decoders):
    def take(length: int) -> tuple[int, int]:
        content = write(noise(length), RATE, container="flac", codec="flac")
        return examine(io.BytesIO(content)).samples, sum(map(len, decode(io.BytesIO(content), sample_rate_hz=8000)))

    lengths = [RATE + 100 * index for index in range(24)]
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(take, lengths)) == [(length, length // 2) for length in lengths]
    assert decoders.wait_until(lambda: not decoders.workers())


def descriptors(pid: int | str) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_nothing_is_left_open_behind_us(short, decoders):
    examine(io.BytesIO(short))
    before = descriptors("self")
    for _ in range(5):
        examine(io.BytesIO(short))
        next(decode(io.BytesIO(short), sample_rate_hz=8000)).sum()
    with contextlib.suppress(AudioError):
        examine(io.BytesIO(b"no"))
    assert descriptors("self") == before
    server = decoders.server()
    assert decoders.wait_until(lambda: not decoders.workers())
    assert decoders.wait_until(lambda: descriptors(server) < 10)

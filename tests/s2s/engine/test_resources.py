"""What a conversion costs: memory that does not grow with the recording, and processor time.

A quick look; `bench/engine` measures an hour, and the processes that decode.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.s2s.engine.conftest import API_KEY, EngineProcess
from tests.s2s.engine.test_server import NORA, as_wav

Load = Callable[[str, int], NDArray[np.float32]]
MEGABYTE = 1_000_000


def peak_memory(pid: int) -> int:
    """Bytes of the largest resident memory that a process has had."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# What `slowness` computes takes so long on the core on which the bars below were set.
ROUNDS, REFERENCE_S = 100, 0.5


def slowness() -> float:
    """How many times longer this core takes now than that one, at least 1: processor time depends on the core."""
    frames = np.random.default_rng(1).standard_normal((400, 2048))
    began = time.process_time()
    for _ in range(ROUNDS):
        np.abs(np.fft.irfft(np.fft.rfft(frames)))
    return max(1.0, (time.process_time() - began) / REFERENCE_S)


def send(engine: EngineProcess, samples: NDArray[np.float32], **options: str) -> None:
    address, audio = f"{engine.url}/v1/speech-to-speech/{NORA}", {"audio": as_wav(samples, 16_000)}
    answer = httpx.post(address, files=audio, data=options, timeout=280)
    assert answer.status_code == 200


@pytest.fixture
def helped_engine() -> Iterator[EngineProcess]:
    engine = EngineProcess()
    yield engine
    engine.stop()


@pytest.fixture
def lonely_engine() -> Iterator[EngineProcess]:
    """On one core. Where one happens to be idle it helps, and that takes memory, however long the recording is."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        engine = EngineProcess()
    finally:
        os.sched_setaffinity(0, cores)
    yield engine
    engine.stop()


def test_a_minute_and_a_half_takes_no_more_memory_than_half_a_one(lonely_engine: EngineProcess, speech: Load) -> None:
    half_a_minute = np.resize(speech("man_librivox.flac", 16_000), 30 * 16_000)
    worker = lonely_engine.workers()[0]
    send(lonely_engine, half_a_minute)
    after_one, spent_s = peak_memory(worker), cpu_s(worker)
    send(lonely_engine, np.tile(half_a_minute, 3))  # what is found in a minute of it takes 49 MB
    assert peak_memory(worker) < after_one + 30 * MEGABYTE
    assert peak_memory(worker) < 400 * MEGABYTE
    # The bar is .10 on an idle core; a busy machine shares caches and clock.
    assert (cpu_s(worker) - spent_s) / 90 < 0.15 * slowness()


def test_without_its_noise_it_takes_no_more_either(lonely_engine: EngineProcess, speech: Load) -> None:
    samples = np.resize(speech("man_librivox.flac", 16_000), 16 * 16_000)
    worker = lonely_engine.workers()[0]
    send(lonely_engine, samples, remove_background_noise="true")
    after_one = peak_memory(worker)
    send(lonely_engine, np.tile(samples, 3), remove_background_noise="true")
    # Blocks are as long now as they get, and a network is ready for who comes next.
    assert peak_memory(worker) < after_one + 50 * MEGABYTE
    assert peak_memory(worker) < 430 * MEGABYTE


def test_help_takes_no_more_memory_than_an_engine_may_have(helped_engine: EngineProcess, speech: Load) -> None:
    send(helped_engine, np.resize(speech("man_librivox.flac", 16_000), 90 * 16_000))
    assert peak_memory(helped_engine.workers()[0]) < 400 * MEGABYTE


def test_the_first_sound_of_a_stream_comes_early(engine: EngineProcess, speech: Load) -> None:
    content = as_wav(speech("man_librivox.flac", 16_000), 16_000)
    worker = engine.workers()[0]
    spent_s = cpu_s(worker)
    with httpx.stream(
        "POST",
        f"{engine.url}/v1/voice-changer/{NORA}/stream",
        headers={"xi-api-key": API_KEY},
        files={"audio": content},
        timeout=60,
    ) as answer:
        next(answer.iter_raw())
        until_heard_s = cpu_s(worker) - spent_s
    assert until_heard_s < 1.5 * slowness()

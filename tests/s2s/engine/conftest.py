"""The engine as it is run: a process of its own on a free port, driven by the official SDK."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from elevenlabs import AsyncElevenLabs, ElevenLabs
from numpy.typing import NDArray

from bin.groups import free_port
from s2s.audio import decode
from s2s.engine.voices.added import AddedVoices

NO_VOICES = AddedVoices(Path(os.devnull))
SPEECH = Path(__file__).parents[2] / "data" / "speech"
API_KEY = "engine-test-key"


class EngineProcess:
    """A running engine, which shares nothing with another. `pid` is the server's main process."""

    def __init__(self, *, workers: int = 1, concurrency: int = 16, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = {"--port": self.port, "--workers": workers, "--concurrency": concurrency}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "s2s.engine", *(str(word) for option in options.items() for word in option)],
            env=os.environ | {"DATA_DIR": ""} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.pid = self._process.pid
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the engine did not start")

    def workers(self) -> list[int]:
        """Process ids of the server's workers."""
        return children(self.pid)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)


def children(pid: int) -> list[int]:
    """Process ids of those that `pid` has started, from whichever thread."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@pytest.fixture(scope="session")
def engine() -> Iterator[EngineProcess]:
    process = EngineProcess(ENGINE_API_KEY=API_KEY, ENGINE_MAX_BYTES=str(50_000_000))
    yield process
    process.stop()


@pytest.fixture(scope="session")
def client(engine: EngineProcess) -> ElevenLabs:
    return ElevenLabs(api_key=API_KEY, base_url=engine.url)


@pytest.fixture
def async_client(engine: EngineProcess) -> AsyncElevenLabs:
    return AsyncElevenLabs(api_key=API_KEY, base_url=engine.url)


@pytest.fixture(scope="session")
def speech() -> Callable[[str, int], NDArray[np.float32]]:
    """A recording of tests/data/speech, (n,) float32 at the rate asked for."""

    def load(name: str, rate_hz: int) -> NDArray[np.float32]:
        with (SPEECH / name).open("rb") as file:
            return np.concatenate(list(decode(file, sample_rate_hz=rate_hz)))

    return load

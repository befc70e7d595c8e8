"""A scripted endpoint and clients of it, sync and async, for every test of this folder."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s2s.client import Client, Timeouts
from tests.s2s.client.in_loop import ClientInLoop
from tests.support.endpoint import Behaviour, Endpoint

Connect = Callable[..., Any]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts, where the endpoint asks for no other."""
    monkeypatch.setattr("s2s.client.patience.FIRST_PAUSE_S", 0.02)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Makes a client of either kind; both look like `Client`."""
    return Client if request.param == "sync" else ClientInLoop


@pytest.fixture
def use_proxy(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`use_proxy(address, "HTTPS_PROXY", ...)`: so says the environment, which excepts no host."""

    def use_proxy(address: str, *names: str) -> None:
        for name in names:
            monkeypatch.setenv(name, address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

    return use_proxy


LARGE_BYTES = 200 * 1024 * 1024


@pytest.fixture
def send_large(endpoint: Endpoint, tmp_path: Path) -> Callable[[str], list[int]]:
    """`send_large(script)`: a program that gets the endpoint's address and a large recording. The numbers it prints,
    of which the first is by how many kilobytes it has grown."""
    recording = tmp_path / "large.wav"
    with recording.open("wb") as file:
        file.truncate(LARGE_BYTES)
    endpoint.script(default=Behaviour(audio_base64="AAAA"))

    def send_large(script: str) -> list[int]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(script), endpoint.url, str(recording)],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[3],
        )
        assert done.stderr == ""
        request = endpoint.requests[-1]
        assert request.audio is not None
        assert request.audio.size == LARGE_BYTES
        return [int(number) for number in done.stdout.split()]

    return send_large


@pytest.fixture
def client(endpoint: Endpoint, connect: Connect) -> Iterator[Any]:
    with connect(endpoint.url, "a-key", timeout=Timeouts(connect_s=30, read_s=60, write_s=60)) as client:
        yield client

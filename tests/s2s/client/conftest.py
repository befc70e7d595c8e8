"""A scripted endpoint and clients of it, sync and async, for every test of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from s2s.client import Client, Timeouts
from tests.s2s.client.in_loop import ClientInLoop
from tests.support.endpoint import Endpoint

Connect = Callable[..., Any]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts, where the endpoint asks for no other."""
    monkeypatch.setattr("s2s.client.retries.FIRST_PAUSE_S", 0.02)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Makes a client of either kind; both look like `Client`."""
    return Client if request.param == "sync" else ClientInLoop


@pytest.fixture
def client(endpoint: Endpoint, connect: Connect) -> Iterator[Any]:
    with connect(endpoint.url, "a-key", timeout=Timeouts(connect_s=30, read_s=60, write_s=60)) as client:
        yield client

"""Browsers of the cast, without a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from teams.models import User
from tests.conversions.conftest import client_of
from tests.support.cast import Cast
from tests.support.sound import wav

As = Callable[[User], Client]
HUGE = [str(2**63), "9" * 40, "9" * 5000]  # ids that no column holds


@pytest.fixture
def as_() -> As:
    """A client that is signed in as someone."""

    return client_of


@pytest.fixture
def alice(cast: Cast) -> Client:
    return client_of(cast.alice)


def recording(name: str = "harbour news.wav", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, wav() if data is None else data, "audio/wav")

"""Browsers of the cast, without a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from teams.models import User
from tests.support.cast import Cast
from tests.support.sound import wav

As = Callable[[User], Client]
HUGE = [str(2**63), "9" * 40, "9" * 5000]  # ids that no column holds


@pytest.fixture
def as_() -> As:
    """A client that is signed in as someone."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def alice(cast: Cast, as_: As) -> Client:
    return as_(cast.alice)


def recording(name: str = "harbour news.wav", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, wav() if data is None else data, "audio/wav")

"""Browsers of the cast, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from teams.models import User
from tests.conversions.conftest import client_of
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Endpoint, Voice

As = Callable[[User], Client]
HUGE = [str(2**63), "9" * 40, "9" * 5000]  # ids that no column holds


@pytest.fixture
def as_() -> As:
    """A client that is signed in as someone."""

    return client_of


@pytest.fixture
def alice(cast: Cast) -> Client:
    return client_of(cast.alice)


@pytest.fixture
def voices(voice: Voice, endpoint: Endpoint) -> list[Voice]:
    more = [Voice.objects.create(endpoint=endpoint, voice_id=f"v{n}", name=f"Voice {n}") for n in range(6)]
    return [voice, *more]


def recording(name: str = "harbour news.wav", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, wav() if data is None else data, "audio/wav")


def begin_audition(client: Client, voices: list[Voice], data: bytes | None = None, **fields: object) -> Any:
    """Sends a recording to be tried in these voices."""
    file = recording(data=wav(12.0) if data is None else data)
    return client.post("/", {"audio": file, "voice": [v.pk for v in voices], "do": "audition", **fields})

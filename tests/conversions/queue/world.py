"""The world of random lives: recordings that can be told apart, an endpoint that misbehaves, and nothing else."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import numpy as np
from redis import Redis

from conversions.files import durable, inventory
from conversions.models import Call, Conversion
from tests.conversions.queue.points import Points
from tests.support.cast import Cast
from tests.support.endpoint import SYSTEM_BUSY, TOO_MANY, Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import as_wav
from voices.models import Endpoint, Voice

SLOTS = 2
GOOD = Behaviour()
BAD = {
    "503": Behaviour(status=503),
    "429, too many": TOO_MANY,
    "429, busy": SYSTEM_BUSY,
    "429, later": Behaviour(status=429, headers={"retry-after": "30"}),
    "422": Behaviour(status=422),
    "the key is refused": Behaviour(status=401),
    "reset while it listens": Behaviour(fault="reset_upload", after_bytes=4096),
    "reset instead of an answer": Behaviour(fault="reset"),
    "closed instead of an answer": Behaviour(fault="close"),
    "a body that is cut": Behaviour(fault="cut_body"),
    "a page of a proxy": Behaviour(status=502, body="<html>Bad gateway</html>", content_type="text/html"),
    "a page with status 200": Behaviour(body="<html>Welcome</html>", content_type="text/html"),
    "bytes that are no audio": Behaviour(audio_base64="bm8gYXVkaW8gYXQgYWxs"),
}


@dataclass
class Recording:
    """What a person knows of a recording that was accepted."""

    id: uuid.UUID
    audio: bytes
    billed: bool
    may_be_paid: int = 1  # and once more whenever a person presses Retry after reading that it may have been billed
    cancelled: bool = False
    deleted: bool = False  # it can be brought back
    erased: bool = False
    result: str = ""
    calls_until_stored: int | None = None


@dataclass
class World:
    """What all lives of a run share."""

    cast: Cast
    scripted: ScriptedEndpoint
    redis: Redis
    points: Points

    def renew(self) -> None:
        self.redis.flushall()
        self.scripted.ledger.clear()
        for conversion_id in list(inventory.stored_conversions()):
            durable.delete_all(conversion_id)
        for model in (Call, Conversion, Voice, Endpoint):
            model._default_manager.all().delete()
        for key, billed in (("free", False), ("billed", True)):
            endpoint = Endpoint.objects.create(
                key=key,
                name=key,
                base_url=self.scripted.url,
                slots=SLOTS,
                billed=billed,
                credits_per_minute=1000,
                zero_retention=True,
            )
            Voice.objects.create(endpoint=endpoint, voice_id=key, name=key)


def phrase(number: int) -> bytes:
    """Noise in syllables, no two phrases alike: 1.5 s, mono, 16 bits, 16 kHz."""
    rate_hz, random = 16_000, np.random.default_rng(number)
    loudness = np.repeat(random.uniform(0.0, 1.0, 15), rate_hz // 10)
    return as_wav(loudness * random.uniform(-0.5, 0.5, loudness.size), rate_hz)


def stored(key: str) -> bytes:
    with durable.open_file(key) as file:
        return file.read()

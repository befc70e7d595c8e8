"""A recording that takes longer than its endpoint may be silent, and a clip that somebody sends meanwhile."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from s2s.audio import decode, examine
from tests.faults.conftest import fresh_database
from tests.faults.promises import ids_of
from tests.support.inside import Inside
from tests.support.person import Person
from tests.support.product import CHECKOUT, Product, wait_for

RATE_HZ = 16_000
LONG_S, CLIP_S = 240, 3
# A fraction of what the engine takes for the long one, and many times what it takes for a block.
SILENCE_S = 12
SETTINGS = {"CALL_SILENCE_S": str(SILENCE_S), "CALL_TIMES_LENGTH": "0", "LEASE_SECONDS": "10"}


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, database: str, request: pytest.FixtureRequest
) -> Iterator[Product]:
    """With its own engine, whose one process has both recordings to do."""
    environment = SETTINGS | fresh_database(database, request)
    with Product(tmp_path_factory.mktemp("long") / "data", environment) as product:
        yield product


def speech(seconds: int) -> bytes:
    with (CHECKOUT / "tests" / "data" / "speech" / "man_librivox.flac").open("rb") as file:
        samples = np.concatenate(list(decode(file, sample_rate_hz=RATE_HZ)))
    sink = io.BytesIO()
    with wave.open(sink, "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes((np.resize(samples, seconds * RATE_HZ) * 32767).astype("<i2").tobytes())
    return sink.getvalue()


def test_a_long_recording_comes_back_in_one_attempt_and_a_clip_does_not_wait_for_it(product: Product) -> None:
    with Person(product) as person, closing(Inside.of(product, "tests.faults.inside")) as inside:

        def fact(address: str) -> dict[str, Any]:
            found: dict[str, Any] = inside.ask("survey", ids_of([address]))[0]
            return found

        long = person.submit(speech(LONG_S), "long.wav", "mp3_44100_128")
        wait_for(lambda: fact(long)["calls"], "it was sent")
        clip = person.submit(speech(CLIP_S), "clip.wav", "mp3_44100_128")
        assert person.wait(clip) == "ready"
        assert fact(long)["status"] == "converting"
        assert person.wait(long, timeout_s=300) == "ready", fact(long)["error"]

        (call,) = fact(long)["calls"]
        assert call["outcome"] == "answered"
        assert examine(io.BytesIO(person.download(long))).samples == LONG_S * 44_100

"""The whole product with its own engine, as a newcomer has it and on PostgreSQL; a voice comes out changed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2s.audio import examine
from tests.faults.conftest import ON_POSTGRESQL, fresh_database
from tests.support.person import Person
from tests.support.product import Product, wait_for

SPEECH = Path(__file__).parents[1] / "data" / "speech"
TIMES = 6  # mp3 frames may be joined: more than half a minute of speech, which the engine works on for seconds


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, database: str, request: pytest.FixtureRequest
) -> Iterator[Product]:
    with Product(tmp_path_factory.mktemp("whole") / "data", fresh_database(database, request)) as product:
        yield product


@pytest.fixture
def person(product: Product) -> Iterator[Person]:
    with Person(product) as person:
        yield person


@pytest.mark.parametrize("ending", ["mp3", "m4a"])
def test_a_recording_comes_back_in_another_voice_as_long_as_it_went_in(person: Person, ending: str) -> None:
    path = next(SPEECH.glob(f"*.{ending}"))
    address = person.submit(path.read_bytes(), path.name, "mp3_44100_128")
    assert person.wait(address) == "ready"
    result = examine(io.BytesIO(person.download(address)))
    with path.open("rb") as file:
        source = examine(file)
    assert result.codec.startswith("mp3")
    assert result.duration_s == pytest.approx(source.duration_s, abs=0.002)
    assert result.level_dbfs > -40


def test_killed_in_the_middle_of_a_conversion_it_finishes_by_itself_after_the_next_start(
    product: Product, person: Person
) -> None:
    path = next(SPEECH.glob("*.mp3"))
    address = person.submit(path.read_bytes() * TIMES, "long.mp3", "mp3_44100_128")
    wait_for(lambda: person.state(address) == "converting", "the engine is at work")
    product.kill_all()
    product.start()
    assert person.wait(address, timeout_s=180) == "ready"


@ON_POSTGRESQL
def test_the_engine_killed_in_the_middle_of_a_conversion(product: Product, person: Person) -> None:
    path = next(SPEECH.glob("*.mp3"))
    address = person.submit(path.read_bytes() * TIMES, "long.mp3", "mp3_44100_128")
    wait_for(lambda: person.state(address) == "converting", "the engine is at work")
    product.kill("engine")
    assert person.wait(address, timeout_s=180) == "ready"
    assert product.restarts("engine") >= 1

"""The pieces of a recording in a bucket are cut out of one copy of it, which isn't kept for long."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from conversions.files import copies, durable
from conversions.models import Step
from tests.conversions.conftest import Submit, done
from tests.conversions.files.s3.conftest import both, in_database
from tests.conversions.pieces import RATE, Samples, heard, wav_of
from voices.models import Endpoint


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    copies.forget(left_before=time.monotonic())


@pytest.fixture
def fetched() -> list[tuple[str, int]]:
    """Each object that was asked for, by the last part of its key, and its bytes."""
    found: list[tuple[str, int]] = []
    asked = threading.local()
    events = default_storage._client.meta.events

    def note_name(params: dict[str, Any], **_: Any) -> None:
        asked.name = params["Key"].rsplit("/", 1)[1]

    def note_size(parsed: dict[str, Any], **_: Any) -> None:
        found.append((asked.name, parsed.get("ContentLength", 0)))

    events.register("provide-client-params.s3.GetObject", note_name)
    events.register("after-call.s3.GetObject", note_size)
    return found


def kept(size: int = 100_000) -> tuple[str, bytes]:
    key, data = durable.source_key(uuid.uuid4()), os.urandom(size)
    default_storage.save(key, ContentFile(data))
    return key, data


@in_database
def test_twelve_pieces_fetch_their_recording_once(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, fetched: list[tuple[str, int]]
) -> None:
    recording = wav_of(np.resize(speech, 92 * RATE))
    conversion = done(submit(data=recording))
    assert conversion.steps.filter(kind=Step.Kind.CONVERT).count() == 12
    assert len(heard(conversion)) == 92 * RATE
    of_source = [size for name, size in fetched if name == "source"]
    assert of_source == [len(recording)] * 2  # to be read, and for all its pieces


@in_database
def test_of_zero_retention_nothing_stays(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, fetched: list[tuple[str, int]]
) -> None:
    Endpoint.objects.update(zero_retention=True)
    done(submit(data=wav_of(speech), enable_logging=False))
    assert not copies._copies
    assert [name for name, _ in fetched].count("source") == 1 + 4


@both
def test_who_reads_at_once_waits_for_one_copy_and_reads_where_they_like(fetched: list[tuple[str, int]]) -> None:
    key, data = kept()

    def read(place: int) -> bytes:
        with copies.reading(key, may_stay=True) as file:
            file.seek(place)
            return file.read(10)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(0, 8000, 1000))) == [data[n : n + 10] for n in range(0, 8000, 1000)]
    assert len(fetched) == 1
    copies.forget(left_before=time.monotonic() - copies.KEPT_S)
    assert read(5) == data[5:15]
    assert len(fetched) == 1
    copies.forget(left_before=time.monotonic())
    assert not copies._copies
    assert read(6) == data[6:16]
    assert len(fetched) == 2


def test_it_goes_by_itself_soon_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "KEPT_S", 0.05)
    key, _ = kept()
    for _ in range(2):  # also of one that comes when all were gone
        with copies.reading(key, may_stay=True):
            pass
        wait_until(lambda: not copies._copies)
        wait_until(lambda: not copies._tidying.is_set())


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        time.sleep(0.02)
    raise AssertionError("it never is")


def test_where_something_goes_wrong_nothing_stays() -> None:
    key, _ = kept()
    with pytest.raises(RuntimeError), copies.reading(key, may_stay=True):
        raise RuntimeError
    with pytest.raises(FileNotFoundError), copies.reading(f"{key}-gone", may_stay=True):
        pass
    assert not copies._copies


def test_of_those_that_nobody_reads_a_few_stay(fetched: list[tuple[str, int]]) -> None:
    keys = [kept(1000)[0] for _ in range(copies.MOST_KEPT + 3)]
    with copies.reading(keys[0], may_stay=True):
        for key in keys[1:]:
            with copies.reading(key, may_stay=True) as file:
                assert len(file.read()) == 1000
        assert set(copies._copies) == {keys[0], *keys[-copies.MOST_KEPT :]}
    assert len(copies._copies) == copies.MOST_KEPT

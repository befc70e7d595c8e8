"""What has come of a long answer is heard while the rest still comes, and gets in the way of nothing."""

from __future__ import annotations

import io
import re
import threading
import wave
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from conversions import actions
from conversions.files import beginnings, durable
from conversions.ground import disk
from conversions.models import Conversion, Step
from conversions.sound.reading import headerless
from conversions.upkeep import housekeeping
from s2s.audio import decode
from tests.conversions.conftest import Submit, client_of, run_out, work_all
from tests.conversions.pieces import RATE, Samples, wav_of
from tests.conversions.steps.halfway import HALF, begin, step_of
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.product import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch, settings: Any, scripted: ScriptedEndpoint) -> None:
    monkeypatch.setattr(import_module("conversions.queue.shares"), "NOTE_EVERY_S", 0.0)
    settings.LONG_SECONDS = 10.0
    scripted.script(default=HALF)


@pytest.fixture
def workers(scripted: ScriptedEndpoint) -> Iterator[list[threading.Thread]]:
    """They end with the test."""
    found: list[threading.Thread] = []
    yield found
    scripted.release()
    for worker in found:
        worker.join()
    settled()


def settled() -> None:
    """What is written and cleared away aside has been."""
    import_module("conversions.steps.coming")._pen.submit(int).result()


def shown(client: Client, conversion: Conversion) -> str | None:
    """Where the page says what has come can be heard."""
    page = client.get(f"/conversions/{conversion.pk}/").content.decode()
    found = re.search(r'id="listen-begun" href="([^"]+)"', page)
    return found[1] if found else None


def heard_at(client: Client, conversion: Conversion) -> str:
    wait_for(lambda: step_of(conversion).begun, "something of it can be heard")
    address = shown(client, conversion)
    assert address is not None
    return address


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def said_bytes(mp3: bytes) -> int:
    place = mp3.index(b"Info") + 12
    return int.from_bytes(mp3[place : place + 4])


def parts(conversion: Conversion) -> list[str]:
    return [name for name in durable.names_in(conversion.pk) if name.endswith(".part")]


@pytest.mark.one_database
@pytest.mark.parametrize("ordered", ["mp3_44100_128", "wav_16000", "opus_48000_64", "pcm_16000", "ulaw_8000"])
def test_it_is_played_from_its_beginning_and_stays_what_it_was(
    ordered: str,
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    cast: Cast,
    workers: list[threading.Thread],
) -> None:
    conversion, alice = submit(data=wav_of(speech), output_format=ordered), client_of(cast.alice)
    assert shown(alice, conversion) is None
    workers.append(begin(scripted))
    address = heard_at(alice, conversion)
    whole = alice.get(address)
    before = body(whole)
    assert len(before) == int(whole["Content-Length"])
    assert whole["Content-Type"] == {"mp3": "audio/mpeg", "opus": "audio/ogg"}.get(ordered.split("_")[0], "audio/wav")
    samples = sum(len(block) for block in decode(io.BytesIO(before), sample_rate_hz=RATE))
    assert 1 < samples / RATE < 17
    if ordered == "wav_16000":  # it says of itself how much of it there is
        with wave.open(io.BytesIO(before)) as found:
            assert found.getnframes() == (len(before) - 44) // 2
    if ordered == "mp3_44100_128":  # a player that believed the whole's length would go on from its end
        assert said_bytes(before) == len(before) - before.index(b"\xff\xfb")
    part = alice.get(address, headers={"Range": "bytes=20-99999"})
    assert (part.status_code, body(part)) == (206, before[20:100_000])
    scripted.release()
    work_all()
    conversion.refresh_from_db()
    wait_for(lambda: step_of(conversion).status == Step.Status.DONE, "all of it has come")
    workers.pop().join()
    settled()
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert parts(conversion) == []
    assert body(alice.get(address)) == before
    with durable.open_file(conversion.output) as file:
        result = file.read()
    assert before[-1000:] in result
    if headerless(conversion.format) is not None:
        assert before[44:] == result[: len(before) - 44]


def test_while_it_is_finished_all_of_it_can_be_heard(
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    cast: Cast,
    workers: list[threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(import_module("conversions.steps.convert"), "AT_ONCE_BYTES", 0)
    conversion, alice = submit(data=wav_of(speech)), client_of(cast.alice)
    workers.append(begin(scripted))
    heard_at(alice, conversion)
    scripted.release()
    workers.pop().join()
    settled()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.ASSEMBLING
    address = shown(alice, conversion)
    assert address is not None
    with durable.open_file(step_of(conversion).result) as file:
        assert body(alice.get(address)) == file.read()


def test_only_who_may_see_it_hears_it_and_nobody_keeps_what_leaves_no_trace(
    submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast, workers: list[threading.Thread]
) -> None:
    conversion = submit(data=wav_of(speech), enable_logging=False)
    workers.append(begin(scripted))
    address = heard_at(client_of(cast.alice), conversion)
    assert client_of(cast.alice).get(address)["Cache-Control"] == "no-store"
    for other in (cast.bob, cast.mallory):
        assert client_of(other).get(address).status_code == 404
    for wrong in ("", "?of=", "?of=1", "?of=00000000-10", f"{address[address.index('?') :]}0", "?of=%00"):
        assert client_of(cast.alice).get(address.split("?")[0] + wrong).status_code in (400, 404)


def test_a_worker_that_vanished_leaves_nothing_that_is_heard_or_taken_for_a_result(
    submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast, workers: list[threading.Thread]
) -> None:
    conversion, alice = submit(data=wav_of(speech)), client_of(cast.alice)
    workers.append(begin(scripted))
    first = heard_at(alice, conversion)
    settled()
    scripted.script(default=HALF)
    run_out(conversion)
    assert step_of(conversion).status == Step.Status.WAITING  # and not adopted
    assert parts(conversion) == []
    assert shown(alice, conversion) is None
    assert alice.get(first).status_code == 404
    scripted.release()
    workers.pop().join()  # what it still brings is an earlier attempt's
    settled()
    assert parts(conversion) == []


def test_what_an_earlier_attempt_left_is_cleared_away(
    submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast, workers: list[threading.Thread]
) -> None:
    conversion = submit(data=wav_of(speech))
    scripted.script(default=HALF)
    workers.append(begin(scripted))
    step = step_of(conversion)
    Step.objects.filter(pk=step.pk).update(status=Step.Status.WAITING, lease_token=None, lease_until=None)
    scripted.release()
    workers.pop().join()
    durable.delete_results(conversion.pk, step.pk)
    left = durable.result_key(conversion.pk, step.pk, 1, conversion.pk)
    beginnings.keep(left, 0, b"left")
    assert len(parts(conversion)) == 1
    scripted.script(default=HALF)
    workers.append(begin(scripted))
    assert not default_storage.exists(beginnings_name(left, 4))


def beginnings_name(key: str, size: int) -> str:
    folder, name = key.rsplit("/", 1)
    return f"{folder}/.{name}.0-{size}.part"


def test_what_nobody_cleared_away_housekeeping_does(submit: Submit, cast: Cast) -> None:
    conversion = submit()
    Conversion.objects.filter(pk=conversion.pk).update(status=Conversion.Status.FAILED)
    beginnings.keep(durable.result_key(conversion.pk, 1, 1, conversion.pk), 0, b"left")
    housekeeping.look_into_folders(timedelta(hours=1))
    assert len(parts(conversion)) == 1  # it may be under way
    housekeeping.look_into_folders(timedelta(0))
    assert parts(conversion) == []


def test_deleted_in_the_middle_nothing_stays(
    submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast, workers: list[threading.Thread]
) -> None:
    conversion = submit(data=wav_of(speech), enable_logging=False)
    workers.append(begin(scripted))
    address = heard_at(client_of(cast.alice), conversion)
    settled()
    actions.delete(conversion, cast.alice)
    assert durable.names_in(conversion.pk) == []
    assert client_of(cast.alice).get(address).status_code == 404


def test_of_a_short_one_nothing_is_laid_aside(
    submit: Submit, speech: Samples, scripted: ScriptedEndpoint, settings: Any, workers: list[threading.Thread]
) -> None:
    settings.LONG_SECONDS = 60.0
    conversion = submit(data=wav_of(speech))
    workers.append(begin(scripted))
    settled()
    assert parts(conversion) == []
    assert step_of(conversion).begun == ""


@pytest.mark.parametrize("what", ["storage", "room"])
def test_a_storage_that_fails_and_a_full_disk_cost_the_listening_alone(
    what: str,
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    workers: list[threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    conversion = submit(data=wav_of(speech))
    if what == "storage":
        monkeypatch.setattr(beginnings, "keep", refuse)
    else:
        # Once the call is sent: what the answer itself still needs, and nothing more.
        monkeypatch.setattr(disk, "free_bytes", lambda: 250_000 + disk.AT_LEAST_FREE if scripted.calls else 1 << 40)
    workers.append(begin(scripted))
    wait_for(lambda: "can't be heard" in caplog.text, "it was tried")
    settled()
    assert parts(conversion) == []
    scripted.release()
    work_all()
    workers.pop().join()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert caplog.text.count("can't be heard") == 1

"""What needs no decoder is understood while it is taken in; all else, and whatever is wrong, is left to prepare."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from xxhash import xxh3_128

from conversions import actions
from conversions.access.sources import SAMPLE_PATH
from conversions.models import Conversion, Step
from conversions.queue.bells import Lane
from conversions.sound import reading
from conversions.sound.reading import AT_THE_DOOR_BYTES
from s2s.audio import AudioError
from s2s.contract import ConvertParameters
from teams.models import User
from tests.conversions.conftest import Submit, client_of, upload, work_all
from tests.support.cast import Cast
from tests.support.sound import lengthless, wav
from tests.support.together import at_once, meet
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)

FOUND = (
    *("source_container", "source_codec", "source_rate_hz", "source_channels", "source_samples"),
    *("source_duration_s", "source_peaks", "source_checksum", "source_bytes"),
)


@pytest.fixture
def send(cast: Cast, voice: Voice) -> Any:
    """Through the page, as a browser does; the conversion that it leads to."""
    client: Client = client_of(cast.alice)

    def send(data: bytes, **fields: object) -> Conversion:
        audio = SimpleUploadedFile("harbour.wav", data)
        answer = client.post("/", {"audio": audio, "voice": voice.pk, "output_format": "wav_16000", **fields})
        assert answer.status_code == 303
        return Conversion.objects.get(pk=answer["Location"].split("/")[2])

    return send


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Lane]:
    rung: list[Lane] = []
    monkeypatch.setattr("conversions.queue.bells.ring", lambda lane, times=1: rung.append(lane))
    return rung


def steps_of(conversion: Conversion) -> list[tuple[str, str]]:
    return list(conversion.steps.order_by("pk").values_list("kind", "status"))


def kinds(conversion: Conversion) -> list[str]:
    return list(conversion.events.order_by("pk").values_list("kind", flat=True))


def test_a_plain_recording_waits_for_its_endpoint_at_once(send: Any, submit: Submit, rung: list[Lane]) -> None:
    conversion = send(wav(2.5))
    assert rung == [Lane.CALLS]
    assert (conversion.status, steps_of(conversion)) == ("converting", [("convert", "waiting")])
    assert kinds(conversion) == ["submitted", "prepared"]
    prepared = submit(data=wav(2.5))
    work_all()
    for made in (conversion, prepared):
        made.refresh_from_db()
        assert made.status == Conversion.Status.READY
    assert [getattr(conversion, name) for name in FOUND] == [getattr(prepared, name) for name in FOUND]
    assert conversion.source_checksum == xxh3_128(wav(2.5)).hexdigest()
    mine, others = (made.steps.get(kind=Step.Kind.CONVERT) for made in (conversion, prepared))
    assert [mine.end_sample, mine.endpoint_id, mine.team_id, mine.user_id, mine.priority] == [
        *(others.end_sample, others.endpoint_id, others.team_id, others.user_id, others.priority)
    ]
    assert kinds(conversion) == kinds(prepared)


def test_a_long_recording_is_known_as_such_before_its_call(
    send: Any, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "LONG_SECONDS", 2.0)
    short, at_the_door, prepared = send(wav(2.0)), send(wav(2.5)), submit(data=wav(2.5))
    work_all()
    calls = Step.objects.filter(kind=Step.Kind.CONVERT)
    priorities = [calls.get(conversion=made).priority for made in (short, at_the_door, prepared)]
    assert priorities == [Step.NORMAL, Step.LONG, Step.LONG]


def test_headerless_samples_are_understood_too(send: Any) -> None:
    conversion = send(wav(1.0)[44:], file_format="pcm_s16le_16")
    assert (conversion.status, conversion.source_samples) == ("converting", 16_000)


@pytest.mark.parametrize("kind", ["mp3", "a WAV that doesn't say how long it is"])
def test_what_needs_a_decoder_waits_for_a_worker(send: Any, rung: list[Lane], kind: str) -> None:
    sample = settings.BASE_DIR / "static" / SAMPLE_PATH
    conversion = send(sample.read_bytes() if kind == "mp3" else lengthless(wav()))
    assert rung == [Lane.CPU]
    assert (conversion.status, steps_of(conversion)) == ("waiting", [("prepare", "waiting")])
    assert (conversion.source_samples, conversion.source_checksum) == (None, "")
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY


@pytest.mark.one_database
def test_a_large_one_does_not_keep_the_page_waiting(send: Any) -> None:
    conversion = send(wav(AT_THE_DOOR_BYTES / 32_000 + 1))
    assert steps_of(conversion) == [("prepare", "waiting")]


def test_too_long_for_its_endpoint_is_said_as_of_any_other(send: Any, endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_seconds=1.5)
    conversion = send(wav(2.0))
    assert steps_of(conversion) == [("prepare", "waiting")]
    work_all()
    conversion.refresh_from_db()
    assert (conversion.status, conversion.error_code) == ("failed", "too_long_for_endpoint")


def test_beyond_a_quota_is_said_as_of_any_other(send: Any, cast: Cast) -> None:
    cast.alice.memberships.update(monthly_minutes=1)
    conversion = send(wav(61.0))
    assert steps_of(conversion) == [("prepare", "waiting")]
    work_all()
    conversion.refresh_from_db()
    assert (conversion.status, conversion.error_code) == ("failed", "quota")


def test_recordings_that_come_together_do_not_share_the_room_for_one(
    cast: Cast, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.alice.memberships.update(monthly_minutes=1)
    meet(monkeypatch, reading, "refusal")

    def submit(number: int) -> str:
        data = wav(40.0 + number)
        file = upload(data)
        file.checksum = xxh3_128(data).hexdigest()  # type: ignore[attr-defined]
        try:
            user, order = User.objects.get(pk=cast.alice.pk), actions.Order(ConvertParameters())
            return actions.submit(user, cast.team, file, voice, order).steps.get().kind
        finally:
            file.close()

    assert sorted(at_once(partial(submit, 0), partial(submit, 1))) == ["convert", "prepare"]
    work_all()
    assert sorted(Conversion.objects.values_list("status", "error_code")) == [("failed", "quota"), ("ready", "")]


def test_who_comes_while_every_core_is_busy_is_left_to_a_worker(send: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_at_the_door", threading.BoundedSemaphore(1))
    with reading._at_the_door:
        assert steps_of(send(wav())) == [("prepare", "waiting")]
    assert steps_of(send(wav())) == [("convert", "waiting")]


@pytest.mark.parametrize("error", [AudioError("no_sound_length"), OSError("a bad sector"), ValueError("our mistake")])
def test_what_goes_wrong_at_the_door_is_left_to_a_worker(
    send: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(reading, "examine_plain", stumble)
    assert steps_of(send(wav())) == [("prepare", "waiting")]
    monkeypatch.undo()
    assert steps_of(send(wav())) == [("convert", "waiting")]


@pytest.mark.parametrize("data", [b"text that calls itself a recording", wav(1.0)[:44]], ids=["text", "no sound"])
def test_what_is_no_recording_fails_with_a_sentence(send: Any, data: bytes) -> None:
    conversion = send(data)
    assert steps_of(conversion) == [("prepare", "waiting")]
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED
    assert conversion.error

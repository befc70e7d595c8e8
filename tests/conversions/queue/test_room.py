"""Room for all answers and the result of a recording in pieces is asked for before the first call is paid."""

from __future__ import annotations

from functools import partial

import pytest

from conversions import actions
from conversions.files.storages.disk import DurableFileSystemStorage
from conversions.models import Conversion, Step
from conversions.queue import room
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, work_all
from tests.conversions.pieces import Samples, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.together import at_once, meet
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)
LEAST_FREE = 1 << 20
# Half a minute as samples of 44.1 kHz, with a little more where pieces overlap, and as MP3.
ANSWERS, RESULT = 30 * 88_200, 30 * 16_000


@pytest.fixture(autouse=True)
def _least_free(settings: object) -> None:
    settings.MIN_FREE_BYTES = LEAST_FREE  # type: ignore[attr-defined]


def leave(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(DurableFileSystemStorage, "free_bytes", lambda _self: free + LEAST_FREE + (1 << 20))


def prepared(conversion: Conversion) -> Conversion:
    found = claim(Lane.CPU)
    assert found is not None
    work(found)
    conversion.refresh_from_db()
    return conversion


def test_without_it_nothing_is_sent_and_a_retry_goes_on_once_there_is_room(
    submit: Submit,
    speech: Samples,
    ten_seconds: Endpoint,
    scripted: ScriptedEndpoint,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave(monkeypatch, ANSWERS + RESULT - 1)
    conversion = prepared(submit(data=wav_of(speech), output_format="mp3_44100_128"))
    assert (conversion.status, conversion.error_code) == (Conversion.Status.FAILED, "no_room")
    assert "take about 3.1\xa0MB. Nothing was sent, and nothing was billed." in conversion.error
    assert conversion.retryable
    work_all()
    assert scripted.calls == 0
    leave(monkeypatch, round(1.1 * (ANSWERS + RESULT)))
    actions.retry(conversion, cast.alice)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY


def test_what_others_that_are_under_way_still_need_is_left_to_them(
    submit: Submit,
    speech: Samples,
    ten_seconds: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave(monkeypatch, round(1.5 * (ANSWERS + RESULT)))
    first = prepared(submit(data=wav_of(speech), output_format="mp3_44100_128"))
    assert first.status == Conversion.Status.CONVERTING
    assert prepared(submit(data=wav_of(speech[::-1]), output_format="mp3_44100_128")).error_code == "no_room"
    # What has come lies on the disk, and counts there.
    Step.objects.filter(conversion=first, kind=Step.Kind.CONVERT).update(status=Step.Status.DONE)
    assert (
        prepared(submit(data=wav_of(0.9 * speech), output_format="mp3_44100_128")).status
        == Conversion.Status.CONVERTING
    )


def test_of_two_that_are_prepared_together_one_has_the_room_that_is_there_for_one(
    submit: Submit,
    speech: Samples,
    ten_seconds: Endpoint,
    scripted: ScriptedEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave(monkeypatch, round(1.5 * (ANSWERS + RESULT)))
    made = [submit(data=wav_of(samples), output_format="mp3_44100_128") for samples in (speech, speech[::-1])]
    claims = [claim(Lane.CPU) for _ in made]
    meet(monkeypatch, room, "_taken")
    at_once(*(partial(work, found) for found in claims))
    assert scripted.calls == 0
    assert sorted(Conversion.objects.values_list("status", "error_code")) == [("converting", ""), ("failed", "no_room")]


def test_a_single_call_asks_for_the_room_of_its_own_answer(
    submit: Submit,
    speech: Samples,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave(monkeypatch, 0)
    conversion = submit(data=wav_of(speech), output_format="mp3_44100_128")
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY

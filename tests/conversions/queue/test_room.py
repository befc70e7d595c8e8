"""Room for all answers and the result of a recording in pieces is asked for before the first call is paid."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from conversions import actions
from conversions.files.storages.disk import DurableFileSystemStorage
from conversions.ground import disk
from conversions.models import Conversion, Export, Step
from conversions.queue import room
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, client_of, done, upload, work_all, work_one, work_until_done
from tests.conversions.pieces import Samples, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.together import at_once, meet
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)
LEAST_FREE = 1 << 20
# Half a minute as samples of 44.1 kHz, with a little more where pieces overlap, and as MP3, twice while it is joined.
ANSWERS, RESULT = 30 * 88_200, 2 * 30 * 16_000


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
    assert "take about 3.5\xa0MB. Nothing was sent, and nothing was billed." in conversion.error
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


def test_a_result_of_two_channels_needs_room_for_both(
    submit: Submit, speech: Samples, ten_seconds: Endpoint, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = ten_seconds.voices.get()
    both = tuple(actions.RegionOrder(0.0, channel=channel, voice=voice) for channel in (0, 1))
    order = actions.Order(ConvertParameters(output_format="wav_44100"), both)
    refused = []
    for free in (2 * ANSWERS + 3 * ANSWERS, 2 * ANSWERS + 4.5 * ANSWERS):
        leave(monkeypatch, round(free))
        with upload(wav_of(np.stack([speech, speech[::-1]]))) as file:
            refused.append(prepared(actions.submit(cast.alice, cast.team, file, voice, order)).error_code)
        Conversion.objects.all().delete()
    assert refused == ["no_room", ""]


def test_what_has_no_room_to_be_joined_waits_and_takes_none(
    submit: Submit, speech: Samples, ten_seconds: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversion = submit(data=wav_of(speech), output_format="wav_44100")
    work_one(Lane.CPU, *[Lane.CALLS] * 4)
    with monkeypatch.context() as full:
        full.setattr(disk, "free_bytes", lambda: 2 * ANSWERS)
        work_one(Lane.CPU)
    joining = conversion.steps.get(kind=Step.Kind.ASSEMBLE)
    assert (joining.status, joining.attempt) == (Step.Status.WAITING, 0)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY


def test_an_export_is_refused_with_a_sentence_and_begun_once_there_is_room(
    ready: Conversion, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, page = f"/conversions/{ready.pk}/exports/", f"/conversions/{ready.pk}/"
    alice = client_of(cast.alice)
    needed = 2 * int((ready.output_duration_s or 0) * 16_000)
    leave(monkeypatch, needed - 1)
    alice.post(address, {"output_format": "mp3_44100_128"})
    assert "There is no room on the server for this: while it is made" in alice.get(page).content.decode()
    assert not Export.objects.exists()
    leave(monkeypatch, needed)
    alice.post(address, {"output_format": "mp3_44100_128"})
    assert Export.objects.get().step.status == Step.Status.WAITING
    leave(monkeypatch, needed - 1)  # what is being made already isn't refused
    assert actions.export(ready, cast.alice, "mp3_44100_128") == Export.objects.get()
    more = 2 * int((ready.output_duration_s or 0) * 24_000)
    leave(monkeypatch, needed + more - 1)  # and it needs its own
    with pytest.raises(actions.NoRoomError):
        actions.export(ready, cast.alice, "mp3_44100_192")
    work_all()
    assert Export.objects.get().step.status == Step.Status.DONE
    assert actions.export(ready, cast.alice, "mp3_44100_192")


def test_of_two_exports_that_are_asked_for_together_one_has_the_room_that_is_there_for_one(
    ready: Conversion, submit: Submit, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = done(submit(data=wav_of(np.zeros(16_000, np.float32) + 0.1)))
    sizes = [2 * int((each.output_duration_s or 0) * 16_000) for each in (ready, other)]
    leave(monkeypatch, sum(sizes) - 1)
    meet(monkeypatch, room, "_taken")

    def asked(conversion: Conversion) -> bool:
        try:
            return actions.export(conversion, cast.alice, "mp3_44100_128") is not None
        except actions.NoRoomError:
            return False

    assert sorted(at_once(partial(asked, ready), partial(asked, other))) == [False, True]


def test_what_exports_still_need_is_left_to_them(
    ready: Conversion,
    submit: Submit,
    speech: Samples,
    ten_seconds: Endpoint,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leave(monkeypatch, round(1.1 * (ANSWERS + RESULT)))
    assert actions.export(ready, cast.alice, "wav_48000")
    Conversion.objects.filter(pk=ready.pk).update(output_duration_s=60.0)
    waiting = Export.objects.get().step
    Step.objects.filter(pk=waiting.pk).update(not_before="2999-01-01T00:00Z")
    assert prepared(submit(data=wav_of(speech), output_format="mp3_44100_128")).error_code == "no_room"
    Step.objects.filter(pk=waiting.pk).update(status=Step.Status.FAILED)
    again = prepared(submit(data=wav_of(speech[::-1]), output_format="mp3_44100_128"))
    assert again.status == Conversion.Status.CONVERTING


def test_an_export_that_has_no_room_when_its_turn_comes_waits_and_takes_no_attempt(
    ready: Conversion, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.export(ready, cast.alice, "wav_48000")
    with monkeypatch.context() as full:
        full.setattr(disk, "free_bytes", lambda: 1 << 20)
        work_one(Lane.CPU)
    step = Export.objects.get().step
    assert (step.status, step.attempt) == (Step.Status.WAITING, 0)
    Step.objects.update(not_before=ready.created_at)
    work_all()
    assert Export.objects.get().step.status == Step.Status.DONE


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

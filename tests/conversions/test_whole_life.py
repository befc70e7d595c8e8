"""A conversion from upload to result, step by step, with real files and a real endpoint."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from conversions import actions
from conversions.files import durable, inventory
from conversions.models import Call, Conversion, Event, Step
from tests.conversions.conftest import Submit, work_all, work_until_done
from tests.support.endpoint import Behaviour, Request
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import lengthless, wav

pytestmark = pytest.mark.django_db(transaction=True)


def calls_of(scripted: ScriptedEndpoint) -> list[Request]:
    return [request for request in scripted.requests if request.method == "POST"]


def kinds(conversion: Conversion) -> list[str]:
    return list(conversion.events.values_list("kind", flat=True))


def test_a_recording_goes_in_and_the_endpoints_bytes_come_out_exactly(
    submit: Submit, scripted: ScriptedEndpoint
) -> None:
    data = wav(2.0)
    conversion = submit(data=data)

    assert work_all() == 2

    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert conversion.source_duration_s == pytest.approx(2.0, abs=0.001)
    assert (conversion.source_rate_hz, conversion.source_channels, conversion.source_codec) == (16000, 1, "pcm_s16le")
    assert len(conversion.source_peaks) == len(conversion.output_peaks) == 1000
    with durable.open_file(conversion.output) as output:
        assert output.read() == data  # the scripted endpoint answers with what it was sent
    assert kinds(conversion) == ["submitted", "prepared", "sent", "converted", "ready"]
    assert scripted.billed == 1


def test_a_large_answer_is_looked_at_by_a_cpu_worker(
    submit: Submit, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["conversions.steps.convert"], "AT_ONCE_BYTES", 1000)
    conversion = submit()

    assert work_all() == 3

    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert conversion.output_duration_s == pytest.approx(1.0, abs=0.001)
    assert kinds(conversion) == ["submitted", "prepared", "sent", "converted", "ready"]
    assert conversion.assembling_at is not None


def test_an_answer_is_handed_on_to_a_cpu_worker_when_every_decoder_is_busy(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = sys.modules["conversions.steps.convert"]
    monkeypatch.setattr(convert, "_eyes", eyes := ThreadPoolExecutor(1))
    monkeypatch.setattr(convert, "LOOK_PATIENCE_S", 0.01)
    conversion, seen = submit(data=lengthless(wav())), threading.Event()
    eyes.submit(seen.wait)
    work_all()
    seen.set()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert [step.kind for step in conversion.steps.order_by("pk")] == ["prepare", "convert", "assemble"]
    second = submit(data=lengthless(wav()))
    work_all()
    assert [step.kind for step in second.steps.order_by("pk")] == ["prepare", "convert"]


def test_an_answer_at_which_nobody_can_look_is_stored_all_the_same(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError

    convert = sys.modules["conversions.steps.convert"]
    monkeypatch.setattr(convert, "heard_at_once", stumble)
    first = submit()
    work_all()
    first.refresh_from_db()
    assert first.status == Conversion.Status.READY  # by a second look
    monkeypatch.setattr(convert, "heard", stumble)
    second = submit()
    work_all()
    assert durable.find_result(second.pk, second.steps.get(kind="convert").pk) is not None


def test_the_parameters_reach_the_endpoint(submit: Submit, scripted: ScriptedEndpoint) -> None:
    submit(seed=7, model_id="eleven_english_sts_v2", voice_settings={"stability": 0.25}, remove_background_noise=True)
    work_all()

    request = calls_of(scripted)[0]
    assert dict(request.query) == {"output_format": "wav_16000"}
    assert request.fields == {
        "model_id": "eleven_english_sts_v2",
        "voice_settings": '{"stability":0.25}',
        "seed": "7",
        "remove_background_noise": "true",
    }


def test_the_ledger_has_a_row_with_what_the_answer_said(submit: Submit) -> None:
    conversion = submit()
    work_all()

    call = conversion.calls.get()
    assert call.outcome == Call.Outcome.ANSWERED
    assert call.credits == 17
    assert call.request_id == "request-1"
    assert call.seconds == pytest.approx(1.0, abs=0.001)


def test_what_is_not_audio_fails_with_a_sentence_and_is_never_sent(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversion = submit(data=b"These are words, not a recording.\n" * 50)
    work_all()

    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED
    assert conversion.error_code == "text"
    assert len(conversion.error) > 20
    assert calls_of(scripted) == []


def test_a_busy_endpoint_delays_and_loses_nothing(submit: Submit, scripted: ScriptedEndpoint) -> None:
    scripted.script(Behaviour(status=503))
    conversion = submit()
    work_all()

    conversion.refresh_from_db()
    step = conversion.steps.get(kind=Step.Kind.CONVERT)
    assert conversion.status == Conversion.Status.CONVERTING
    assert (step.status, step.attempt) == (Step.Status.WAITING, 1)
    assert step.not_before > step.created_at
    assert kinds(conversion)[-1] == "delayed"

    Step.objects.filter(pk=step.pk).update(not_before=step.created_at)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    outcomes = list(conversion.calls.order_by("pk").values_list("outcome", "credits"))
    assert outcomes == [("refused", 0), ("answered", 17)]


def test_a_lost_answer_of_an_endpoint_that_bills_is_unclear_until_a_person_says_retry(
    submit: Submit, scripted: ScriptedEndpoint, cast, endpoint
) -> None:
    endpoint.billed = True
    endpoint.save()
    scripted.script(Behaviour(fault="reset"))
    conversion = submit()
    work_until_done(conversion)

    assert conversion.status == Conversion.Status.FAILED
    assert conversion.error_code == "unclear"
    assert "may have been billed" in conversion.error
    assert conversion.steps.get(kind=Step.Kind.CONVERT).status == Step.Status.UNCLEAR
    assert scripted.billed == 1

    assert actions.retry(conversion, cast.alice)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert scripted.billed == 2


def test_a_lost_answer_of_an_endpoint_that_costs_nothing_is_asked_for_again(
    submit: Submit, scripted: ScriptedEndpoint
) -> None:
    scripted.script(Behaviour(fault="cut_body"))
    conversion = submit()
    work_all()
    step = conversion.steps.get(kind=Step.Kind.CONVERT)
    assert step.status == Step.Status.WAITING

    Step.objects.filter(pk=step.pk).update(not_before=step.created_at)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY


def test_an_answer_that_is_not_audio_fails_and_retry_converts_again(
    submit: Submit, scripted: ScriptedEndpoint, cast
) -> None:
    scripted.script(Behaviour(audio_base64="bm90IGF1ZGlv"))  # "not audio" under audio/mpeg
    conversion = submit()
    work_all()
    conversion.refresh_from_db()
    assert (conversion.status, conversion.error_code) == ("failed", "answer_not_audio")

    assert actions.retry(conversion, cast.alice)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert scripted.billed == 2


@pytest.mark.parametrize("status", [404, 413, 422])
def test_what_a_retry_by_itself_cannot_mend_fails_at_once(submit: Submit, scripted, status: int) -> None:
    scripted.script(Behaviour(status=status))
    conversion = submit()
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED
    assert "Your recording is safe." in conversion.error
    assert len(calls_of(scripted)) == 1


def test_attempts_are_capped(submit: Submit, scripted: ScriptedEndpoint, settings) -> None:
    settings.MAX_ATTEMPTS = 2
    scripted.script(default=Behaviour(status=503))
    conversion = submit()
    work_all()
    conversion.steps.update(not_before=conversion.created_at)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED
    assert "2 times" in conversion.error


def test_a_recording_too_long_for_its_endpoint_is_refused_before_it_is_sent(submit: Submit, scripted, endpoint) -> None:
    endpoint.max_seconds = 1.5
    endpoint.save()
    conversion = submit(data=wav(2.0))
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == "too_long_for_endpoint"
    assert "2 seconds" in conversion.error
    assert calls_of(scripted) == []


def test_a_cancelled_conversion_is_not_worked_on(submit: Submit, scripted: ScriptedEndpoint, cast) -> None:
    conversion = submit()
    assert actions.cancel(conversion, cast.alice)
    assert work_all() == 0
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.CANCELLED
    assert not actions.cancel(conversion, cast.alice)
    assert not actions.retry(conversion, cast.alice)
    assert calls_of(scripted) == []


def test_purge_leaves_no_file_and_keeps_the_ledger(submit: Submit, cast) -> None:
    conversion = submit()
    work_all()
    conversion.refresh_from_db()
    actions.purge(conversion, cast.alice)

    assert list(inventory.stored_conversions()).count(conversion.pk) == 0
    assert not Conversion.objects.filter(pk=conversion.pk).exists()
    erased = Event.objects.filter(about=conversion.pk).last()
    assert erased is not None
    assert (erased.kind, erased.actor) == (Event.Kind.ERASED, cast.alice)
    assert not any(event.data for event in Event.objects.filter(about=conversion.pk))
    assert Call.objects.get().credits == 17

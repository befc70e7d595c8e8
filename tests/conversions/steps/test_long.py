"""A recording that is longer than its endpoint takes at once: cut, converted in pieces, joined to the sample."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from conversions import actions
from conversions.files import durable, inventory
from conversions.models import Call, Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.sound.reading import places_of
from conversions.steps import cutting
from conversions.upkeep.worker import work
from s2s.audio import encode, examine, measure_loudness
from tests.conversions.conftest import Submit, calls_of_retry, client_of, done, work_all, work_one
from tests.conversions.pieces import RATE, SPEAKS, Samples, heard, lies, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slow_voice(ten_seconds: Endpoint, voice: Voice, scripted: ScriptedEndpoint) -> None:
    """It has a speed of its own."""
    voice.settings = {"speed": 0.9}
    voice.save()
    scripted.script(default=replace(SPEAKS, speed=0.9))


@pytest.mark.one_database
def test_it_comes_back_as_it_was_to_the_sample(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    conversion = done(submit(data=wav_of(speech)))
    pieces = list(conversion.steps.filter(kind=Step.Kind.CONVERT).order_by("position"))
    assert conversion.pieces == len(pieces) == 4
    assert scripted.calls == 4
    assert max(piece.seconds for piece in pieces) <= 10.0
    assert all(piece.output_format == "pcm_16000" for piece in pieces)
    result = heard(conversion)
    assert len(result) == len(speech)
    assert np.abs(result - speech).max() < 0.002
    assert conversion.output_duration_s == 30.0
    with durable.open_file(conversion.output) as file:  # what was drawn and measured on the way is what is heard
        drawn, loudness = examine(file).peaks, measure_loudness(file)
    assert list(conversion.output_peaks) == pytest.approx(list(drawn), abs=1)
    assert conversion.output_lufs == pytest.approx(loudness, abs=0.1)
    ledger = sum(call.seconds for call in Call.objects.all())
    overlaps = sum((one.end_sample or 0) - other.start_sample for one, other in pairwise(pieces)) / RATE
    assert ledger == pytest.approx(30.0 + overlaps)


@pytest.mark.one_database
def test_a_late_slow_endpoint_whose_every_other_piece_is_softer(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    odd = [Behaviour(speaks=True, late_s=0.08, stretch=1.003, louder_db=-3.0 * (i % 2)) for i in range(4)]
    scripted.script(*odd, default=SPEAKS)
    result = heard(done(submit(data=wav_of(speech))))
    assert len(result) == len(speech)
    found = lies(speech, result)
    assert (found.late_s, found.stretch) == (0.0, 1.0)
    assert found.likeness > 0.98


def test_what_a_plan_refuses_is_asked_for_once(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    plan = Behaviour(speaks=True, most_s=10.0, refused_formats=("pcm_44100", "mp3_44100_192"))
    scripted.script(default=plan)
    conversion = done(submit(data=wav_of(speech), output_format="mp3_44100_128"))
    assert set(conversion.steps.filter(kind=Step.Kind.CONVERT).values_list("output_format", flat=True)) == {
        "mp3_44100_128"
    }
    asked = [dict(call.query)["output_format"] for call in scripted.requests]
    assert asked.count("pcm_44100") == 1
    assert asked.count("mp3_44100_192") == 1
    assert Call.objects.filter(outcome=Call.Outcome.ANSWERED).count() == 4
    found = lies(speech, heard(conversion))
    assert (found.late_s, found.stretch) == (0.0, 1.0)


def test_one_piece_that_fails_costs_the_others_nothing(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    ten_seconds.billed = True
    ten_seconds.save()
    scripted.script(SPEAKS, Behaviour(status=400), default=SPEAKS)
    conversion = submit(data=wav_of(speech))
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED
    answered = Call.objects.filter(outcome=Call.Outcome.ANSWERED).count()
    assert answered >= 1
    assert actions.retry(conversion, cast.alice)
    done(conversion)
    assert Call.objects.filter(outcome=Call.Outcome.ANSWERED).count() == 4


def test_an_answer_that_is_no_audio_is_paid_for_and_only_it_is_asked_for_again(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    ten_seconds.billed = True
    ten_seconds.save()
    speaks = Behaviour(speaks=True, most_s=10.0, refused_formats=("pcm_44100",))
    no_audio = Behaviour(audio_base64="bm90IGF1ZGlv", content_type="audio/mpeg")
    scripted.script(speaks, speaks, no_audio, default=speaks)
    conversion = submit(data=wav_of(speech), output_format="mp3_44100_128")
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == "answer_not_audio"
    paid = Call.objects.filter(outcome=Call.Outcome.ANSWERED).count()
    assert actions.retry(conversion, cast.alice)
    done(conversion)
    assert Call.objects.filter(outcome=Call.Outcome.ANSWERED).count() == 5
    assert paid >= 1


def test_what_was_adopted_after_a_crash_is_put_in_its_place_too(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    scripted.script(default=Behaviour(speaks=True, most_s=10.0, late_s=0.08))
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU, *[Lane.CALLS] * 4)
    pieces = conversion.steps.filter(kind=Step.Kind.CONVERT)
    assert {piece.status for piece in pieces} == {Step.Status.DONE}
    assert all(piece.alignment["late_s"] == pytest.approx(0.08, abs=0.002) for piece in pieces if piece.alignment)
    pieces.update(alignment=None)
    found = lies(speech, heard(done(conversion)))
    assert (found.late_s, found.stretch) == (0.0, 1.0)


@pytest.mark.one_database
def test_a_voice_with_a_speed_of_its_own_is_heard_to_its_end(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, slow_voice: None
) -> None:
    conversion = done(submit(data=wav_of(speech)))
    assert conversion.output_duration_s == pytest.approx(30 / 0.9, abs=0.001)
    slower = np.interp(np.arange(round(len(speech) / 0.9)) * 0.9, np.arange(len(speech)), speech).astype(np.float32)
    found = lies(slower, heard(conversion))
    assert (found.late_s, found.stretch) == (0.0, 1.0)


@pytest.mark.one_database
def test_a_silent_answer_to_a_piece_that_is_not_fails_that_piece(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    scripted.script(SPEAKS, replace(SPEAKS, louder_db=-200.0), default=SPEAKS)
    conversion = submit(data=wav_of(speech))
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == "answer_silent"
    assert calls_of_retry(conversion, cast.alice, scripted) == conversion.pieces - 1


@pytest.mark.one_database
def test_a_piece_in_which_nobody_speaks_comes_back_as_it_is(
    ten_seconds: Endpoint, submit: Submit, speech: Samples
) -> None:
    quiet = speech.copy()
    quiet[5 * RATE : 26 * RATE] = 0
    assert np.abs(heard(done(submit(data=wav_of(quiet)))) - quiet).max() < 0.002


def test_ten_minutes_of_silence_with_one_sentence_are_one_short_call(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    quiet = np.zeros(600 * RATE, np.float32)
    quiet[300 * RATE : 304 * RATE] = speech[: 4 * RATE]
    conversion = done(submit(data=wav_of(quiet)))
    assert (scripted.calls, conversion.pieces) == (1, 1)
    assert sum(call.seconds for call in Call.objects.all()) == pytest.approx(5.0, abs=0.1)
    result = heard(conversion)
    assert len(result) == len(quiet)
    assert np.abs(result - quiet).max() < 0.002
    assert not result[: 299 * RATE].any()


def test_where_the_voice_has_a_speed_of_its_own_silence_is_sent_too(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, slow_voice: None
) -> None:
    """The result isn't as long as the recording: what stays as it is would be in the wrong place."""
    quiet = np.concatenate([speech[: 4 * RATE], np.zeros(20 * RATE, np.float32), speech[: 4 * RATE]])
    assert done(submit(data=wav_of(quiet))).output_duration_s == pytest.approx(28 / 0.9, abs=0.001)


def test_its_page_counts_the_pieces_and_the_storage_has_them_all(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, cast: Cast
) -> None:
    conversion = submit(data=wav_of(speech))
    page = client_of(cast.alice)
    seen = []
    for lane in (Lane.CPU, *[Lane.CALLS] * 4, Lane.CPU):
        found = claim(lane)
        assert found is not None
        seen.append(page.get(f"/conversions/{conversion.pk}/").content.decode())
        work(found)
    for count, html in enumerate(seen[1:5]):
        assert f"Converting: {count} of 4 pieces" in html
    conversion.refresh_from_db()
    stored = inventory.sizes(conversion.pk)
    assert conversion.stored_bytes == sum(size for name, size in stored.items() if not name.endswith(".json"))


def test_a_file_of_too_many_bytes_travels_as_one_piece(
    endpoint: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    endpoint.max_bytes = 900_000
    endpoint.save()
    scripted.script(default=SPEAKS)
    conversion = done(submit(data=wav_of(speech[: 9 * RATE]) + bytes(700_000)))
    assert conversion.pieces == 1
    (call,) = scripted.requests
    assert call.audio is not None
    assert call.audio.size < 900_000


@pytest.mark.one_database
@pytest.mark.parametrize(("length_s", "pieces"), [(10.0, 1), (10.1, 2)])
def test_what_is_a_little_longer_than_its_endpoint_takes_is_cut(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, length_s: float, pieces: int
) -> None:
    assert done(submit(data=wav_of(speech[: round(length_s * RATE)]))).pieces == pieces
    assert scripted.calls == pieces


def test_more_pieces_than_are_allowed_are_refused_before_anything_is_sent(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, settings: object
) -> None:
    settings.MAX_PIECES = 3  # type: ignore[attr-defined]
    conversion = submit(data=wav_of(speech))
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == "too_long_for_endpoint"
    assert "3 pieces" in conversion.error
    assert scripted.calls == 0


def test_a_piece_of_an_mp3_is_cut_out_without_reading_what_lies_before(
    ten_seconds: Endpoint, submit: Submit, speech: Samples
) -> None:
    file = io.BytesIO()
    encode(iter([np.resize(speech, 92 * RATE)]), file, "mp3", RATE, 64, input_rate_hz=RATE)
    conversion = submit(data=file.getvalue())
    work_one(Lane.CPU)
    last = conversion.steps.filter(kind=Step.Kind.CONVERT).latest("position")
    conversion.refresh_from_db()
    assert len(places_of(conversion)) == 3
    samples = (last.start_sample, last.end_sample or 0)
    _, (begins, *_), _ = places_of(conversion)  # of a minute; the last lies behind its beginning
    hidden = io.BytesIO(file.getvalue()[:50_000] + bytes(begins - 50_000) + file.getvalue()[begins:])
    found = [np.concatenate(list(cutting.blocks(conversion, read, samples, RATE))) for read in (file, hidden)]
    assert np.array_equal(*found)
    done(conversion)

"""Answers to pieces that are shorter or longer than what was sent: none leaves silence without a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from django.core.files.storage import default_storage

from conversions.models import Conversion, Step
from conversions.queue.bells import Lane
from s2s.audio.aligning import MOST_S
from tests.conversions.conftest import Submit, calls_of_retry, client_of, done, work_all, work_one
from tests.conversions.pieces import RATE, SPEAKS, Samples, heard, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


@pytest.mark.parametrize("billed", [False, True])
@pytest.mark.parametrize("odd", [replace(SPEAKS, audio_part=0.3), replace(SPEAKS, speed=0.4)], ids=["short", "long"])
def test_an_answer_of_quite_another_length_fails_its_piece_and_retry_converts_it_again(
    ten_seconds: Endpoint,
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    cast: Cast,
    odd: Behaviour,
    billed: bool,
) -> None:
    Endpoint.objects.update(billed=billed)
    scripted.script(SPEAKS, odd, default=SPEAKS)
    conversion = submit(data=wav_of(speech))
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == "answer_odd_length"
    assert "of sound instead of" in conversion.error
    assert ("bills, again" in conversion.error) is billed
    assert calls_of_retry(conversion, cast.alice, scripted) == conversion.pieces - 1
    assert np.abs(heard(conversion) - speech).max() < 0.01


def test_so_does_one_that_was_adopted(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU, *[Lane.CALLS] * 4)
    piece = conversion.steps.get(kind=Step.Kind.CONVERT, position=2)
    with default_storage.open(piece.result, "r+b") as file:
        file.truncate(file.size // 3)
    conversion.steps.filter(pk=piece.pk).update(alignment=None)
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == "answer_odd_length"
    assert calls_of_retry(conversion, cast.alice, scripted) == 1


def test_where_the_end_of_an_answer_is_missing_its_page_says_where(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    scripted.script(SPEAKS, replace(SPEAKS, audio_part=0.7), default=SPEAKS)
    conversion = done(submit(data=wav_of(speech)))
    (piece,) = odd_ones(conversion)
    end = piece.end_sample or 0
    lacks_s = piece.alignment["lacks_s"]
    assert lacks_s == pytest.approx(0.3 * piece.seconds, abs=0.05)
    missing = slice(end - int((lacks_s - 0.1) * RATE), end - RATE // 2)
    assert not heard(conversion)[missing].any()
    assert np.abs(speech[missing]).max() > 0.05
    page = page_of(conversion, cast)
    assert f"The answer to piece {piece.position + 1} is too short: nothing is heard from" in page
    assert "Finished, " in page


def test_what_an_answer_has_beyond_its_piece_is_left_out_and_said(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    scripted.script(SPEAKS, replace(SPEAKS, speed=0.8), default=SPEAKS)
    conversion = done(submit(data=wav_of(speech)))
    (piece,) = odd_ones(conversion)
    assert piece.alignment["beyond_s"] == pytest.approx(0.25 * piece.seconds, abs=MOST_S)
    assert len(heard(conversion)) == len(speech)
    assert f"The answer to piece {piece.position + 1} is" in page_of(conversion, cast)
    assert "too long: what comes after" in page_of(conversion, cast)


def test_many_of_them_are_counted(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    scripted.script(default=replace(SPEAKS, audio_part=0.7))
    conversion = done(submit(data=wav_of(speech)))
    assert "The answers to 4 pieces are too short or too long" in page_of(conversion, cast)


def test_an_end_in_which_nothing_is_heard_is_not_missed(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    quiet = speech.copy()
    quiet[-5 * RATE :] = 0
    scripted.script(SPEAKS, SPEAKS, SPEAKS, replace(SPEAKS, audio_part=0.7), default=SPEAKS)
    conversion = done(submit(data=wav_of(quiet)))
    assert not odd_ones(conversion)
    assert "too short" not in page_of(conversion, cast)


def odd_ones(conversion: Conversion) -> list[Step]:
    pieces = conversion.steps.filter(kind=Step.Kind.CONVERT)
    return [piece for piece in pieces if {"lacks_s", "beyond_s"} & (piece.alignment or {}).keys()]


def page_of(conversion: Conversion, cast: Cast) -> str:
    return client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()

"""Pieces that don't fare alike: one fails, is lost or goes back while others are under way. None is paid for twice."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage
from pytest_django import DjangoAssertNumQueries

from conversions import actions
from conversions.files import durable
from conversions.ledger.usage import usage_of
from conversions.models import Call, Conversion, Failure, Step
from conversions.queue import calls, outcomes
from conversions.queue.bells import Lane
from conversions.queue.claim import Claim, claim
from conversions.steps import cutting
from conversions.steps.loading import piece_of
from conversions.upkeep.worker import work
from s2s.formats import OUTPUT_FORMATS
from tests.conversions.conftest import Submit, calls_of_retry, done, work_all, work_one
from tests.conversions.pieces import RATE, SPEAKS, Samples, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two_under_way(ten_seconds: Endpoint, submit: Submit, speech: Samples) -> tuple[Conversion, Claim, Claim]:
    """A recording of which two pieces are being converted."""
    Endpoint.objects.update(billed=True)
    conversion = submit(data=wav_of(speech))
    prepare = claim(Lane.CPU)
    assert prepare is not None
    work(prepare)
    first, second = claim(Lane.CALLS), claim(Lane.CALLS)
    assert first is not None
    assert second is not None
    return conversion, first, second


def test_comparing_asks_the_database_nothing(
    two_under_way: tuple[Conversion, Claim, Claim], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """It is done in a thread of its own, which would keep a connection for ever."""
    _conversion, first, _second = two_under_way
    piece, format = piece_of(first), OUTPUT_FORMATS["pcm_16000"]
    sent = cutting.energies(piece)
    answer = io.BytesIO(np.random.default_rng(0).integers(-999, 999, 4 * RATE, dtype=np.int16).tobytes())
    with django_assert_num_queries(0):
        cutting.alignment(piece.conversion, sent, answer, format)


def test_a_quota_counts_the_pieces_that_are_still_to_come(
    two_under_way: tuple[Conversion, Claim, Claim], ten_seconds: Endpoint, cast: Cast
) -> None:
    conversion, first, _second = two_under_way
    calls.enter(first, conversion, ten_seconds, "Nora", "pcm_16000")
    pieces = conversion.steps.filter(kind=Step.Kind.CONVERT)
    used = usage_of(cast.alice.memberships.get())
    assert used.team_seconds == pytest.approx(sum(piece.seconds for piece in pieces))


REFUSED, BUSY = Failure("rejected", "It was refused."), Failure("busy", "It is busy.")


def test_a_piece_that_goes_back_is_not_sent_when_another_one_has_failed(
    two_under_way: tuple[Conversion, Claim, Claim], scripted: ScriptedEndpoint, cast: Cast
) -> None:
    conversion, first, second = two_under_way
    outcomes.fail(first, REFUSED)
    outcomes.wait_again(second, 0.0, BUSY)
    assert claim(Lane.CALLS) is None
    assert conversion.steps.get(pk=second.step_id).status == Step.Status.CANCELLED
    conversion.refresh_from_db()
    assert actions.retry(conversion, cast.alice)
    done(conversion)
    assert scripted.calls == 4


def test_retry_leaves_alone_what_is_under_way(
    two_under_way: tuple[Conversion, Claim, Claim], scripted: ScriptedEndpoint, cast: Cast
) -> None:
    conversion, first, second = two_under_way
    outcomes.fail(first, REFUSED)
    conversion.refresh_from_db()
    assert actions.retry(conversion, cast.alice)
    assert conversion.steps.get(pk=second.step_id).lease_token == second.token
    work(second)
    done(conversion)
    assert scripted.calls == 4


def test_deleting_one_that_has_failed_ends_what_is_under_way(
    two_under_way: tuple[Conversion, Claim, Claim], cast: Cast
) -> None:
    conversion, first, second = two_under_way
    outcomes.fail(first, REFUSED)
    conversion.refresh_from_db()
    actions.delete(conversion, cast.alice)
    assert conversion.steps.get(pk=second.step_id).status == Step.Status.CANCELLED


def test_deleted_in_the_middle_nothing_more_is_sent_and_what_was_paid_is_in_the_ledger(
    two_under_way: tuple[Conversion, Claim, Claim], scripted: ScriptedEndpoint, cast: Cast
) -> None:
    conversion, first, second = two_under_way
    work(first)
    actions.delete(conversion, cast.alice)
    work(second)
    work_all()
    assert scripted.calls == 1
    assert set(conversion.steps.filter(kind=Step.Kind.CONVERT).values_list("status", flat=True)) == {
        Step.Status.DONE,
        Step.Status.CANCELLED,
    }
    (call,) = Call.objects.all()
    assert call.outcome == Call.Outcome.ANSWERED
    assert call.seconds == pytest.approx(conversion.steps.get(pk=first.step_id).seconds)
    assert claim(Lane.CALLS) is None


def test_what_may_have_been_billed_is_said_though_another_piece_was_refused(
    two_under_way: tuple[Conversion, Claim, Claim],
) -> None:
    conversion, first, second = two_under_way
    outcomes.fail(first, REFUSED)
    outcomes.fail(second, Failure(Conversion.UNCLEAR, "It may have been billed."), status=Step.Status.UNCLEAR)
    conversion.refresh_from_db()
    assert (conversion.error_code, conversion.error) == ("unclear", "It may have been billed.")


def test_a_lost_answer_is_found_while_another_piece_is_under_way(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    Endpoint.objects.update(billed=True)
    conversion = submit(data=wav_of(speech))
    scripted.script(replace(SPEAKS, fault="reset"), default=SPEAKS)
    work_one(Lane.CPU, Lane.CALLS)
    lost = conversion.steps.get(position=0, kind=Step.Kind.CONVERT)
    other = claim(Lane.CALLS)
    assert other is not None
    calls.enter(other, conversion, ten_seconds, "pcm_16000")
    conversion.steps.filter(pk=lost.pk).update(not_before=conversion.created_at)
    found = claim(Lane.CALLS)
    assert found is not None
    assert found.step_id == lost.pk
    work(found)
    lost.refresh_from_db()
    assert lost.status == Step.Status.DONE
    assert scripted.calls == 1


@pytest.mark.parametrize("how", ["gone", "no audio"])
def test_an_answer_that_was_lost_here_is_converted_again_and_no_other(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast, how: str
) -> None:
    conversion = submit(data=wav_of(speech), output_format="mp3_44100_128")
    scripted.script(default=replace(SPEAKS, refused_formats=("pcm_44100",)))
    while conversion.steps.filter(kind=Step.Kind.ASSEMBLE).count() == 0:
        found = claim(Lane.CPU) or claim(Lane.CALLS)
        assert found is not None
        work(found)
        conversion.steps.update(not_before=conversion.created_at)
    piece = conversion.steps.get(kind=Step.Kind.CONVERT, position=2)
    if how == "gone":
        durable.delete_results(conversion.pk, piece.pk)
    else:  # adopted as it lay there
        Path(default_storage.path(piece.result)).write_bytes(b"no audio")
        conversion.steps.filter(pk=piece.pk).update(alignment=None)
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == ("result_missing" if how == "gone" else "answer_not_audio")
    assert calls_of_retry(conversion, cast.alice, scripted) == 1

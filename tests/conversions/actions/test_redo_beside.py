"""Redo beside everything else that may be done to a recording in pieces at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.core.files.storage import default_storage

from conversions import actions
from conversions.files import durable, inventory
from conversions.models import Call, Conversion, Event, Step
from conversions.pages.pieces import pieces_of
from conversions.pages.timeline import timeline_of
from conversions.queue import calls
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, done, work_all, work_one, work_until_done
from tests.conversions.pieces import SPEAKS, Samples, heard, lies, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)
SOFT = replace(SPEAKS, louder_db=-20.0)


@pytest.fixture
def long(ten_seconds: Endpoint, submit: Submit, speech: Samples) -> Conversion:
    """Four pieces, joined."""
    return done(submit(data=wav_of(speech)))


@pytest.fixture
def begun(ten_seconds: Endpoint, submit: Submit, speech: Samples) -> Conversion:
    """Four pieces, of which the first is there."""
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU, Lane.CALLS)
    return conversion


def piece(conversion: Conversion, number: int) -> Step:
    return conversion.steps.get(kind=Step.Kind.CONVERT, position=number - 1)


def rot(key: str) -> None:
    Path(default_storage.path(key)).write_bytes(b"no audio")


def assert_nothing_is_left_over(conversion: Conversion) -> None:
    """Every file is one that the conversion has, and counts."""
    conversion.refresh_from_db()
    sizes = {name: size for name, size in inventory.sizes(conversion.pk).items() if not name.endswith(".json")}
    results = conversion.steps.filter(kind=Step.Kind.CONVERT).values_list("result", flat=True)
    wanted = {durable.name_of(key) for key in (conversion.source, conversion.output, *results)}
    assert set(sizes) == wanted
    assert conversion.stored_bytes == sum(sizes.values())


def test_one_that_comes_before_the_pieces_are_joined_first_can_be_redone_again(
    begun: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    assert actions.redo(begun, cast.alice, 1)
    while begun.steps.filter(kind=Step.Kind.ASSEMBLE).count() == 0:
        work_one(Lane.CALLS)
    work_one(Lane.CALLS)  # the redo is the last to come
    done(begun)
    assert scripted.calls == 5
    pieces = pieces_of(begun)
    assert pieces is not None
    assert not pieces.unfinished
    assert_nothing_is_left_over(begun)
    scripted.script(default=SOFT)
    before = heard(begun)
    assert actions.redo(begun, cast.alice, 1)
    assert not np.array_equal(heard(done(begun)), before)
    assert begun.events.filter(kind=Event.Kind.REDONE).count() == 1
    assert_nothing_is_left_over(begun)


def test_where_a_retry_converts_the_piece_itself_its_redo_is_over(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU, *[Lane.CALLS] * 4)
    durable.discard_result(piece(conversion, 2).result)
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == "result_missing"
    assert actions.redo(conversion, cast.alice, 2)
    redone = claim(Lane.CALLS)
    assert redone is not None
    assert actions.retry(conversion, cast.alice)
    work(redone)
    done(conversion)
    assert Call.objects.filter(outcome=Call.Outcome.ANSWERED).count() == 6
    pieces = pieces_of(conversion)
    assert pieces is not None
    assert not pieces.unfinished
    assert_nothing_is_left_over(conversion)
    assert actions.redo(conversion, cast.alice, 2)
    done(conversion)
    assert_nothing_is_left_over(conversion)


def test_what_a_redo_brings_while_a_retry_looks_for_what_is_lost_is_not_called_for_again(
    ten_seconds: Endpoint,
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU, *[Lane.CALLS] * 4)
    durable.discard_result(piece(conversion, 2).result)
    work_all()
    conversion.refresh_from_db()
    assert actions.redo(conversion, cast.alice, 2)
    names_in: Callable[[UUID], list[str]] = durable.names_in

    def found_before_it_comes(conversion_id: UUID) -> list[str]:
        found = names_in(conversion_id)
        while (redone := claim(Lane.CALLS)) is not None:
            work(redone)
        return found

    monkeypatch.setattr(durable, "names_in", found_before_it_comes)
    assert actions.retry(conversion, cast.alice)
    done(conversion)
    assert scripted.calls == 5
    assert_nothing_is_left_over(conversion)


@pytest.mark.parametrize("is_running", [False, True], ids=["waits", "runs"])
def test_cancelled_before_it_was_ready_nothing_more_is_paid(
    begun: Conversion, scripted: ScriptedEndpoint, cast: Cast, is_running: bool
) -> None:
    assert actions.redo(begun, cast.alice, 1)
    begun.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.WAITING).update(not_before="2999-01-01T00:00Z")
    running = claim(Lane.CALLS) if is_running else None
    paid = scripted.calls
    assert actions.cancel(begun, cast.alice)
    if running:
        work(running)
    assert work_all() == 0
    assert scripted.calls == paid
    assert begun.steps.get(kind=Step.Kind.REDO).status == Step.Status.CANCELLED


def test_a_piece_that_has_rotted_can_be_redone_though_another_redo_met_it(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    before = heard(long)
    rot(piece(long, 3).result)
    long.steps.filter(position=2).update(alignment=None)
    assert actions.redo(long, cast.alice, 2)
    assert np.array_equal(heard(done(long)), before)
    assert long.events.filter(kind=Event.Kind.REDO_FAILED).count() == 1
    scripted.script(default=SOFT)
    assert actions.redo(long, cast.alice, 3)
    assert not np.array_equal(heard(done(long)), before)
    assert_nothing_is_left_over(long)


def test_an_answer_that_is_adopted_lies_where_it_is_itself(
    ten_seconds: Endpoint,
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not where that lay which a Retry has given up."""
    scripted.script(default=replace(SPEAKS, late_s=0.2))
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU, *[Lane.CALLS] * 4)
    lost = piece(conversion, 2)
    durable.discard_result(lost.result)
    work_all()
    conversion.refresh_from_db()
    scripted.script(default=SPEAKS)
    assert actions.retry(conversion, cast.alice)
    record, said = calls.record_result, list[object]()

    def record_at_last(*what: Any, **more: Any) -> bool:
        said.append(what)
        if len(said) == 1:
            raise RuntimeError("it went down with the answer on the disk")
        return record(*what, **more)

    monkeypatch.setattr(calls, "record_result", record_at_last)
    work_until_done(conversion)
    assert scripted.calls == 5
    of_piece = slice(lost.start_sample, lost.end_sample)
    found = lies(speech[of_piece], heard(conversion)[of_piece])
    assert (found.late_s, found.stretch) == (0.0, 1.0)


def test_an_item_that_was_the_piece_as_it_was_is_not_taken_for_its_redo(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast, settings: object
) -> None:
    """Where the endpoint names no request they can't be told apart: their sound has the same words."""
    settings.LOOKUP_SECONDS = [0.0]  # type: ignore[attr-defined]
    Endpoint.objects.update(billed=True)
    Call.objects.update(request_id="", history_item_id="")  # as of an endpoint that names nothing
    scripted.script(replace(SPEAKS, fault="reset_body", in_history=False), default=SPEAKS)
    assert actions.redo(long, cast.alice, 2)
    work_until_done(long)
    Step.objects.filter(kind=Step.Kind.REDO).update(not_before=long.created_at)
    work_all()
    assert long.steps.get(kind=Step.Kind.REDO).status == Step.Status.UNCLEAR


def test_pieces_whose_files_are_gone_are_named_and_redone_one_after_the_other(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    before = heard(long)
    for number in (2, 3):
        durable.discard(piece(long, number).result)
    assert actions.redo(long, cast.alice, 2)
    work_all()
    said = [line.words for line in timeline_of(long)]
    assert said[-1] == (
        "Piece 2 of 4: It could not be converted again. The sound of piece 3 is gone from the server. Redo that one "
        "first. The result stays as it was."
    )
    assert not any("Retry" in words for words in said)
    assert np.array_equal(heard(long), before)
    calls = scripted.calls
    scripted.script(default=SOFT)
    assert actions.redo(long, cast.alice, 3)
    work_all()
    long.refresh_from_db()
    assert scripted.calls == calls + 1  # what had come for the other one was kept
    assert not np.array_equal(heard(long), before)

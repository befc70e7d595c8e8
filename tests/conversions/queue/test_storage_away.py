"""The storage of files is away: what needs it waits until it is back. A single file is: its conversion fails, and Retry
never pays again for an answer that is there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from conversions import actions
from conversions.models import Conversion, Step
from conversions.pages.progress import progress_of, with_progress
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from s2s.audio import AudioError
from tests.conversions.conftest import Submit, work_all, work_until_done
from tests.conversions.queue.waiting import later
from tests.support.away import moved, replaced
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

LANES = {Step.Kind.PREPARE: Lane.CPU, Step.Kind.CONVERT: Lane.CALLS, Step.Kind.ASSEMBLE: Lane.CPU}


@pytest.fixture(autouse=True)
def every_answer_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a step of its own, as large ones are."""
    monkeypatch.setattr(sys.modules["conversions.steps.convert"], "AT_ONCE_BYTES", -1)


def waiting_to(kind: Step.Kind, conversion: Conversion) -> Conversion:
    """It has come so far that this is next."""
    for before, lane in LANES.items():
        if before is kind:
            break
        found = claim(lane)
        assert found is not None
        work(found)
    assert [step.kind for step in conversion.steps.filter(status=Step.Status.WAITING)] == [kind]
    return conversion


@pytest.fixture
def converted(submit: Submit, endpoint: Endpoint) -> Conversion:
    """It was paid for, and waits to be assembled."""
    Endpoint.objects.update(billed=True)
    return waiting_to(Step.Kind.ASSEMBLE, submit())


def answer_of(conversion: Conversion) -> Path:
    return Path(default_storage.path(conversion.steps.get(kind=Step.Kind.CONVERT).result))


def storage_away() -> AbstractContextManager[None]:
    return replaced(Path(default_storage.path("")))


def fail(conversion: Conversion) -> str:
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.FAILED
    assert "safe" in conversion.error or "Retry" in conversion.error
    return conversion.error_code


def retried(conversion: Conversion, cast: Cast) -> str:
    assert actions.retry(conversion, cast.alice)
    work_until_done(conversion)
    return conversion.status


@pytest.mark.parametrize("kind", LANES)
def test_what_needs_it_waits_until_it_is_back(submit: Submit, scripted: ScriptedEndpoint, kind: Step.Kind) -> None:
    Endpoint.objects.update(billed=True)
    conversion = waiting_to(kind, submit())
    with storage_away():
        for _ in range(settings.MAX_ATTEMPTS + 1):
            later()
            assert work_all() == 1
        progress = progress_of(with_progress(Conversion.objects.filter(pk=conversion.pk)).get())
        assert progress.words == "Waiting"
        assert progress.aside == "The storage of recordings does not answer. It is tried again in a moment."
        assert conversion.steps.get(kind=kind).attempt == 0
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    assert scripted.billed == 1


@pytest.mark.parametrize(("trouble", "code"), [(replaced, "unforeseen"), (moved, "result_missing")])
def test_an_answer_that_could_not_be_read_or_was_gone_for_a_while_is_not_paid_for_again(
    converted: Conversion,
    scripted: ScriptedEndpoint,
    cast: Cast,
    trouble: Callable[[Path], AbstractContextManager[None]],
    code: str,
) -> None:
    with trouble(answer_of(converted)):
        assert fail(converted) == code
    assert retried(converted, cast) == Conversion.Status.READY
    assert scripted.billed == 1


def test_an_answer_whose_decoder_was_ended_is_not_paid_for_again(
    converted: Conversion, scripted: ScriptedEndpoint, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_args: object) -> None:
        raise AudioError("decoder_lost")

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["conversions.steps.assemble"], "heard", ended)
        assert fail(converted) == "unforeseen"
    assert retried(converted, cast) == Conversion.Status.READY
    assert scripted.billed == 1


def test_one_that_was_gone_and_can_not_be_looked_for_is_not_paid_for_again(
    converted: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    with moved(answer_of(converted)):
        assert fail(converted) == "result_missing"
    with storage_away():
        assert actions.retry(converted, cast.alice)
    work_until_done(converted)
    assert converted.status == Conversion.Status.READY
    assert scripted.billed == 1


def test_one_that_stays_gone_is_converted_anew(converted: Conversion, scripted: ScriptedEndpoint, cast: Cast) -> None:
    answer_of(converted).unlink()
    assert fail(converted) == "result_missing"
    assert retried(converted, cast) == Conversion.Status.READY
    assert scripted.billed == 2

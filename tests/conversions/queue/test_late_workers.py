"""A worker that is late, because it was suspended or its work was cancelled, leaves the ledger with the truth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conversions import actions
from conversions.models import Call, Conversion
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep import sweeper
from conversions.upkeep.worker import work
from s2s.client import Unclear
from teams.models import User
from tests.conversions.conftest import Submit, run_out, work_until_done
from tests.conversions.queue.points import Point, Points
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import phrase
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def billed(endpoint: Endpoint) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=1000)


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Points:
    return Points(monkeypatch)


def call_of(conversion: Conversion, points: Points, point: Point, happening: Callable[[], object]) -> Call:
    """Its first call, when `happening` has happened to its worker at `point` and the worker has come to its end."""
    found = claim(Lane.CPU)
    assert found is not None
    work(found)
    found = claim(Lane.CALLS)
    assert found is not None
    with points.at(point, happening):
        work(found)
    assert point in points.reached
    return Call.objects.get()


def test_what_was_answered_stays_answered(submit: Submit, scripted: ScriptedEndpoint, points: Points) -> None:
    conversion = submit(data=phrase())

    def found_by_another() -> None:
        run_out(conversion)
        work_until_done(conversion)
        raise Unclear("The connection broke.", code="no_answer")

    call = call_of(conversion, points, Point.ANSWERED, found_by_another)
    assert conversion.status == Conversion.Status.READY
    assert (call.outcome, call.history_item_id, call.credits) == (Call.Outcome.ANSWERED, "item-1", 17)


@pytest.mark.parametrize("stop", [actions.cancel, actions.delete])
def test_what_was_cancelled_when_its_answer_was_stored_was_answered(
    submit: Submit, scripted: ScriptedEndpoint, points: Points, cast: Cast, stop: Callable[..., object]
) -> None:
    conversion = submit(data=phrase())
    call = call_of(conversion, points, Point.STORED, lambda: stop(Conversion.objects.get(), cast.alice))
    sweeper.close_lost_calls()
    call.refresh_from_db()
    assert (call.outcome, call.request_id, call.credits) == (Call.Outcome.ANSWERED, "request-1", 17)
    conversion.refresh_from_db()
    assert (conversion.status, conversion.output) == (Conversion.Status.CANCELLED, "")


def erase(user: User) -> None:
    assert actions.delete(Conversion.objects.get(), user)


def test_of_what_was_erased_by_then_the_cost_is_kept_and_no_name(
    submit: Submit, scripted: ScriptedEndpoint, points: Points, cast: Cast
) -> None:
    conversion = submit(data=phrase(), enable_logging=False)
    call = call_of(conversion, points, Point.STORED, lambda: erase(cast.alice))
    assert (call.conversion, call.outcome, call.credits) == (None, Call.Outcome.ANSWERED, 17)
    assert (call.request_id, call.history_item_id) == ("", "")


def test_nor_a_word_of_what_went_wrong(submit: Submit, scripted: ScriptedEndpoint, points: Points, cast: Cast) -> None:
    scripted.script(Behaviour(fault="cut_body"))
    conversion = submit(data=phrase(), enable_logging=False)
    call = call_of(conversion, points, Point.ANSWERED, lambda: erase(cast.alice))
    assert (call.conversion, call.outcome) == (None, Call.Outcome.UNCLEAR)
    assert (call.request_id, call.error) == ("", "")

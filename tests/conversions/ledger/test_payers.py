"""Who asks for it pays: what is ordered, tried again or redone uses the minutes of whoever pressed the button, and the
ledger says so; whose recording it is changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from conversions import actions
from conversions.ledger.sums import month
from conversions.ledger.usage import usage_of
from conversions.models import Call, Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from s2s.contract import ConvertParameters
from teams.models import Membership, User
from teams.quotas import month_start
from tests.conversions.conftest import Submit, done, upload, work_all
from tests.conversions.pieces import RATE, SPEAKS, Samples, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)
Verb = Callable[[Conversion, User], bool]


def redo(conversion: Conversion, user: User) -> bool:
    return actions.redo(conversion, user, 2)


def order(conversion: Conversion, user: User) -> bool:
    regions = (actions.RegionOrder(0.0, 12.0, None, conversion.voice), actions.RegionOrder(12.0))
    return actions.order(conversion, user, conversion.voice, actions.Order(conversion.parameters, regions))


@pytest.fixture(params=["order", "retry", "redo"])
def bobs(
    request: pytest.FixtureRequest,
    ten_seconds: Endpoint,
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    cast: Cast,
    voice: Voice,
) -> tuple[Conversion, Verb]:
    """A recording of Bob's of two pieces, and what can be done with it that has something sent."""
    if request.param == "order":
        with closing(upload(wav_of(speech[: 16 * RATE]))) as file:
            kept = actions.keep(cast.bob, cast.team, file, actions.Order(ConvertParameters()))
        work_all()
        kept.refresh_from_db()
        return kept, order
    if request.param == "redo":
        return done(submit(cast.bob, wav_of(speech[: 16 * RATE]))), redo
    scripted.script(SPEAKS, Behaviour(status=400), default=SPEAKS)
    failed = submit(cast.bob, wav_of(speech[: 16 * RATE]))
    work_all()
    failed.refresh_from_db()
    assert failed.status == "failed"
    return failed, actions.retry


def used_s(user: User) -> float:
    return usage_of(Membership.objects.select_related("team").get(user=user)).user_seconds


def limit(user: User, minutes: int) -> None:
    Membership.objects.filter(user=user).update(monthly_minutes=minutes)


def test_the_ledger_names_who_pressed(bobs: tuple[Conversion, Verb], cast: Cast) -> None:
    conversion, verb = bobs
    before, last = used_s(cast.bob), Call.objects.count()
    assert verb(conversion, cast.alice)
    work_all()
    calls = Call.objects.order_by("pk")[last:]
    assert {call.user_id for call in calls} == {cast.alice.pk}
    assert used_s(cast.alice) == pytest.approx(sum(call.seconds for call in calls))
    assert used_s(cast.alice) > 0
    assert used_s(cast.bob) <= before  # what he waited for and hasn't had isn't his any more
    lines = {line.user: line.used.seconds for line in month(month_start(), month_start().replace(year=9999))}
    assert lines[cast.alice.email] == pytest.approx(used_s(cast.alice))


def test_it_counts_as_theirs_and_waits_in_their_line_before_it_is_sent(
    bobs: tuple[Conversion, Verb], cast: Cast
) -> None:
    conversion, verb = bobs
    assert verb(conversion, cast.alice)
    for _ in range(conversion.steps.filter(kind=Step.Kind.PREPARE, status=Step.Status.WAITING).count()):
        found = claim(Lane.CPU)
        assert found is not None
        assert found.user_id == cast.alice.pk
        work(found)
    assert used_s(cast.alice) > 0
    found = claim(Lane.CALLS)
    assert found is not None
    assert found.user_id == cast.alice.pk


def test_the_creators_minutes_keep_nobody_else_from_it(bobs: tuple[Conversion, Verb], cast: Cast) -> None:
    conversion, verb = bobs
    limit(cast.bob, 0)
    with pytest.raises(actions.OverQuotaError):
        verb(conversion, cast.bob)
    assert verb(conversion, cast.alice)
    done(conversion)


def test_who_presses_needs_minutes_of_their_own(bobs: tuple[Conversion, Verb], cast: Cast) -> None:
    conversion, verb = bobs
    limit(cast.alice, 0)
    with pytest.raises(actions.OverQuotaError, match="You have used 0 of your 0 minutes"):
        verb(conversion, cast.alice)
    assert verb(conversion, cast.bob)


def test_who_runs_the_site_and_is_no_member_asks_for_the_creator(
    bobs: tuple[Conversion, Verb], cast: Cast, root: User
) -> None:
    conversion, verb = bobs
    last = Call.objects.count()
    assert verb(conversion, root)
    work_all()
    assert {call.user_id for call in Call.objects.order_by("pk")[last:]} == {cast.bob.pk}

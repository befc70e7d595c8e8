"""The failure policy at work: what becomes of recordings whose endpoint refuses us or is crowded."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from conversions.ground.clock import db_now
from conversions.models import Conversion, Step
from conversions.queue import failures, outcomes
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, work_all
from tests.conversions.queue.waiting import (
    BROKEN,
    attempts,
    convert_step,
    delayed,
    later,
    look_and_work,
    look_soon,
    prepare,
    prepare_with_another_voice,
    states,
    work_at_once,
)
from tests.support.endpoint import REVOKED, SYSTEM_BUSY, TOO_MANY, Behaviour, detail
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices import breaker
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


def test_judging_changes_nothing(submit: Submit, django_assert_num_queries) -> None:
    prepare(submit, 1)
    found = claim(Lane.CALLS)
    assert found is not None
    with django_assert_num_queries(0):
        for error in (*_errors(), RuntimeError("unforeseen")):
            for claimed in (found, replace(found, billed=not found.billed)):
                verdict = failures.judge(error, claimed)
                assert verdict.error is error
                assert verdict.failure.words
                assert verdict == failures.judge(error, claimed) or verdict.retry_after_s is not None


def _errors() -> list[Exception]:
    from s2s.client import AccountProblem, Busy, NotSent, Rejected, Unclear

    return [kind("A sentence.", status_code=500) for kind in (AccountProblem, Busy, NotSent, Rejected, Unclear)]


# ---- the account ----


def test_a_refused_key_makes_all_wait_and_costs_no_attempt(submit: Submit, scripted: ScriptedEndpoint) -> None:
    scripted.script(everything=REVOKED)
    conversions = prepare(submit, 3)
    assert work_all() == 1

    assert scripted.calls == 1
    assert states(conversions) == ["converting", "converting", "converting"]
    assert attempts() == [0, 0, 0]
    endpoint = Endpoint.objects.get()
    assert delayed(conversions[0])["code"] == "account"
    assert delayed(conversions[0])["words"] == endpoint.why_held()
    assert "Testers does not accept our key" in endpoint.why_held()
    assert endpoint.pause_words == "401 invalid_api_key: Invalid API key."

    for _ in range(12):  # for as long as it takes, and beyond the cap of attempts
        look_and_work()
    assert scripted.calls == 1
    assert attempts() == [0, 0, 0]

    scripted.script()
    look_and_work()
    look_and_work()
    assert states(conversions) == ["ready"] * 3
    assert scripted.billed == 3


def test_a_key_revoked_in_the_middle_loses_nothing(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversions = prepare(submit, 12)
    scripted.script(*[Behaviour()] * 4, default=REVOKED)
    work_at_once(4)
    assert states(conversions).count("ready") == 4
    assert "failed" not in states(conversions)
    scripted.script()
    breaker.resume(Endpoint.objects.get().pk)  # as the admin's button does
    later()
    work_at_once(4)
    assert states(conversions) == ["ready"] * 12
    assert scripted.billed == 12


def test_used_up_credits_say_so(submit: Submit, scripted: ScriptedEndpoint) -> None:
    scripted.script(default=Behaviour(status=402))
    conversion = prepare(submit, 1)[0]
    work_all()
    assert "Our credits at Testers are used up." in delayed(conversion)["words"]
    assert attempts() == [0]


def test_a_recording_that_is_too_dear_does_not_keep_the_others_back(
    submit: Submit, scripted: ScriptedEndpoint, voice: Voice
) -> None:
    too_dear = Behaviour(status=401, body=detail("quota_exceeded", "1000 credits are required, 10 are left."))
    scripted.script(voices={"nora": [too_dear] * 100})
    dear = prepare(submit, 1)
    others = prepare_with_another_voice(submit, voice, 2)
    work_all()
    look_and_work()
    assert scripted.calls == 2  # it was first in line for the trial as well
    look_soon()
    work_all()
    assert states(others) == ["ready", "ready"]
    assert states(dear) == ["converting"]
    assert attempts()[0] == 0


def test_the_endpoint_is_paused_before_the_recording_may_be_claimed_again(
    submit: Submit, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(submit, 1)
    scripted.script(everything=REVOKED)
    seen, wait_again = [], outcomes.wait_again

    def watched(*given: Any, **named: Any) -> None:
        seen.append(Endpoint.objects.get().pause_code)
        wait_again(*given, **named)

    monkeypatch.setattr(outcomes, "wait_again", watched)
    work_all()
    assert seen == ["account"]


# ---- a crowd ----


def test_too_many_at_once_lowers_the_slots_and_costs_no_attempt(
    submit: Submit, scripted: ScriptedEndpoint, settings
) -> None:
    settings.MAX_ATTEMPTS = 2
    Endpoint.objects.update(slots=6)
    conversions = prepare(submit, 12)
    scripted.script(default=Behaviour(delay_s=0.1), slots=2)
    for _ in range(40):
        later()
        work_at_once(6)
        if set(states(conversions)) == {"ready"}:
            break
    assert states(conversions) == ["ready"] * 12
    assert scripted.billed == 12
    assert Endpoint.objects.get().slots_now <= 2
    assert max(attempts()) == 1


def test_slots_are_lowered_by_how_many_were_on_their_way_then_or_are_now(
    submit: Submit, scripted: ScriptedEndpoint
) -> None:
    unnamed = replace(TOO_MANY, headers={})
    Endpoint.objects.update(slots=6)
    prepare(submit, 5)
    claims = [claim(Lane.CALLS) for _ in range(5)]
    scripted.script(unnamed)
    work(claims[0])  # the first to start was the last to arrive
    assert Endpoint.objects.get().slots_now == 4
    for one in claims[1:4]:
        work(one)
    Endpoint.objects.update(learnt_slots=None)
    scripted.script(unnamed)
    work(claims[4])  # the others had their answers when this refusal was read
    assert Endpoint.objects.get().slots_now == 4


def test_what_was_one_too_many_is_not_failed_at_the_cap(submit: Submit, scripted: ScriptedEndpoint, settings) -> None:
    settings.MAX_ATTEMPTS = 1
    conversion = prepare(submit, 1)[0]
    scripted.script(default=replace(TOO_MANY, headers={"retry-after": "30"}))
    for _ in range(3):
        later()
        assert work_all() == 1
    step = convert_step(conversion)
    assert (step.status, step.attempt) == (Step.Status.WAITING, 0)
    assert delayed(conversion)["code"] == "too_many_concurrent_requests"


def test_retry_after_is_obeyed(submit: Submit, scripted: ScriptedEndpoint) -> None:
    for busy, attempt in ((SYSTEM_BUSY, 1), (TOO_MANY, 0)):
        conversion = prepare(submit, 1)[0]
        scripted.script(replace(busy, headers={"retry-after": "90"}))
        work_all()
        step = convert_step(conversion)
        assert 60 < (step.not_before - db_now()).total_seconds() <= 90  # 60 are left to the backoff
        assert step.attempt == attempt
        conversion.delete()


def test_a_busy_system_delays_only_the_one_that_asked(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversions = prepare(submit, 3)
    scripted.script(replace(SYSTEM_BUSY, headers={"retry-after": "60"}))  # longer than all this takes anywhere
    work_all()
    assert states(conversions) == ["converting", "ready", "ready"]
    endpoint = Endpoint.objects.get()
    assert (endpoint.slots_now, endpoint.pause_code, endpoint.strikes) == (2, "", 0)


def test_the_plan_that_an_answer_names_counts_from_then_on(submit: Submit, scripted: ScriptedEndpoint) -> None:
    scripted.script(default=Behaviour(headers={"maximum-concurrent-requests": "1"}))
    prepare(submit, 4)
    work(claim(Lane.CALLS))
    assert Endpoint.objects.get().slots_now == 1
    assert claim(Lane.CALLS) is not None
    assert claim(Lane.CALLS) is None


def test_every_failure_of_an_open_endpoint_is_counted(submit: Submit, scripted: ScriptedEndpoint, settings) -> None:
    settings.MAX_ATTEMPTS = 3
    conversion = prepare(submit, 1)[0]
    scripted.script(default=BROKEN)
    for expected in itertools.count(1):
        later()
        if not work_all():
            break
        assert attempts() == [expected]
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED
    assert "We tried 3 times. Your recording is safe" in conversion.error

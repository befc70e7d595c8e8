"""An endpoint that fails again and again: its recordings wait, one tries from time to time, none is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis

from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.ledger import sums
from conversions.models import Call, Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.queue.limits import timeouts
from conversions.upkeep import sweeper
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, client_of, work_all
from tests.conversions.queue.waiting import (
    BROKEN,
    attempts,
    delayed,
    later,
    look_and_work,
    look_soon,
    prepare,
    prepare_with_another_voice,
    states,
    work_at_once,
)
from tests.support.cast import Cast
from tests.support.endpoint import REVOKED, Behaviour, detail
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import phrase
from voices import breaker, probes
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


def go_silent(scripted: ScriptedEndpoint) -> None:
    """Nobody listens there until the endpoint is paused; then every call fails, and questions are answered."""
    scripted.script(default=BROKEN)
    with scripted.down():
        for _ in range(breaker.STRIKES):
            later()
            work_all()
    assert Endpoint.objects.get().pause_code == "silent"


def test_silence_uses_up_no_attempts_however_long_it_lasts(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversions = prepare(submit, 1)
    go_silent(scripted)
    with scripted.down():
        for _ in range(10):
            look_and_work()
            Endpoint.objects.update(trial=True)  # as if it had looked well just before
            later()
            work_all()
    assert (scripted.calls, attempts()) == (0, [0])
    words = "Testers is not answering. Your recordings are safe and will continue by themselves."
    assert delayed(conversions[0])["words"] == words

    scripted.script()
    look_and_work()
    assert states(conversions) == ["ready"]
    assert Endpoint.objects.get().pause_code == ""


def test_what_was_sent_to_a_silent_endpoint_is_an_attempt(submit: Submit, scripted: ScriptedEndpoint, settings) -> None:
    conversions = prepare(submit, 1)
    go_silent(scripted)
    for trial in range(1, settings.MAX_ATTEMPTS):
        look_and_work()
        assert (scripted.calls, attempts()) == (trial, [trial])  # one after each good look
        assert "Testers is not answering." in delayed(conversions[0])["words"]
    look_and_work()
    assert states(conversions) == ["failed"]
    words = f"We tried {settings.MAX_ATTEMPTS} times. Your recording is safe"
    assert words in Conversion.objects.get().error
    assert Endpoint.objects.get().pause_code == "silent"


def test_while_connections_are_refused_nothing_is_tried(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversions = prepare(submit, 8)
    with scripted.down():
        for _ in range(6):
            look_and_work()
        calls = Conversion.objects.filter(calls__isnull=False).count()
        for _ in range(5):
            look_and_work()
        assert sum(attempts()) == 0
        assert Conversion.objects.filter(calls__isnull=False).count() == calls
    look_and_work()
    look_and_work()
    assert states(conversions) == ["ready"] * 8
    assert scripted.billed == 8


def test_one_recording_tries_however_many_workers_there_are(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversions = prepare(submit, 8)
    go_silent(scripted)
    calls = scripted.calls
    later()
    probes.watch()
    work_at_once(6)
    assert scripted.calls == calls + 1
    scripted.script()
    later()
    probes.watch()
    work_at_once(1)  # the same worker goes on: its good answer has opened the endpoint
    assert states(conversions) == ["ready"] * 8


def test_the_trial_opens_the_endpoint_and_rings(submit: Submit, scripted: ScriptedEndpoint, redis_url: str) -> None:
    prepare(submit, 2)
    go_silent(scripted)
    scripted.script()
    later()
    probes.watch()
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        found = claim(Lane.CALLS)
        assert found is not None
        assert found.trial
        assert claim(Lane.CALLS) is None
        work(found)
        assert redis.llen("calls") == 2  # a bell for each slot
        redis.flushall()
        work(claim(Lane.CALLS))
        assert redis.llen("calls") == 0  # nothing new


def test_the_sweeper_rings_for_a_trial_and_not_before(
    submit: Submit, scripted: ScriptedEndpoint, redis_url: str
) -> None:
    prepare(submit, 2)
    go_silent(scripted)
    later()
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        sweeper.ring_for_waiting()
        assert redis.llen("calls") == 0
        probes.watch()
        sweeper.ring_for_waiting()
        assert redis.llen("calls") > 0


def test_after_a_failed_trial_another_recording_has_the_next_one(submit: Submit, scripted: ScriptedEndpoint) -> None:
    prepare(submit, 3)
    go_silent(scripted)
    later()
    tried = []
    for _ in range(3):
        look_soon()
        found = claim(Lane.CALLS)
        assert found is not None
        tried.append(found.step_id)
        work(found)
        endpoint, step = Endpoint.objects.get(), Step.objects.get(pk=found.step_id)
        assert endpoint.probe_at is not None
        assert step.not_before > endpoint.probe_at
    assert len(set(tried)) == 3


def test_a_recording_that_breaks_the_endpoint_fails_in_the_end_and_the_others_do_not(
    submit: Submit, scripted: ScriptedEndpoint, voice: Voice, settings
) -> None:
    poison = prepare(submit, 1)
    scripted.script(voices={"nora": [BROKEN] * 100})
    for _ in range(breaker.STRIKES + 1):
        look_and_work()
    assert states(poison) == ["converting"]
    assert Endpoint.objects.get().pause_code == ""

    others = prepare_with_another_voice(submit, voice, 2)
    work_all()
    assert states(others) == ["ready", "ready"]
    for _ in range(settings.MAX_ATTEMPTS):
        look_and_work()
    assert states(poison) == ["failed"]
    assert f"{settings.MAX_ATTEMPTS} times" in Conversion.objects.get(pk=poison[0].pk).error


def test_auditions_and_takes_of_one_recording_are_one_that_fails(
    submit: Submit, scripted: ScriptedEndpoint, settings
) -> None:
    """Each in another voice, say: the recording is the same."""
    takes = prepare(submit, breaker.STRIKES + 1)
    Conversion.objects.exclude(pk=takes[0].pk).update(take_of=takes[0].pk)
    scripted.script(default=BROKEN)
    work_all()
    assert scripted.calls == breaker.STRIKES + 1
    assert Endpoint.objects.get().pause_code == ""


@pytest.mark.parametrize("lost", [Behaviour(fault="reset_body"), Behaviour(status=504), Behaviour(fault="cut_body")])
def test_an_endpoint_that_bills_nothing_is_not_said_to_have_billed(
    submit: Submit, scripted: ScriptedEndpoint, cast: Cast, settings, lost: Behaviour
) -> None:
    conversion = prepare(submit, 1)[0]
    scripted.script(default=lost)
    for _ in range(settings.MAX_ATTEMPTS):
        look_and_work()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED
    said = [conversion.error, Endpoint.objects.get().pause_words]
    said += [str(event.data) for event in conversion.events.all()] + [call.error for call in conversion.calls.all()]
    page = client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()
    assert "We tried" in page
    assert not [words for words in [*said, page] if "bill" in words]
    used = sums.used_by(Call.objects.all())
    assert (used.credits, used.perhaps) == (0, 0)


def test_what_takes_too_long_is_not_begun_again_where_it_costs_nothing(
    submit: Submit, scripted: ScriptedEndpoint, settings
) -> None:
    settings.CALL_TIMES_LENGTH = 0
    for limits, setting in (
        ({"deadline": 0.7, "silence": 60}, "CALL_DEADLINE_S"),
        ({"deadline": 60, "silence": 0.7}, "CALL_SILENCE_S"),
    ):
        settings.CALL_DEADLINE_S, settings.CALL_SILENCE_S = limits["deadline"], limits["silence"]
        scripted.script(default=Behaviour(fault="hang"))
        conversion = prepare(submit, 1)[0]
        before = scripted.calls
        for _ in range(3):
            look_and_work()
        conversion.refresh_from_db()
        assert (scripted.calls, conversion.status) == (before + 1, "failed")
        assert "safe" in conversion.error
        assert setting in conversion.error
        assert "billed" not in conversion.error


@pytest.mark.parametrize("billed", [False, True])
def test_what_a_call_may_take_grows_with_its_recording_where_it_costs_nothing(submit: Submit, billed: bool) -> None:
    """By the settings as they are: three hours on an engine that works at a third of real time are begun once."""
    prepare(submit, 1)
    found = claim(Lane.CALLS)
    assert found is not None
    clip, hours = (timeouts(replace(found, seconds=seconds, billed=billed)) for seconds in (10.0, 3 * 3600.0))
    assert clip.read_s < clip.total_s
    if billed:
        assert hours.total_s == clip.total_s
        assert hours.read_s == hours.total_s
    else:
        assert min(hours.total_s, hours.read_s) > 3 * 3 * 3600
        assert hours.total_s - clip.total_s == hours.read_s - clip.read_s


def two_of_which_one_may_try(submit: Submit, scripted: ScriptedEndpoint) -> list[Conversion]:
    conversions = prepare(submit, 2)
    go_silent(scripted)
    scripted.script()
    later()
    probes.watch()
    return conversions


def test_a_trial_whose_recording_is_gone_passes_to_the_next(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversions = two_of_which_one_may_try(submit, scripted)
    first = claim(Lane.CALLS)
    assert first is not None
    durable.delete_all(first.conversion_id)
    work(first)
    assert work_all() == 1
    assert sorted(states(conversions)) == ["failed", "ready"]


def test_a_trial_whose_worker_died_is_made_up_for(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversions = two_of_which_one_may_try(submit, scripted)
    assert claim(Lane.CALLS) is not None  # and that was the last of its worker
    assert work_all() == 0
    Step.objects.filter(status=Step.Status.RUNNING).update(lease_until=db_now() - timedelta(seconds=1))
    sweeper.recover()
    look_and_work()
    assert states(conversions) == ["ready", "ready"]


def test_a_result_that_is_found_on_disk_during_a_trial_leaves_the_trial_to_another(
    submit: Submit, scripted: ScriptedEndpoint
) -> None:
    conversions = two_of_which_one_may_try(submit, scripted)
    found = claim(Lane.CALLS)
    assert found is not None
    with durable.open_file(conversions[0].source) as source:
        durable.store_result(found.conversion_id, found.step_id, found.attempt, found.token, source, {})
    work(found)
    assert Endpoint.objects.get().pause_code == "silent"
    work_all()
    assert states(conversions) == ["ready", "ready"]


def test_lost_answers_of_an_endpoint_that_bills_pause_it_and_stay_open_questions(
    submit: Submit, scripted: ScriptedEndpoint
) -> None:
    Endpoint.objects.update(billed=True, slots=6)
    conversions = prepare(submit, 6)
    scripted.script(default=Behaviour(fault="reset", in_history=False))
    work_all()
    assert scripted.calls == scripted.billed == breaker.STRIKES  # the sixth is not thrown after them
    assert [delayed(conversion)["code"] for conversion in conversions[:5]] == ["lost"] * 5
    assert attempts() == [1, 1, 1, 1, 1, 0]


def test_an_answer_that_is_found_in_the_history_leaves_the_trial_to_another(
    submit: Submit, scripted: ScriptedEndpoint
) -> None:
    Endpoint.objects.update(billed=True)
    lost = prepare(submit, 1, data=phrase())
    scripted.script(Behaviour(fault="reset"), default=BROKEN)
    work_all()
    Step.objects.update(not_before=db_now() + timedelta(hours=1))
    prepare(submit, 4)
    work_all()
    assert Endpoint.objects.get().pause_code == "silent"
    scripted.script()
    later()
    probes.watch()
    found = claim(Lane.CALLS)
    assert found is not None
    assert found.conversion_id == lost[0].pk
    work(found)
    endpoint = Endpoint.objects.get()
    assert (endpoint.pause_code, endpoint.trial) == ("silent", True)
    later()
    work_all()
    assert set(states(list(Conversion.objects.all()))) == {"ready"}


def test_a_key_that_may_not_read_the_history_is_no_account_problem(submit: Submit, scripted: ScriptedEndpoint) -> None:
    Endpoint.objects.update(billed=True)
    conversion = prepare(submit, 1)[0]
    forbidden = Behaviour(status=401, body=detail("missing_permissions", "speech_history_read"))
    scripted.script(Behaviour(fault="reset"), gets=[forbidden])
    work_all()
    later()
    work_all()
    conversion.refresh_from_db()
    assert (conversion.status, conversion.error_code) == ("failed", "unclear")
    assert Endpoint.objects.get().pause_code == ""


def test_a_lost_answer_is_looked_for_when_the_account_is_in_order(submit: Submit, scripted: ScriptedEndpoint) -> None:
    Endpoint.objects.update(billed=True)
    conversion = prepare(submit, 1, data=phrase())[0]
    scripted.script(Behaviour(fault="reset"), gets=[REVOKED])
    work_all()
    later()
    work_all()
    assert Endpoint.objects.get().pause_code == "account"
    look_and_work()
    assert states([conversion]) == ["ready"]
    assert scripted.billed == 1

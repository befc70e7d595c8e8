"""How a paused endpoint is looked at, what a look may find, and how one recording tries it."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.db.models.functions import Now

from s2s.client import Unclear
from s2s_site.celery import app
from tests.support.endpoint import REVOKED, Behaviour, detail
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.together import at_once
from tests.voices.conftest import BROKEN, NO_CREDITS, Fail, strike_out
from voices import breaker, catalogue, probes, tasks
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def due(endpoint: Endpoint) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(probe_at=Now())


def watched(endpoint: Endpoint) -> Endpoint:
    """As the next look that is due leaves it."""
    due(endpoint)
    probes.watch()
    endpoint.refresh_from_db()
    return endpoint


def seconds_until_look(endpoint: Endpoint) -> float:
    left = Endpoint.objects.annotate(now=Now()).values_list("probe_at", "now").get(pk=endpoint.pk)
    return (left[0] - left[1]).total_seconds()


def gets(scripted: ScriptedEndpoint) -> list[str]:
    return [request.path for request in scripted.requests if request.method == "GET"]


def test_nothing_is_looked_at_before_its_time_or_while_all_is_well(endpoint: Endpoint, fail: Fail, scripted) -> None:
    probes.watch()
    strike_out(endpoint, fail(BROKEN))
    assert 2.0 < seconds_until_look(endpoint) <= 5
    probes.watch()
    assert gets(scripted) == []


def test_a_good_look_lets_one_recording_try(endpoint: Endpoint, fail: Fail, scripted) -> None:
    strike_out(endpoint, fail(BROKEN))
    assert not Endpoint.objects.filter(breaker.takes_work()).exists()
    watched(endpoint)
    assert gets(scripted) == ["/v1/models"]
    assert (endpoint.pause_code, endpoint.trial, endpoint.held, endpoint.why_held()) == ("silent", True, False, "")
    assert Endpoint.objects.filter(breaker.takes_work()).exists()
    breaker.trial_taken(endpoint.pk)
    endpoint.refresh_from_db()
    assert (endpoint.trial, endpoint.held) == (False, True)
    assert seconds_until_look(endpoint) > 100


def test_looks_that_find_nothing_good_come_later_and_later_and_withdraw_the_trial(
    endpoint: Endpoint, fail: Fail, scripted
) -> None:
    strike_out(endpoint, fail(BROKEN))
    watched(endpoint)
    scripted.script(everything=BROKEN)
    watched(endpoint)
    assert not endpoint.trial
    waits = []
    for _ in range(6):
        watched(endpoint)
        waits.append(seconds_until_look(endpoint))
    assert 14 < waits[0] <= 40
    assert waits[0] < waits[-1]
    assert 59 < waits[-1] <= 120


def test_an_account_is_looked_at_every_few_minutes_in_the_end() -> None:
    waits = [breaker.look_after(Endpoint.PauseCode.ACCOUNT, 100).total_seconds() for _ in range(50)]
    assert all(150 <= wait <= 300 for wait in waits)
    assert len(set(waits)) > 1


def test_a_failed_trial_makes_the_next_look_later(endpoint: Endpoint, fail: Fail) -> None:
    error = fail(BROKEN)
    strike_out(endpoint, error)
    watched(endpoint)
    breaker.trial_taken(endpoint.pk)
    breaker.failed(endpoint.pk, error, "one", trial=True)
    endpoint.refresh_from_db()
    assert (endpoint.pause_code, endpoint.trial) == ("silent", False)
    assert 4.9 < seconds_until_look(endpoint) <= 10


def test_a_trial_that_is_refused_for_itself_shows_that_the_endpoint_works(endpoint: Endpoint, fail: Fail) -> None:
    strike_out(endpoint, fail(BROKEN))
    breaker.failed(endpoint.pk, fail(Behaviour(status=422)), "one", trial=True)
    endpoint.refresh_from_db()
    assert endpoint.pause_code == ""


def test_a_trial_that_we_stopped_ourselves_is_offered_again(endpoint: Endpoint, fail: Fail) -> None:
    strike_out(endpoint, fail(BROKEN))
    for code in ("aborted", "source"):
        breaker.trial_taken(endpoint.pk)
        breaker.failed(endpoint.pk, Unclear("Stopped.", code=code), "one", trial=True)
        endpoint.refresh_from_db()
        assert endpoint.trial


def test_late_failures_of_a_paused_endpoint_change_nothing(endpoint: Endpoint, fail: Fail, scripted) -> None:
    strike_out(endpoint, fail(BROKEN))
    scripted.script(everything=BROKEN)
    watched(endpoint)
    before = (endpoint.paused_at, endpoint.probe_at, endpoint.probes)
    strike_out(endpoint, fail(BROKEN))
    assert (endpoint.paused_at, endpoint.probe_at, endpoint.probes) == before
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    scripted.script(everything=REVOKED)
    watched(endpoint)
    before = (endpoint.paused_at, endpoint.probe_at, endpoint.probes)
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    endpoint.refresh_from_db()
    assert (endpoint.paused_at, endpoint.probe_at, endpoint.probes) == before


def test_of_two_that_look_at_once_one_asks(endpoint: Endpoint, fail: Fail, scripted) -> None:
    strike_out(endpoint, fail(BROKEN))
    scripted.script(gets=[Behaviour(delay_s=0.5, body="[]")] * 3)
    due(endpoint)
    seen = Endpoint.objects.get(pk=endpoint.pk)
    assert [probes._claim(seen), probes._claim(seen)] == [True, False]
    due(endpoint)
    at_once(tasks.watch_endpoints, tasks.watch_endpoints, tasks.watch_endpoints)
    assert gets(scripted) == ["/v1/models"]
    endpoint.refresh_from_db()
    assert endpoint.probes == 2


def test_a_key_that_is_still_refused_stays_paused(endpoint: Endpoint, fail: Fail, scripted) -> None:
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    scripted.script(everything=REVOKED)
    assert not watched(endpoint).trial
    scripted.script()
    assert watched(endpoint).trial


def test_a_silent_endpoint_that_answers_but_refuses_the_key_says_that(endpoint: Endpoint, fail: Fail, scripted) -> None:
    strike_out(endpoint, fail(BROKEN))
    scripted.script(everything=REVOKED)
    watched(endpoint)
    assert (endpoint.pause_code, endpoint.pause_reason) == ("account", "key")


def subscription(used: int) -> Behaviour:
    return Behaviour(body=json.dumps({"tier": "creator", "character_count": used, "character_limit": 1000}))


def test_credits_are_waited_for_by_asking_how_many_are_left(endpoint: Endpoint, fail: Fail, scripted) -> None:
    breaker.failed(endpoint.pk, fail(NO_CREDITS), "one")
    scripted.script(gets=[subscription(1000)])
    assert not watched(endpoint).trial
    scripted.script(gets=[subscription(900)])
    assert watched(endpoint).trial
    assert gets(scripted) == ["/v1/user/subscription"] * 2


@pytest.mark.parametrize(
    "answer", [Behaviour(status=404), Behaviour(status=401, body=detail("missing_permissions", "user_read"))]
)
def test_where_credits_are_not_told_a_recording_tries(endpoint: Endpoint, fail: Fail, scripted, answer) -> None:
    breaker.failed(endpoint.pk, fail(NO_CREDITS), "one")
    scripted.script(gets=[answer])
    assert watched(endpoint).trial
    assert endpoint.pause_reason == "credits"


def test_a_new_key_of_an_account_without_credits_changes_the_words(endpoint: Endpoint, fail: Fail) -> None:
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    breaker.failed(endpoint.pk, fail(NO_CREDITS), "one", trial=True)
    endpoint.refresh_from_db()
    assert endpoint.pause_reason == "credits"
    assert "quota_exceeded" in endpoint.pause_words


def test_a_sync_that_succeeds_lets_one_recording_try(endpoint: Endpoint, fail: Fail, scripted) -> None:
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    scripted.script(everything=REVOKED)
    assert not catalogue.sync(endpoint)
    endpoint.refresh_from_db()
    assert not endpoint.trial
    scripted.script()
    assert catalogue.sync(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.trial


def test_a_sync_says_nothing_about_credits_but_they_are_asked_for_at_once(endpoint: Endpoint, fail: Fail) -> None:
    breaker.failed(endpoint.pk, fail(NO_CREDITS), "one")
    assert seconds_until_look(endpoint) > 1
    catalogue.sync(endpoint)
    endpoint.refresh_from_db()
    assert not endpoint.trial
    assert seconds_until_look(endpoint) <= 0


@pytest.mark.parametrize("fault", [{"base_url": "http://.."}, {"secret_name": "ENDPOINT_KEY_ODD"}])
def test_a_look_that_cannot_be_sent_keeps_none_of_those_after_it(
    endpoint: Endpoint, fail: Fail, scripted, settings, fault: dict[str, str]
) -> None:
    settings.ENDPOINT_SECRETS = {"ENDPOINT_KEY_ODD": "kéy"}
    other = Endpoint.objects.create(key="other", name="Other", base_url=endpoint.base_url)
    error = fail(BROKEN)
    for row in (endpoint, other):
        strike_out(row, error)
    Endpoint.objects.filter(pk=endpoint.pk).update(**fault)
    Endpoint.objects.update(probe_at=Now())
    probes.watch()
    for row in (endpoint, other):
        row.refresh_from_db()
    assert (endpoint.trial, other.trial) == (False, True)


def test_a_start_which_may_bring_another_key_looks_at_once(endpoint: Endpoint, fail: Fail) -> None:
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    catalogue.ensure_endpoints()
    assert seconds_until_look(endpoint) <= 0


def test_beat_rings_for_it() -> None:
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.watch_endpoints.name in names
    app.loader.import_default_modules()
    assert tasks.watch_endpoints.name in app.tasks

"""When an endpoint pauses by its own answers, how it is looked at, and how it comes back."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from s2s.client import Abort, EndpointError, NotSent, Unclear
from s2s_site.celery import app
from tests.support.endpoint import REVOKED, SYSTEM_BUSY, TOO_MANY, Behaviour, detail
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.voices.conftest import Fail
from voices import breaker, catalogue, probes, tasks
from voices.breaker import STRIKES, Sign, sign_of
from voices.clients import client_for
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

BROKEN = Behaviour(status=500)
NO_CREDITS = Behaviour(status=401, body=detail("quota_exceeded", "You have 0 credits left, 120 are required."))


def strike_out(endpoint: Endpoint, error: EndpointError) -> None:
    for number in range(STRIKES):
        breaker.failed(endpoint.pk, error, str(number))
    endpoint.refresh_from_db()


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


def at_once(*actions) -> None:
    def run(action) -> None:
        try:
            action()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("behaviour", "sign"),
    [
        (Behaviour(status=500), Sign.STRIKE),
        (Behaviour(status=502), Sign.STRIKE),
        (Behaviour(status=503), Sign.STRIKE),
        (Behaviour(status=504), Sign.STRIKE),
        (Behaviour(status=408), Sign.STRIKE),
        (Behaviour(fault="reset"), Sign.STRIKE),
        (Behaviour(fault="cut_body"), Sign.STRIKE),
        (Behaviour(body="<html>Sign in</html>", content_type="text/html"), Sign.STRIKE),
        (TOO_MANY, Sign.CROWDED),
        (SYSTEM_BUSY, None),
        (REVOKED, Sign.ACCOUNT),
        (NO_CREDITS, Sign.ACCOUNT),
        (Behaviour(status=402), Sign.ACCOUNT),
        (Behaviour(status=403, body="<html>Firewall</html>", content_type="text/html"), Sign.ACCOUNT),
        (Behaviour(status=422), None),
        (Behaviour(status=413), None),
        (Behaviour(status=404), None),
    ],
)
def test_what_an_answer_says_about_the_endpoint(fail: Fail, behaviour: Behaviour, sign: Sign | None) -> None:
    assert sign_of(fail(behaviour)) is sign


def test_a_refused_connection_is_a_strike_and_our_own_abort_is_none(endpoint: Endpoint, scripted) -> None:
    abort = Abort()
    abort.abort()
    with pytest.raises(EndpointError) as aborted:
        client_for(endpoint).ping(abort=abort)
    assert sign_of(aborted.value) is None
    assert sign_of(Unclear("The call was stopped after it had been sent.", code="aborted")) is None
    with scripted.down(), pytest.raises(NotSent) as refused:
        client_for(endpoint).ping()
    assert sign_of(refused.value) is Sign.STRIKE


def test_a_row_of_failures_pauses_and_people_read_who_is_silent(endpoint: Endpoint, fail: Fail) -> None:
    error = fail(BROKEN)
    for number in range(STRIKES - 1):
        breaker.failed(endpoint.pk, error, str(number))
    endpoint.refresh_from_db()
    assert (endpoint.held, endpoint.why_held()) == (False, "")

    breaker.failed(endpoint.pk, error, "another")
    endpoint.refresh_from_db()
    assert (endpoint.pause_code, endpoint.held) == ("silent", True)
    words = "Testers is not answering. Your recordings are safe and will continue by themselves."
    assert endpoint.why_held() == words
    assert endpoint.pause_words.startswith("500 status_500")
    assert endpoint.paused_at is not None


def test_a_good_answer_ends_the_row(endpoint: Endpoint, fail: Fail) -> None:
    error = fail(BROKEN)
    for _ in range(3):
        for number in range(STRIKES - 1):
            breaker.failed(endpoint.pk, error, str(number))
        assert not breaker.went_well(endpoint.pk)
    endpoint.refresh_from_db()
    assert (endpoint.pause_code, endpoint.strikes) == ("", 0)


def test_strikes_of_many_workers_at_once_are_all_counted(endpoint: Endpoint, fail: Fail) -> None:
    error = fail(BROKEN)
    at_once(*[partial(breaker.failed, endpoint.pk, error, str(number)) for number in range(STRIKES - 1)])
    endpoint.refresh_from_db()
    assert (endpoint.strikes, endpoint.pause_code) == (STRIKES - 1, "")
    at_once(*[partial(breaker.failed, endpoint.pk, error, str(number)) for number in range(30)])
    endpoint.refresh_from_db()
    assert (endpoint.pause_code, endpoint.strikes, endpoint.struck_by) == ("silent", 0, "")


@pytest.mark.parametrize("behaviour", [BROKEN, Behaviour(status=503), Behaviour(fault="reset_body")])
def test_one_recording_that_fails_again_and_again_keeps_no_other_back(
    endpoint: Endpoint, fail: Fail, behaviour: Behaviour
) -> None:
    error = fail(behaviour)
    for _ in range(3 * STRIKES):
        for recording in ("first", "second"):
            breaker.failed(endpoint.pk, error, recording)
    endpoint.refresh_from_db()
    assert (endpoint.pause_code, endpoint.strikes) == ("", 2)
    breaker.went_well(endpoint.pk)
    breaker.failed(endpoint.pk, error, "first")
    endpoint.refresh_from_db()
    assert endpoint.strikes == 1


def test_a_refused_connection_counts_each_time_whoever_wanted_it(endpoint: Endpoint, scripted) -> None:
    with scripted.down(), pytest.raises(NotSent) as refused:
        client_for(endpoint).ping()
    for _ in range(STRIKES):
        breaker.failed(endpoint.pk, refused.value, "one")
    endpoint.refresh_from_db()
    assert endpoint.pause_code == "silent"


def test_any_good_answer_opens_a_silent_endpoint(endpoint: Endpoint, fail: Fail) -> None:
    strike_out(endpoint, fail(BROKEN))
    assert breaker.went_well(endpoint.pk)
    endpoint.refresh_from_db()
    fields = (endpoint.pause_code, endpoint.pause_words, endpoint.paused_at, endpoint.probe_at, endpoint.probes)
    assert fields == ("", "", None, None, 0)


def test_an_answer_that_was_on_its_way_does_not_bring_back_a_refused_account(endpoint: Endpoint, fail: Fail) -> None:
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    assert not breaker.went_well(endpoint.pk)
    endpoint.refresh_from_db()
    assert endpoint.pause_code == "account"
    assert breaker.went_well(endpoint.pk, trial=True)
    endpoint.refresh_from_db()
    assert endpoint.pause_code == ""


@pytest.mark.parametrize(
    ("behaviour", "reason", "words"),
    [
        (REVOKED, "key", "Testers does not accept our key"),
        (Behaviour(status=401, body=detail("missing_permissions", "No.")), "key", "does not accept our key"),
        (NO_CREDITS, "credits", "Our credits at Testers are used up."),
        (Behaviour(status=402), "credits", "Our credits at Testers are used up."),
        (Behaviour(status=403, body="no", content_type="text/plain"), "other", "Testers does not serve our account"),
    ],
)
def test_an_account_problem_pauses_at_once_and_says_which(
    endpoint: Endpoint, fail: Fail, behaviour: Behaviour, reason: str, words: str
) -> None:
    breaker.failed(endpoint.pk, fail(behaviour), "one")
    endpoint.refresh_from_db()
    assert (endpoint.pause_code, endpoint.pause_reason) == ("account", reason)
    assert words in endpoint.why_held()
    assert "Your recordings are safe and will continue by themselves" in endpoint.why_held()
    assert endpoint.pause_words.startswith(str(behaviour.status))


def test_an_admins_pause_says_so_and_outlasts_good_answers(endpoint: Endpoint) -> None:
    endpoint.paused = True
    endpoint.save()
    breaker.went_well(endpoint.pk)
    endpoint.refresh_from_db()
    assert endpoint.held
    assert "Testers is paused." in endpoint.why_held()


# ---- looks ----


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


def test_good_answers_in_a_row_write_nothing(
    endpoint: Endpoint, django_assert_num_queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "GOOD_EVERY", timedelta(minutes=5))  # so that they are in a row
    breaker.went_well(endpoint.pk)
    before = Endpoint.objects.get().last_good_at
    with django_assert_num_queries(1):
        breaker.went_well(endpoint.pk)
    assert Endpoint.objects.get().last_good_at == before
    Endpoint.objects.update(last_good_at=Now() - breaker.GOOD_EVERY - timedelta(milliseconds=10))
    breaker.went_well(endpoint.pk)
    assert Endpoint.objects.get().last_good_at >= before


def test_beat_rings_for_it() -> None:
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.watch_endpoints.name in names
    app.loader.import_default_modules()
    assert tasks.watch_endpoints.name in app.tasks

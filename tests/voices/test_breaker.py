"""When an endpoint pauses by its own answers, and which of them bring it back."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db.models.functions import Now

from s2s.client import Abort, EndpointError, NotSent, Unclear
from tests.support.endpoint import REVOKED, SYSTEM_BUSY, TOO_MANY, Behaviour, detail
from tests.support.together import at_once
from tests.voices.conftest import BROKEN, NO_CREDITS, Fail, strike_out
from voices import breaker
from voices.breaker import STRIKES, Sign, sign_of
from voices.clients import client_for
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


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

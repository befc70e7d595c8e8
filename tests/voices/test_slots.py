"""How many recordings an endpoint is given at once, as it learns from answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from s2s.client import Busy
from tests.support.endpoint import TOO_MANY
from tests.voices.conftest import Fail
from voices import breaker, probes, slots
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

UNNAMED = replace(TOO_MANY, headers={})  # doesn't say how many it takes


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is a matter of seconds elsewhere is not over before the next line, however slow the machine is."""
    monkeypatch.setattr(slots, "LAG", timedelta(minutes=5))
    monkeypatch.setattr(slots, "LAG_REST_S", 300.0)
    monkeypatch.setattr(slots, "CROWDED_REST_S", 300.0)


def slots_now() -> int:
    return Endpoint.objects.get().slots_now


def rests() -> bool:
    return not Endpoint.objects.filter(breaker.takes_work()).exists()


def narrow(endpoint: Endpoint, error: Exception, running: int) -> int:
    assert isinstance(error, Busy)
    slots.narrow(endpoint.pk, error, running)
    return slots_now()


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("9", 5), ("5", 5), ("0", 5), ("many", 5), ("", 5)])
def test_a_plan_that_allows_fewer_lowers_them(endpoint: Endpoint, said: str, expected: int) -> None:
    slots.heed(endpoint, {"maximum-concurrent-requests": said})
    assert slots_now() == expected
    assert (Endpoint.objects.get().learnt_at is not None) == (expected != 5)


def test_a_plan_that_allows_what_is_known_writes_nothing(endpoint: Endpoint, django_assert_num_queries) -> None:
    slots.heed(endpoint, {"maximum-concurrent-requests": "3"})
    learnt_at = Endpoint.objects.get().learnt_at
    slots.heed(endpoint, {"maximum-concurrent-requests": "3"})  # of a call that began before that was known
    endpoint.refresh_from_db()
    assert endpoint.learnt_at == learnt_at
    with django_assert_num_queries(0):
        slots.heed(endpoint, {"maximum-concurrent-requests": "3"})
        slots.heed(endpoint, {})


def test_one_too_many_lowers_them_to_one_less_than_were_running(endpoint: Endpoint, fail: Fail) -> None:
    error = fail(UNNAMED)
    assert narrow(endpoint, error, 4) == 3
    assert narrow(endpoint, error, 4) == 3  # it was sent before that was known
    assert narrow(endpoint, error, 5) == 3
    assert narrow(endpoint, error, 3) == 2
    assert not rests()


def test_one_too_many_lowers_them_to_what_the_refusal_names(endpoint: Endpoint, fail: Fail) -> None:
    assert narrow(endpoint, fail(TOO_MANY), 5) == 3


def test_one_slot_always_remains_but_it_rests(endpoint: Endpoint, fail: Fail) -> None:
    error = fail(UNNAMED)
    assert narrow(endpoint, error, 2) == 1
    assert not rests()
    assert narrow(endpoint, error, 1) == 1
    assert rests()
    Endpoint.objects.update(rest_until=Now())
    assert not rests()


def test_a_slot_that_the_endpoint_has_not_freed_yet_teaches_nothing(endpoint: Endpoint, fail: Fail) -> None:
    error = fail(TOO_MANY)  # says that it takes 3
    slots.heed(endpoint, {"maximum-concurrent-requests": "3"})
    breaker.went_well(endpoint.pk)
    assert narrow(endpoint, error, 3) == 3
    assert rests()
    Endpoint.objects.update(last_good_at=Now() - 2 * slots.LAG, rest_until=None)
    assert narrow(endpoint, error, 3) == 2


def test_one_more_is_tried_each_hour_until_as_many_as_are_set(endpoint: Endpoint) -> None:
    slots.heed(endpoint, {"maximum-concurrent-requests": "3"})
    probes.watch()
    assert slots_now() == 3
    for expected in (4, 5):
        Endpoint.objects.update(learnt_at=Now() - timedelta(minutes=61))
        probes.watch()
        probes.watch()
        assert slots_now() == expected
    assert Endpoint.objects.get().learnt_slots is None

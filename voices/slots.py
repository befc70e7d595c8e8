"""How many recordings an endpoint is given at once: as many as are set, or as few as it says, tried upwards hourly."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from s2s.client import Busy, Concurrency
from voices.models import Endpoint

logger = logging.getLogger(__name__)

WIDEN_EVERY = timedelta(hours=1)
# The endpoint may still count a request whose answer we have: no reason to learn anything.
LAG = timedelta(seconds=5)
LAG_REST_S = 0.5
# Others may use the account as well, and leave us nothing for a while.
CROWDED_REST_S = 5.0


def heed(endpoint: Endpoint, headers: Mapping[str, str]) -> None:
    """A good answer may say how many requests the plan allows: never more are sent.

    `endpoint` as it was before the call: most answers say what is known, and nobody is asked.
    """
    maximum = _maximum(headers)
    if maximum is not None and maximum < endpoint.slots_now:
        _learn(Endpoint.objects.filter(_wider_than(maximum), pk=endpoint.pk), maximum)


def narrow(endpoint_id: int, error: Busy, running: int) -> None:
    """The endpoint refused a request of ours as one too many, while `running` of ours were on their way."""
    maximum = _maximum(error.headers)
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update().get(pk=endpoint_id)
        this = Endpoint.objects.filter(pk=endpoint_id)
        allowed = maximum or endpoint.learnt_slots
        if allowed and running <= allowed and this.filter(last_good_at__gt=Now() - LAG).exists():
            _rest(this, error.retry_after_s or LAG_REST_S)
            return
        learnt = max(1, min(endpoint.slots, maximum or endpoint.slots, running - 1))
        if learnt < endpoint.slots_now:
            _learn(this, learnt)
        elif running <= endpoint.slots_now:
            _rest(this, error.retry_after_s or CROWDED_REST_S)


def widen_due() -> None:
    """One slot more for who was given fewer than are set, an hour after the last change."""
    fewer = Endpoint.objects.filter(learnt_slots__isnull=False)
    fewer.filter(learnt_at__lte=Now() - WIDEN_EVERY).update(learnt_slots=F("learnt_slots") + 1, learnt_at=Now())
    fewer.filter(learnt_slots__gte=F("slots")).update(learnt_slots=None, learnt_at=None)


def _wider_than(count: int) -> Q:
    return Q(slots__gt=count) & (Q(learnt_slots=None) | Q(learnt_slots__gt=count))


def _learn(endpoints: QuerySet[Endpoint], count: int) -> None:
    if endpoints.exclude(learnt_slots=count).update(learnt_slots=count, learnt_at=Now()):
        logger.warning("an endpoint takes %d at once", count)


def _rest(endpoints: QuerySet[Endpoint], seconds: float) -> None:
    endpoints.update(rest_until=Now() + timedelta(seconds=seconds))


def _maximum(headers: Mapping[str, str]) -> int | None:
    found = Concurrency.of(headers).maximum
    return found if found and found > 0 else None

"""What calls tell about their endpoint: that it works, how many it takes at once, that it must pause.

Nothing here holds a lock when it comes to a conversion: locks go team, endpoint, conversion, step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from conversions.ground.clock import db_now
from conversions.models import Failure, Step
from conversions.queue.bells import Lane, ring
from conversions.queue.claim import Claim
from s2s.client import Busy, EndpointError
from voices import breaker, slots
from voices.models import Endpoint

CROWDED_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Hold:
    """The recording waits for its endpoint, and says so."""

    failure: Failure
    delay_s: float = 0.0


def answered(claim: Claim, endpoint: Endpoint, headers: Mapping[str, str], *, is_news: bool) -> None:
    """A call of the endpoint brought its answer, with these headers. `is_news`: as `outcomes.ended` has found."""
    slots.heed(endpoint, headers)
    if (is_news or claim.trial) and breaker.went_well(endpoint.pk, trial=claim.trial):
        transaction.on_commit(partial(ring, Lane.CALLS, min(endpoint.slots, settings.CALLS_CONCURRENCY)), robust=True)


def not_called(claim: Claim) -> None:
    """A result was found without a call: of a trial nothing was learnt."""
    if claim.trial and claim.endpoint_id is not None:
        breaker.trial_came_to_nothing(claim.endpoint_id)


def failed(claim: Claim, error: Exception) -> Hold | None:
    """Tells the endpoint's health. A Hold where all its recordings wait, not only this one."""
    endpoint_id = claim.endpoint_id
    if endpoint_id is None:
        return None
    if not isinstance(error, EndpointError):
        if claim.trial:
            breaker.trial_came_to_nothing(endpoint_id)
        return None
    sign = breaker.sign_of(error)
    breaker.failed(endpoint_id, error, claim.recording, trial=claim.trial)
    if isinstance(error, Busy) and sign is breaker.Sign.CROWDED:
        slots.narrow(endpoint_id, error, max(claim.running, running(endpoint_id)))
        return Hold(Failure(error.code or "busy", str(error)), CROWDED_WAIT_S)
    if sign is None:
        return None
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    if not endpoint.pause_code:
        return None
    return Hold(Failure(endpoint.pause_code, endpoint.why_paused()), _turn_s(endpoint) if claim.trial else 0.0)


def may_start(endpoint: Endpoint) -> int:
    """How many of those that wait for it, and whose time has come, find a free slot now."""
    leased = Step.objects.filter(status=Step.Status.RUNNING, lease_until__gt=Now(), endpoint=endpoint)
    due = Step.objects.filter(status=Step.Status.WAITING, not_before__lte=Now(), endpoint=endpoint).order_by()
    is_long = Q(priority=Step.LONG)
    taken = leased.aggregate(all=Count("pk"), long=Count("pk", filter=is_long))
    free: int = max(0, endpoint.slots_now - taken["all"])
    free_for_long = max(0, min(free, endpoint.long_slots - taken["long"]))
    count: int = due.exclude(is_long)[:free].count() + due.filter(is_long)[:free_for_long].count()
    return min(free, count)


def running(endpoint_id: int) -> int:
    """How many live leases it has: of its slots these are taken."""
    return Step.objects.filter(status=Step.Status.RUNNING, lease_until__gt=db_now(), endpoint=endpoint_id).count()


def _turn_s(endpoint: Endpoint) -> float:
    """Until after the next trial: another recording shall have that one, in case that this one is the trouble."""
    left = endpoint.probe_at - db_now() if endpoint.probe_at else timedelta()
    return max(left, timedelta()).total_seconds() + 2 * float(settings.SWEEP_SECONDS)

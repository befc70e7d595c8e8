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

from conversions.models import Step
from conversions.queue.bells import Lane, ring
from conversions.queue.claim import Claim
from conversions.queue.clock import db_now
from conversions.queue.outcomes import Failure
from s2s.client import Busy, EndpointError
from voices import breaker, slots
from voices.models import Endpoint

CROWDED_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Hold:
    """The recording waits for its endpoint, which is no attempt of its own."""

    failure: Failure
    delay_s: float = 0.0


def answered(claim: Claim, endpoint: Endpoint, headers: Mapping[str, str], *, is_news: bool) -> None:
    """A call of the endpoint brought its answer, with these headers. `is_news`: as `outcomes.ended` has found."""
    slots.heed(endpoint.pk, headers)
    if (is_news or claim.trial) and breaker.went_well(endpoint.pk, trial=claim.trial):
        transaction.on_commit(partial(ring, Lane.CALLS, min(endpoint.slots, settings.CALLS_CONCURRENCY)), robust=True)


def not_called(claim: Claim, endpoint: Endpoint) -> None:
    """A result was found without a call: of a trial nothing was learnt."""
    if claim.trial:
        breaker.trial_came_to_nothing(endpoint.pk)


def failed(claim: Claim, error: Exception) -> Hold | None:
    """Tells the endpoint's health. A Hold where it is the endpoint's fault and not the recording's."""
    if claim.kind is not Step.Kind.CONVERT:
        return None
    endpoint_id = Step.objects.values_list("endpoint_id", flat=True).filter(pk=claim.step_id).first()
    if endpoint_id is None:
        return None
    if not isinstance(error, EndpointError):
        if claim.trial:
            breaker.trial_came_to_nothing(endpoint_id)
        return None
    sign = breaker.sign_of(error)
    breaker.failed(endpoint_id, error, trial=claim.trial)
    if isinstance(error, Busy) and sign is breaker.Sign.CROWDED:
        slots.narrow(endpoint_id, error, max(claim.running, running(endpoint_id)))
        return Hold(Failure(error.code or "busy", str(error)), CROWDED_WAIT_S)
    if sign is None:
        return None
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    if not endpoint.pause_code:
        return None
    return Hold(Failure(endpoint.pause_code, endpoint.why_paused()), _turn_s(endpoint) if claim.trial else 0.0)


def running(endpoint_id: int) -> int:
    """How many live leases it has: of its slots these are taken."""
    return Step.objects.filter(status=Step.Status.RUNNING, lease_until__gt=db_now(), endpoint=endpoint_id).count()


def _turn_s(endpoint: Endpoint) -> float:
    """Until after the next trial: another recording shall have that one, in case that this one is the trouble."""
    left = endpoint.probe_at - db_now() if endpoint.probe_at else timedelta()
    return max(left, timedelta()).total_seconds() + 2 * float(settings.SWEEP_SECONDS)

"""The queue of voices that are to be made or removed: a table of its own, because they belong to no recording.

As in the other queue the database is the truth, a bell only wakes, and every write carries the token of a lease.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from conversions.ground.clock import db_now
from conversions.models import Enrolment
from conversions.queue.claim import LeaseLostError
from voices.breaker import takes_work
from voices.models import Endpoint

# Renewed before each call, none of which takes as long.
LEASE = timedelta(seconds=90)
BACKOFF_FIRST_S, BACKOFF_MOST_S = 10.0, 600.0

_NO_LEASE = {"lease_token": None, "lease_until": None}


def due() -> QuerySet[Enrolment]:
    """What may be taken up now; of one whose worker has vanished, once its lease has run out."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    return Enrolment.objects.filter(
        free,
        state__in=Enrolment.UNFINISHED,
        not_before__lte=Now(),
        endpoint__in=Endpoint.objects.filter(takes_work(), enabled=True),
    )


def claim() -> Enrolment | None:
    """The one that waits longest, under a lease."""
    for pk in due().order_by("not_before", "pk").values_list("pk", flat=True):
        token = uuid.uuid4()
        taken = due().filter(pk=pk).update(lease_token=token, lease_until=db_now() + LEASE, attempt=F("attempt") + 1)
        if taken:
            held = Enrolment.objects.filter(pk=pk, lease_token=token)
            held.filter(state=Enrolment.State.WAITING).update(state=Enrolment.State.ADDING)
            return held.select_related("endpoint", "voice").first()
    return None


def still_held(enrolment: Enrolment) -> None:
    """Renews the lease. Raises LeaseLostError, also where it is no longer to be what was begun."""
    if not _held(enrolment).filter(state=enrolment.state).update(lease_until=db_now() + LEASE):
        raise LeaseLostError


def settle(enrolment: Enrolment, **fields: object) -> None:
    """What became of it, and the end of the lease. Raises LeaseLostError as `still_held` does."""
    if not _held(enrolment).filter(state=enrolment.state).update(**fields, **_NO_LEASE):
        raise LeaseLostError


def later(enrolment: Enrolment, words: str) -> None:
    """It is tried again by itself, until its attempts are used up; removing is never given up."""
    if enrolment.state == Enrolment.State.ADDING and enrolment.attempt >= settings.MAX_ATTEMPTS:
        settle(enrolment, state=Enrolment.State.FAILED, said=words)
        return
    pause_s = min(BACKOFF_FIRST_S * 2 ** (enrolment.attempt - 1), BACKOFF_MOST_S)
    again = Enrolment.State.WAITING if enrolment.state == Enrolment.State.ADDING else enrolment.state
    settle(enrolment, state=again, said=words, not_before=db_now() + timedelta(seconds=pause_s))


def leave(enrolment: Enrolment) -> None:
    """Whoever waits for this lease to end needn't any longer: what was begun has become something else."""
    _held(enrolment).update(**_NO_LEASE)


def _held(enrolment: Enrolment) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(pk=enrolment.pk, lease_token=enrolment.lease_token)

"""What beat does every few seconds (`conversions/tasks.py` says what): finds work whose worker vanished, and rings.

Idempotent, and safe when two run at once: every change is one conditional UPDATE under the old token.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from redis.exceptions import RedisError

from conversions.ground.clock import db_now
from conversions.ground.connections import redis
from conversions.ground.trouble import Spell
from conversions.models import Call, Step
from conversions.queue import gate
from conversions.queue.bells import Lane, ring
from conversions.queue.claim import LeaseLostError, claim_of, waiting_steps
from conversions.queue.handback import hand_back
from conversions.upkeep import vitals
from voices.breaker import takes_work
from voices.models import Endpoint

logger = logging.getLogger(__name__)


class _Spells(dict[str, Spell]):
    """By part; each begins and ends on its own."""

    def __missing__(self, part: str) -> Spell:
        return self.setdefault(part, Spell(logger, f"sweep: {part} broke off", f"sweep: {part} goes on again"))


_spells = _Spells()


def sweep(parts: Iterable[Callable[[], object]]) -> None:
    """One that fails (a storage, Redis or database that is away) is said once and doesn't keep the others."""
    for part in parts:
        try:
            part()
            _spells[part.__name__].over()
        except (OSError, RedisError, DatabaseError) as error:
            _spells[part.__name__].met(error)
            close_old_connections()  # one that the database has ended would end the other parts too


# ---- expired leases ----

_PICTURES = ("conversion__source_peaks", "conversion__output_peaks")  # nobody looks at them here


def recover() -> int:
    """Gives back every step whose lease has run out. Returns how many."""
    recovered, now = 0, db_now()
    expired = Step.objects.filter(~_may_be_renewed(now), status=Step.Status.RUNNING, lease_until__lt=now)
    for step in expired.select_related("endpoint", "conversion").defer(*_PICTURES):
        try:
            hand_back(claim_of(step), if_expired=True)
            recovered += 1
        except LeaseLostError:
            pass  # another sweep was first, or its worker is alive after all
        except OSError as error:
            logger.warning("step %s can't be given back now: %s", step.pk, error)
    return recovered


def _may_be_renewed(now: datetime) -> Q:
    """Those that ran out while nobody swept: where the whole machine stood still, their workers stood still as well.
    They go on with it, and renew within a third of a lease."""
    try:
        asleep = vitals.unwatched(now)
    except RedisError:
        asleep = None
    if asleep is None or now > asleep[1] + timedelta(seconds=settings.LEASE_SECONDS / 2):
        return Q(pk__in=[])
    return Q(lease_until__range=asleep)


def close_lost_calls() -> int:
    """Calls that are under way for nobody: cancelled or deleted while their worker was dead. Returns how many."""
    leased = Step.objects.filter(status=Step.Status.RUNNING, lease_token=OuterRef("token"))
    lost = Call.objects.filter(~Exists(leased), outcome=Call.Outcome.SENT)
    return lost.update(outcome=Call.Outcome.UNCLEAR, answered_at=Now(), error="its worker vanished")


# ---- bells ----


def ring_for_waiting() -> None:
    """Rings for what may start now, not more often than there are workers, nor on top of bells that still hang there.

    Where every slot is taken nobody needs a bell: who gives one back looks for more.
    """
    calling = Endpoint.objects.filter(takes_work(), Exists(waiting_steps(OuterRef("pk"))))
    decoding = waiting_steps(None).filter(not_before__lte=db_now())[: os.cpu_count() or 1]
    may_start = {Lane.CPU: decoding.count(), Lane.CALLS: sum(map(gate.may_start, calling))}
    for lane, count in may_start.items():
        if count:
            ring(lane, max(0, min(count, settings.CALLS_CONCURRENCY) - _hanging(lane)))


def _hanging(lane: Lane) -> int:
    try:
        return int(redis().llen(str(lane)))
    except RedisError:
        return 0

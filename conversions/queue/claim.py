"""Claiming is dispatching: in one transaction a worker finds the fairest waiting step and takes its lease.

There is no state between "waiting" and "running under a lease", so no slot can leak. Locks are always taken in
the order team, endpoint, conversion, step.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict, cast

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django_stubs_ext import WithAnnotations

from conversions.ground.clock import db_now
from conversions.ground.connections import written_in_turn
from conversions.models import Conversion, Step
from conversions.queue import fairness
from conversions.queue.bells import Lane
from statements import Given, Select, Update
from voices.breaker import takes_work, trial_taken
from voices.models import Endpoint


class _AskedAt(TypedDict):
    asked_at: datetime


if TYPE_CHECKING:
    _Asked = WithAnnotations[Endpoint, _AskedAt]

NO_LEASE: dict[str, object] = {"lease_token": None, "lease_until": None}
_RECORDING = ("audition_of_id", "recording_id", "take_of", "pk")

# Endpoints with work that may be given some now.
_calling = Select(
    lambda: Endpoint.objects.filter(takes_work(), Exists(waiting_steps(OuterRef("pk")))).order_by().values_list("pk")
)
_waits_for_cpu = Select(lambda: waiting_steps(None).values_list("pk")[:1])
_locked_endpoint = Select(
    lambda: (
        # Not against rows that refer to it: a call enters the ledger with its conversion locked, the other way round.
        Endpoint.objects.select_for_update(no_key=True)
        .filter(takes_work(), pk=Given("pk"))
        .order_by()
        .only("slots", "learnt_slots", "billed", "pause_code")
        # Of when the lock was asked for: a wait for it makes the lease shorter, never longer.
        .annotate(asked_at=Now())
    )
)
_running_for_endpoint = Select(lambda: _running_steps(Q(endpoint=Given("endpoint_id"))))
_running_for_cpu = Select(lambda: _running_steps(Q(endpoint__isnull=True)))
_locked_conversion = Select(
    lambda: Conversion.objects.select_for_update().filter(pk=Given("pk")).order_by().values_list("status", *_RECORDING)
)
# The attempt too is a condition: the step may have run and failed between our look and our lock.
_lease = Update(
    lambda: Step.objects.filter(pk=Given("pk"), status=Step.Status.WAITING, attempt=Given("before")),
    status=Step.Status.RUNNING,
    lease_token=Given("token"),
    lease_until=Given("until"),
    attempt=Given("attempt"),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a step, as long as its lease lives. Every write of the worker carries the token.

    With it comes what the step says, so that nobody who settles, refuses or hands it back asks the database again.
    """

    step_id: int
    conversion_id: uuid.UUID
    kind: Step.Kind
    attempt: int
    token: uuid.UUID
    team_id: int
    user_id: int
    recording: str  # the same for everything that is made of one recording: its auditions, its takes
    endpoint_id: int | None = None  # of a call; the others are None and False for the cpu workers' steps
    voice_id: int | None = None
    billed: bool = False
    start_sample: int = 0
    end_sample: int | None = None
    seconds: float = 0.0
    is_long: bool = False
    running: int = 1  # leases of its endpoint, with this one
    trial: bool = False  # its endpoint is paused: this one is let through to see whether it works again
    position: int = 0  # among the steps of its kind, those of one conversion

    @property
    def lane(self) -> Lane:
        return Lane.CPU if self.endpoint_id is None else Lane.CALLS


class LeaseLostError(Exception):
    """Someone else has the step now, or it was cancelled or deleted: write nothing."""


def lease_until(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.LEASE_SECONDS)


def claim(lane: Lane, *, may_be_long: bool = True) -> Claim | None:
    """The next step for a worker of `lane`, or None when nothing may start now. `may_be_long`: of the cpu's lane."""
    if lane is Lane.CPU:
        return _claim_for(None, may_be_long=may_be_long) if _waits_for_cpu.rows() else None
    endpoints = [endpoint_id for (endpoint_id,) in _calling.rows()]
    random.shuffle(endpoints)
    for endpoint_id in endpoints:
        found = _claim_for(endpoint_id)
        if found is not None:
            return found
    return None


def waiting_steps(endpoint_id: int | OuterRef | None) -> QuerySet[Step]:
    steps = Step.objects.filter(status=Step.Status.WAITING).order_by()
    return steps.filter(endpoint__isnull=True) if endpoint_id is None else steps.filter(endpoint=endpoint_id)


def _claim_for(endpoint_id: int | None, *, may_be_long: bool = True) -> Claim | None:
    while True:
        with written_in_turn():
            endpoint: _Asked | None = None
            if endpoint_id is not None:
                # Two workers must not both see the last free slot.
                endpoint = cast("_Asked | None", _locked_endpoint.first(Endpoint, pk=endpoint_id))
                if endpoint is None:
                    return None
            running, long = _running(endpoint_id)
            if endpoint is not None and running.total() >= endpoint.slots_now:
                return None
            heads = fairness.heads(endpoint_id)
            if not may_be_long or (endpoint is not None and long >= endpoint.long_slots):
                heads = fairness.short_ones(heads)
            head = fairness.pick(heads, running)
            if head is None:
                return None
            trial = endpoint is not None and endpoint.pause_code != ""
            now = endpoint.asked_at if endpoint else db_now()
            billed = endpoint is not None and endpoint.billed
            taken = _take(head, now, billed=billed, running=running.total() + 1, trial=trial)
            if taken is not None:
                if trial and endpoint is not None:
                    trial_taken(endpoint.pk)
                return taken
        # Another worker took that step between our look and our lock: look again.


def _running_steps(of: Q) -> QuerySet[Step, tuple[int, int]]:
    """How many run, and how many of these are long, by (team, user)."""
    steps = Step.objects.filter(of, status=Step.Status.RUNNING, lease_until__gt=Now()).order_by()
    counts = {"count": Count("pk"), "long": Count("pk", filter=Q(priority=Step.LONG))}
    return steps.values_list("team_id", "user_id").annotate(**counts)


def _running(endpoint_id: int | None) -> tuple[Counter[tuple[int, int]], int]:
    """Live leases by (team, user), and how many of all are long ones'."""
    rows = _running_for_cpu.rows() if endpoint_id is None else _running_for_endpoint.rows(endpoint_id=endpoint_id)
    counts = Counter({(team_id, user_id): count for team_id, user_id, count, _long in rows})
    return counts, sum(long for *_others, long in rows)


def _take(head: fairness.Head, now: datetime, *, billed: bool, running: int, trial: bool) -> Claim | None:
    locked = _locked_conversion.rows(pk=head.conversion_id)
    token, attempt = uuid.uuid4(), head.attempt + 1
    taken = _lease(pk=head.step_id, before=head.attempt, token=token, until=lease_until(now), attempt=attempt)
    if not locked or taken == 0:
        return None
    state = Step.STATE_OF.get(head.kind)
    status, *made_of = locked[0]
    if state is not None and status != state:
        Conversion(pk=head.conversion_id).move(state)
    return Claim(
        head.step_id,
        head.conversion_id,
        head.kind,
        attempt,
        token,
        head.team_id,
        head.user_id,
        _recording(*made_of),
        head.endpoint_id,
        head.voice_id,
        billed,
        head.start_sample,
        head.end_sample,
        head.seconds,
        head.is_long,
        running,
        trial,
        head.position,
    )


def claim_of(step: Step) -> Claim:
    """As it was given to the worker who holds the lease: of a step with its conversion and its endpoint."""
    assert step.lease_token is not None
    return Claim(
        step.pk,
        step.conversion_id,
        Step.Kind(step.kind),
        step.attempt,
        step.lease_token,
        step.team_id,
        step.user_id,
        _recording(*(getattr(step.conversion, name) for name in _RECORDING)),
        step.endpoint_id,
        step.voice_id,
        step.endpoint is not None and step.endpoint.billed,
        step.start_sample,
        step.end_sample,
        step.seconds,
        step.priority >= Step.LONG,
        position=step.position,
    )


def _recording(
    audition_of: uuid.UUID | None, recording: uuid.UUID | None, take_of: uuid.UUID | None, conversion: uuid.UUID
) -> str:
    kept = audition_of or recording
    return f"r{kept}" if kept else (take_of or conversion).hex

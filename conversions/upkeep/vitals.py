"""How the queue is: what an admin and an alarm want to know, in a handful of queries however long the queue is.

Numbers only, of no team in particular, so that a monitor may read them (s2s_site/health.py).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict, cast

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from redis.exceptions import RedisError

from conversions.ground import notes
from conversions.ground.clock import db_now
from conversions.ground.disk import free_bytes
from conversions.models import Conversion, Step
from voices.models import Endpoint

logger = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
# A conversion that fails later than this after it was made is not among the failures of the last hour.
_FAILS_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Gate:
    """One endpoint, or with the key "" the cpu workers. Ages are in seconds."""

    key: str
    name: str
    slots: int | None  # as many as it takes now
    slots_set: int | None
    running: int
    waiting: int
    oldest_s: float | None  # how long the oldest waits that could run; None also while it takes no work
    held: bool
    pause_code: str
    last_good_s: float | None


@dataclass(frozen=True)
class Vitals:
    gates: list[Gate]
    swept_s: float | None  # since the sweeper's last run; None: not known
    expired: int  # leases that ran out and were not swept up yet
    expired_s: float | None  # since when the oldest of them
    failed_last_hour: int
    missing_files: int | None  # as the last housekeeping found; None: not known
    missing_shown: list[str]  # some of the conversions that these are
    housekept_s: float | None
    free_bytes: int

    @property
    def oldest_s(self) -> float | None:
        """How long the oldest step waits that could run."""
        return max((gate.oldest_s for gate in self.gates if gate.oldest_s is not None), default=None)


class _Figures(TypedDict, total=False):
    """Of the steps of one endpoint that wait, or of those that run."""

    count: int
    oldest: datetime | None


def vitals() -> Vitals:
    now = db_now()
    sweep, housekeeping = _notes()
    expired = Step.objects.filter(status=Step.Status.RUNNING, lease_until__lt=now).order_by()
    late = expired.aggregate(count=Count("pk"), oldest=Min("lease_until"))
    return Vitals(
        gates=_gates(now),
        swept_s=_age(_moment(sweep), now),
        expired=late["count"],
        expired_s=_age(late["oldest"], now),
        failed_last_hour=failed_since(now - HOUR),
        missing_files=housekeeping.get("missing"),
        missing_shown=housekeeping.get("shown", []),
        housekept_s=_age(_moment(housekeeping), now),
        free_bytes=free_bytes(),
    )


def failed_since(moment: datetime) -> int:
    """How many conversions failed since then, of those that were made in the last week (by `newest_by_state`)."""
    failed = Conversion.objects.filter(status=Conversion.Status.FAILED, created_at__gte=moment - _FAILS_WITHIN)
    return failed.filter(finished_at__gte=moment).order_by().count()


def note_sweep() -> None:
    """Raises RedisError."""
    now = db_now()
    note: notes.Note = {"at": now.isoformat()}
    if asleep := unwatched(now):
        note["asleep_from"], note["asleep_to"] = (moment.isoformat() for moment in asleep)
    notes.write("sweep", note)


def unwatched(now: datetime) -> tuple[datetime, datetime] | None:
    """From when to when nobody swept, the last time that this was for long: the machine slept, or a virtual one was
    stopped. None: not known. Raises RedisError."""
    (note,) = notes.read("sweep")
    last = _moment(note)
    if last is not None and now - last > timedelta(seconds=max(settings.LEASE_SECONDS / 2, 3 * settings.SWEEP_SECONDS)):
        return last, now
    if "asleep_to" in note:
        return datetime.fromisoformat(note["asleep_from"]), datetime.fromisoformat(note["asleep_to"])
    return None


def _notes() -> list[notes.Note]:
    try:
        return notes.read("sweep", "housekeeping")
    except RedisError as error:
        logger.warning("when the sweeper last ran is not known: %s", error)
        return [{}, {}]


def _moment(note: notes.Note) -> datetime | None:
    return datetime.fromisoformat(note["at"]) if "at" in note else None


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else round(max(now - moment, timedelta()).total_seconds(), 1)


def _gates(now: datetime) -> list[Gate]:
    """Every endpoint that is offered or has work, and the cpu workers first."""
    waiting = _by_endpoint(
        Step.objects.filter(status=Step.Status.WAITING),
        count=Count("pk"),
        oldest=Min("not_before", filter=Q(not_before__lte=now)),
    )
    running = _by_endpoint(Step.objects.filter(status=Step.Status.RUNNING, lease_until__gt=now), count=Count("pk"))
    gates = [_gate(None, waiting.get(None, {}), running.get(None, {}), now)]
    for endpoint in Endpoint.objects.all():
        if endpoint.enabled or endpoint.pk in waiting or endpoint.pk in running:
            gates.append(_gate(endpoint, waiting.get(endpoint.pk, {}), running.get(endpoint.pk, {}), now))
    return gates


def _by_endpoint(steps: QuerySet[Step], **figures: Count | Min) -> dict[int | None, _Figures]:
    """By the partial indexes of what is unfinished: their size follows the queue, not the history."""
    rows = steps.order_by().values("endpoint").annotate(**figures)
    return {row["endpoint"]: cast(_Figures, row) for row in rows}


def _gate(endpoint: Endpoint | None, waiting: _Figures, running: _Figures, now: datetime) -> Gate:
    held = endpoint is not None and endpoint.held
    return Gate(
        key=endpoint.key if endpoint else "",
        name=endpoint.name if endpoint else "Decoding here",
        slots=endpoint.slots_now if endpoint else None,
        slots_set=endpoint.slots if endpoint else None,
        running=running.get("count", 0),
        waiting=waiting.get("count", 0),
        oldest_s=None if held else _age(waiting.get("oldest"), now),
        held=held,
        pause_code=endpoint.pause_code if endpoint else "",
        last_good_s=_age(endpoint.last_good_at, now) if endpoint else None,
    )

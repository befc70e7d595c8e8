"""The queue at a glance, for the admin: what is wrong, what runs, what waits and since when, what failed and why."""

from __future__ import annotations

from dataclasses import dataclass

from conversions.models import Conversion
from conversions.upkeep.alarms import alarms_of
from conversions.upkeep.vitals import Gate, vitals
from voices.models import Endpoint

_FAILURES_SHOWN = 10


@dataclass(frozen=True)
class Backlog:
    """One gate of the queue, and in words why it takes nothing or was not synced."""

    gate: Gate
    trouble: list[str]


@dataclass(frozen=True)
class Glance:
    alarms: list[str]
    backlogs: list[Backlog]
    expired: int  # leases that ran out and were not swept up yet
    failures: list[Conversion]


def at_a_glance() -> Glance:
    """A handful of queries, however long the queue is."""
    now = vitals()
    endpoints = {endpoint.key: endpoint for endpoint in Endpoint.objects.all()}
    failed = Conversion.objects.filter(status=Conversion.Status.FAILED, deleted_at=None)
    failed = failed.filter(enable_logging=True, only_me=False, audition_of=None)  # the others aren't ours to name
    return Glance(
        alarms=list(alarms_of(now).values()),
        backlogs=[Backlog(gate, _trouble(endpoints.get(gate.key))) for gate in now.gates],
        expired=now.expired,
        failures=list(
            failed.select_related("team")
            .only("title", "error", "error_code", "created_at", "team__name")
            .order_by("-created_at", "-pk")[:_FAILURES_SHOWN]
        ),
    )


def _trouble(endpoint: Endpoint | None) -> list[str]:
    """What people read, then what the endpoint said itself."""
    if endpoint is None:
        return []
    said = (endpoint.why_held(), endpoint.pause_words, endpoint.sync_error)
    return [words for words in said if words]

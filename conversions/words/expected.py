"""When a conversion will be ready, learnt from what its endpoint has done lately, and said coarsely."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.models import Call

LEARNT_FROM = 50  # calls
ENOUGH = 3  # a single call may have been an odd one
LEARNT_FOR_S = 60  # polls don't ask the database for it


@dataclass(frozen=True, slots=True)
class Pace:
    """Medians of an endpoint's last answered calls."""

    per_second: float  # seconds of work for a second of sound
    call_s: float  # seconds of work for a call


def pace_of(endpoint_id: int) -> Pace | None:
    """None: too little is known. One query a minute for each endpoint and process."""
    key = f"pace-{endpoint_id}"
    known: tuple[float, float] | tuple[()] | None = cache.get(key)
    if known is None:
        known = _learn(endpoint_id)
        cache.set(key, known, LEARNT_FOR_S)
    return Pace(*known) if known else None


def _learn(endpoint_id: int) -> tuple[float, float] | tuple[()]:
    # Of the last calls those that were answered: an endpoint that only refuses says nothing about its pace, and
    # looking for older answers would read the whole ledger.
    calls = Call.objects.filter(endpoint=endpoint_id).order_by("-sent_at")[:LEARNT_FROM]
    times = [
        ((answered_at - sent_at).total_seconds(), seconds)
        for sent_at, answered_at, seconds, outcome in calls.values_list("sent_at", "answered_at", "seconds", "outcome")
        if outcome == Call.Outcome.ANSWERED and answered_at and seconds > 0
    ]
    if len(times) < ENOUGH:
        return ()
    return median(work_s / seconds for work_s, seconds in times), median(work_s for work_s, _seconds in times)


def running_words(pace: Pace, *, seconds: float, elapsed_s: float) -> str:
    """Of a call of `seconds` of sound that was sent `elapsed_s` ago."""
    whole_s = pace.per_second * seconds
    if elapsed_s > 2 * whole_s + 15:
        return _("This takes longer than usual.")
    return ready_words(whole_s - elapsed_s)


def waiting_s(pace: Pace, *, seconds: float, before: int, slots: int) -> float:
    """Of `seconds` of sound that are sent when `before` others have been, `slots` at the same time."""
    return pace.call_s * before / max(1, slots) + pace.per_second * seconds


def remaining_s(pace: Pace, *, seconds: float, elapsed_s: float) -> float | None:
    """Of a call of `seconds` of sound that was sent `elapsed_s` ago. None: it takes longer than they usually do."""
    left_s = pace.per_second * seconds - elapsed_s
    return left_s if left_s > 0 else None


def ready_words(seconds: float) -> str:
    """ "Ready in about 2 minutes."; empty beyond a day, of which nobody knows enough."""
    if seconds < 10:
        return _("Ready in a few seconds.")
    if seconds < 45:
        return _("Ready in less than a minute.")
    minutes = round(seconds / 60)
    if minutes >= 10:
        minutes = round(seconds / 300) * 5
    if minutes < 60:
        return ngettext("Ready in about a minute.", "Ready in about %(minutes)d minutes.", minutes) % {
            "minutes": minutes
        }
    hours = round(seconds / 3600)
    if hours > 24:
        return ""
    return ngettext("Ready in about an hour.", "Ready in about %(hours)d hours.", hours) % {"hours": hours}

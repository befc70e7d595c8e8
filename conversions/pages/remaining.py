"""How long it takes until the last piece of a recording is back and all are joined."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from django.db.models import Count, Q, Sum
from django.utils import timezone

from conversions.models import Call, Conversion, Step
from conversions.words.expected import pace_of

_JOINING: Final = 0.01  # of its length: an hour is written in most of a minute


def pieces_left_s(conversion: Conversion) -> float | None:
    """None where an endpoint of them works on none of its own just now, or isn't known well enough.

    What is under way has done at most what was expected of it, and as many go on together as do now.
    """
    steps = conversion.steps.filter(
        kind=Step.Kind.CONVERT, status__in=[Step.Status.WAITING, Step.Status.RUNNING], endpoint__isnull=False
    )
    running = Count("pk", filter=Q(status=Step.Status.RUNNING))
    left = list(steps.order_by().values_list("endpoint_id").annotate(sound_s=Sum("seconds"), running=running))
    begun: dict[int, list[tuple[float, float]]] = defaultdict(list)
    now = timezone.now()
    calls = Call.objects.filter(conversion=conversion.pk, outcome=Call.Outcome.SENT)
    for endpoint_id, sent_at, seconds in calls.values_list("endpoint_id", "sent_at", "seconds"):
        begun[endpoint_id].append(((now - sent_at).total_seconds(), seconds))
    found = [_of_endpoint(endpoint_id, seconds, at_once, begun[endpoint_id]) for endpoint_id, seconds, at_once in left]
    longest_s = max((each for each in found if each is not None), default=None)
    if longest_s is None or None in found:
        return None
    return longest_s + _JOINING * (conversion.source_duration_s or 0.0)


def _of_endpoint(endpoint_id: int, seconds: float, at_once: int, begun: list[tuple[float, float]]) -> float | None:
    """`seconds` of sound, those of the calls that are under way too: how long ago each was sent, and how much it is."""
    pace = pace_of(endpoint_id)
    if pace is None or not at_once:
        return None
    expected = [(pace.per_second * sound_s, since_s) for since_s, sound_s in begun]
    over_s = sum(min(whole_s, since_s) for whole_s, since_s in expected)
    last_s = max((whole_s - since_s for whole_s, since_s in expected), default=0.0)
    return max((pace.per_second * seconds - over_s) / at_once, last_s, 0.0)

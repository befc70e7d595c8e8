"""How long it takes until the last piece of a recording is back and all are joined."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import Final

from django.db.models import Count, Q, Sum
from django.utils import timezone

from conversions.models import Call, Conversion, Step
from conversions.words.expected import pace_of

LEAST_SHARE: Final = 0.01  # of an answer: what an endpoint sends to be heard of isn't a pace yet
_JOINING: Final = 0.01  # of its length: an hour is written in most of a minute


@dataclass(frozen=True, slots=True)
class _Begun:
    """A call that was sent `since_s` ago, of so much sound, and how much of its answer has come, if that is known."""

    since_s: float
    seconds: float
    share: float | None

    @property
    def per_second(self) -> float | None:
        """Its own pace."""
        return self.since_s / (self.share * self.seconds) if self.share and self.share >= LEAST_SHARE else None


def pieces_left_s(conversion: Conversion) -> float | None:
    """None where an endpoint of them works on none of its own just now, or isn't known well enough.

    What is under way has done at most what was expected of it, and as many go on together as do now.
    """
    steps = conversion.steps.filter(
        kind=Step.Kind.CONVERT, status__in=[Step.Status.WAITING, Step.Status.RUNNING], endpoint__isnull=False
    )
    running = Count("pk", filter=Q(status=Step.Status.RUNNING))
    left = list(steps.order_by().values_list("endpoint_id").annotate(sound_s=Sum("seconds"), running=running))
    begun: dict[int, list[_Begun]] = defaultdict(list)
    now = timezone.now()
    calls = Call.objects.filter(conversion=conversion.pk, outcome=Call.Outcome.SENT)
    for endpoint_id, sent_at, seconds, share in calls.values_list("endpoint_id", "sent_at", "seconds", "step__share"):
        begun[endpoint_id].append(_Begun((now - sent_at).total_seconds(), seconds, share))
    found = [_of_endpoint(endpoint_id, seconds, at_once, begun[endpoint_id]) for endpoint_id, seconds, at_once in left]
    longest_s = max((each for each in found if each is not None), default=None)
    if longest_s is None or None in found:
        return None
    return longest_s + _JOINING * (conversion.source_duration_s or 0.0)


def _of_endpoint(endpoint_id: int, seconds: float, at_once: int, begun: list[_Begun]) -> float | None:
    """`seconds` of sound, those of the calls that are under way too.

    Where answers come as they are made, what is under way has a pace of its own. An hour is no clip, and nothing need
    have been converted there before.
    """
    per_second = _pace(endpoint_id, begun)
    if per_second is None or not at_once:
        return None
    expected = [(per_second * call.seconds, call.since_s) for call in begun]
    over_s = sum(min(whole_s, since_s) for whole_s, since_s in expected)
    last_s = max((whole_s - since_s for whole_s, since_s in expected), default=0.0)
    return max((per_second * seconds - over_s) / at_once, last_s, 0.0)


def _pace(endpoint_id: int, begun: list[_Begun]) -> float | None:
    own = [call.per_second for call in begun if call.per_second is not None]
    if own:
        return median(own)
    known = pace_of(endpoint_id)
    return known.per_second if known else None

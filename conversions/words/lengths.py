"""Whether a result is as long as it should be, and what is said of one that isn't."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from conversions.models import Conversion
from conversions.words.durations import spoken_duration

HEARD_S = 0.3  # of a piece's end: fades hide what is less

_PRECISE_BELOW_S = 60


def is_as_long(found_s: float, expected_s: float) -> bool:
    return abs(found_s - expected_s) <= length_slack_s(expected_s)


def is_near(found_s: float, expected_s: float) -> bool:
    """Whether it can be what became of that at all: half as long to twice."""
    return is_as_long(found_s, expected_s) or expected_s / 2 <= found_s <= 2 * expected_s


def length_slack_s(expected_s: float) -> float:
    """What codecs add and endpoints round."""
    return max(0.05 * expected_s, 0.3)


def asked_speed(conversion: Conversion) -> float:
    """The one parameter of the contract that changes the length: an answer has the recording's, divided by it."""
    return (conversion.voice_settings or {}).get("speed") or 1.0


def keeps_time(conversion: Conversion) -> bool:
    """Whether each moment of the result is where it was in the recording. With regions it always is."""
    own = conversion.voice_stored_settings.get("speed") or 1.0
    return conversion.in_regions or (asked_speed(conversion), own) == (1.0, 1.0)


def heeded_speed(conversion: Conversion, sent_s: float, found_s: float) -> float:
    """By which speed an answer has its length; not every endpoint obeys the one that was asked for, and a voice may
    have one of its own. Where none explains it, the one that was asked for."""
    asked, own = asked_speed(conversion), conversion.voice_stored_settings.get("speed") or 1.0
    return next((speed for speed in (asked, own, 1.0) if is_as_long(found_s, sent_s / speed)), asked)


def odd_length_words(conversion: Conversion) -> str:
    """One sentence about a result that is too short or too long, and what to do. Empty where it has its length."""
    sent_s, found_s = conversion.source_duration_s, conversion.output_duration_s
    if conversion.status != Conversion.Status.READY or not sent_s or found_s is None:
        return ""
    if is_as_long(found_s, sent_s / heeded_speed(conversion, sent_s, found_s)):
        return ""
    expected_s = sent_s / asked_speed(conversion)
    if found_s < expected_s:
        words = _(
            "The result is shorter than it should be (%(found)s instead of %(expected)s). "
            "Listen to it before you use it."
        )
    else:
        words = _(
            "The result is longer than it should be (%(found)s instead of %(expected)s). "
            "Listen to it before you use it."
        )
    return words % {"found": fine_duration(found_s), "expected": fine_duration(expected_s)}


def fine_duration(seconds: float) -> str:
    """Fine enough to tell two lengths apart that aren't alike."""
    if seconds < _PRECISE_BELOW_S:
        return _("%(seconds)s s") % {"seconds": number_format(round(seconds, 1), 1)}  # it cuts by itself
    return spoken_duration(seconds)

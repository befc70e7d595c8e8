"""How far a conversion has come, in words: one thing at a time, and why it waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import DateTimeField, F, Field, IntegerField, JSONField, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.expected import pace_of, running_words, waiting_words
from conversions.models import Call, Conversion, Step
from voices.models import Endpoint

COUNTED_AT_MOST = 100
# What `progress_of` reads of the conversion itself, for `only`.
FIELDS = ("status", "error", "source_duration_s", "endpoint_id")
# And of its endpoint. As annotations: fetching it as an object of its own takes Django three times as long.
_OF_ENDPOINT = ("name", "slots", "learnt_slots", "paused", "pause_code", "pause_reason", "trial", "rest_until")
# A time of day is said for what lies further ahead.
SOON = timedelta(minutes=1)

# How many convert steps of the same endpoint are older than the conversion's first waiting one: counted by the index
# `queue_waiting`, and no further than anyone wants to know. Nothing is counted for one that doesn't wait.
_AHEAD = f"""
(SELECT COUNT(*) FROM (
    SELECT 1 FROM conversions_step AS ahead
    WHERE ahead.status = 'waiting' AND ahead.endpoint_id = conversions_conversion.endpoint_id AND ahead.id < (
        SELECT MIN(own.id) FROM conversions_step AS own
        WHERE own.conversion_id = conversions_conversion.id AND own.status = 'waiting' AND own.kind = 'convert'
    )
    LIMIT {COUNTED_AT_MOST}
) AS counted)
"""  # noqa: S608 - our own number

_BUSY = """
(SELECT COUNT(*) FROM conversions_step AS busy
 WHERE busy.status = 'running' AND busy.endpoint_id = conversions_conversion.endpoint_id)
"""
_OWN_STEP = """
(SELECT own.{column} FROM conversions_step AS own
 WHERE own.conversion_id = conversions_conversion.id AND own.kind = 'convert' AND own.status = '{status}'
 ORDER BY own.id LIMIT 1)
"""
_NOT_BEFORE = """
(SELECT MIN(own.not_before) FROM conversions_step AS own
 WHERE own.conversion_id = conversions_conversion.id AND own.status = 'waiting')
"""
_SENT_AT = f"""
(SELECT MAX(sent.sent_at) FROM conversions_call AS sent
 WHERE sent.conversion_id = conversions_conversion.id AND sent.outcome = '{Call.Outcome.SENT}')
"""  # noqa: S608 - our own word
_DELAY = """
(SELECT delay.data FROM conversions_event AS delay
 WHERE delay.conversion_id = conversions_conversion.id AND delay.kind = 'delayed' ORDER BY delay.id DESC LIMIT 1)
"""


@dataclass(frozen=True)
class Progress:
    """`state` is the CSS class and `data-state`; `mark` changes whenever the words do."""

    state: str
    words: str
    aside: str = ""
    again_at: datetime | None = None  # it is tried again by itself then

    @property
    def mark(self) -> str:
        again = f"{self.again_at:%FT%TZ}" if self.again_at else ""
        return f"{self.state}|{self.words}|{self.aside}|{again}"


def with_progress(conversions: QuerySet[Conversion]) -> QuerySet[Any]:
    """Brings all that `progress_of` reads in the same query: polls are the most frequent question there is."""
    return conversions.annotate(**_progress())


@cache
def _progress() -> dict[str, Any]:
    # As SQL: putting subqueries together anew for every poll takes Django longer than the database its answer.
    waiting, running = Step.Status.WAITING, Step.Status.RUNNING
    return {
        "running": _sql(_OWN_STEP.format(column="id", status=running), IntegerField()),
        "attempts": _sql(_OWN_STEP.format(column="attempt", status=waiting), IntegerField()),
        "not_before": _sql(_NOT_BEFORE, DateTimeField()),
        "ahead": _sql(_AHEAD, IntegerField()),
        "busy": _sql(_BUSY, IntegerField()),
        "sent_at": _sql(_SENT_AT, DateTimeField()),
        "delay": _sql(_DELAY, JSONField()),
        **{f"endpoint_{name}": F(f"endpoint__{name}") for name in _OF_ENDPOINT},
    }


def _sql(sql: str, output_field: Field[Any, Any]) -> RawSQL:
    return RawSQL(sql, [], output_field=output_field)  # noqa: S611 - our own text, without parameters


def progress_of(conversion: Any) -> Progress:
    """Of a conversion that `with_progress` brought; asks nothing more, but for the pace once a minute."""
    state = conversion.status
    match state:
        case Conversion.Status.READY:
            return Progress(state, _("Ready"))
        case Conversion.Status.CANCELLED:
            return Progress(state, _("Cancelled"))
        case Conversion.Status.FAILED:
            return Progress(state, _("Failed"), conversion.error)
        case Conversion.Status.PREPARING:
            return _delayed(conversion, _("Waiting")) or Progress(state, _("Reading your recording"))
        case Conversion.Status.ASSEMBLING:
            return _delayed(conversion, _("Waiting")) or Progress(state, _("Finishing"))
    if conversion.running:
        return _running(conversion)
    if conversion.attempts is None:
        return Progress(state, _("Waiting"))
    return _waiting(conversion)


def _running(conversion: Any) -> Progress:
    if conversion.sent_at is None and _delay(conversion, "code") == "lost":
        return Progress(conversion.status, _("Looking for the lost answer"))
    aside = ""
    if conversion.sent_at is not None and conversion.source_duration_s:
        pace = pace_of(conversion.endpoint_id)
        elapsed_s = (timezone.now() - conversion.sent_at).total_seconds()
        if pace is not None:
            aside = running_words(pace, seconds=conversion.source_duration_s, elapsed_s=elapsed_s)
    return Progress(conversion.status, _("Converting"), aside)


def _waiting(conversion: Any) -> Progress:
    """Why it waits: its endpoint takes nothing, its own time has not come, or others are before it."""
    state, words = conversion.status, _("Waiting to try again") if conversion.attempts else _("Waiting")
    endpoint = Endpoint(**{name: getattr(conversion, f"endpoint_{name}") for name in _OF_ENDPOINT})
    held = endpoint.why_held()
    if held:
        return Progress(state, words, held)
    return _delayed(conversion, words) or Progress(state, words, _in_line(conversion, endpoint))


def _delayed(conversion: Any, words: str) -> Progress | None:
    """What went wrong, where its own time has not come; else None."""
    if conversion.delay is None or conversion.not_before is None:
        return None
    ahead = conversion.not_before - timezone.now()
    if ahead.total_seconds() <= 0:
        return None
    state, reason = conversion.status, _delay(conversion, "words")
    if _delay(conversion, "code") == "lost":  # it is looked for then, not tried again
        return Progress(state, words, reason)
    if ahead > SOON:
        return Progress(state, words, reason, conversion.not_before)
    return Progress(state, words, f"{reason} {_('It is tried again in a moment.')}".strip())


def _delay(conversion: Any, name: str) -> str:
    return str((conversion.delay or {}).get(name, ""))


def _in_line(conversion: Any, endpoint: Endpoint) -> str:
    """ "About 12 are before it. 2 of 2 ElevenLabs slots are busy. Ready in about 3 minutes." """
    slots, sentences = endpoint.slots_now, [_before(conversion)]
    full = conversion.busy >= slots
    if full:
        words = ngettext(
            "%(slots)d of %(slots)d %(endpoint)s slot is busy.",
            "%(slots)d of %(slots)d %(endpoint)s slots are busy.",
            slots,
        )
        sentences.append(words % {"slots": slots, "endpoint": endpoint.name})
    elif endpoint.rest_until and endpoint.rest_until > timezone.now():
        sentences.append(_("%s takes no more at the moment.") % endpoint.name)
    pace = pace_of(conversion.endpoint_id) if conversion.source_duration_s else None
    if pace is not None and conversion.ahead < COUNTED_AT_MOST:
        before = conversion.ahead + full
        sentences.append(waiting_words(pace, seconds=conversion.source_duration_s, before=before, slots=slots))
    return " ".join(sentence for sentence in sentences if sentence)


def _before(conversion: Any) -> str:
    if conversion.ahead == 0:
        return _("It is next.")
    if conversion.ahead >= COUNTED_AT_MOST:
        return _("About %d or more are before it.") % COUNTED_AT_MOST
    ahead: int = conversion.ahead
    return ngettext("About %d is before it.", "About %d are before it.", ahead) % ahead

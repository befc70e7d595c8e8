"""How far a conversion has come, in words: one thing at a time, and why it waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict, cast

from django.conf import settings
from django.db.models import (
    CharField,
    Count,
    DateTimeField,
    F,
    Field,
    FloatField,
    IntegerField,
    JSONField,
    Min,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.expressions import Expression, RawSQL
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_stubs_ext import WithAnnotations

from conversions.files import beginnings
from conversions.models import Call, Conversion, Step
from conversions.pages.blocks import MOST_LISTED
from conversions.pages.remaining import LEAST_SHARE, pieces_left_s
from conversions.words.expected import pace_of, ready_words, remaining_s, running_words, waiting_s
from voices.models import Endpoint

COUNTED_AT_MOST = 100
LEAST_HEARD_S = 1.0  # of a beginning: the head of a file alone is no sound
# What `progress_of` reads of the conversion itself, for `only`.
FIELDS = (
    *("status", "error", "error_code", "source_duration_s", "endpoint_id", "converting_at", "pieces", "in_regions"),
    "output_format",
)
# And of its endpoint. As annotations: fetching it as an object of its own takes Django three times as long.
_OF_ENDPOINT = (
    "name",
    "slots",
    "learnt_slots",
    "billed",
    "paused",
    "pause_code",
    "pause_reason",
    "trial",
    "rest_until",
)
# A time of day is said for what lies further ahead.
SOON = timedelta(minutes=1)

# How many convert steps of the same endpoint are older than the conversion's first waiting one, and not long unless it
# is: counted by the index `queue_line`, and no further than anyone wants to know. Nothing for one that doesn't wait.
_AHEAD = f"""
(SELECT COUNT(*) FROM (
    SELECT 1 FROM conversions_step AS ahead
    WHERE ahead.status = 'waiting' AND ahead.endpoint_id = conversions_conversion.endpoint_id AND ahead.priority IN (
        {Step.AUDITION}, {Step.NORMAL},
        CASE WHEN conversions_conversion.source_duration_s > {settings.LONG_SECONDS}
        THEN {Step.LONG} ELSE {Step.NORMAL} END
    ) AND ahead.id < (
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
_BEGUN = """
(SELECT own.begun FROM conversions_step AS own
 WHERE own.conversion_id = conversions_conversion.id AND own.kind = 'convert' ORDER BY own.id LIMIT 1)
"""
_NOT_BEFORE = """
(SELECT MIN(own.not_before) FROM conversions_step AS own
 WHERE own.conversion_id = conversions_conversion.id AND own.status = 'waiting')
"""
_SENT_AT = f"""
(SELECT MAX(sent.sent_at) FROM conversions_call AS sent
 WHERE sent.conversion_id = conversions_conversion.id AND sent.outcome = '{Call.Outcome.SENT}')
"""  # noqa: S608 - our own word
_TOLD = "(SELECT MAX(told.id) FROM conversions_event AS told WHERE told.conversion_id = conversions_conversion.id)"
_DELAY = """
(SELECT delay.data FROM conversions_event AS delay
 WHERE delay.conversion_id = conversions_conversion.id AND delay.kind = 'delayed' ORDER BY delay.id DESC LIMIT 1)
"""


class _SentAt(TypedDict):
    sent_at: datetime | None  # of the call that is under way


class _Brought(_SentAt):
    """What `with_progress` brings beside the row itself."""

    running: int | None  # its convert step that runs
    share: float | None  # how much of its answer has come, of a long one
    begun: str | None  # what of it can be heard
    attempts: int | None  # of its convert step that waits
    not_before: datetime | None
    ahead: int
    busy: int
    delay: dict[str, object] | None


if TYPE_CHECKING:
    _Sent = WithAnnotations[Conversion, _SentAt]
    _Watched = WithAnnotations[Conversion, _Brought]


@dataclass(frozen=True)
class Progress:
    """`state` is the CSS class and `data-state`; `mark` changes whenever the words do."""

    state: str
    words: str
    aside: str = ""
    again_at: datetime | None = None  # it is tried again by itself then
    moves: bool = False  # something is being done, or only a place in the line is waited for
    percent: int | None = None  # of the time from its turn in the line to its end, where that is known
    begun: str = ""  # what of its one call can be heard already (`files/beginnings.py`)
    begun_s: float = 0.0  # and about how long that is
    told: str = ""  # which another is where its timeline says more; empty where nobody asked

    @property
    def mark(self) -> str:
        again = f"{self.again_at:%FT%TZ}" if self.again_at else ""
        return f"{self.state}|{self.words}|{self.aside}|{again}|{self.moves}|{self.percent}|{self.begun}|{self.told}"

    def tells_more(self, seen: str) -> bool:
        """Than what had the mark `seen`, if that page has a timeline."""
        return seen.rpartition("|")[2] not in ("", self.told)


def with_told(conversions: QuerySet[Conversion]) -> QuerySet[Conversion]:
    """Brings what `progress_of` says of the timeline too."""
    return conversions.annotate(told=_sql(_TOLD, IntegerField()))


def with_sent_at(conversions: QuerySet[Conversion]) -> QuerySet[Conversion]:
    """When the call was sent that is under way, as `sent_at`."""
    return conversions.annotate(sent_at=_sql(_SENT_AT, DateTimeField()))


def share_of_call(conversion: Conversion) -> float:
    """How much of the call that is under way is over, from 0 to below 1; 0 where that isn't known.

    Of a conversion that `with_sent_at` brought.
    """
    sent_at = cast("_Sent", conversion).sent_at
    if conversion.finished or sent_at is None or not conversion.source_duration_s:
        return 0.0
    pace = pace_of(conversion.endpoint_id)
    over_s = (timezone.now() - sent_at).total_seconds()
    left_s = remaining_s(pace, seconds=conversion.source_duration_s, elapsed_s=over_s) if pace else None
    return max(0.0, over_s) / (max(0.0, over_s) + left_s) if left_s else 0.0


def with_progress(conversions: QuerySet[Conversion]) -> QuerySet[Conversion]:
    """Brings all that `progress_of` reads in the same query: polls are the most frequent question there is."""
    return conversions.annotate(**_progress())


@cache
def _progress() -> dict[str, Expression | F]:
    # As SQL: putting subqueries together anew for every poll takes Django longer than the database its answer.
    waiting, running = Step.Status.WAITING, Step.Status.RUNNING
    return {
        "running": _sql(_OWN_STEP.format(column="id", status=running), IntegerField()),
        "share": _sql(_OWN_STEP.format(column="share", status=running), FloatField()),
        "begun": _sql(_BEGUN, CharField()),
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


def progress_of(conversion: Conversion) -> Progress:
    """Of a conversion that `with_progress` brought; asks nothing more, but for the pace once a minute."""
    progress = _progress_of(cast("_Watched", conversion))
    return replace(progress, told=_told(conversion, progress))


def _told(conversion: Conversion, progress: Progress) -> str:
    """Of hundreds of pieces a timeline of thousands of events is written anew with the bar, not with each of them."""
    last = vars(conversion).get("told")
    if last is None:
        return ""
    return str(last if conversion.pieces <= MOST_LISTED else progress.percent)


def _progress_of(conversion: _Watched) -> Progress:
    state = conversion.status
    match state:
        case Conversion.Status.READY:
            return Progress(state, _("Ready"))
        case Conversion.Status.CANCELLED | Conversion.Status.UNORDERED:
            return Progress(state, conversion.state_words)
        case Conversion.Status.FAILED:
            return Progress(state, conversion.state_words, conversion.error)
        case Conversion.Status.PREPARING:
            return _delayed(conversion, _("Waiting")) or Progress(state, _("Reading your recording"), moves=True)
        case Conversion.Status.ASSEMBLING:
            return _delayed(conversion, _("Waiting")) or _heard(_finishing(conversion), conversion)
    if conversion.in_regions:
        return _in_regions(conversion)
    if conversion.pieces > 1 and (several := _several(conversion)) is not None:
        return several
    if conversion.running:
        return _running(conversion)
    if conversion.attempts is None:
        return Progress(state, _("Waiting"), moves=True)
    return _waiting(conversion)


def _finishing(conversion: _Watched) -> Progress:
    """An hour in pieces is written for most of a minute."""
    share = None
    if conversion.pieces > 1 or conversion.in_regions:
        joining = Step.objects.filter(conversion=conversion.pk, kind=Step.Kind.ASSEMBLE, status=Step.Status.RUNNING)
        share = joining.values_list("share", flat=True).first()
    percent = None if share is None else min(99, int(100 * share))
    return Progress(conversion.status, _("Finishing"), moves=True, percent=percent)


def _running(conversion: _Watched) -> Progress:
    if conversion.sent_at is None and _delay(conversion, "code") == "lost":
        return Progress(conversion.status, _("Looking for the lost answer"))
    aside, left_s = "", None
    if conversion.sent_at is not None and conversion.source_duration_s:
        pace = pace_of(conversion.endpoint_id)
        elapsed_s = (timezone.now() - conversion.sent_at).total_seconds()
        if conversion.share and conversion.share >= LEAST_SHARE:  # its own pace
            left_s = elapsed_s / conversion.share - elapsed_s
            aside = ready_words(left_s)
        elif pace is not None:
            aside = running_words(pace, seconds=conversion.source_duration_s, elapsed_s=elapsed_s)
            left_s = remaining_s(pace, seconds=conversion.source_duration_s, elapsed_s=elapsed_s)
    percent = _percent(conversion.converting_at, left_s)
    return _heard(Progress(conversion.status, _("Converting"), aside, moves=True, percent=percent), conversion)


def _heard(progress: Progress, conversion: _Watched) -> Progress:
    """With what can be heard of its one call."""
    if not conversion.begun or conversion.pieces > 1:
        return progress
    begun_s = beginnings.size_at(conversion.begun) / conversion.format.bytes_per_s
    if begun_s < LEAST_HEARD_S:
        return progress
    return replace(progress, begun=conversion.begun, begun_s=begun_s)


def _several(conversion: _Watched) -> Progress | None:
    """Of one in pieces: how many are done. None while none of them has begun: it waits like any other."""
    steps = Step.objects.filter(conversion=conversion.pk, kind=Step.Kind.CONVERT).order_by()
    done, share = steps.aggregate(
        done=Count("pk", filter=Q(status=Step.Status.DONE)),
        share=Sum("share", filter=Q(status=Step.Status.RUNNING), default=0.0),
    ).values()
    if not done and not conversion.running:
        return None
    words = _("Converting: %(done)d of %(pieces)d pieces") % {"done": done, "pieces": conversion.pieces}
    aside = _ready_in(conversion) if conversion.running else _waiting(conversion).aside
    percent = min(99, int(100 * (done + share) / conversion.pieces))
    return Progress(conversion.status, words, aside, moves=True, percent=percent)


def _in_regions(conversion: _Watched) -> Progress:
    """Of one in which several speak, at several endpoints perhaps: what any of those waits for may hold it."""
    steps = Step.objects.filter(conversion=conversion.pk, kind=Step.Kind.CONVERT).order_by()
    is_done, is_running = Q(status=Step.Status.DONE), Q(status=Step.Status.RUNNING)
    counted = steps.aggregate(
        all=Count("pk"),
        done=Count("pk", filter=is_done),
        all_s=Sum("seconds"),
        done_s=Sum("seconds", filter=is_done, default=0.0),
        come_s=Sum(F("seconds") * F("share"), filter=is_running, default=0.0),
    )
    held, done = _held(steps), counted["done"]
    if not done and not conversion.running:
        words = _("Waiting to try again") if conversion.attempts else _("Waiting")
        if held:
            return Progress(conversion.status, words, held)
        return _delayed(conversion, words) or Progress(conversion.status, words, moves=True)
    words = _("Converting: %(done)d of %(pieces)d pieces") % {"done": done, "pieces": counted["all"]}
    aside = held if held and not conversion.running else _ready_in(conversion)
    # By their lengths: a word beside an hour is not half of both.
    percent = min(99, int(100 * (counted["done_s"] + counted["come_s"]) / (counted["all_s"] or 1.0)))
    return Progress(conversion.status, words, aside, moves=True, percent=percent)


def _held(steps: QuerySet[Step]) -> str:
    """Why an endpoint of those that wait takes nothing, the first one's if several do; empty where none is held. One
    row of each endpoint: there may be hundreds of steps."""
    waiting = steps.filter(status=Step.Status.WAITING, endpoint__isnull=False)
    firsts = waiting.values("endpoint").annotate(first=Min("position")).order_by("first")
    endpoints = Endpoint.objects.in_bulk([row["endpoint"] for row in firsts])
    return next((words for row in firsts if (words := endpoints[row["endpoint"]].why_held())), "")


def _ready_in(conversion: Conversion) -> str:
    left_s = pieces_left_s(conversion)
    return "" if left_s is None else ready_words(left_s)


def _percent(since: datetime | None, left_s: float | None) -> int | None:
    """How much of the wait is over that began at `since` and takes `left_s` more."""
    if since is None or left_s is None:
        return None
    over_s = max(0.0, (timezone.now() - since).total_seconds())
    return min(99, int(100 * over_s / (over_s + left_s)))


def _waiting(conversion: _Watched) -> Progress:
    """Why it waits: its endpoint takes nothing, its own time has not come, or others are before it."""
    state, words = conversion.status, _("Waiting to try again") if conversion.attempts else _("Waiting")
    endpoint = Endpoint(**{name: getattr(conversion, f"endpoint_{name}") for name in _OF_ENDPOINT})
    held = endpoint.why_held()
    if held:
        return Progress(state, words, held)
    return _delayed(conversion, words) or _in_line(conversion, words, endpoint)


def _delayed(conversion: _Watched, words: str) -> Progress | None:
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


def _delay(conversion: _Watched, name: str) -> str:
    return str((conversion.delay or {}).get(name, ""))


def _in_line(conversion: _Watched, words: str, endpoint: Endpoint) -> Progress:
    """ "About 12 are before it. 2 of 2 ElevenLabs slots are busy. Ready in about 3 minutes." """
    slots, sentences, left_s = endpoint.slots_now, [_before(conversion)], None
    own_slots = endpoint.long_slots if conversion.is_long else slots
    full = conversion.busy >= own_slots
    if full and conversion.busy < slots:
        sentences.append(_("The last free slot of %s is kept for short recordings.") % endpoint.name)
    elif full:
        full_words = ngettext(
            "%(slots)d of %(slots)d %(endpoint)s slot is busy.",
            "%(slots)d of %(slots)d %(endpoint)s slots are busy.",
            slots,
        )
        sentences.append(full_words % {"slots": slots, "endpoint": endpoint.name})
    elif endpoint.rest_until and endpoint.rest_until > timezone.now():
        sentences.append(_("%s takes no more at the moment.") % endpoint.name)
    seconds = conversion.source_duration_s
    pace = pace_of(conversion.endpoint_id) if seconds else None
    if pace is not None and seconds and conversion.ahead < COUNTED_AT_MOST:
        at_once = max(1, min(conversion.pieces, own_slots))  # those that are sent together take the time of one
        left_s = waiting_s(pace, seconds=seconds / at_once, before=conversion.ahead + full, slots=own_slots)
        sentences.append(ready_words(left_s))
    aside = " ".join(sentence for sentence in sentences if sentence)
    percent = _percent(conversion.converting_at, left_s) if conversion.status == Conversion.Status.CONVERTING else None
    return Progress(conversion.status, words, aside, moves=True, percent=percent)


def _before(conversion: _Watched) -> str:
    if conversion.ahead == 0:
        return _("It is next.")
    if conversion.ahead >= COUNTED_AT_MOST:
        return _("About %d or more are before it.") % COUNTED_AT_MOST
    return ngettext("About %d is before it.", "About %d are before it.", conversion.ahead) % conversion.ahead

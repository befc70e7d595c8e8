"""What a team has used: counted from the ledger, so deleting a recording gives no minutes back, but space it does.

What is asked holds only within the transaction that uses more, under the team's lock: those that come together would
each find the room that is there for one. Asked before, it saves people an upload.
"""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from conversions.models import Call, Conversion, Enrolment, Export, Recording, Step
from s2s.formats import OUTPUT_FORMATS
from teams.locks import lock_team
from teams.models import Membership, Team
from teams.quotas import Usage, has_limit, month_start, refusal, storage_refusal

# What an endpoint has worked on, or may have.
_COUNTED = (Call.Outcome.SENT, Call.Outcome.ANSWERED, Call.Outcome.UNCLEAR)

# Of a film's new sound: AAC or Opus; a film without loss may have five times as much of it.
_SOUND_BYTES_A_SECOND = 20_000

# `Conversion.stored_bytes` as SQL.
STORED = F("source_bytes") + F("player_bytes") + F("pieces_bytes") + Coalesce("output_bytes", 0)


class OverQuotaError(Exception):
    """In words for people."""


def lock_where_limited(membership: Membership | None) -> None:
    if membership and has_limit(membership):
        lock_team(membership.team_id)


def over_quota(
    membership: Membership, *, seconds: float = 0.0, size: int = 0, of: Conversion | None = None
) -> str | None:
    """Why a recording goes beyond a quota, in words; None when it doesn't. `of` is not counted itself.

    Nothing is counted where nothing is limited.
    """
    if not has_limit(membership):
        return None
    return refusal(membership, usage_of(membership, but=of), seconds=seconds, size=size)


def usage_of(membership: Membership, *, but: Conversion | None = None) -> Usage:
    """Seven queries: the ledger of this month, what is measured and not yet counted there, and what is kept."""
    start = month_start()
    calls = Call.objects.filter(team=membership.team_id, sent_at__gte=start, outcome__in=_COUNTED).order_by()
    kept = Conversion.objects.filter(team=membership.team_id, deleted_at=None).order_by()
    if but is not None:
        calls, kept = calls.filter(~Q(conversion=but)), kept.exclude(pk=but.pk)
    counted = Call.objects.filter(outcome__in=_COUNTED)
    unfinished = kept.filter(status__in=Conversion.UNFINISHED, created_at__gte=start)
    called = _seconds(calls, "seconds", Q(user=membership.user_id))
    pieces = Q(kind=Step.Kind.CONVERT, conversion__in=unfinished)
    redone = Q(kind=Step.Kind.REDO, status__in=[Step.Status.WAITING, Step.Status.RUNNING], conversion__in=kept)
    unsent = Step.objects.filter(pieces | redone).exclude(Exists(counted.filter(step=OuterRef("pk")))).order_by()
    to_come = _seconds(unsent, "seconds", Q(user=membership.user_id))
    team_s, user_s = (sum(seconds) for seconds in zip(called, to_come, strict=True))
    return Usage(team_s, user_s, _bytes(kept, membership.team_id))


def seconds_by_person(team: Team) -> dict[int | None, float]:
    """What was converted in this month for each of them, as a quota counts it: one query."""
    calls = Call.objects.filter(team=team, sent_at__gte=month_start(), outcome__in=_COUNTED).order_by()
    return dict(calls.values_list("user").annotate(seconds=Sum("seconds")))


def require_room(team: Team, size: int) -> None:
    """For `size` more bytes, in the team's storage; within the transaction that keeps them. Raises OverQuotaError."""
    if team.storage_megabytes is None:
        return
    lock_team(team.pk)
    over = storage_refusal(team, kept_bytes(team), size)
    if over:
        raise OverQuotaError(over)


def kept_bytes(team: Team) -> int:
    """What its storage holds, as a quota counts it."""
    return _bytes(Conversion.objects.filter(team=team, deleted_at=None).order_by(), team.pk)


def export_size(conversion: Conversion, output_format: str) -> int:
    """Bytes that the result will have in this format."""
    if output_format == Export.FILM:
        return film_size(conversion)
    format = OUTPUT_FORMATS[output_format]
    times = 1 if format.bitrate_kbps else conversion.output_channels
    return int((conversion.output_duration_s or 0.0) * format.bytes_per_s * times)


def unmade_exports() -> QuerySet[Export]:
    """Those that wait or are being made, with their conversions."""
    unmade = Export.objects.filter(step__status__in=[Step.Status.WAITING, Step.Status.RUNNING])
    return unmade.select_related("conversion").defer("conversion__source_peaks", "conversion__output_peaks")


def film_size(conversion: Conversion) -> int:
    """Bytes that its film will have, whose new sound may have more than the old."""
    sound_bytes = (conversion.output_duration_s or 0.0) * _SOUND_BYTES_A_SECOND * conversion.output_channels
    return conversion.source_bytes + int(sound_bytes)


def _bytes(kept: QuerySet[Conversion], team_id: int) -> int:
    """Each conversion has its recording, also where several share the bytes of one: whichever goes first, the others
    keep theirs. A further format that is being made counts as what it will have."""
    size: int = kept.aggregate(size=Sum(STORED, default=0))["size"]
    exported: int = kept.aggregate(size=Sum("exports__size", default=0))["size"]
    coming = sum(
        export_size(made.conversion, made.output_format) for made in unmade_exports().filter(conversion__in=kept)
    )
    tried: int = Recording.objects.filter(team=team_id).aggregate(size=Sum("size", default=0))["size"]
    samples: int = Enrolment.objects.filter(team=team_id).aggregate(size=Sum("sample_bytes", default=0))["size"]
    return size + exported + coming + tried + samples


def _seconds(rows: QuerySet[Call] | QuerySet[Step], field: str, mine: Q) -> tuple[float, float]:
    """Of the team, and of its member."""
    sums = rows.aggregate(team=Sum(field, default=0.0), user=Sum(field, filter=mine, default=0.0))
    return sums["team"], sums["user"]

"""The team's history: newest first, in pages that cost the same however far back they lie.

A page ends with a cursor (time and id of its last row); the next page begins after it. Written as
`created_at <= x` plus an exclusion, which both databases answer from the index (an OR of two ranges they don't).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from conversions.access.reach import deleted, listed
from conversions.models import Conversion, Region
from teams.models import User
from voices.models import Voice

PAGE_SIZE = 30
DELETED = "deleted"  # as a state: what can still be brought back


@dataclass(frozen=True)
class Page:
    conversions: list[Conversion]
    older: str  # cursor of the next page, empty on the last


class Filters(TypedDict, total=False):
    """Of HistoryForm, cleaned; an absent one doesn't filter."""

    state: str
    voice: int
    q: str
    before: str  # the cursor of a page


def page_of(user: User | AnonymousUser, filters: Filters) -> Page:
    """One page of what `user` may see."""
    rows = deleted(user) if filters.get("state") == DELETED else listed(user)
    rows = rows.select_related("voice", "created_by")
    rows = rows.defer("source_peaks", "output_peaks", "voice_stored_settings", "voice_settings")
    rows = _filtered(rows, filters)
    cursor = parse_cursor(filters.get("before") or "")
    if cursor is not None:
        moment, last_id = cursor
        rows = rows.filter(created_at__lte=moment).exclude(created_at=moment, pk__gte=last_id)
    found = list(rows.order_by("-created_at", "-pk")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return Page(shown, cursor_of(shown[-1]) if len(found) > PAGE_SIZE else "")


def _filtered(rows: QuerySet[Conversion], filters: Filters) -> QuerySet[Conversion]:
    state, voice_id, words = filters.get("state"), filters.get("voice"), (filters.get("q") or "").split()
    if state == "unfinished":
        rows = rows.filter(status__in=Conversion.UNFINISHED)
    elif state and state != DELETED:
        rows = rows.filter(status=state)
    if voice_id:
        rows = _spoken_by(rows, voice_id)
    for word in words:
        rows = rows.filter(Q(title__icontains=word) | Q(source_name__icontains=word))
    return rows


def voices_heard(user: User | AnonymousUser) -> QuerySet[Voice]:
    """All that speak in what `user` may see.

    One seek in the index `history_by_voice` for each voice, however many rows the team has.
    """
    rows = listed(user)
    ordered = rows.filter(unordered=False)
    whole, parts = (
        ordered.filter(voice=OuterRef("pk")),
        Region.objects.filter(voice=OuterRef("pk"), conversion__in=rows),
    )
    return Voice.objects.filter(Exists(whole) | Exists(parts))


def _spoken_by(rows: QuerySet[Conversion], voice_id: int) -> QuerySet[Conversion]:
    """Where no region has the voice, as by far most have none, its own index finds them."""
    spoken = Region.objects.filter(voice=voice_id).order_by()
    if not spoken.exists():
        return rows.filter(voice_id=voice_id, unordered=False)
    return rows.filter(Q(voice_id=voice_id, unordered=False) | Q(pk__in=spoken.values("conversion")))


def cursor_of(conversion: Conversion) -> str:
    return f"{conversion.created_at.timestamp():.6f}_{conversion.pk.hex}"


def parse_cursor(cursor: str) -> tuple[datetime, uuid.UUID] | None:
    """None for an empty cursor and for one that isn't ours: the first page is shown then."""
    seconds, _, identifier = cursor.partition("_")
    try:
        return datetime.fromtimestamp(float(seconds), UTC), uuid.UUID(identifier)
    except (ValueError, OverflowError, OSError):
        return None

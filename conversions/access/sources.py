"""Recordings that are on the server already: our sample, one that was converted before, one that is being auditioned.

The form's field `take` names them: `sample`, `conversion:<uuid>`, `recording:<uuid>`, and `conversion:<uuid>:<index>`
for one of several sound tracks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.http import Http404
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from conversions.access.reach import conversion_or_404, listed
from conversions.files import durable
from conversions.models import Conversion, Recording
from conversions.words.noticed import track_words
from teams.gatekeeper import get_or_404
from teams.models import User

SAMPLE = "sample"
SAMPLE_PATH = Path("audio", "sample.mp3")  # in static/
SAMPLE_DURATION_S = 15.5
EARLIER_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Stored:
    """A recording that needs no upload. `key` names it in the storage; the sample has none."""

    value: str  # of the form’s field `take`
    name: str
    size: int
    url: str  # where a browser listens to it
    key: str = ""
    title: str = ""
    duration_s: float | None = None
    take_of: UUID | None = None
    track: int | None = None
    track_words: str = ""
    zero_retention: bool = False
    made_at: datetime | None = None
    since: datetime | None = None  # of zero retention: how long its bytes have been on the server, in whatever copy
    recording_id: UUID | None = None  # of zero retention: what was kept to be auditioned

    def copy_to(self, key: str) -> None:
        """Durable under `key`. Raises OSError, FileNotFoundError when it is gone."""
        if self.key:
            durable.duplicate(self.key, key)
            return
        with (settings.BASE_DIR / "static" / SAMPLE_PATH).open("rb") as file:
            durable.store_upload(key, File(file))


def find(user: User, take: str) -> Stored:
    """Raises Http404 for what doesn't exist, is gone, or isn't theirs."""
    if take == SAMPLE:
        return sample()
    kind, found, track = parts_of(take)
    match kind:
        case "conversion":
            return of_conversion(conversion_or_404(user, found), track)
        case "recording":
            return of_recording(recording_or_404(user, found))
    raise Http404


def parts_of(take: str) -> tuple[str, UUID, int | None]:
    """Kind, id and track. Raises Http404."""
    kind, _colon, identifier = take.partition(":")
    identifier, _colon, track = identifier.partition(":")
    try:
        return kind, UUID(identifier), int(track) if track else None
    except ValueError as error:
        raise Http404 from error


def recording_or_404(user: User, recording_id: UUID) -> Recording:
    """Only who uploaded it reaches it."""
    return get_or_404(user, Recording.objects.filter(created_by=user), pk=recording_id)


def sample() -> Stored:
    size = (settings.BASE_DIR / "static" / SAMPLE_PATH).stat().st_size
    return Stored(SAMPLE, _("Our sample.mp3"), size, static(str(SAMPLE_PATH)), duration_s=SAMPLE_DURATION_S)


def of_conversion(conversion: Conversion, track: int | None = None) -> Stored:
    """With another sound track of it, where `track` says so. Raises Http404 where it has no such one."""
    value = f"conversion:{conversion.pk}"
    player = f"{reverse('conversions:source', args=[conversion.pk])}?play=1"
    words = ""
    if track is not None:
        value += f":{track}"
        words = track_words(conversion.source_noticed, track)
        if not words:
            raise Http404
    return Stored(
        value,
        conversion.source_name,
        conversion.source_bytes,
        ""
        if words and track != conversion.source_noticed.get("track", 0)
        else player,  # it plays the one that was read
        key=conversion.source,
        title=conversion.title,
        duration_s=conversion.source_duration_s,
        take_of=conversion.first_take,
        track=conversion.track if track is None else track,
        track_words=words,
        zero_retention=conversion.zero_retention,
        made_at=conversion.created_at,
        since=(conversion.source_since or conversion.created_at) if conversion.zero_retention else None,
    )


def of_recording(recording: Recording) -> Stored:
    return Stored(
        f"recording:{recording.pk}",
        recording.name,
        recording.size,
        reverse("conversions:audition_source", args=[recording.pk]),
        key=recording.file,
        take_of=recording.take_of,
        track=recording.track,
        zero_retention=recording.zero_retention,
        made_at=recording.created_at,
        since=recording.source_since if recording.zero_retention else None,
        recording_id=recording.pk if recording.zero_retention else None,
    )


def earlier(user: User) -> list[Conversion]:
    """The newest recordings that can be taken again, each once however many takes it has."""
    rows = listed(user).only(
        "pk", "title", "source_duration_s", "voice_name", "take_of", "only_me", "team_id", "created_at"
    )
    newest: dict[UUID, Conversion] = {}
    for conversion in rows.order_by("-created_at", "-pk")[: 4 * EARLIER_AT_MOST]:
        newest.setdefault(conversion.first_take, conversion)
    return list(newest.values())[:EARLIER_AT_MOST]

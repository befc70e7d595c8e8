"""What people outside see behind a link: what there is to hear, and what has been said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from conversions.models import Comment, Share
from conversions.words.durations import clock_duration
from conversions.words.formats import is_playable, is_playable_container

SOURCE, OUTPUT = "source", "output"


@dataclass(frozen=True, slots=True)
class Doorway:
    """The addresses behind a link; `grant` goes with each of them."""

    link: str
    grant: str = ""

    def to(self, view: str, **more: str) -> str:
        query = more | ({"key": self.grant} if self.grant else {})
        return reverse(f"conversions:{view}", args=[self.link]) + (f"?{urlencode(query)}" if query else "")


@dataclass(frozen=True, slots=True)
class Track:
    """`kind`: `SOURCE` or `OUTPUT`. `saved`: where its file is, if that may be had."""

    kind: str
    name: str
    seconds: float | None
    lufs: float | None
    peaks: bytes
    is_playable: bool
    sound: str
    loudness: str
    detail: str
    saved: str

    @property
    def of(self) -> str:
        """In the sheet's words."""
        return "target" if self.kind == OUTPUT else "source"


@dataclass(frozen=True, slots=True)
class Shared:
    share: Share
    tracks: Sequence[Track]
    comments: Sequence[Comment]
    comment_at: str  # where comments are sent to
    picture: str

    @property
    def title(self) -> str:
        return self.share.conversion.title

    @property
    def words(self) -> str:
        """From whom it is, and how long."""
        length_s = length_of(self.share)
        length = "" if length_s is None else f" · {clock_duration(length_s)}"
        return _("From %(team)s") % {"team": self.share.team.name} + length


def shared_page(share: Share, link: str, grant: str) -> Shared:
    """One query, for the comments of this link."""
    doorway = Doorway(link, grant)
    kinds = [SOURCE] * share.has_original + [OUTPUT] * share.has_result
    return Shared(
        share,
        [_track(share, kind, doorway) for kind in kinds],
        list(share.comments.all()),
        doorway.to("shared_comments"),
        doorway.to("shared_picture"),
    )


def length_of(share: Share) -> float | None:
    """In seconds, of the time that its transport shows."""
    of = share.conversion
    return of.source_duration_s if share.has_original else of.output_duration_s


def _track(share: Share, kind: str, doorway: Doorway) -> Track:
    of, is_result = share.conversion, kind == OUTPUT
    plays = is_playable(of.output_format) if is_result else is_playable_container(of.played_container)
    return Track(
        kind=kind,
        name=_("Result") if is_result else _("Original"),
        seconds=of.output_duration_s if is_result else of.source_duration_s,
        lufs=of.output_lufs if is_result else of.source_lufs,
        peaks=bytes(of.output_peaks if is_result else of.source_peaks),
        is_playable=plays,
        sound=doorway.to(f"shared_{kind}"),
        loudness=doorway.to(f"shared_{kind}_loudness"),
        detail=doorway.to(f"shared_{kind}_peaks"),
        saved=doorway.to(f"shared_{kind}", save="1") if share.may_download else "",
    )

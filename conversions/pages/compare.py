"""What is heard on one transport: the recording, the result, and other takes that were put beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from conversions.access.reach import takes
from conversions.models import Conversion
from teams.models import User

TRACKS_AT_MOST = 5  # the original among them
TAKES_SHOWN = 40  # the newest


@dataclass(frozen=True, slots=True)
class Take:
    """A conversion of the recording. `query` is the part of the address that puts it on the transport, or off it."""

    conversion: Conversion
    number: int
    here: bool  # the one whose page it is
    heard: bool
    query: str = ""

    @property
    def name(self) -> str:
        return _("%(voice)s, take %(number)d") % {"voice": self.conversion.voice_name, "number": self.number}


@dataclass(frozen=True, slots=True)
class Comparison:
    takes: list[Take]  # oldest first; empty where there is one only
    full: bool  # no further take fits on the transport

    @property
    def here(self) -> Take | None:
        return next((take for take in self.takes if take.here), None)

    @property
    def heard(self) -> list[Take]:
        return [take for take in self.takes if take.heard]


def comparison_of(user: User | AnonymousUser, conversion: Conversion, wanted: Sequence[str]) -> Comparison:
    """`wanted`: the ids of takes as the address names them; what isn't one, or isn't ready, is left out. One query."""
    rows = Conversion.objects.select_related("created_by", "endpoint").defer("source_peaks")
    others = takes(user, conversion, rows)[:TAKES_SHOWN]
    if not others:
        return Comparison([], full=False)
    ready = {str(other.pk) for other in others if other.status == Conversion.Status.READY}
    room = TRACKS_AT_MOST - (2 if conversion.status == Conversion.Status.READY else 1)
    heard = [name for name in dict.fromkeys(wanted) if name in ready][:room]
    ordered = sorted([*others, conversion], key=lambda take: (take.created_at, take.pk))
    return Comparison(
        [
            Take(take, number, take.pk == conversion.pk, str(take.pk) in heard, _query(heard, str(take.pk)))
            for number, take in enumerate(ordered, start=1)
        ],
        full=len(heard) == room,
    )


def _query(heard: list[str], name: str) -> str:
    names = [other for other in heard if other != name] if name in heard else [*heard, name]
    return urlencode({"with": names}, doseq=True)

"""Who speaks with which voice in a conversion, where several do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.models import Conversion, Region
from conversions.words.durations import spoken_duration
from conversions.words.speakers import channel_words


@dataclass(frozen=True)
class Speaking:
    """`who` is what people call them, or where that is; `voice` is empty where all stays as it was."""

    who: str
    voice: str
    aside: str


def speaking_in(conversion: Conversion) -> list[Speaking]:
    """In the order in which they are first heard, channel by channel. One query; none without regions."""
    if not conversion.in_regions:
        return []
    regions = sorted(conversion.regions.all(), key=_kind)
    grouped = [list(alike) for _alike, alike in groupby(regions, key=_kind)]
    grouped.sort(key=lambda alike: (alike[0].channel or 0, alike[0].position))
    return [_speaking(conversion, alike) for alike in grouped]


def _kind(region: Region) -> tuple[int, str, str]:
    return region.channel or 0, region.speaker, region.voice_name


def _speaking(conversion: Conversion, alike: list[Region]) -> Speaking:
    first = alike[0]
    who = ", ".join(filter(None, (first.speaker, channel_words(first.channel))))
    nobody = _("Someone") if first.voice_name else _("Everything else")
    ends = [_end_s(region, conversion.source_duration_s) for region in alike]
    count = len(alike)
    aside = ngettext("%(count)d region", "%(count)d regions", count) % {"count": count}
    if None not in ends:
        seconds = sum(end - region.start_s for region, end in zip(alike, ends, strict=True) if end is not None)
        aside = f"{aside}, {spoken_duration(max(seconds, 0.0))}"
    return Speaking((who if first.speaker else capfirst(who)) or nobody, first.voice_name, aside)


def _end_s(region: Region, length_s: float | None) -> float | None:
    """Within the recording, where that is known."""
    ends = [end_s for end_s in (region.end_s, length_s) if end_s is not None]
    return min(ends, default=None)

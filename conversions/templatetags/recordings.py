"""Facts of a recording in the words of people, and what a browser can play."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import ngettext

from conversions.models import Conversion
from conversions.words.durations import clock_duration, spoken_duration
from conversions.words.formats import format_words, is_playable, is_playable_container
from conversions.words.noticed import missing_words
from s2s.audio.limits import SILENCE_DBFS
from s2s.audio.mistakes import FOREIGN, MISTAKES, MP4_STARTS, Marks

register = template.Library()
register.filter("format_words", format_words)
register.filter("playable_format", is_playable)
register.filter("playable_container", is_playable_container)


@register.simple_tag
def marks() -> str:
    """What isn't converted, for inspecting.js: JSON of the marks of each kind as place and hex, of how MP4s begin, and
    of how loud silence is in dBFS."""
    mp4 = [start.decode() for start in MP4_STARTS]
    known = {"marks": _in_hex(MISTAKES), "foreign": _in_hex(FOREIGN), "mp4": mp4, "silence": SILENCE_DBFS}
    return json.dumps(known, separators=(",", ":"))


def _in_hex(kinds: dict[str, tuple[Marks, ...]]) -> dict[str, list[list[tuple[int, str]]]]:
    return {name: [[(place, mark.hex()) for place, mark in marks] for marks in ways] for name, ways in kinds.items()}


@register.filter
def spoken(seconds: float | None) -> str:
    """ "4 min 12 s", "6 hours"; empty while the length isn't known."""
    if seconds is None:
        return ""
    hours, rest = divmod(round(seconds), 3600)
    if hours and not rest:
        return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}
    return spoken_duration(seconds)


@register.filter
def clock(seconds: float | None) -> str:
    """ "4:12", a dash while the length isn't known."""
    return "–" if seconds is None else clock_duration(seconds)


@register.filter
def ago(moment: datetime) -> str:
    """ "5 minutes ago", and after a week the day: nobody counts "3 weeks, 2 days" back."""
    if timezone.now() - moment < timedelta(days=7):
        return naturaltime(moment)
    return date_format(timezone.localtime(moment), "j M Y")


@register.filter
def source_words(conversion: Conversion) -> str:
    """ "1.2 MB, mp3, 44100 Hz": what is known of its file."""
    rate = f"{conversion.source_rate_hz} Hz" if conversion.source_rate_hz else ""
    return ", ".join(filter(None, [filesizeformat(conversion.source_bytes), conversion.source_codec, rate]))


@register.filter
def missing(conversion: Conversion) -> str:
    """That a part of its file never arrived; else empty."""
    return missing_words(conversion.source_noticed, conversion.source_duration_s)


@register.filter
def format_family(output_format: str) -> str:
    """`mp3_44100_128` -> "MP3": what the download button calls it."""
    family = output_format.partition("_")[0]
    return {"ulaw": "µ-law", "alaw": "A-law", "opus": "Opus"}.get(family, family.upper())

"""The queue at a glance, on the first page of the admin site."""

from __future__ import annotations

from django import template

from conversions.pages.glance import Glance, at_a_glance
from conversions.words.durations import spoken_duration

register = template.Library()


@register.simple_tag
def glance() -> Glance:
    return at_a_glance()


@register.filter
def spoken(seconds: float | None) -> str:
    return "" if seconds is None else spoken_duration(seconds)

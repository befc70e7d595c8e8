"""Stored peaks as a picture."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conversions.words.waveforms import thinned

register = template.Library()

HEIGHT = 64
_MIDDLE = HEIGHT // 2
_REACH = _MIDDLE - 2  # a full-scale peak keeps clear of the edge


def outline(peaks: bytes) -> str:
    """An SVG path around the middle line, one unit wide for each value. Silence stays a line, not a gap."""
    heights = [max(0.5, value * _REACH / 255) for value in peaks]
    above = [f"{x} {_MIDDLE - height:.1f}" for x, height in enumerate(heights)]
    below = [f"{x} {_MIDDLE + height:.1f}" for x, height in reversed(list(enumerate(heights)))]
    return f"M{'L'.join(above)}L{'L'.join(below)}Z"


@register.simple_tag
def waveform(peaks: bytes | memoryview | None) -> SafeString:
    """A decoration beside its player; waveforms.js moves the line `head`. Nothing for a recording without peaks."""
    values = thinned(bytes(peaks or b""))
    if len(values) < 2:
        return SafeString("")
    return format_html(
        '<svg class="waveform" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">'
        '<path d="{}"/><line class="head" x1="0" y1="0" x2="0" y2="{}"/></svg>',
        len(values) - 1,
        HEIGHT,
        outline(values),
        HEIGHT,
    )

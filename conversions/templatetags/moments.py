"""Places in a recording."""

from __future__ import annotations

from django import template

from conversions.words.moments import moment_words

register = template.Library()
register.filter("moment", moment_words)


@register.filter
def seconds(at_s: float) -> str:
    """For scripts and addresses, whatever the language writes for a point."""
    return f"{at_s:.2f}"

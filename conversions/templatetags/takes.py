"""What a take was made with, beside another one."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from conversions.models import Conversion
from conversions.templatetags.options import chosen_words
from conversions.words.formats import format_words

register = template.Library()


@register.filter
def differs_from(take: Conversion, other: Conversion) -> str:
    """ "Format: WAV, 44.1 kHz; Seed: 7": what `take` has and `other` hasn't. Empty when only voices differ."""
    mine, theirs = _parameters(take), _parameters(other)
    said = [
        f"{label}: {mine.get(label) or _('not set')}" for label in {**mine, **theirs} if _differs(label, mine, theirs)
    ]
    return "; ".join(said)


def _parameters(conversion: Conversion) -> dict[str, str]:
    return {_("Format"): str(format_words(conversion.output_format)), **dict(chosen_words(conversion))}


def _differs(label: str, mine: dict[str, str], theirs: dict[str, str]) -> bool:
    return mine.get(label) != theirs.get(label)

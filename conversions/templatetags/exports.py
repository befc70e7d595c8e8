"""The other formats of a result, on its page."""

from __future__ import annotations

from typing import Any

from django import template

from conversions.models import Conversion
from conversions.pages.exports import choices_of, made_of
from teams.gatekeeper import May, may

register = template.Library()


@register.inclusion_tag("conversions/detail_exports.html", takes_context=True)
def exports(context: dict[str, Any], conversion: Conversion) -> dict[str, Any]:
    shown = {
        "made": made_of(conversion),
        "format_groups": choices_of(conversion),
        "may_export": may(context["request"].user, May.EXPORT, conversion.team_id),
    }
    # With the context, so that forms have their token.
    return {**dict(context.flatten()), **shown}  # type: ignore[attr-defined]

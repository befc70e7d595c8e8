"""The film and the other formats of a result, on its page."""

from __future__ import annotations

from typing import cast

from django import template
from django.template import RequestContext

from conversions.models import Conversion
from conversions.pages.exports import choices_of, made_of
from conversions.pages.films import film_of
from teams.gatekeeper import may
from teams.roles import May

register = template.Library()


@register.inclusion_tag("conversions/detail_exports.html", takes_context=True)
def exports(context: RequestContext, conversion: Conversion) -> dict[str, object]:
    shown = {
        "made": made_of(conversion),
        "format_groups": choices_of(conversion),
        "may_export": may(context.request.user, May.EXPORT, conversion.team_id),
    }
    return {**cast("dict[str, object]", context.flatten()), **shown}  # with the context, so that forms have their token


@register.inclusion_tag("conversions/detail_film.html", takes_context=True)
def film(context: RequestContext, conversion: Conversion) -> dict[str, object]:
    shown = {
        "film": film_of(conversion),
        "may_export": may(context.request.user, May.EXPORT, conversion.team_id),
    }
    return {**cast("dict[str, object]", context.flatten()), **shown}

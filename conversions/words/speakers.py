"""Who converts a conversion: its own endpoint, or where several voices speak, those of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext as _

from conversions.models import Conversion, Region, Step
from voices.models import Endpoint, Voice


def endpoints_of(conversion: Conversion) -> list[Endpoint]:
    """Those that are sent some of it; while nobody has planned that, those that may be. No query without regions."""
    if not conversion.in_regions:
        return [conversion.endpoint]
    calls = Step.objects.filter(conversion=conversion, kind=Step.Kind.CONVERT)
    planned = list(Endpoint.objects.filter(pk__in=calls.order_by().values("endpoint")))
    if planned:
        return planned
    voices = Voice.objects.filter(pk__in=Region.objects.filter(conversion=conversion).order_by().values("voice"))
    return sorted({conversion.endpoint, *(voice.endpoint for voice in voices.select_related("endpoint"))}, key=_place)


def billing_among(conversions: Iterable[Conversion]) -> frozenset[UUID]:
    """Which of them it may cost something to convert, as `endpoints_of` says of one. Two queries at most, whatever
    their number."""
    found = list(conversions)
    plain = {row.pk for row in found if not row.in_regions and row.endpoint.billed}
    several = {row.pk: row for row in found if row.in_regions}
    if not several:
        return frozenset(plain)
    calls = Step.objects.filter(conversion__in=several, kind=Step.Kind.CONVERT).order_by()
    planned = list(calls.values_list("conversion", "endpoint__billed").distinct())
    unplanned = several.keys() - {pk for pk, _billed in planned}
    marked = Region.objects.filter(conversion__in=unplanned, voice__endpoint__billed=True).order_by()
    return frozenset(
        plain
        | {pk for pk, billed in planned if billed}
        | {pk for pk in unplanned if several[pk].endpoint.billed}
        | set(marked.values_list("conversion", flat=True) if unplanned else ())
    )


def _place(endpoint: Endpoint) -> int:
    return endpoint.pk


def channel_words(channel: int | None) -> str:
    """Empty for all of them together."""
    return "" if channel is None else (_("left channel"), _("right channel"))[channel]


def endpoint_names(conversion: Conversion) -> str:
    return ", ".join(endpoint.name for endpoint in endpoints_of(conversion))

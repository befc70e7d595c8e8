"""Output formats that the plan of an endpoint's account doesn't include: learnt from its answers, for a day.

What a plan has can't be asked for, and there may be another one tomorrow.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from s2s.client import EndpointError
from voices.models import Endpoint

_REMEMBERED: Final = timedelta(days=1)
_REFUSALS: Final = frozenset({400, 401, 402, 403, 422})


def refused_formats(endpoint: Endpoint) -> frozenset[str]:
    """Their names (`s2s.formats`)."""
    since = datetime.now(UTC) - _REMEMBERED
    return frozenset(name for name, at in endpoint.refused_formats.items() if datetime.fromisoformat(at) > since)


def is_format_refused(error: Exception, output_format: str) -> bool:
    """Whether the endpoint has refused a call for the format that it asked for."""
    if not isinstance(error, EndpointError) or error.status_code not in _REFUSALS:
        return False
    said = f"{error.code or ''} {error.message}".lower()
    return any(name in said for name in ("output_format", "output format", output_format))


def remember_refused(endpoint: Endpoint, output_format: str) -> None:
    with transaction.atomic():
        locked = Endpoint.objects.select_for_update(no_key=True).only("refused_formats").get(pk=endpoint.pk)
        refused = locked.refused_formats | {output_format: datetime.now(UTC).isoformat()}
        Endpoint.objects.filter(pk=endpoint.pk).update(refused_formats=refused)

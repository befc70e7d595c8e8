"""An endpoint that nothing was ever sent to is deleted. History and ledger name all others: those are switched off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from conversions.models import Call, Conversion, Region
from teams.models import User
from voices.models import Endpoint, Favourite, Voice


@dataclass(frozen=True, slots=True)
class Known:
    """How much of an endpoint there is: its voices, how many people's favourites are among them, and what names it."""

    voices: int
    favourites: int
    conversions: int
    calls: int

    @property
    def is_named(self) -> bool:
        return bool(self.conversions or self.calls)


def known_of(endpoints: Sequence[Endpoint]) -> Known:
    """Of all of them together: four queries."""
    return Known(
        voices=Voice.objects.filter(endpoint__in=endpoints).count(),
        favourites=Favourite.objects.filter(voice__endpoint__in=endpoints).count(),
        conversions=Conversion.objects.filter(
            Q(endpoint__in=endpoints)
            | Exists(Region.objects.filter(conversion=OuterRef("pk"), voice__endpoint__in=endpoints))
        ).count(),
        calls=Call.objects.filter(endpoint__in=endpoints).count(),
    )


def unplug(endpoint: Endpoint, by: User) -> bool:
    """With its voices. False: something names it, or it is gone. Raises PermissionDenied."""
    if not by.is_superuser:
        raise PermissionDenied
    with transaction.atomic():
        # What is sent to it needs its row, and waits for this lock.
        row = Endpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
        if row is None or known_of([row]).is_named:
            return False
        for preview in row.voices.exclude(preview="").values_list("preview", flat=True):
            transaction.on_commit(partial(default_storage.delete, preview), robust=True)
        row.delete()
    return True

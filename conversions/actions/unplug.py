"""An endpoint that nothing was ever sent to is deleted. History and ledger name all others: those are switched off.

What waits to be ordered names one only because its row has to: it goes on with another one's voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from conversions.models import Call, Conversion, Enrolment, Region
from teams.models import User
from voices.models import Endpoint, Favourite, Voice


@dataclass(frozen=True, slots=True)
class Known:
    """How much of an endpoint there is: its voices, how many people's favourites are among them, and what names it.

    `conversions` has no `unordered` ones, unless there is no other voice for them.
    """

    voices: int
    favourites: int
    conversions: int
    own_voices: int  # of teams, which are to be made there, are, or are still to be removed
    calls: int
    unordered: int  # which nobody has ordered anything of; they stay whatever becomes of it

    @property
    def is_named(self) -> bool:
        return bool(self.conversions or self.own_voices or self.calls)


def known_of(endpoints: Sequence[Endpoint]) -> Known:
    """Of all of them together: six queries, and one more where something waits to be ordered."""
    named = Conversion.objects.filter(
        Q(endpoint__in=endpoints)
        | Exists(Region.objects.filter(conversion=OuterRef("pk"), voice__endpoint__in=endpoints))
    )
    unordered = named.filter(unordered=True).count()
    conversions = named.filter(unordered=False).count()
    if unordered and _another_voice(endpoints) is None:
        conversions += unordered
    return Known(
        voices=Voice.objects.filter(endpoint__in=endpoints).count(),
        favourites=Favourite.objects.filter(voice__endpoint__in=endpoints).count(),
        conversions=conversions,
        unordered=unordered,
        own_voices=Enrolment.objects.filter(endpoint__in=endpoints).count(),
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
        _let_go(row)
        for preview in row.voices.exclude(preview="").values_list("preview", flat=True):
            transaction.on_commit(partial(default_storage.delete, preview), robust=True)
        row.delete()
    return True


def _let_go(endpoint: Endpoint) -> None:
    """What waits to be ordered has another voice in its row, which means as little."""
    waiting = Conversion.objects.filter(unordered=True, endpoint=endpoint)
    other = _another_voice([endpoint])
    if other is not None:
        waiting.update(voice=other, endpoint=other.endpoint, voice_stored_settings=other.settings)


def _another_voice(than_of: Sequence[Endpoint]) -> Voice | None:
    """One that is offered, if there is any."""
    others = Voice.objects.filter(team=None).exclude(endpoint__in=than_of).select_related("endpoint")
    return others.order_by("-endpoint__enabled", "hidden", "pk").first()

"""The search of the admin's list of conversions: it answers quickly however many rows there are.

An id, and the e-mail address of someone who has not made very many, find everything by an index. Parts of names have
none on either database, so they are looked for among the newest conversions only.
"""

from __future__ import annotations

import uuid

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conversions.models import Conversion
from teams.models import User

SEARCHED = 50_000
FEW = 2_000
_PEOPLE = 100

HELP = _(
    "Parts of the names of recordings, files and people, among the newest 50,000. An id finds any; a whole e-mail "
    "address finds all that this person made, if that is not more than 2,000."
)


def found(rows: QuerySet[Conversion], term: str) -> QuerySet[Conversion]:
    """Those of `rows` that `term` means."""
    try:
        return rows.filter(pk=uuid.UUID(term.strip()))
    except ValueError:
        pass
    person = User.objects.filter(email=term.strip().lower()).first()
    if person is not None:
        made = _all_of(person)
        return _newest(rows.filter(created_by=person)) if made is None else rows.filter(pk__in=made)
    for word in term.split():
        rows = rows.filter(Q(title__icontains=word) | Q(source_name__icontains=word) | Q(created_by__in=_people(word)))
    return _newest(rows) if term.split() else rows


def _people(word: str) -> list[int]:
    people = User.objects.filter(Q(email__icontains=word) | Q(name__icontains=word))
    return list(people.order_by("pk").values_list("pk", flat=True)[:_PEOPLE])


def _all_of(person: User) -> list[uuid.UUID] | None:
    """The ids of what a person made; None for more than a few.

    Named one by one: a planner that hears of a person only would rather read all conversions, newest first.
    """
    made = list(Conversion.objects.filter(created_by=person).order_by().values_list("pk", flat=True)[: FEW + 1])
    return None if len(made) > FEW else made


def _newest(rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
    """Of the newest conversions of all, by the index `newest`."""
    moments = Conversion.objects.order_by("-created_at", "-pk").values_list("created_at", flat=True)
    oldest = next(iter(moments[SEARCHED : SEARCHED + 1]), None)
    return rows if oldest is None else rows.filter(created_at__gt=oldest)

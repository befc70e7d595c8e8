"""A person is deleted for good. What they gave to the team stays the team's, what only they could see is erased.

Work that was accepted goes on either way: no step and no call hangs on a person's row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from conversions.actions.delete import erase, forget
from conversions.models import Conversion, Enrolment, Preset, Recording
from teams.models import Team, User
from teams.people import deactivate

logger = logging.getLogger(__name__)

_THEIRS_ALONE = Q(only_me=True) | Q(enable_logging=False)
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Left:
    """How much of people's work stays with the team, is unfinished of that, and is erased."""

    stays: int = 0
    unfinished: int = 0
    voices: int = 0  # that they have made, which stay with their name: they have said that they may be used
    erased: int = 0  # for their eyes alone: zero retention, "only I can see it", what they have tried out


def left_by(people: Sequence[User]) -> Left:
    """By all of them together: three queries."""
    made = Conversion.objects.filter(created_by__in=people, audition_of=None).order_by()
    counts = made.aggregate(
        stays=Count("pk", filter=~_THEIRS_ALONE),
        unfinished=Count("pk", filter=~_THEIRS_ALONE & Q(status__in=Conversion.UNFINISHED)),
        erased=Count("pk", filter=_THEIRS_ALONE),
    )
    tried = Recording.objects.filter(created_by__in=people).count()
    voices = Enrolment.objects.filter(created_by__in=people).count()
    return Left(counts["stays"], counts["unfinished"], voices, counts["erased"] + tried)


def part_with(person: User, by: User) -> None:
    """Raises PermissionDenied unless `by` is another person, who runs the site."""
    if not by.is_superuser or by.pk == person.pk:
        raise PermissionDenied
    deactivate(User.objects.filter(pk=person.pk))
    _erase_what_is_theirs_alone(person)
    delete_row(person)


def delete_row(row: User | Team) -> None:
    """Of somebody for whom nothing can be begun any more."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic():
                row.delete()
            return
        except IntegrityError:
            # A request was still on its way in and has left something that names them.
            if attempt == _ATTEMPTS:
                raise
            logger.info("a person or team that is deleted had something under way: again")


def _erase_what_is_theirs_alone(person: User) -> None:
    Preset.objects.filter(created_by=person, shared=False).delete()
    for recording in Recording.objects.filter(created_by=person):
        forget(recording)
    for conversion in _alone(person).only("pk"):
        erase(conversion)


def _alone(person: User) -> QuerySet[Conversion]:
    return Conversion.objects.filter(_THEIRS_ALONE, created_by=person).order_by()

"""A person is deleted for good, or goes from a team. What they gave to the team stays the team's; what only they could
see is erased, or, where they go from a team, handed over.

Work that was accepted goes on either way: no step and no call hangs on a person's row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from conversions.access.reach import UNDO_WITHIN
from conversions.actions.delete import erase, forget
from conversions.ground.clock import db_now
from conversions.models import Conversion, DefaultPreset, Enrolment, Preset, Recording
from teams.actions import expel, heirs, leave
from teams.audit import record
from teams.models import Membership, Team, User
from teams.people import deactivate

logger = logging.getLogger(__name__)

_HIDDEN = Q(only_me=True, enable_logging=True)
_THEIRS_ALONE = Q(only_me=True) | Q(enable_logging=False)
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Left:
    """How much of people's work stays with the team, is unfinished of that, and is erased."""

    stays: int = 0
    unfinished: int = 0
    voices: int = 0  # that they have made, which stay with their name: they have said that they may be used
    erased: int = 0  # for their eyes alone: zero retention, "only I can see it", what they have tried out
    hidden: int = 0  # how many of those could be handed over: none of which nothing is to be kept


def left_by(people: Sequence[User], team: Team | None = None) -> Left:
    """By all of them together, in all teams or in one: three queries."""
    theirs = Q(created_by__in=people) if team is None else Q(created_by__in=people, team=team)
    made = Conversion.objects.filter(theirs, audition_of=None).order_by()
    counts = made.aggregate(
        stays=Count("pk", filter=~_THEIRS_ALONE),
        unfinished=Count("pk", filter=~_THEIRS_ALONE & Q(status__in=Conversion.UNFINISHED)),
        erased=Count("pk", filter=_THEIRS_ALONE),
        hidden=Count("pk", filter=_HIDDEN & Q(deleted_at=None)),
    )
    tried = Recording.objects.filter(theirs).count()
    voices = Enrolment.objects.filter(theirs).count()
    return Left(counts["stays"], counts["unfinished"], voices, counts["erased"] + tried, counts["hidden"])


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


def remove_member(actor: User, membership: Membership, heir: User | None) -> None:
    """What only they can see goes to `heir`, an owner or admin of the team, or is erased where there is none.

    Raises PermissionDenied, teams.actions.LastOwnerError, and ValueError for somebody who can't be its heir.
    """
    _go(lambda: expel(actor, membership), actor, membership.user, membership.team, heir)


def leave_team(actor: User, team: Team, heir: User | None) -> None:
    """As `remove_member`, by oneself."""
    _go(lambda: leave(actor, team), actor, actor, team, heir)


def _go(go: Callable[[], None], actor: User, person: User, team: Team, heir: User | None) -> None:
    """What is to be erased can't be brought back from then on; if we don't come to it, the sweep does."""
    alone = _alone(person).filter(team=team)
    with transaction.atomic():
        go()
        if heir is not None:
            if not heirs(team, person).filter(pk=heir.pk).exists():
                raise ValueError(f"user {heir.pk} can't take on what was user {person.pk}'s")
            handed = alone.filter(_HIDDEN, audition_of=None, deleted_at=None)
            count = handed.update(created_by=heir, once=None, kept_once=None)
            record(actor, team, "hand over recordings", heir, count=count, of=str(person))
        long_ago = db_now() - UNDO_WITHIN
        alone.filter(audition_of=None).update(deleted_at=long_ago, mail_due=False, once=None, kept_once=None)
        DefaultPreset.objects.filter(user=person, team=team).delete()
        Preset.objects.filter(created_by=person, team=team, shared=False).delete()
    _erase(Recording.objects.filter(created_by=person, team=team), alone)


def _erase_what_is_theirs_alone(person: User) -> None:
    Preset.objects.filter(created_by=person, shared=False).delete()
    _erase(Recording.objects.filter(created_by=person), _alone(person))


def _erase(recordings: QuerySet[Recording], conversions: QuerySet[Conversion]) -> None:
    for recording in recordings:
        forget(recording)
    for conversion in conversions.only("pk"):
        erase(conversion)


def _alone(person: User) -> QuerySet[Conversion]:
    return Conversion.objects.filter(_THEIRS_ALONE, created_by=person).order_by()

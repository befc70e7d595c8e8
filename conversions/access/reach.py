"""Which conversions a person reaches: of their team, neither deleted nor for someone else's eyes alone."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Expression, Q, QuerySet
from django.utils import timezone

from conversions.models import Batch, Conversion
from teams.gatekeeper import current_team, get_or_404, may, of_teams, reachable
from teams.models import User
from teams.roles import May

# What was deleted can be brought back for so long.
UNDO_WITHIN = timedelta(hours=24)


def listed(user: User | AnonymousUser) -> QuerySet[Conversion]:
    """What the history shows: never a zero retention one, an audition, or what is deleted."""
    rows = Conversion.objects.filter(enable_logging=True, audition_of=None, deleted_at=None)
    return reachable(user, _seen_by(user.pk, rows))


def of_batch(user: User | AnonymousUser, batch: Batch) -> QuerySet[Conversion]:
    """What the user may see of a batch."""
    return reachable(user, _seen_by(user.pk, Conversion.objects.filter(batch=batch, deleted_at=None)))


def takes(
    user: User | AnonymousUser, conversion: Conversion, objects: QuerySet[Conversion] | None = None
) -> list[Conversion]:
    """The other conversions of the same recording, newest first. Of zero retention ones the creator sees their own.

    Team, kind and order are left to us: by any of them SQLite would rather read the team's whole history.
    """
    team = current_team(user)
    first = conversion.first_take
    objects = Conversion.objects.all() if objects is None else objects
    rows = _seen_by(user.pk, objects.filter(Q(pk=first) | Q(take_of=first), deleted_at=None)).order_by()
    of_team = [take for take in rows if team is not None and take.team_id == team.pk]
    found = [take for take in of_team if take.audition_of_id is None and take.pk != conversion.pk]
    return sorted(found, key=lambda take: (take.created_at, take.pk), reverse=True)


def deleted(user: User | AnonymousUser) -> QuerySet[Conversion]:
    """What was deleted and can still be brought back by `user`: their own, and for admins and owners the team's."""
    since = timezone.now() - UNDO_WITHIN
    rows = reachable(user, _seen_by(user.pk, Conversion.objects.filter(deleted_at__gt=since, audition_of=None)))
    if may(user, May.CHANGE_ANY):
        return rows
    return rows.filter(created_by=user.pk) if may(user, May.CONVERT) else rows.none()


def conversion_or_404(
    user: User | AnonymousUser,
    conversion_id: UUID,
    objects: QuerySet[Conversion] | None = None,
    *,
    auditions: bool = False,
) -> Conversion:
    """Raises Http404 for what doesn't exist, is deleted, and isn't theirs to see. An audition has its files alone:
    `auditions` is for the views of these."""
    objects = Conversion.objects.all() if objects is None else objects
    if not auditions:
        objects = objects.filter(audition_of=None)
    return get_or_404(user, _seen_by(user.pk, objects.filter(deleted_at=None)), pk=conversion_id)


def on_pages_of(user: User | Expression, objects: QuerySet[Conversion]) -> QuerySet[Conversion]:
    """Those that `conversion_or_404` finds for `user`, who may be an expression that brings their id."""
    return of_teams(user, _seen_by(user, objects.filter(deleted_at=None, audition_of=None)))


def deleted_or_404(user: User | AnonymousUser, conversion_id: UUID) -> Conversion:
    """Raises Http404 for what isn't deleted, or can't be brought back any more, or isn't theirs to see."""
    since = timezone.now() - UNDO_WITHIN
    rows = Conversion.objects.filter(deleted_at__gt=since, audition_of=None)
    return get_or_404(user, _seen_by(user.pk, rows), pk=conversion_id)


def _seen_by(user: User | Expression | int | None, rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
    return rows.filter(Q(only_me=False, enable_logging=True) | Q(created_by=user))

"""Which conversions a person reaches: those of their team, but what is for someone else alone or deleted."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from conversions.models import Batch, Conversion
from teams.gatekeeper import get_or_404, reachable
from teams.models import User


def listed(user: User | AnonymousUser) -> QuerySet[Conversion]:
    """What the history shows: never a zero retention one, an audition, or what is deleted."""
    rows = Conversion.objects.filter(enable_logging=True, audition_of=None, deleted_at=None)
    return reachable(user, _seen_by(user, rows))


def of_batch(user: User | AnonymousUser, batch: Batch) -> QuerySet[Conversion]:
    """What the user may see of a batch."""
    return reachable(user, _seen_by(user, Conversion.objects.filter(batch=batch, deleted_at=None)))


def conversion_or_404(
    user: User | AnonymousUser, conversion_id: UUID, objects: QuerySet[Conversion] | None = None
) -> Conversion:
    """Raises Http404 for what doesn't exist, is deleted, and isn't theirs to see."""
    objects = Conversion.objects.all() if objects is None else objects
    return get_or_404(user, _seen_by(user, objects.filter(deleted_at=None)), pk=conversion_id)


def _seen_by(user: User | AnonymousUser, rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
    return rows.filter(Q(only_me=False, enable_logging=True) | Q(created_by=user.pk))

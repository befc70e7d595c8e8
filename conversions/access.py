"""Which conversions a person reaches: those of their team, and of the zero retention ones only their own."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from conversions.models import Conversion
from teams.gatekeeper import get_or_404, reachable
from teams.models import User


def listed(user: User | AnonymousUser) -> QuerySet[Conversion]:
    """What the history shows: never a zero retention one."""
    return reachable(user, Conversion.objects.filter(enable_logging=True))


def conversion_or_404(
    user: User | AnonymousUser, conversion_id: UUID, objects: QuerySet[Conversion] | None = None
) -> Conversion:
    """Raises Http404 for what doesn't exist and for what isn't theirs to see."""
    objects = Conversion.objects.all() if objects is None else objects
    return get_or_404(user, objects.filter(Q(enable_logging=True) | Q(created_by=user.pk)), pk=conversion_id)

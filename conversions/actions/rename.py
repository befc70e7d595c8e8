"""Rename: what it is called from now on. The file's own name stays as it came."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction

from conversions.models import Conversion, Event, log
from teams.gatekeeper import require_change
from teams.models import User


def rename(conversion: Conversion, user: User, title: str) -> bool:
    """False: it is called so already. Raises PermissionDenied, also for a zero retention one: it keeps no name."""
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    if conversion.zero_retention:
        raise PermissionDenied
    with transaction.atomic():
        rows = Conversion.objects.filter(pk=conversion.pk, deleted_at=None).exclude(title=title)
        if rows.update(title=title) == 0:
            return False
        log(conversion, Event.Kind.RENAMED, actor=user, before=conversion.title, title=title)
    return True

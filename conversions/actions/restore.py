"""Restore: what was deleted is back, in the state in which it was left. What was cancelled stays cancelled."""

from __future__ import annotations

from django.db import transaction

from conversions.access.reach import UNDO_WITHIN
from conversions.ground.clock import db_now
from conversions.models import Conversion, Event, log
from teams.gatekeeper import require_change
from teams.models import User


def restore(conversion: Conversion, user: User) -> bool:
    """False: it is not deleted, or has been for too long. Raises PermissionDenied."""
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    with transaction.atomic():
        rows = Conversion.objects.filter(pk=conversion.pk, deleted_at__gt=db_now() - UNDO_WITHIN)
        if rows.update(deleted_at=None) == 0:
            return False
        log(conversion, Event.Kind.RESTORED, actor=user)
    return True

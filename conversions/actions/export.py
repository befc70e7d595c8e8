"""Export: the result in another format, or as the sound of its film, made once and found again by who asks next."""

from __future__ import annotations

import logging

from django.db import transaction

from conversions.actions.limits import NoRoomError
from conversions.ground.clock import db_now
from conversions.ledger.usage import export_size, require_room
from conversions.models import Conversion, Export, Step
from conversions.queue import room
from conversions.queue.bells import Lane, ring_on_commit
from conversions.queue.outcomes import add_export
from s2s.formats import OUTPUT_FORMATS
from teams.gatekeeper import require
from teams.locks import lock_team
from teams.models import User
from teams.roles import May

logger = logging.getLogger(__name__)


def export(conversion: Conversion, user: User, output_format: str) -> Export | None:
    """Members may have any result that they see in any format; one that failed is tried again. None: there is no
    result yet.

    Raises PermissionDenied, ValueError for what is no other format, OverQuotaError for what the team may not keep, and
    NoRoomError where the server's disk has no room for it.
    """
    require(user, May.EXPORT, conversion.team_id)
    others = OUTPUT_FORMATS.keys() - {conversion.output_format} | ({Export.FILM} if conversion.is_film else set())
    if output_format not in others:
        raise ValueError(output_format)
    with transaction.atomic():
        no_room = room.export_refusal(conversion, output_format)  # before every other lock
        if conversion.team.storage_megabytes is not None:
            lock_team(conversion.team_id)  # before the conversion
        # Two who ask at once get the same one.
        rows = Conversion.objects.select_for_update().only(
            *("pk", "status", "team_id", "source_bytes", "source_duration_s", "source_pictures", "output_duration_s"),
            "output_channels",
        )
        locked = rows.filter(pk=conversion.pk, deleted_at=None).first()
        if locked is None or locked.status != Conversion.Status.READY:
            return None
        found = locked.exports.select_related("step").filter(output_format=output_format).first()
        if found is not None and found.step.status != Step.Status.FAILED:
            return found
        require_room(conversion.team, export_size(locked, output_format))
        if no_room:
            logger.error("an export wasn't begun: the disk is nearly full")
            raise NoRoomError(no_room)
        if found is None:
            found = add_export(locked, output_format, user.pk, user.pk)
        else:
            _again(found)
    return found


def forget_export(export: Export) -> None:
    """Its file is gone: it can be made anew."""
    Step.objects.filter(pk=export.step_id).delete()


def _again(export: Export) -> None:
    Step.objects.filter(pk=export.step_id, status=Step.Status.FAILED).update(
        status=Step.Status.WAITING, attempt=0, not_before=db_now()
    )
    Export.objects.filter(pk=export.pk).update(error="")
    ring_on_commit(Lane.CPU)

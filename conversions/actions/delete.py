"""Delete: nobody finds it any more, and what runs for it stops. For a day it can be brought back; then it is erased.

A zero retention one is erased at once.
"""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import Q

from conversions.actions.cancel import stop
from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.models import Conversion, Event, Recording, Step, log
from teams.gatekeeper import require_change
from teams.models import User


def delete(conversion: Conversion, user: User) -> bool:
    """In every state: a worker that is busy with it finds its lease gone. False: it was deleted already.

    Raises PermissionDenied.
    """
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    if conversion.zero_retention:
        erase(conversion, actor=user)
        return True
    with transaction.atomic():
        row = Conversion.objects.select_for_update().filter(pk=conversion.pk, deleted_at=None).first()
        if row is None:
            return False
        stop(row)
        # An export or a redo may be waiting or running, or a search for speakers: it goes, and can be asked for again.
        row.steps.filter(kind__in=Step.ASIDE, status__in=[Step.Status.WAITING, Step.Status.RUNNING]).delete()
        Conversion.objects.filter(pk=row.pk).update(deleted_at=db_now(), mail_due=False, once=None, kept_once=None)
        log(row, Event.Kind.DELETED, actor=user)
    return True


def purge(conversion: Conversion, user: User) -> bool:
    """Erases it now, with no way back. False: it isn't any more what it was when `conversion` was read.

    Raises PermissionDenied.
    """
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    states = [conversion.status] if conversion.finished else Conversion.UNFINISHED
    return erase(conversion, actor=user, if_still=Q(status__in=states, deleted_at=conversion.deleted_at))


def erase(conversion: Conversion, *, actor: User | None = None, if_still: Q | None = None) -> bool:
    """Rows and files are gone, by the product's own right where nobody asks: for recordings whose time has come.

    The ledger keeps its sums, the audit log who did what and when, without a name or a word; of zero retention ones
    and of auditions nothing. What was kept to be auditioned goes with the last zero retention one that was made of it.
    False: it is gone already, or `if_still` isn't true of it, and nothing was done. What counts is how it is now, not
    how it was when `conversion` was read.
    """
    with transaction.atomic():
        rows = Conversion.objects.select_for_update().only("enable_logging", "audition_of", "recording", "team")
        row = rows.filter(if_still or Q(), pk=conversion.pk).first()
        if row is None:
            return False
        if row.zero_retention:
            row.calls.update(request_id="", history_item_id="", error="")
        _forget_words(row, actor)
        Conversion.objects.filter(pk=row.pk).delete()
        # Rows first: a crash in between leaves files without a row, which housekeeping deletes.
        transaction.on_commit(partial(durable.delete_all, row.pk), robust=True)
        if row.recording_id and not Conversion.objects.filter(recording=row.recording_id).exists():
            for recording in Recording.objects.filter(pk=row.recording_id):
                forget(recording)
    return True


def _forget_words(conversion: Conversion, actor: User | None) -> None:
    if conversion.zero_retention or conversion.audition_of_id is not None:
        conversion.events.all().delete()
    else:
        log(conversion, Event.Kind.ERASED, actor=actor)
        conversion.events.update(data={})


def forget(recording: Recording) -> None:
    """The recording and its auditions are gone; what was converted from it stays."""
    for conversion in recording.auditions.all():
        erase(conversion)
    with transaction.atomic():
        Recording.objects.filter(pk=recording.pk).delete()
        transaction.on_commit(partial(durable.delete_all, recording.pk), robust=True)

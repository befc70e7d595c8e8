"""Redo: one piece of a recording is converted once more. The result stays as it is until the new one is there."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from conversions.actions.paying import number_of, payer_of, require_minutes
from conversions.ledger.usage import lock_where_limited
from conversions.models import Conversion, Event, Step, log
from conversions.queue.bells import Lane, ring_on_commit
from conversions.queue.claim import NO_LEASE
from conversions.steps.loading import is_whole
from teams.gatekeeper import require_change
from teams.models import User

# It has been asked for, and the result doesn't have it yet.
UNDER_WAY = Q(status__in=[Step.Status.WAITING, Step.Status.RUNNING]) | (Q(status=Step.Status.DONE) & ~Q(result=""))
_COPIED = (
    *("conversion_id", "position", "start_sample", "end_sample", "seconds", "channel"),
    *("voice_id", "endpoint_id", "team_id", "priority"),
)


def redo(conversion: Conversion, user: User, number: int) -> bool:
    """`number`: of the piece, from 1. `user` pays (`paying.py`). False: it isn't finished, or is being redone already.

    Raises PermissionDenied, and OverQuotaError where no minutes are left for it.
    """
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    with transaction.atomic():
        payer = payer_of(conversion, user)
        lock_where_limited(payer)  # before the conversion
        conversion = Conversion.objects.select_for_update().get(pk=conversion.pk)
        if conversion.deleted_at is not None or conversion.status == Conversion.Status.CANCELLED:
            return False
        done = conversion.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.DONE)
        piece = done.filter(position=number - 1).first() if conversion.in_pieces else None
        before = conversion.steps.filter(kind=Step.Kind.REDO, position=number - 1)
        if piece is None or is_whole(piece, conversion) or before.filter(UNDER_WAY).exists():
            return False
        require_minutes(payer, piece.seconds)
        before.delete()
        _add(piece, number_of(payer, user))
        log(conversion, Event.Kind.REDO, actor=user, piece=number)
    return True


def cancel_redo(conversion: Conversion, user: User, number: int) -> bool:
    """The piece and the result stay as they are; a call that is under way is aborted when its worker hears of it.

    False: it isn't being redone, or the new one is there already. Raises PermissionDenied.
    """
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    with transaction.atomic():
        conversion = Conversion.objects.select_for_update().get(pk=conversion.pk)
        redos = conversion.steps.filter(kind=Step.Kind.REDO, position=number - 1)
        unfinished = redos.filter(status__in=[Step.Status.WAITING, Step.Status.RUNNING])
        if not unfinished.update(status=Step.Status.CANCELLED, **NO_LEASE):
            return False
        log(conversion, Event.Kind.CANCELLED, actor=user, piece=number, redo=True)
    return True


def _add(piece: Step, user_id: int) -> None:
    """A step of its own: it would adopt what an earlier one has left."""
    Step.objects.create(kind=Step.Kind.REDO, user_id=user_id, **{name: getattr(piece, name) for name in _COPIED})
    ring_on_commit(Lane.CALLS)

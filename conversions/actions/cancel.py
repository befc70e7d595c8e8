"""Cancel: work that hasn't started never starts, and a running call is aborted when its worker hears of it."""

from __future__ import annotations

from django.db import transaction

from conversions.models import Conversion, Event, Step, log
from conversions.queue.claim import NO_LEASE
from teams.gatekeeper import require_change
from teams.models import User


def cancel(conversion: Conversion, user: User) -> bool:
    """What asks, isn't asked any more. False: it was finished already. Raises PermissionDenied."""
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    with transaction.atomic():
        conversion = Conversion.objects.select_for_update().get(pk=conversion.pk)
        if not (stop(conversion) or (conversion.asks and _answer_no(conversion))):
            return False
        log(conversion, Event.Kind.CANCELLED, actor=user)
    return True


def _answer_no(conversion: Conversion) -> bool:
    return conversion.move(Conversion.Status.CANCELLED, once=None, kept_once=None, error="", error_code="")


def stop(conversion: Conversion) -> bool:
    """In the caller's transaction, which has locked the row. False: it was finished already.

    Pieces of one that has failed may be under way all the same; they are stopped too.
    """
    # Who asks for the same again after that wants another one.
    is_stopped = not conversion.finished and conversion.move(Conversion.Status.CANCELLED, once=None, kept_once=None)
    if is_stopped or conversion.status == Conversion.Status.FAILED:
        unfinished = conversion.steps.filter(status__in=[Step.Status.WAITING, Step.Status.RUNNING])
        # A redo of it would be paid for in vain. A search for speakers may serve a further take.
        unfinished.exclude(kind=Step.Kind.SPEAKERS).update(status=Step.Status.CANCELLED, **NO_LEASE)
    return is_stopped

"""Diarize: a cpu worker finds who speaks when in a recording, for the page on which speakers get voices."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from conversions.actions.limits import RefusedError
from conversions.ground.clock import db_now
from conversions.models import Conversion, Diarization, Step
from conversions.queue.bells import Lane, ring_on_commit
from s2s import speakers
from teams.gatekeeper import require
from teams.models import User
from teams.roles import May


def diarize(conversion: Conversion, user: User) -> Diarization:
    """Found once for a recording and kept with it; what failed is tried again.

    Raises PermissionDenied, and RefusedError where it can't be found here or nobody has read the recording yet.
    """
    require(user, May.CONVERT, conversion.team_id)
    if not speakers.is_installed():
        raise RefusedError(("", not_installed_words()))
    with transaction.atomic():
        # Two who ask at once get the same one.
        locked = Conversion.objects.select_for_update().filter(pk=conversion.pk, deleted_at=None).first()
        if locked is None or not locked.source_duration_s:
            raise RefusedError(("", _("The recording hasn’t been read yet.")))
        found = Diarization.objects.select_related("step").filter(conversion=locked.pk).first()
        if found is None:
            found = _new(locked, user)
        elif found.step.status == Step.Status.FAILED:
            _again(found)
        ring_on_commit(Lane.CPU)
    return found


def not_installed_words() -> str:
    return _(
        "Finding speakers needs an optional package. Your admin can install it: requirements-speakers.txt, described "
        "under “Finding speakers” in docs/operation.md."
    )


def _new(conversion: Conversion, user: User) -> Diarization:
    step = Step.objects.create(
        conversion=conversion,
        kind=Step.Kind.SPEAKERS,
        team_id=conversion.team_id,
        user=user,
        priority=Step.LONG if conversion.is_long else Step.NORMAL,
    )
    return Diarization.objects.create(conversion=conversion, step=step, created_by=user)


def _again(found: Diarization) -> None:
    Step.objects.filter(pk=found.step_id, status=Step.Status.FAILED).update(
        status=Step.Status.WAITING, attempt=0, not_before=db_now()
    )
    Diarization.objects.filter(pk=found.pk).update(error="")

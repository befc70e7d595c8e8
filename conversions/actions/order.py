"""Order: a recording is kept first, and once somebody has said who speaks where in it, that is converted.

What is kept is a conversion that stops when it has been read. Nothing is sent to anybody, and nothing is paid, before
its parts have voices; then it goes the way of every other.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from conversions.access.sources import Stored, of_conversion
from conversions.actions import regions
from conversions.actions.limits import RefusedError, require_heard, require_quota, require_takeable
from conversions.actions.paying import number_of, payer_of, require_minutes
from conversions.actions.submit import Order, columns_of, mail_is_wanted, once_for, submit
from conversions.ground.clock import db_now
from conversions.ledger.usage import lock_where_limited
from conversions.models import Conversion, Event, Region, Step, log
from conversions.queue.bells import Lane, ring_on_commit
from teams.gatekeeper import require, require_change
from teams.models import Team, User
from teams.roles import May
from voices.catalogue import offered_voices
from voices.models import Voice


def keep(actor: User, team: Team, audio: File[bytes] | Stored, order: Order) -> Conversion:
    """Keeps it with what is wanted of all of it, until `order` says who speaks where. Sent again under the same
    `order.once`, it is the same one, also when it is ordered.

    Raises PermissionDenied, RefusedError, OSError when it could not be stored, and OverQuotaError when the team has no
    room for it.
    """
    require(actor, May.CONVERT, team.pk)
    require_takeable([audio], [], order.parameters)
    require_quota(actor, team, audio.size or 0)
    is_private = not order.parameters.enable_logging or (isinstance(audio, Stored) and audio.zero_retention)
    once = once_for(order, audio, "unordered")
    return submit(actor, team, audio, _any_voice(is_private), replace(order, unordered=True, once=once))


def _any_voice(is_private: bool) -> Voice:
    """For the row, which has to have one; nobody speaks yet."""
    voices = offered_voices(None).order_by("endpoint_id", "name", "pk")
    voice = (voices.filter(endpoint__zero_retention=True) if is_private else voices).first()
    if voice is None and is_private:
        raise RefusedError(("enable_logging", _("No endpoint here can promise to keep nothing.")))
    if voice is None:
        raise RefusedError(("voice", _("There are no voices yet. Try it again in a moment.")))
    return voice


def order(conversion: Conversion, user: User, voice: Voice, wanted: Order) -> bool:
    """What was kept is converted as `wanted`, whose regions say who speaks where; elsewhere `voice` does. `user` pays
    (`paying.py`). Sent again under the same `wanted.once`, it is the same order. False: it was ordered before,
    otherwise, or is deleted or gone.

    Raises PermissionDenied, RefusedError, and OverQuotaError where no minutes are left.
    """
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    recording = of_conversion(conversion)
    again = once_for(wanted, recording, 0)  # as `submit_all` would name it
    if conversion.status != Conversion.Status.UNORDERED:
        return _is_ordered(conversion, again)
    require_heard(conversion.team, regions.voices_of(voice, wanted.regions))
    require_takeable([recording], [voice], wanted.parameters, wanted.regions)
    with transaction.atomic():
        payer = payer_of(conversion, user)
        lock_where_limited(payer)  # before the conversion
        locked = Conversion.objects.select_for_update().filter(pk=conversion.pk).first()
        if locked is None:  # its time had come just now
            return False
        if locked.deleted_at is not None or locked.status != Conversion.Status.UNORDERED:
            return _is_ordered(locked, again)
        if again and Conversion.objects.filter(created_by=locked.created_by_id, once=again, voice=voice).exists():
            return False  # a take of it was
        require_minutes(payer, 0.0)  # how many it takes is known when it has been cut, and is asked then
        locked.unordered = False
        Conversion.objects.filter(pk=locked.pk).update(**_ordered(locked, voice, wanted, again))
        locked.move(Conversion.Status.WAITING)
        Region.objects.bulk_create(regions.rows_of(locked, wanted.regions))
        log(locked, Event.Kind.ORDERED, actor=user, voice=regions.names_of(voice, wanted.regions))
        _read_again(locked, number_of(payer, user))
    return True


def _is_ordered(conversion: Conversion, again: UUID | None) -> bool:
    return conversion.deleted_at is None and again is not None and conversion.once == again


def _ordered(conversion: Conversion, voice: Voice, wanted: Order, once: UUID | None) -> dict[str, object]:
    return {
        **columns_of(wanted.parameters),
        "unordered": False,
        "voice": voice,
        "voice_name": regions.names_of(voice, wanted.regions),
        "voice_stored_settings": voice.settings,
        "endpoint": voice.endpoint,
        "in_regions": bool(wanted.regions),
        "output_channels": regions.channels_of(wanted.regions),
        "once": once,
        "mail_due": mail_is_wanted(conversion),
    }


def _read_again(conversion: Conversion, user_id: int) -> None:
    """Where it is cut depends on who speaks where, and how loud it is at each place is kept by nobody."""
    Step.objects.update_or_create(
        conversion=conversion,
        kind=Step.Kind.PREPARE,
        position=0,
        defaults={
            "team_id": conversion.team_id,
            "user_id": user_id,
            "priority": Step.LONG if conversion.is_long else Step.NORMAL,
            "status": Step.Status.WAITING,
            "attempt": 0,
            "not_before": db_now(),
        },
    )
    ring_on_commit(Lane.CPU)

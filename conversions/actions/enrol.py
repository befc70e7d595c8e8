"""A team's own voices: somebody gives a sample and says that they may, an endpoint makes a voice of it, and only that
team has it. Members make them; who made one, and admins and owners, rename and delete it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid5

from django.core.exceptions import PermissionDenied
from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from conversions.access.sources import Stored
from conversions.actions.limits import RefusedError, require_quota, require_takeable
from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.ledger.usage import require_room
from conversions.models import Enrolment, Event
from conversions.models.event import log_voice
from conversions.queue.bells import ring_for_voices
from s2s.contract import ConvertParameters
from teams.gatekeeper import require, require_change
from teams.models import Team, User
from teams.roles import May
from voices.models import Endpoint, Favourite, Voice


@dataclass(frozen=True, slots=True)
class VoiceOrder:
    """`may_use`: whoever orders it says that the voice is theirs, or that they may use it. `accepts_slot`: that it
    takes a place in the account of an endpoint that bills."""

    name: str
    endpoint: Endpoint
    may_use: bool
    accepts_slot: bool
    once: UUID  # of the page that sends it: the same request again makes nothing more


def enrol(actor: User, team: Team, sample: File[bytes] | Stored, order: VoiceOrder) -> Enrolment:
    """Keeps the sample, from which a worker has the endpoint make a voice.

    Raises PermissionDenied, RefusedError, OSError when it could not be stored, and OverQuotaError when the team has no
    room for it.
    """
    require(actor, May.CONVERT, team.pk)
    pk = uuid5(order.once, f"{team.pk} {actor.pk}")
    before = Enrolment.objects.filter(pk=pk).first()
    if before is not None:
        return before
    _require_possible(sample, order)
    require_quota(actor, team, sample.size or 0)
    enrolment = Enrolment(
        pk=pk,
        team=team,
        created_by=actor,
        name=order.name,
        endpoint=order.endpoint,
        sample=durable.sample_key(pk),
        sample_bytes=sample.size or 0,
        track=sample.track if isinstance(sample, Stored) else None,
        confirmed_by=str(actor),
    )
    if isinstance(sample, Stored):
        sample.copy_to(enrolment.sample)
    else:
        durable.store_upload(enrolment.sample, sample)
    try:
        with transaction.atomic():
            require_room(team, enrolment.sample_bytes)
            enrolment.save(force_insert=True)
            log_voice(enrolment, Event.Kind.VOICE_ASKED, actor=actor, name=order.name)
            _ring_on_commit()
    except IntegrityError:
        durable.discard(enrolment.sample)
        return Enrolment.objects.get(pk=pk)  # the same request arrived twice at once, and the other one was first
    except Exception:
        durable.delete_all(pk)
        raise
    return enrolment


def _require_possible(sample: File[bytes] | Stored, order: VoiceOrder) -> None:
    """Raises RefusedError with everything that is wrong at once."""
    problems = []
    if not order.endpoint.enabled or not order.endpoint.adds_voices:
        problems.append(("endpoint", _("%s makes no voices. Choose another endpoint.") % order.endpoint.name))
    if not order.may_use:
        problems.append(("may_use", _("Only your own voice can be made, or one that you may use. Please confirm it.")))
    if order.endpoint.billed and not order.accepts_slot:
        words = _("The voice would be made in the account at %s. Please confirm that too.")
        problems.append(("accepts_slot", words % order.endpoint.name))
    if isinstance(sample, Stored) and sample.zero_retention:
        words = _("Nothing of this recording may be kept, so no voice can be made from it. Choose another one.")
        problems.append(("audio", words))
    if problems:
        raise RefusedError(*problems)
    require_takeable([sample], [], ConvertParameters())


def rename_voice(enrolment: Enrolment, user: User, name: str) -> None:
    """Recordings that were made with it keep the name that it had. Raises PermissionDenied."""
    _require_change(enrolment, user)
    with transaction.atomic():
        now = Enrolment.objects.select_for_update().filter(pk=enrolment.pk).exclude(name=name).first()
        if now is None:
            return
        Enrolment.objects.filter(pk=now.pk).update(name=name)
        Voice.objects.filter(enrolment=now.pk).update(name=name)
        log_voice(now, Event.Kind.VOICE_NAMED, actor=user, before=now.name, name=name)


def retry_voice(enrolment: Enrolment, user: User) -> bool:
    """False: it had not failed. Raises PermissionDenied."""
    _require_change(enrolment, user)
    with transaction.atomic():
        failed = Enrolment.objects.filter(pk=enrolment.pk, state=Enrolment.State.FAILED)
        if not failed.update(state=Enrolment.State.WAITING, said="", attempt=0, not_before=db_now()):
            return False
        log_voice(enrolment, Event.Kind.VOICE_RETRIED, actor=user)
        _ring_on_commit()
    return True


def delete_voice(enrolment: Enrolment, user: User) -> bool:
    """Nobody finds it any more; its sample goes at once, its endpoint is told as soon as it can be. What was made with
    it stays. False: it was deleted already. Raises PermissionDenied."""
    _require_change(enrolment, user)
    return _remove(Enrolment.objects.filter(pk=enrolment.pk), user) > 0


def remove_voices_of(team: Team) -> None:
    """By the product's own right, when the team is deleted: at their endpoints they wouldn't go by themselves."""
    _remove(Enrolment.objects.filter(team=team), None)


def _remove(enrolments: QuerySet[Enrolment], actor: User | None) -> int:
    with transaction.atomic():
        rows = list(enrolments.select_for_update().exclude(state=Enrolment.State.REMOVING))
        for row in rows:
            # Whoever holds its lease hears of it, and gives way.
            Enrolment.objects.filter(pk=row.pk).update(
                state=Enrolment.State.REMOVING, said="", attempt=0, not_before=db_now(), sample="", sample_bytes=0
            )
            Voice.objects.filter(enrolment=row).update(hidden=True, vanished=False)
            Favourite.objects.filter(voice__enrolment=row).delete()
            log_voice(row, Event.Kind.VOICE_DELETED, actor=actor)
            transaction.on_commit(partial(durable.delete_all, row.pk), robust=True)
        if rows:
            _ring_on_commit()
    return len(rows)


def _ring_on_commit() -> None:
    transaction.on_commit(ring_for_voices, robust=True)


def _require_change(enrolment: Enrolment, user: User) -> None:
    if enrolment.team_id is None:
        raise PermissionDenied
    require_change(user, team_id=enrolment.team_id, created_by_id=enrolment.created_by_id)

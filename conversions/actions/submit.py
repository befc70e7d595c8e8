"""Submit: from here on the recording is ours to look after."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from uuid import UUID, uuid5

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from conversions.access.sources import Stored, of_conversion
from conversions.actions import regions
from conversions.actions.limits import (
    RefusedError,
    require_cuttable,
    require_heard,
    require_place,
    require_quota,
    require_regions,
    require_takeable,
)
from conversions.actions.regions import RegionOrder
from conversions.files import durable
from conversions.ledger.usage import OverQuotaError, lock_where_limited, require_room
from conversions.models import Batch, Conversion, Event, Happened, Recording, Region, Step, log_all
from conversions.queue import outcomes
from conversions.queue.plan import bytes_sent, takes_whole, whole
from conversions.sound import reading
from conversions.sound.reading import Understood
from s2s.contract import ConvertParameters
from statements import Given, Select
from teams.gatekeeper import member_of, require
from teams.models import Membership, Team, User
from teams.roles import May
from voices import abilities
from voices.models import Voice

logger = logging.getLogger(__name__)

_made_once = Select(
    lambda: (
        Conversion.objects.filter(created_by=Given("user_id"), once=Given("once"), voice=Given("voice_id"))
        .order_by()
        .values_list("pk")
    )
)
_kept_once = Select(
    lambda: Conversion.objects.filter(created_by=Given("user_id"), kept_once=Given("once")).order_by().values_list("pk")
)

_LIMITS = (OverQuotaError, RefusedError)


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of a recording, whatever the voice. `regions`: where others speak than that, in order."""

    parameters: ConvertParameters
    regions: tuple[RegionOrder, ...] = ()
    only_me: bool = False
    batch: Batch | None = None
    place: int = 0  # in the batch, of the first recording that is sent
    audition_of: Recording | None = None
    unordered: bool = False  # it is kept and read, and nothing more until somebody says who speaks where
    once: UUID | None = None  # of the page that sends it: the same request again makes nothing more


def once_for(order: Order, audio: File[bytes] | Stored, *more: object) -> UUID | None:
    """What the same recording with the same wishes, sent again by the same page, has in common."""
    if order.once is None:
        return None
    taken = audio.value if isinstance(audio, Stored) else ""
    facts = (
        audio.name,
        audio.size,
        taken,
        order.parameters.model_dump_json(),
        order.only_me,
        *map(regions.facts_of, order.regions),
        *more,
    )
    return uuid5(order.once, repr(facts))


def submit(actor: User, team: Team, audio: File[bytes] | Stored, voice: Voice, order: Order) -> Conversion:
    """Accepts a complete recording. When this returns, it survives any crash.

    What was accepted before under the same `order.once` is the answer again: nothing is made or paid twice.
    Raises PermissionDenied for those who may not convert in the team and for zero retention where an endpoint can't
    promise it, RefusedError when its batch is full or its regions can't be had, OSError when it could not be stored,
    and OverQuotaError when the team has no room for it.
    """
    require(actor, May.CONVERT, team.pk)
    before = _made_before(actor, voice, order)
    if before is not None:
        return before
    require_heard(team, regions.voices_of(voice, order.regions))
    require_regions(audio, order.parameters, order.regions)
    conversion = _conversion(actor, team, audio, voice, order)
    # The file is durable before any row speaks of it; a crash in between leaves an orphan, which is swept up.
    understood = None
    if isinstance(audio, Stored):
        audio.copy_to(conversion.source)
    else:
        # Meanwhile what has arrived goes to the disk: it is waited for in the end.
        understood = reading.understand_at_the_door(audio, conversion)
        durable.store_upload(conversion.source, audio)
    try:
        _enter(conversion, actor, understood, regions.rows_of(conversion, order.regions))
    except Exception as error:
        durable.delete_all(conversion.pk)
        before = _made_before(actor, voice, order) if isinstance(error, IntegrityError) else None
        if before is None:
            raise
        return before  # the same request arrived twice at once, and the other one was first
    return conversion


def _enter(conversion: Conversion, actor: User, understood: Understood | None, marked: Sequence[Region]) -> None:
    """One transaction: from here on it is known."""
    member = member_of(actor, conversion.team)
    with transaction.atomic():
        lock_where_limited(member)
        require_room(conversion.team, conversion.source_bytes)
        if conversion.batch is not None:
            require_place(conversion.batch)
        if understood and not _is_simple(conversion, understood, member):
            understood = None
        for name, value in (understood.fields if understood else {}).items():
            setattr(conversion, name, value)
        conversion.save(force_insert=True)
        if marked:
            Region.objects.bulk_create(marked)
        told: dict[str, object] = {"name": conversion.source_name, "voice": conversion.voice_name}
        told |= {"unordered": True} if conversion.unordered else {}
        submitted = Happened(Event.Kind.SUBMITTED, told, actor)
        if understood:
            log_all(conversion, submitted, Happened(Event.Kind.PREPARED, understood.told))
            if conversion.unordered:
                outcomes.held_back(conversion)
            else:
                outcomes.prepared(conversion, actor.pk, whole(understood.found, conversion))
            return
        log_all(conversion, submitted)
        outcomes.add_step(conversion, Step.Kind.PREPARE, actor.pk, _priority(conversion))


def _is_simple(conversion: Conversion, understood: Understood, member: Membership | None) -> bool:
    """Else `prepare` cuts it into pieces, or says why not, as of any other recording."""
    if conversion.unordered:
        return True
    found = understood.found
    if conversion.in_regions or reading.refusal(conversion, found.duration_s, member) is not None:
        return False
    return takes_whole(conversion.endpoint, found.duration_s, bytes_sent(found, conversion.source_bytes))


def _priority(conversion: Conversion) -> int:
    """Of what prepares it: how long it is, nobody knows yet."""
    if conversion.audition_of_id:
        return Step.AUDITION
    return Step.LONG if conversion.source_bytes > reading.AT_THE_DOOR_BYTES else Step.NORMAL


def _made_before(actor: User, voice: Voice, order: Order) -> Conversion | None:
    if order.once is None:
        return None
    if order.unordered:  # its voice means nothing, and may be another one now
        made = _kept_once.rows(user_id=actor.pk, once=order.once)
    else:
        made = _made_once.rows(user_id=actor.pk, once=order.once, voice_id=voice.pk)
    before = Conversion.objects.filter(pk=made[0][0]).first() if made else None
    if before is not None and before.batch_id is None and order.batch is not None:
        # It was sent alone then, with others now.
        with transaction.atomic():
            require_place(order.batch)
            before.batch, before.batch_place = order.batch, order.place
            before.save(update_fields=["batch", "batch_place"])
    return before


def _conversion(actor: User, team: Team, audio: File[bytes] | Stored, voice: Voice, order: Order) -> Conversion:
    stored = audio if isinstance(audio, Stored) else None
    parameters = _meant(order, voice, stored)
    name = clean_name(audio.name or "")
    title = stored.title if stored else ""
    if not parameters.enable_logging:  # zero retention: not even the names are kept
        name, title = "", _("Private recording")
    conversion = Conversion(
        team=team,
        created_by=actor,
        title=(title.strip() or title_of(name))[:200],
        source_name=name,
        source_bytes=audio.size or 0,
        track=stored.track if stored else None,
        voice=voice,
        voice_name="" if order.unordered else regions.names_of(voice, order.regions),
        voice_stored_settings=voice.settings,
        endpoint=voice.endpoint,
        in_regions=bool(order.regions),
        unordered=order.unordered,
        output_channels=regions.channels_of(order.regions),
        batch=order.batch,
        batch_place=order.place,
        take_of=stored.take_of if stored else None,
        source_since=stored.since if stored else None,
        recording_id=stored.recording_id if stored else None,
        audition_of=order.audition_of,
        once=None if order.unordered else order.once,
        kept_once=order.once if order.unordered else None,
        only_me=order.only_me or not parameters.enable_logging,
        **columns_of(parameters),
    )
    conversion.source = durable.source_key(conversion.pk)
    conversion.mail_due = mail_is_wanted(conversion)
    return conversion


def _meant(order: Order, voice: Voice, stored: Stored | None) -> ConvertParameters:
    """What is wanted, as it can be had of this recording at these endpoints. Raises PermissionDenied."""
    parameters = order.parameters
    if stored and stored.zero_retention:  # what was to leave no trace doesn't begin to
        parameters = parameters.model_copy(update={"enable_logging": False})
    endpoints = {each.endpoint for each in regions.voices_of(voice, order.regions)}
    if not parameters.enable_logging and not all(endpoint.zero_retention for endpoint in endpoints):
        raise PermissionDenied("the endpoint keeps what is sent to it")
    if len(endpoints) == 1 and not order.unordered:
        # What means nothing to this voice's endpoint is neither sent nor promised. Of several each gets what it heeds.
        return abilities.heeded(voice.endpoint, parameters)
    return parameters


def columns_of(parameters: ConvertParameters) -> dict[str, object]:
    """As a conversion has them."""
    settings = parameters.voice_settings
    return {
        **parameters.model_dump(exclude={"model_id", "voice_settings"}),
        "model_id": parameters.model_id or "",
        "voice_settings": settings.model_dump(exclude_none=True) if settings else None,
    }


def mail_is_wanted(conversion: Conversion) -> bool:
    """Whether its creator is to hear of it. Never of what is to leave no trace, of an audition, or of what nobody has
    ordered."""
    if not settings.EMAIL_URL or conversion.zero_retention or conversion.audition_of_id is not None:
        return False
    if conversion.unordered:
        return False
    return conversion.created_by is not None and conversion.created_by.mail_when_ready


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of several recordings: those that are ours to look after now, how many were not taken, and why where
    a limit is the reason."""

    conversions: list[Conversion]
    batch: Batch | None
    not_stored: int
    over_limit: str = ""


def submit_all(
    actor: User,
    team: Team,
    recordings: Sequence[File[bytes] | Stored],
    voices: Sequence[Voice],
    order: Order,
    *,
    batch_id: UUID | None = None,
) -> Accepted:
    """Every recording in every voice, as a batch where that is more than one conversion or `batch_id` says so.

    Raises PermissionDenied, RefusedError, and OSError or OverQuotaError when nothing at all could be stored.
    """
    require(actor, May.CONVERT, team.pk)
    require_takeable(recordings, voices, order.parameters, order.regions)
    if not order.regions:
        require_cuttable(recordings, voices)
    require_quota(actor, team, len(voices) * sum(recording.size or 0 for recording in recordings))
    if batch_id or len(recordings) * len(voices) > 1:
        order = replace(order, batch=_batch(actor, team, batch_id or order.once))
    conversions: list[Conversion] = []
    error: Exception | None = None
    for number, recording in enumerate(recordings):
        again = recording
        wanted = replace(order, once=once_for(order, recording, number), place=order.place + number)
        for voice in voices:
            try:
                conversion = submit(actor, team, again, voice, wanted)
            except (OSError, *_LIMITS) as not_taken:
                if isinstance(not_taken, OSError):
                    logger.exception("a recording could not be stored")
                error = not_taken
                break  # the others of this recording would fail too
            conversions.append(conversion)
            again = of_conversion(conversion)  # its file is with us now: further voices share it
    if error is not None and not conversions:
        raise error
    missing = len(recordings) * len(voices) - len(conversions)
    return Accepted(conversions, order.batch, missing, str(error) if isinstance(error, _LIMITS) else "")


def _batch(actor: User, team: Team, batch_id: UUID | None) -> Batch:
    """A page that sends its recordings one by one names the batch that they all belong to."""
    if batch_id is None:
        return Batch.objects.create(team=team, created_by=actor)
    batch, _made = Batch.objects.get_or_create(pk=batch_id, defaults={"team": team, "created_by": actor})
    if batch.created_by_id != actor.pk or batch.team_id != team.pk:
        raise PermissionDenied
    return batch


def clean_name(name: str) -> str:
    """A file's name as people may see it: one line of at most 255 characters, no folders, no invisible marks."""
    # Browsers write these three so in a form (WHATWG HTML, multipart/form-data encoding).
    for written, meant in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(written, meant)
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(" " if character.isspace() else character for character in name)
    # Cc: control characters, Cf: format characters such as right-to-left override, Cs: lone surrogates
    name = "".join(character for character in name if unicodedata.category(character) not in ("Cc", "Cf", "Cs"))
    name = re.sub(r" +", " ", name).strip()
    if len(name) <= 255:
        return name or _("recording")
    suffix = PurePosixPath(name).suffix[:16]
    return name[: 255 - len(suffix)] + suffix


def title_of(name: str) -> str:
    """`harbour-news_final.m4a` -> "harbour-news final": what the history calls it until someone renames it."""
    stem = PurePosixPath(name).stem if PurePosixPath(name).suffix else name
    return stem.replace("_", " ").strip() or name

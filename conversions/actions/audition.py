"""Audition: ten seconds of a recording in several voices, before one of them is chosen for all of it.

An audition is a conversion of its own: of a short recording, ahead of others in the queue, never in the history. The
whole recording waits a day beside it.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.files import File
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from conversions.access.sources import Stored
from conversions.actions.delete import erase, forget
from conversions.actions.limits import require_few_voices, require_quota, require_takeable
from conversions.actions.submit import Order, clean_name, once_for, submit
from conversions.files import durable
from conversions.ground.connections import give_back
from conversions.ledger.usage import lock_where_limited, require_room
from conversions.models import Conversion, Recording
from s2s.audio import RawPcm, excerpt, spoken
from s2s.contract import ConvertParameters
from teams.gatekeeper import member_of, require
from teams.models import Team, User
from teams.roles import May
from voices.catalogue import with_model_on_offer
from voices.models import Voice

PASSAGE_S = 10.0
# Browsers play it everywhere, whatever was ordered for the whole.
_FORMAT = "mp3_44100_128"
PATIENCE_S = 5.0
_decoders = threading.BoundedSemaphore(os.cpu_count() or 1)  # the site is one process of many threads


class BusyError(Exception):
    """In words for people."""


def audition(
    actor: User,
    team: Team,
    audio: File[bytes] | Stored,
    voices: Sequence[Voice],
    order: Order,
    start_s: float | None = None,
) -> Recording:
    """Keeps the recording for a day, with what is wanted of all of it, and begins its auditions. Sent again under the
    same `order.once`, it is the same one.

    Raises PermissionDenied, RefusedError, OSError when it could not be stored, OverQuotaError when the team has no room
    for it, AudioError when there is nothing to hear in it, and BusyError when too many are being tried.
    """
    require(actor, May.CONVERT, team.pk)
    once = once_for(order, audio, "audition", start_s, sorted(voice.pk for voice in voices))
    before = _begun_before(actor, once)
    if before is not None:
        return before
    require_few_voices(voices)
    require_takeable([audio], voices, order.parameters)
    require_quota(actor, team, audio.size or 0)
    recording = _recording(actor, team, audio, order)
    if isinstance(audio, Stored):
        audio.copy_to(recording.file)
    else:
        durable.store_upload(recording.file, audio)
    try:
        with transaction.atomic():
            require_room(team, recording.size)
            recording.save(force_insert=True)
        begun = listen(recording, actor, voices, start_s, once)
    except Exception:
        forget(recording)
        raise
    first = begun[0].audition_of or recording
    if first != recording:
        forget(recording)  # the same request arrived twice at once, and the other one was first
    return first


def _recording(actor: User, team: Team, audio: File[bytes] | Stored, order: Order) -> Recording:
    """Its row, before it is known and its file is kept."""
    stored, parameters = audio if isinstance(audio, Stored) else None, order.parameters
    if stored and stored.zero_retention:
        parameters = parameters.model_copy(update={"enable_logging": False})
    recording = Recording(
        pk=uuid.uuid4(),
        team=team,
        created_by=actor,
        name=clean_name(audio.name or "") if parameters.enable_logging else "",
        size=audio.size or 0,
        given=parameters.model_dump(exclude_none=True),
        only_me=order.only_me,
        take_of=stored.take_of if stored else None,
        track=stored.track if stored else None,
    )
    if stored and stored.since:
        recording.source_since = stored.since
    recording.file = durable.source_key(recording.pk)
    return recording


def _begun_before(actor: User, once: uuid.UUID | None) -> Recording | None:
    if once is None:
        return None
    return Recording.objects.filter(auditions__created_by=actor, auditions__once=once).first()


def listen(
    recording: Recording,
    actor: User,
    voices: Sequence[Voice],
    start_s: float | None,
    once: uuid.UUID | None = None,
) -> list[Conversion]:
    """Another passage, or other voices: what was tried of this recording before is gone, unless it was tried under
    the same `once`. Raises as `audition`.

    Without `start_s` it is what begins where somebody speaks first, or with the first sound where nobody does.
    """
    require(actor, May.CONVERT, recording.team_id)
    require_few_voices(voices)
    require_takeable([], voices, ordered_of(recording))
    passage = _passage(recording, start_s)
    parameters = ordered_of(recording).model_copy(update={"output_format": _FORMAT, "file_format": "other"})
    order = Order(parameters, only_me=True, audition_of=recording, once=once)
    with transaction.atomic():
        lock_where_limited(member_of(actor, recording.team))  # `submit` does, when there are locks already
        # The row is locked by this: two at once, by a double press perhaps, would each miss what the other one begins.
        told = {"start_s": passage.start_s, "unheard_s": passage.unheard_s}
        if not Recording.objects.filter(pk=recording.pk).update(**told):
            raise FileNotFoundError(recording.file)
        earlier = list(recording.auditions.all())
        if once and any(conversion.once == once for conversion in earlier):
            return earlier
        for conversion in earlier:
            erase(conversion)
        name = recording.name or _("passage")
        return [
            submit(actor, recording.team, ContentFile(passage.content, name=name), voice, order) for voice in voices
        ]


def ordered_of(recording: Recording) -> ConvertParameters:
    """What is wanted of all of it. A model that is gone since it was sent is nobody's wish any more."""
    return with_model_on_offer(recording.parameters)


@dataclass(frozen=True, slots=True)
class _Passage:
    """`unheard_s`: so much was searched for speech to begin with, and there was none."""

    content: bytes
    start_s: float
    unheard_s: float | None = None


def _passage(recording: Recording, start_s: float | None) -> _Passage:
    """Decoded while someone waits for the page: a core for each, and none of the database's connections.

    What is spoken in the recording is kept beside it at the first time, for endpoints that measure its passages by it.
    """
    raw = RawPcm() if recording.parameters.file_format == "pcm_s16le_16" else None
    give_back()
    if not _decoders.acquire(timeout=PATIENCE_S):
        raise BusyError(_("Too many recordings are being tried at the moment. Please try again in a few seconds."))
    try:
        with durable.open_file(recording.file) as file:
            unheard_s, key = None, durable.speech_key(recording.pk)
            is_kept = durable.exists(key)
            if start_s is None or not is_kept:
                speech, start, searched_s = spoken(file, raw=raw, track=recording.track)
                if not is_kept:
                    durable.store_upload(key, ContentFile(speech))
                if start_s is None:
                    start_s, unheard_s = start, searched_s if start is None else None
            content = excerpt(file, start_s, PASSAGE_S, raw=raw, track=recording.track)
            return _Passage(content, start_s or 0.0, unheard_s)
    finally:
        _decoders.release()

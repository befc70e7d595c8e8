"""Has an endpoint make a voice from a sample, or forget it.

The token that goes along as a label makes both safe to repeat: a voice that was made and of which we never heard is
found by it in the endpoint's list, so it is neither made twice nor left behind.
"""

from __future__ import annotations

import io
import logging
import wave
from functools import partial

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.models import Enrolment, Event
from conversions.models.event import log_voice
from conversions.queue import enrolments
from conversions.words.durations import spoken_duration
from s2s import contract
from s2s.audio import AudioError, excerpt
from s2s.client import AccountProblem, Client, EndpointError, Rejected
from voices import listed, previews
from voices.clients import client_for
from voices.models import Endpoint, Voice

logger = logging.getLogger(__name__)

LEAST_S, ENOUGH_S = 10.0, 30.0
MOST_S = 90.0  # more isn't sent: as 16-bit WAV it stays below what endpoints take
_LISTING_S, _ADDING_S = 30.0, 60.0


class RefusedSampleError(Exception):
    """This sample will never do. In words for people."""


def work(enrolment: Enrolment) -> None:
    """Of one under a lease. Raises LeaseLostError where something else has become of it meanwhile."""
    try:
        if enrolment.state == Enrolment.State.REMOVING:
            _remove(enrolment)
        else:
            _add(enrolment)
    except RefusedSampleError as error:
        _refuse(enrolment, str(error))
    except (EndpointError, OSError) as error:
        logger.warning("voice %s (%s): %s", enrolment.pk, enrolment.state, error)
        words = _words_of(error, enrolment.endpoint)
        if enrolment.state == Enrolment.State.REMOVING:
            enrolments.later(enrolment, words)  # never given up: it would stay there for good
        elif isinstance(error, Rejected):
            _refuse(enrolment, words)
        elif isinstance(error, AccountProblem):
            _fail(enrolment, words)
        else:
            enrolments.later(enrolment, words)


# ---- adding ----


def _add(enrolment: Enrolment) -> None:
    sample, seconds = _sample_of(enrolment)
    client = client_for(enrolment.endpoint)
    made = _made_of(client, enrolment)
    said = ""
    if made:
        voice_id = made[0].voice_id
    else:
        enrolments.still_held(enrolment)
        connection.close()  # never held over a call
        added = client.add_voice(
            enrolment.name,
            io.BytesIO(sample),
            filename="sample.wav",
            labels={listed.MARK: str(enrolment.token)},
            deadline_s=_ADDING_S,
        )
        voice_id = added.voice_id
        if added.requires_verification:
            said = _("%s wants this voice to be verified in its account before it speaks.") % enrolment.endpoint.name
    enrolments.still_held(enrolment)
    connection.close()
    found = client.voice(voice_id, deadline_s=_LISTING_S)
    if found.labels.get(listed.MARK) != str(enrolment.token):
        # Without the label, the next list would make it everybody's.
        client.delete_voice(voice_id, deadline_s=_LISTING_S)
        raise RefusedSampleError(_("%s can’t keep a voice for one team.") % enrolment.endpoint.name)
    voice = _make_known(enrolment, found, seconds, said)
    previews.fetch(voice)


def _sample_of(enrolment: Enrolment) -> tuple[bytes, float]:
    """A mono WAV of at most MOST_S from the first sound on, and its seconds. Raises RefusedSampleError."""
    try:
        with durable.open_file(enrolment.sample) as file:
            sample = excerpt(file, None, MOST_S, track=enrolment.track)
    except FileNotFoundError as error:
        raise RefusedSampleError(_("Its sample is gone from the server.")) from error
    except AudioError as error:
        raise RefusedSampleError(str(error)) from error
    with wave.open(io.BytesIO(sample)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    if seconds < LEAST_S:
        words = _(
            "It is %(length)s long, and at least %(least)d seconds of clear speech are needed, better %(enough)d."
        )
        values = {"length": spoken_duration(seconds), "least": LEAST_S, "enough": ENOUGH_S}
        raise RefusedSampleError(words % values)
    return sample, seconds


def _made_of(client: Client, enrolment: Enrolment) -> list[contract.Voice]:
    """What the endpoint has made of its sample: one, of which we may not have heard; none before it was sent."""
    enrolments.still_held(enrolment)
    connection.close()
    voices = client.voices(retries=0, deadline_s=_LISTING_S)
    return [voice for voice in voices if voice.labels.get(listed.MARK) == str(enrolment.token)]


def _make_known(enrolment: Enrolment, found: contract.Voice, seconds: float, said: str) -> Voice:
    with transaction.atomic():
        now = Enrolment.objects.select_for_update().get(pk=enrolment.pk)
        fields = listed.fields_of(found) | {"name": now.name, "team": now.team, "hidden": False, "vanished": False}
        voice, _made = Voice.objects.update_or_create(
            endpoint=enrolment.endpoint, voice_id=found.voice_id, defaults=fields
        )
        enrolments.settle(enrolment, state=Enrolment.State.READY, voice=voice, sample_s=seconds, said=said)
        log_voice(now, Event.Kind.VOICE_READY)
    return voice


# ---- what becomes of it otherwise ----


def _refuse(enrolment: Enrolment, words: str) -> None:
    """The sample is of no use to anybody then."""
    with transaction.atomic():
        enrolments.settle(enrolment, state=Enrolment.State.REFUSED, said=words, sample="", sample_bytes=0)
        log_voice(enrolment, Event.Kind.VOICE_FAILED, words=words)
        transaction.on_commit(partial(durable.delete_all, enrolment.pk), robust=True)


def _fail(enrolment: Enrolment, words: str) -> None:
    with transaction.atomic():
        enrolments.settle(enrolment, state=Enrolment.State.FAILED, said=words)
        log_voice(enrolment, Event.Kind.VOICE_FAILED, words=words)


def _words_of(error: Exception, endpoint: Endpoint) -> str:
    """Of what the local engine finds wrong with a sample in our own words, of everything else in the endpoint's."""
    if not isinstance(error, EndpointError):
        return _("Its sample can’t be read at the moment.")
    values = {"endpoint": endpoint.name, "said": error.message or error.happened}
    if isinstance(error, AccountProblem):
        return _("%(endpoint)s doesn’t do it for our account: %(said)s") % values
    if not isinstance(error, Rejected):
        return _("%(endpoint)s gave no answer that could be used.") % values
    words = {
        "voice_sample_too_short": _("There isn’t enough speech in it: at least 10 seconds are needed, better 30."),
        "voice_sample_too_noisy": _(
            "There is too much noise in it. Record it in a quiet room, close to the microphone."
        ),
        "voice_sample_several_speakers": _("More than one person speaks in it. Take a recording of one alone."),
        "voice_sample_not_speech": _("We found no speech in it. Take a recording in which somebody speaks."),
    }
    return words.get(error.code or "") or _("%(endpoint)s refused: %(said)s") % values


# ---- removing ----


def _remove(enrolment: Enrolment) -> None:
    """Whatever carries the token, also what was made and lost; and the one we know, should it have lost its label."""
    client = client_for(enrolment.endpoint)
    ids = {voice.voice_id for voice in _made_of(client, enrolment)}
    ids |= {enrolment.voice.voice_id} if enrolment.voice else set()
    for voice_id in sorted(ids):
        enrolments.still_held(enrolment)
        connection.close()
        try:
            client.delete_voice(voice_id, deadline_s=_LISTING_S)
        except Rejected as error:
            if error.status_code != 404:  # it is gone already
                raise
    durable.delete_all(enrolment.pk)
    if enrolment.voice and enrolment.voice.preview:
        default_storage.delete(enrolment.voice.preview)
    with transaction.atomic():
        if enrolment.voice:
            Voice.objects.filter(pk=enrolment.voice.pk).update(preview="", preview_url="")
        enrolments.settle(enrolment)
        Event.objects.filter(about=enrolment.pk).update(data={})
        Enrolment.objects.filter(pk=enrolment.pk).delete()

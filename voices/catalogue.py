"""The catalogue: which endpoints there are, and keeping their voices and models in step with them."""

from __future__ import annotations

import logging
import os
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext

from s2s.client import EndpointError
from s2s.client.said import one_line
from s2s.contract import ConvertParameters
from teams.models import Team
from voices import breaker, listed, previews
from voices.clients import client_for
from voices.models import Endpoint, Voice, VoiceModel

logger = logging.getLogger(__name__)

SYNC_EVERY = timedelta(minutes=15)
SYNC_AFTER_ERROR = timedelta(minutes=1)
FIRST_SYNC_EVERY = timedelta(seconds=2)  # a new installation has no voice to offer before
LISTING_S = 30.0  # of each of the two lists: one that trickles holds a thread no longer
# Longer than a sync takes: whoever has said nothing by then has died.
SYNC_PATIENCE = timedelta(minutes=5)


def ensure_endpoints() -> None:
    """The endpoints that the environment names. What an admin changed in a row stays, but for its address."""
    local, _ = Endpoint.objects.get_or_create(
        key=Endpoint.LOCAL,
        defaults={
            "name": "Local engine",
            "base_url": settings.ENGINE_URL,
            "secret_name": "ENGINE_API_KEY",
            # A long recording for every core, and one for a short one, which the engine lets go ahead of them.
            "slots": (os.cpu_count() or 1) + 1,
            "billed": False,
            "zero_retention": True,  # it never keeps anything
        },
    )
    # Its port may differ from start to start.
    Endpoint.objects.filter(pk=local.pk).update(base_url=settings.ENGINE_URL)
    has_key = bool(settings.ENDPOINT_SECRETS.get("ELEVENLABS_API_KEY"))
    if has_key:
        Endpoint.objects.get_or_create(
            key=Endpoint.ELEVENLABS,
            defaults={
                "name": "ElevenLabs",
                "base_url": settings.ELEVENLABS_URL,
                "secret_name": "ELEVENLABS_API_KEY",
                "slots": 2,
                "billed": True,
                "credits_per_minute": 1000,
                "max_seconds": 300,
                "max_bytes": 50 * 1000**2,
            },
        )
    # A start may bring another version of an endpoint, or another key, and whoever synced before may have been killed:
    # ask them all anew.
    Endpoint.objects.update(sync_tried_at=None, syncing_until=None)
    breaker.look_now(Endpoint.objects.all())
    _follow_key(has_key)


def _follow_key(has_key: bool) -> None:
    """Without its key none of ElevenLabs' voices would work: they are not offered until it comes back.

    One that an admin has switched off stays off.
    """
    elevenlabs = Endpoint.objects.filter(key=Endpoint.ELEVENLABS)
    elevenlabs.update(base_url=settings.ELEVENLABS_URL)
    if has_key:
        elevenlabs.filter(keyless=True).update(enabled=True, keyless=False)
    else:
        elevenlabs.filter(enabled=True).update(enabled=False, keyless=True)


def offered_voices(team: Team | None) -> QuerySet[Voice]:
    """What the team can choose now: everybody's and its own."""
    shown = Voice.objects.filter(Voice.visible_to(team), hidden=False, endpoint__enabled=True)
    return shown.select_related("endpoint")


def offered_models() -> list[tuple[str, str]]:
    """Models that convert, by id and name; one that several endpoints have stands once."""
    rows = VoiceModel.objects.filter(hidden=False, endpoint__enabled=True).order_by("endpoint_id", "pk")
    return list(dict(rows.values_list("model_id", "name")).items())


def with_model_on_offer(parameters: ConvertParameters) -> ConvertParameters:
    """Without its model where no endpoint has that any more, so that the best for the voice is taken."""
    if not parameters.model_id or parameters.model_id in dict(offered_models()):
        return parameters
    return parameters.model_copy(update={"model_id": None})


def sync_due() -> None:
    """Syncs what has not been asked for a while: soon again when it didn't answer, at once after a start."""
    for endpoint in Endpoint.objects.filter(_due(), enabled=True):
        if _claim(endpoint, _due()):
            _sync(endpoint)


def _due() -> Q:
    due = Q(sync_tried_at=None) | Q(sync_tried_at__lt=Now() - SYNC_EVERY)
    due |= Q(synced_at=None, sync_tried_at__lt=Now() - FIRST_SYNC_EVERY)
    due |= Q(sync_tried_at__lt=Now() - SYNC_AFTER_ERROR) & ~Q(sync_error="")
    return due | Q(syncing_until__lte=Now())


def sync(endpoint: Endpoint) -> bool:
    """Fetches the endpoint's voices and models.

    False: `sync_error` says why not, and what we know stays as it is; or another sync of it is under way.
    """
    return _claim(endpoint) and _sync(endpoint)


def _claim(endpoint: Endpoint, if_still: Q | None = None) -> bool:
    """One sync of an endpoint runs at a time, or a slow one would take a thread with each turn of beat."""
    free = Q(syncing_until=None) | Q(syncing_until__lte=Now())
    mine = Endpoint.objects.filter(if_still or Q(), free, pk=endpoint.pk)
    return mine.update(sync_tried_at=Now(), syncing_until=Now() + SYNC_PATIENCE) == 1


def _sync(endpoint: Endpoint) -> bool:
    words = ""
    try:
        _bring(endpoint)
    except EndpointError as error:
        logger.warning("voices of %s could not be fetched: %s", endpoint.key, error)
        words = one_line(str(error), 300)
    except Exception as error:  # whatever it is, the endpoints after this one have their turn
        logger.exception("voices of %s could not be kept", endpoint.key)
        words = gettext("Its voices could not be kept (%(cause)s). The log says more.") % {
            "cause": type(error).__name__
        }
    Endpoint.objects.filter(pk=endpoint.pk).update(sync_error=words, syncing_until=None)
    return not words


def _bring(endpoint: Endpoint) -> None:
    client = client_for(endpoint)
    known = set(endpoint.voices.values_list("pk", flat=True))
    connection.close()  # never held over a call
    voices = client.voices(retries=0, deadline_s=LISTING_S)
    models = client.models(retries=0, deadline_s=LISTING_S)
    with transaction.atomic():
        listed.write_voices(endpoint, voices, known=known)
        listed.write_models(endpoint, models)
        Endpoint.objects.filter(pk=endpoint.pk).update(synced_at=Now())
    breaker.seen_well(endpoint.pk)
    previews.fetch_all(endpoint)

"""What an endpoint lists, as our rows keep it. What it says is cleaned here, once: a database takes less than JSON."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from s2s import contract
from voices.models import ID_CHARACTERS, NAME_CHARACTERS, Endpoint, Voice, VoiceModel

logger = logging.getLogger(__name__)

Entry = TypeVar("Entry", contract.Voice, contract.Model)


def cleaned(said: str) -> str:
    """Without NUL, which PostgreSQL keeps nowhere, and halves of surrogate pairs, which can't be encoded."""
    return said.replace("\0", "").encode("utf-8", "ignore").decode()


def write_voices(endpoint: Endpoint, listed: list[contract.Voice]) -> None:
    voices = list(_usable(endpoint, listed, lambda voice: voice.voice_id))
    for position, voice in enumerate(voices):
        fields = {
            "name": _name(voice.name, voice.voice_id),
            "description": cleaned(voice.description or ""),
            "labels": {cleaned(label): cleaned(value) for label, value in voice.labels.items()},
            "settings": voice.settings.model_dump(exclude_none=True) if voice.settings else {},
            "preview_url": _address(voice.preview_url or ""),
            "position": position,
        }
        Voice.objects.update_or_create(endpoint=endpoint, voice_id=voice.voice_id, defaults=fields)
    ids = [voice.voice_id for voice in voices]
    endpoint.voices.filter(voice_id__in=ids, vanished=True).update(hidden=False, vanished=False)
    endpoint.voices.exclude(voice_id__in=ids).filter(hidden=False).update(hidden=True, vanished=True)


def write_models(endpoint: Endpoint, listed: list[contract.Model]) -> None:
    converting = [model for model in listed if model.can_do_voice_conversion]
    models = list(_usable(endpoint, converting, lambda model: model.model_id))
    for model in models:
        fields = {
            "name": _name(model.name, model.model_id),
            "description": cleaned(model.description or ""),
            "hidden": False,
        }
        VoiceModel.objects.update_or_create(endpoint=endpoint, model_id=model.model_id, defaults=fields)
    endpoint.voice_models.exclude(model_id__in=[model.model_id for model in models]).update(hidden=True)


def _usable(endpoint: Endpoint, listed: Iterable[Entry], id_of: Callable[[Entry], str]) -> Iterator[Entry]:
    """Those whose id can be kept as it is: any other one would name nothing at the endpoint."""
    for entry in listed:
        if 0 < len(id_of(entry)) <= ID_CHARACTERS and cleaned(id_of(entry)) == id_of(entry):
            yield entry
        else:
            logger.warning("%s lists something whose id can't be kept: %.200r", endpoint.key, id_of(entry))


def _name(said: str, otherwise: str) -> str:
    return (cleaned(said) or otherwise)[:NAME_CHARACTERS]


def _address(said: str) -> str:
    """Half of one leads nowhere."""
    longest = Voice._meta.get_field("preview_url").max_length or 0
    return said if len(said) <= longest and cleaned(said) == said else ""

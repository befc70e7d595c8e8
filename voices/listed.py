"""What an endpoint lists, as our rows keep it: cut to their columns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

from s2s import contract
from s2s.client.said import name, one_line
from voices.models import ID_CHARACTERS, NAME_CHARACTERS, Endpoint, Voice, VoiceModel

logger = logging.getLogger(__name__)

Entry = TypeVar("Entry", contract.Voice, contract.Model)


# The label of a voice that we have had made, with a token of ours: see `write_voices`.
MARK = "timbre"
# Of each: pages show them all.
MOST_ENTRIES = 10_000
DESCRIPTION_CHARACTERS = 2000
MOST_LABELS = 30
LABEL_CHARACTERS = 100


def write_voices(endpoint: Endpoint, listed: list[contract.Voice], *, known: Collection[int]) -> None:
    """`known`: the voices that there were when it was asked. One that was made meanwhile isn't missed in the list."""
    of_teams = set(endpoint.voices.exclude(team=None).values_list("voice_id", flat=True))
    voices = [
        voice
        for voice in _usable(endpoint, listed, lambda voice: voice.voice_id)
        # Marked, it is a team's, whose row it has from when it was made on: anything else is nobody's to see.
        if voice.voice_id in of_teams or MARK not in voice.labels
    ]
    for position, voice in enumerate(voices):
        fields = fields_of(voice) | {"position": position}
        if voice.voice_id in of_teams:
            del fields["name"]  # the team names it
        Voice.objects.update_or_create(endpoint=endpoint, voice_id=voice.voice_id, defaults=fields)
    ids = [voice.voice_id for voice in voices]
    endpoint.voices.filter(voice_id__in=ids, vanished=True).update(hidden=False, vanished=False)
    missed = endpoint.voices.exclude(voice_id__in=ids).filter(pk__in=known, hidden=False)
    missed.update(hidden=True, vanished=True)


def fields_of(voice: contract.Voice) -> dict[str, object]:
    """Of its row, without its place."""
    return {
        "name": _name(voice.name, voice.voice_id),
        "description": one_line(voice.description or "", DESCRIPTION_CHARACTERS),
        "labels": _labels({label: value for label, value in voice.labels.items() if label != MARK}),
        "settings": voice.settings.model_dump(exclude_none=True) if voice.settings else {},
        "preview_url": _address(voice.preview_url or ""),
    }


def write_models(endpoint: Endpoint, listed: list[contract.Model]) -> None:
    converting = [model for model in listed if model.can_do_voice_conversion]
    models = list(_usable(endpoint, converting, lambda model: model.model_id))
    for model in models:
        fields = {
            "name": _name(model.name, model.model_id),
            "description": one_line(model.description or "", DESCRIPTION_CHARACTERS),
            "without_effect": sorted(model.without_effect),
            "takes_source_speech": model.can_take_source_speech,
            "hidden": False,
        }
        VoiceModel.objects.update_or_create(endpoint=endpoint, model_id=model.model_id, defaults=fields)
    endpoint.voice_models.exclude(model_id__in=[model.model_id for model in models]).update(hidden=True)


def _usable(endpoint: Endpoint, listed: Iterable[Entry], id_of: Callable[[Entry], str]) -> Iterator[Entry]:
    """Those whose id can be kept as it is: any other one would name nothing at the endpoint."""
    entries = list(listed)
    if len(entries) > MOST_ENTRIES:
        logger.warning("%s lists %d, of which %d are kept", endpoint.key, len(entries), MOST_ENTRIES)
    for entry in entries[:MOST_ENTRIES]:
        if name(id_of(entry), ID_CHARACTERS):
            yield entry
        else:
            logger.warning("%s lists something whose id can't be kept: %.200r", endpoint.key, id_of(entry))


def _name(said: str, otherwise: str) -> str:
    return one_line(said, NAME_CHARACTERS) or otherwise


def _labels(said: dict[str, str]) -> dict[str, str]:
    return {
        one_line(label, LABEL_CHARACTERS): one_line(value, LABEL_CHARACTERS)
        for label, value in list(said.items())[:MOST_LABELS]
    }


def _address(said: str) -> str:
    """Half of one leads nowhere."""
    longest = Voice._meta.get_field("preview_url").max_length or 0
    return name(said, longest) or ""

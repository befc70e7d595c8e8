"""The Studio's options, and on a conversion's page what was chosen of them, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import cast

from django import template
from django.forms import BoundField, ChoiceField, Form
from django.utils.formats import localize
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from conversions.forms.studio import OF_THE_VOICE, OptionsForm
from conversions.models import Conversion
from conversions.pages.voicecards import Card, lacking
from s2s.voice_settings import VOICE_PARAMETERS
from voices.abilities import NOISE_STRENGTH
from voices.models import Endpoint, VoiceModel

register = template.Library()

_FIELDS = OptionsForm.base_fields


@dataclass(frozen=True)
class Group:
    """The voices of one endpoint."""

    endpoint: Endpoint
    cards: list[Card]


@register.simple_tag
def grouped_by_endpoint(cards: Iterable[Card]) -> list[Group]:
    """`cards` must be ordered by endpoint."""
    return [Group(endpoint, list(found)) for endpoint, found in groupby(cards, key=lambda card: card.voice.endpoint)]


@register.simple_tag
def what_endpoints_heed(cards: Iterable[Card]) -> str:
    """By the key of each endpoint, as JSON: its name, the options that its voices lack, and those that they lack with
    each of its models."""
    of = {card.voice.endpoint.key: card.abilities for card in cards}
    return json.dumps(
        {
            key: {
                "name": abilities.endpoint.name,
                "lacks": lacking(abilities),
                "models": {model: lacking(abilities, model) for model in abilities.models},
            }
            for key, abilities in of.items()
        }
    )


@register.simple_tag
def endpoints_with(cards: Iterable[Card], option: str) -> str:
    """The names of the endpoints that have an option which others don't have; empty when all or none have it."""
    having = {card.voice.endpoint.name: option not in card.lacks for card in cards}
    return get_text_list([name for name, has in having.items() if has], _("and")) if not all(having.values()) else ""


@register.filter
def as_json(value: object) -> str:
    """For a data attribute; the template escapes it."""
    return json.dumps(value)


@register.simple_tag
def default_settings() -> str:
    """What the sliders say of a voice that has no settings of its own, as JSON."""
    return json.dumps({name: _FIELDS[name].initial for name in VOICE_PARAMETERS})


@register.filter
def said_as_value(field: BoundField) -> str:
    """ "speaker boost {value}" """
    label = str(field.label)
    return f"{label[0].lower()}{label[1:]} {{value}}"


@register.filter
def any_errors(form: Form, names: str) -> bool:
    """Whether one of the fields `names`, separated by spaces, has an error: the fold around it opens then."""
    return any(name in form.errors for name in names.split())


@register.filter
def chosen_words(conversion: Conversion) -> list[tuple[str, str]]:
    """Label and words of every parameter that was chosen, but for the format, which every conversion has."""
    found = [
        ("model", _model_name(conversion) if conversion.model_id else ""),
        ("remove_background_noise", _noise_words(conversion)),
        ("seed", "" if conversion.seed is None else str(conversion.seed)),
        ("file_format", _choice("file_format", conversion.file_format) if conversion.file_format != "other" else ""),
        ("optimize_streaming_latency", _choice("optimize_streaming_latency", conversion.optimize_streaming_latency)),
    ]
    words = [(str(_FIELDS[name].label), said) for name, said in found if said]
    settings = _settings_words(conversion.voice_settings or {})
    if settings:
        words.insert(1 if conversion.model_id else 0, (_("Voice settings"), settings))
    return words


def _noise_words(conversion: Conversion) -> str:
    if not conversion.remove_background_noise:
        return ""
    strength = (conversion.voice_settings or {}).get(NOISE_STRENGTH)
    return _("yes") if strength is None else _("yes, by %s at most") % _amount(NOISE_STRENGTH, strength)


def _model_name(conversion: Conversion) -> str:
    names = VoiceModel.objects.filter(endpoint=conversion.endpoint_id, model_id=conversion.model_id)
    return names.values_list("name", flat=True).first() or conversion.model_id


def _choice(name: str, value: str | int | None) -> str:
    """The words of a choice; empty for one that wasn't made."""
    field = _FIELDS[name]
    assert isinstance(field, ChoiceField)
    choices = cast("Iterable[tuple[str, str]]", field.choices)
    return "" if value is None else str(dict(choices).get(str(value), value))


def _settings_words(settings: dict[str, float | bool]) -> str:
    """ "Stability 80%, Speed 1.1×, Speaker boost off"."""
    said = [(name, _amount(name, settings[name])) for name in OF_THE_VOICE if name in settings]
    return ", ".join(f"{_FIELDS[name].label} {amount}" for name, amount in said)


def _amount(name: str, value: float | bool) -> str:
    """In the words of voice-settings.js: in its unit, between nothing and all in percent, else as a factor."""
    if isinstance(value, bool):
        return _("on") if value else _("off")
    unit = VOICE_PARAMETERS[name].told.unit
    if unit:
        return f"{localize(Decimal(f'{value:.3g}'))} {_(unit)}"
    if VOICE_PARAMETERS[name].most == 1:
        return _("%(percent)d%%") % {"percent": round(value * 100)}
    return f"{localize(Decimal(f'{value:.3g}'))}×"

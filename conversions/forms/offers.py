"""What the Studio's options begin with: presets by job, the team's own, and what an earlier conversion was made with.

Options are values of OptionsForm's fields, by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conversions.forms.studio import OF_THE_VOICE
from conversions.models import Conversion, DefaultPreset, Preset, Recording
from s2s.voice_settings import VOICE_PARAMETERS
from teams.gatekeeper import current_team, reachable
from teams.models import User

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


@dataclass(frozen=True)
class Offer:
    """A preset as the Studio offers it."""

    key: str
    name: str | StrPromise
    options: dict[str, object] = field(default_factory=dict)
    hint: str | StrPromise = ""
    own: Preset | None = None  # None: one that we bring


# Said of a recording, by whoever sends it: a preset that is pressed afterwards must not take it back.
PRIVACY = ("zero_retention", "only_me")


def _settings(**changed: float) -> dict[str, object]:
    steady = {name: parameter.told.begins for name, parameter in VOICE_PARAMETERS.items()}
    return {"own_settings": True, **steady, **changed}


BUILT_IN = (
    Offer(
        "podcast",
        _("Podcast voice"),
        {"output_format": "mp3_44100_192", **_settings(stability=0.6)},
        _("Best MP3, an even voice."),
    ),
    Offer(
        "localisation",
        _("Localisation"),
        {"output_format": "wav_48000", "seed": 1, **_settings(stability=0.45, similarity_boost=0.85)},
        _("WAV at the rate of video; a seed, so that many clips sound alike."),
    ),
    Offer(
        "cleanup",
        _("Clean up old audio"),
        {"output_format": "wav_44100", "remove_background_noise": True},
        _("Noise removed where the voice’s endpoint can; WAV for further work."),
    ),
    Offer(
        "phone",
        _("Phone system"),
        {"output_format": "ulaw_8000", **_settings(stability=0.7)},
        _("µ-law at 8 kHz, as telephone systems want it; a steady voice."),
    ),
)


def own(user: User) -> QuerySet[Preset]:
    """The user's own presets and those that their team shares."""
    return reachable(user, Preset.objects.filter(Q(created_by=user) | Q(shared=True)))


def without_privacy(options: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if name not in PRIVACY}


def offered(user: User) -> list[Offer]:
    mine = own(user)
    return [*BUILT_IN, *(Offer(each.key, each.name, without_privacy(each.options), own=each) for each in mine)]


def find(user: User, key: str) -> Offer | None:
    """None for one that isn't there any more, or isn't theirs."""
    return next((offer for offer in offered(user) if offer.key == key), None)


def default_key(user: User) -> str:
    """Of the preset that the user's Studio begins with; empty for none."""
    team = current_team(user)
    return DefaultPreset.objects.filter(user=user, team=team).values_list("key", flat=True).first() or ""


def options_of(ordered: Conversion | Recording) -> dict[str, object]:
    """What it was made with, or is going to be, to be changed and made again."""
    parameters = ordered.parameters
    options: dict[str, object] = {
        "output_format": parameters.output_format,
        "model": parameters.model_id or "",
        "remove_background_noise": parameters.remove_background_noise,
        "seed": parameters.seed,
        "zero_retention": not parameters.enable_logging,
        "only_me": ordered.only_me and parameters.enable_logging,
        "file_format": parameters.file_format,
        "optimize_streaming_latency": parameters.optimize_streaming_latency,
    }
    settings = parameters.voice_settings.model_dump(exclude_none=True) if parameters.voice_settings else {}
    options |= {name: settings[name] for name in VOICE_PARAMETERS if name in settings}
    options["own_settings"] = any(name in settings for name in OF_THE_VOICE)
    return options

"""The voices as the Studio shows them: each with what a person wants to know before choosing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conversions.access.reach import listed
from conversions.forms.studio import OF_THE_VOICE, StudioForm
from conversions.queue.plan import Portions, portions
from conversions.words.expected import Pace, pace_of
from s2s.contract import OPTIONAL_PARAMETERS
from teams.gatekeeper import current_team
from teams.models import User
from voices import abilities
from voices.abilities import Abilities
from voices.catalogue import offered_voices
from voices.models import Favourite, Voice

RECENT_ROWS, RECENT_VOICES = 60, 6
# Of a voice's labels, in the order in which people ask for them (ElevenLabs' names).
LABELS = ("gender", "age", "accent", "descriptive", "description", "use_case", "language")
SAYS_NOTHING = frozenset({"source"})  # the local engine's accent: that of whoever speaks


@dataclass(frozen=True, slots=True)
class Card:
    voice: Voice
    ticked: bool
    favourite: bool
    recent: bool  # one of those that the team used last
    pace: Pace | None
    abilities: Abilities
    portions: Portions | None

    @property
    def lacks(self) -> list[str]:
        return lacking(self.abilities)

    @property
    def labels(self) -> list[str]:
        """What tells voices apart, in the catalogue's own words but for the marks of machines."""
        values = (self.voice.labels.get(key) for key in LABELS)
        return [value.replace("_", " ") for value in values if value and value not in SAYS_NOTHING]


def _field_of(parameter: str) -> str:
    return "model" if parameter == "model_id" else parameter


# The fields of options that an endpoint may not have.
OPTION_NAMES = (*map(_field_of, OPTIONAL_PARAMETERS), "own_settings", "zero_retention")


def lacking(of: Abilities, model: str = "") -> list[str]:
    """The options that an endpoint doesn't have with this model, by the names of their fields."""
    names = {_field_of(name) for name in of.lacks(model)}
    if not of.models:
        names.add("model")
    if not of.endpoint.zero_retention:
        names.add("zero_retention")
    if names.issuperset(OF_THE_VOICE):
        names.add("own_settings")
    return sorted(names)


def for_studio(user: User, form: StudioForm) -> list[Card]:
    """In the order of the catalogue. Something is always ticked at first: what the person used last, if it is there."""
    voices = list(offered_voices(current_team(user)))
    favourites = set(Favourite.objects.filter(user=user).values_list("voice_id", flat=True))
    used = _recently_used(user)
    recent = _distinct(voice_id for voice_id, _user_id in used)[:RECENT_VOICES]
    ticked = form.ticked
    if not ticked and not form.is_bound and "voice" not in form.initial:
        known = {voice.pk for voice in voices}
        mine = [voice_id for voice_id, user_id in used if user_id == user.pk and voice_id in known]
        ticked = {str(pk) for pk in (mine or [voice.pk for voice in voices])[:1]}
    paces = {pk: pace_of(pk) for pk in {voice.endpoint_id for voice in voices}}
    able = abilities.of({voice.endpoint for voice in voices})
    return [
        Card(
            voice,
            ticked=str(voice.pk) in ticked,
            favourite=voice.pk in favourites,
            recent=voice.pk in recent,
            pace=paces[voice.endpoint_id],
            abilities=able[voice.endpoint_id],
            portions=portions(voice.endpoint),
        )
        for voice in voices
    ]


def _recently_used(user: User) -> list[tuple[int, int | None]]:
    """Voice and person of the team's newest conversions."""
    rows = listed(user).filter(unordered=False).order_by("-created_at", "-pk").values_list("voice_id", "created_by_id")
    return list(rows[:RECENT_ROWS])


def _distinct(ids: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ids))

"""The contract's voice settings, a row each: its range, and what people are told of it.

Source: the published API description (ElevenLabs, 2025), `voice_settings`. What is `Ours` isn't in it: it is sent to
those alone who say that they heed it (`contract.Model.extra_parameters`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field

_ = str  # marks words that people read: whoever shows them translates them


@dataclass(frozen=True, slots=True)
class Told:
    """A setting as people meet it: its name, what it does, what its two ends mean, where it begins, how finely it can
    be set, and what it is counted in."""

    label: str
    hint: str
    begins: float | bool
    low: str = ""
    high: str = ""
    step: float = 0.01
    unit: str = ""


class Ours:
    """Marks a setting that the published contract doesn't have."""


class VoiceSettings(BaseModel):
    """Overrides of a voice's stored settings for one request. `None` leaves the voice's own value.

    A row each, with its range and what people are told of it: what is added here is offered, checked, sent and named.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    stability: Annotated[
        float | None,
        Field(ge=0, le=1),
        Told(
            _("Stability"),
            _("How evenly the voice speaks. Variable follows the feeling of the recording more."),
            0.5,
            _("More variable"),
            _("More stable"),
        ),
    ] = None
    similarity_boost: Annotated[
        float | None,
        Field(ge=0, le=1),
        Told(
            _("Similarity"),
            _("How closely the result keeps to the chosen voice."),
            0.75,
            _("Freer"),
            _("Closer to the voice"),
        ),
    ] = None
    style: Annotated[
        float | None,
        Field(ge=0, le=1),
        Told(
            _("Style"),
            _("Strengthens the voice's own manner. High values may sound unsteady."),
            0.0,
            _("Plain"),
            _("Exaggerated"),
        ),
    ] = None
    use_speaker_boost: Annotated[
        bool | None,
        Told(
            _("Speaker boost"),
            _("Brings the result nearer to the original speaker of the voice; takes a little longer."),
            True,
        ),
    ] = None
    speed: Annotated[
        float | None,
        Field(ge=0.7, le=1.2),
        Told(_("Speed"), _("1 keeps the timing of the recording."), 1.0, _("Slower"), _("Faster")),
    ] = None
    noise_reduction_db: Annotated[
        float | None,
        Field(ge=0, le=40),
        Told(
            _("Strength of noise removal"),
            _("By how much noise gets quieter at most. Less keeps something of the room."),
            40.0,
            _("Leave it"),
            _("Next to nothing left"),
            step=1,
            unit=_("dB"),
        ),
        Ours(),
    ] = None

    def to_json(self) -> str:
        return self.model_dump_json(exclude_none=True)


@dataclass(frozen=True, slots=True)
class VoiceParameter:
    """A field of VoiceSettings. `least` and `most` are None for one that is on or off."""

    name: str
    told: Told
    least: float | None = None
    most: float | None = None
    is_ours: bool = False


def _voice_parameter(name: str, facts: Sequence[object]) -> VoiceParameter:
    (told,) = (fact for fact in facts if isinstance(fact, Told))
    least = next((fact.ge for fact in facts if isinstance(fact, Ge) and isinstance(fact.ge, int | float)), None)
    most = next((fact.le for fact in facts if isinstance(fact, Le) and isinstance(fact.le, int | float)), None)
    return VoiceParameter(name, told, least, most, is_ours=any(isinstance(fact, Ours) for fact in facts))


_rows = [_voice_parameter(name, field.metadata) for name, field in VoiceSettings.model_fields.items()]
# As people meet them: those with a range first.
VOICE_PARAMETERS: Mapping[str, VoiceParameter] = {
    row.name: row for row in sorted(_rows, key=lambda row: row.most is None)
}
# Nobody is sent these who hasn't said that they heed them.
EXTRA_PARAMETERS = frozenset(name for name, row in VOICE_PARAMETERS.items() if row.is_ours)

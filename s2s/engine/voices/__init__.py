"""The built-in voices: one JSON profile and one preview clip each, in this folder. `build.py` makes them. And one that
is nobody's: whoever speaks keeps their own, and only the noise goes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2s.engine import spectrum
from s2s.voice_settings import VoiceSettings

FOLDER = Path(__file__).parent

# A voice's own settings, in full: a request's overrides are laid over them.
DEFAULT_SETTINGS = VoiceSettings(
    stability=0.5, similarity_boost=0.75, style=0.0, use_speaker_boost=False, speed=1.0, noise_reduction_db=40.0
)


@dataclass(frozen=True, slots=True)
class Offered:
    """What listings say of a voice, and what its settings are."""

    voice_id: str
    name: str
    description: str
    labels: Mapping[str, str]
    preview: Path

    def settings(self, overrides: VoiceSettings | None) -> VoiceSettings:
        """The voice's settings with those of a request laid over them."""
        if overrides is None:
            return DEFAULT_SETTINGS
        return DEFAULT_SETTINGS.model_copy(update=overrides.model_dump(exclude_none=True))


@dataclass(frozen=True, slots=True)
class OwnVoice(Offered):
    """That of whoever speaks: nothing is changed but the noise."""


@dataclass(frozen=True, slots=True)
class Voice(Offered):
    """A target voice.

    `f0_hz` median; `f0_spread` width of the melody against the source's; `formant_scale` 1 = a neutral adult
    male tract; `envelope` float64 (MEL_BANDS,) mean log-mel of voiced speech, tilt included; `aperiodicity`
    float64 (4,) band logits; `breath` logits added to them; `tremor_cents` how far its pitch trembles to each side.
    """

    f0_hz: float
    f0_spread: float
    formant_scale: float
    envelope: NDArray[np.float64]
    aperiodicity: NDArray[np.float64]
    breath: float
    tremor_cents: float = 0.0


def tilted(envelope: NDArray[np.float64], db_per_octave: float) -> NDArray[np.float64]:
    """A log-mel envelope with a slope above 300 Hz: negative is darker."""
    octaves = np.log2(np.maximum(spectrum.MEL_HZ, 300) / 300)
    return np.asarray(envelope + db_per_octave * octaves / spectrum.NEPER_DB, dtype=np.float64)


def load(path: Path) -> Voice:
    """One profile. Raises KeyError or ValueError when it is not one."""
    profile = json.loads(path.read_text(encoding="utf-8"))
    envelope = np.array(profile["envelope"], dtype=np.float64)
    if envelope.shape != (spectrum.MEL_BANDS,):
        raise ValueError(f"{path.name}: the envelope must have {spectrum.MEL_BANDS} bands")
    return Voice(
        voice_id=profile["voice_id"],
        name=profile["name"],
        description=profile["description"],
        labels=profile["labels"],
        f0_hz=profile["f0_hz"],
        f0_spread=profile["f0_spread"],
        formant_scale=profile["formant_scale"],
        envelope=tilted(envelope, profile["tilt_db_per_octave"]),
        aperiodicity=np.array(profile["aperiodicity"], dtype=np.float64),
        breath=profile["breath"],
        tremor_cents=profile.get("tremor_cents", 0.0),
        preview=path.with_suffix(".mp3"),
    )


@cache
def catalogue() -> Mapping[str, Voice]:
    """Every voice that a recording can be changed to, by its id, ordered by name."""
    voices = sorted((load(path) for path in FOLDER.glob("*.json")), key=lambda voice: voice.name)
    return {voice.voice_id: voice for voice in voices}


@cache
def own_voice() -> OwnVoice:
    """Needs a machine on which noise can be removed (`denoiser`)."""
    designs = tomllib.loads((FOLDER / "designs.toml").read_text(encoding="utf-8"))
    chosen = designs["own_voice"]
    return OwnVoice(
        voice_id=chosen["voice_id"],
        name=chosen["name"],
        description=chosen["description"],
        labels=chosen["labels"],
        preview=FOLDER / "own.mp3",
    )

"""The built-in voices are what their designs say."""

from __future__ import annotations

import json

import pytest

from s2s.engine.voices import FOLDER, catalogue, own_voice
from s2s.engine.voices.build import Design, designs, own_design

# What only building makes of it.
SHAPED = {"preview_speaker", "preview_text", "presence_db", "warmth_db", "throat_db", "nose_db", "teeth_db"}


def test_there_is_one_of_each() -> None:
    assert {design.voice_id for design in designs()} == set(catalogue())


@pytest.mark.parametrize("design", designs(), ids=lambda design: design.name)
def test_a_profile_has_what_was_chosen(design: Design) -> None:
    profile = json.loads((FOLDER / f"{design.name.lower()}.json").read_text(encoding="utf-8"))
    chosen = design.model_dump(exclude=SHAPED)
    assert {name: profile[name] for name in chosen} == chosen


def test_ones_own_voice_is_chosen_beside_them() -> None:
    design, voice = own_design(), own_voice()
    assert (voice.voice_id, voice.name) == (design.voice_id, "Your own voice, cleaned up")
    assert voice.voice_id not in catalogue()
    assert len(voice.voice_id) == 20
    assert voice.preview.stat().st_size < 60_000

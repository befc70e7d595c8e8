"""Several voices, each of which is heard to be its own."""

from __future__ import annotations

import pytest

from tests.conversions.steps.band import VOICES, Band
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint, Voice


@pytest.fixture
def band(endpoint: Endpoint, voice: Voice, scripted: ScriptedEndpoint, cast: Cast) -> Band:
    other = Endpoint.objects.create(
        key="other", name="Others", base_url=scripted.url, slots=2, billed=True, credits_per_minute=600
    )
    marcus = Voice.objects.create(endpoint=endpoint, voice_id="marcus", name="Marcus")
    atlas = Voice.objects.create(endpoint=other, voice_id="atlas", name="Atlas")
    scripted.script(voices={name: [behaviour] * 50 for name, behaviour in VOICES.items()})
    return Band(voice, marcus, atlas, scripted, cast)

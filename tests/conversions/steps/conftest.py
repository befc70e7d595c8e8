"""Several voices, each of which is heard to be its own; and the local engine itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from s2s.engine.voices import catalogue
from tests.conversions.steps.band import VOICES, Band
from tests.s2s.engine.conftest import EngineProcess
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint, Voice, VoiceModel


@pytest.fixture
def band(endpoint: Endpoint, voice: Voice, scripted: ScriptedEndpoint, cast: Cast) -> Band:
    other = Endpoint.objects.create(
        key="other", name="Others", base_url=scripted.url, slots=2, billed=True, credits_per_minute=600
    )
    marcus = Voice.objects.create(endpoint=endpoint, voice_id="marcus", name="Marcus")
    atlas = Voice.objects.create(endpoint=other, voice_id="atlas", name="Atlas")
    scripted.script(voices={name: [behaviour] * 50 for name, behaviour in VOICES.items()})
    return Band(voice, marcus, atlas, scripted, cast)


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    process = EngineProcess(ENGINE_MAX_BYTES="50000000")
    yield process
    process.stop()


@pytest.fixture
def real(engine: EngineProcess, endpoint: Endpoint, voice: Voice) -> Endpoint:
    """The engine with a voice of its own, which takes all at once."""
    Endpoint.objects.update(base_url=engine.url)
    VoiceModel.objects.create(endpoint=endpoint, model_id="engine", name="Engine", takes_source_speech=True)
    voice.voice_id = next(key for key, design in catalogue().items() if design.name == "Nora")
    voice.save()
    return endpoint

"""By what speech an endpoint that measures who speaks measures each piece of a recording in which several do."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest

from conversions import actions
from s2s.audio import speech_of, stretch
from tests.conversions.conftest import done
from tests.conversions.pieces import RATE, Samples, wav_of
from tests.conversions.steps.band import Band
from voices.models import VoiceModel

pytestmark = pytest.mark.django_db(transaction=True)

One = actions.RegionOrder


@pytest.fixture
def measuring(band: Band) -> Band:
    """The endpoint of Nora and Marcus measures who speaks by what it is sent for that."""
    VoiceModel.objects.create(endpoint=band.nora.endpoint, model_id="here", name="Here", takes_source_speech=True)
    return band


def test_all_regions_of_a_speaker_are_measured_by_the_same_speech(measuring: Band, speech: Samples) -> None:
    band = measuring
    theirs = (One(2, 5, voice=band.marcus, speaker="Ann"), One(8.5, 11.5, voice=band.marcus, speaker="Ann"))
    other = One(14, 20, voice=band.marcus, speaker="Ben")
    done(band.send(speech, *theirs, other, One(20, 24, voice=band.atlas, speaker="Ann")))
    ann, ben = spoken(speech, (2, 5), (8.5, 11.5)), spoken(speech, (14, 20))
    nobodys = spoken(speech, (0, 2), (5, 8.5), (11.5, 14), (24, 30))
    assert len({ann, ben, nobodys}) == 3
    # Atlas is of an endpoint that takes none. What is in no region is of one speaker.
    asked = [("atlas",), ("marcus", ann), ("marcus", ann), ("marcus", ben), *[("nora", nobodys)] * 4]
    assert measured(band) == sorted(asked)


def test_a_region_that_a_longer_pause_goes_with_is_measured_by_its_own_speaker(
    measuring: Band, speech: Samples
) -> None:
    sound = np.concatenate([speech[: 3 * RATE], np.full(6 * RATE, 1e-3, np.float32), speech[3 * RATE : 9 * RATE]])
    done(measuring.send(sound, One(0, 3, voice=measuring.marcus), One(9, voice=measuring.atlas)))
    assert measured(measuring) == [("atlas",), ("marcus", spoken(sound, (0, 3)))]


def spoken(sound: Samples, *places: tuple[float, float]) -> str:
    file = io.BytesIO(wav_of(sound))
    blocks = (
        block
        for begin, end in places
        for block in stretch(file, begin, round((end - begin) * 24_000), sample_rate_hz=24_000)
    )
    return hashlib.sha256(speech_of(blocks)).hexdigest()


def measured(band: Band) -> list[tuple[str, ...]]:
    """What each call was in, and by what speech."""
    return sorted(
        (request.voice_id, *[part.sha256 for part in request.parts if part.name == "source_speech"])
        for request in band.scripted.requests
    )

"""Long recordings of real speech through an endpoint of five minutes: nobody hears where their pieces are joined."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from conversions.models import Call, Conversion, Step
from s2s.audio.envelope import envelope
from s2s.audio.pauses import FRAME_S, pauses
from tests.conversions.conftest import Submit, done
from tests.conversions.pieces import RATE, Samples, heard, wav_of
from tests.support.dialogue import Said, conversation
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.joins import MOST, ONSET_S, heard_at, moved_s
from tests.support.music import drums, held
from voices.models import Endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

SPEAKS = Behaviour(speaks=True, most_s=300.0)
# Late and slow, every other piece softer, and with a hum that goes on in none of them as it ended in the one before.
ODD = [replace(SPEAKS, late_s=0.08, stretch=1.003, louder_db=-3.0 * (number % 2), tone_hz=151.0) for number in range(3)]


@pytest.fixture
def five_minutes(endpoint: Endpoint, scripted: ScriptedEndpoint) -> Endpoint:
    """An endpoint that takes five minutes at once, and puts nothing back where it was."""
    endpoint.max_seconds = 300.0
    endpoint.save()
    scripted.script(*ODD, default=SPEAKS)
    return endpoint


def talk(minutes: float) -> tuple[Samples, list[Said]]:
    """Two people, with pauses between their turns."""
    return conversation(["man_librivox", "woman_prompts"], minutes * 60)


def over_music(speech: Samples) -> Samples:
    """Without a pause anywhere: what goes on between the sentences is nearly as loud as they are."""
    music, beats = (kind(len(speech) / RATE, RATE)[: len(speech)] for kind in (held, drums))
    mixed = 0.6 * speech + music + 0.5 * beats
    return (0.9 * mixed / np.abs(mixed).max()).astype(np.float32)


def test_speech_with_pauses(five_minutes: Endpoint, submit: Submit) -> None:
    source, said = talk(12)
    conversion = done(submit(data=wav_of(source)))
    assert conversion.pieces == 3
    nothing_is_heard_at_joins(conversion, source)
    result = heard(conversion)
    assert max(abs(moved_s(source, result, one.start_s)) for one in said) <= ONSET_S


def test_speech_over_music(five_minutes: Endpoint, submit: Submit) -> None:
    speech, said = talk(12)
    source = over_music(speech)
    assert len(pauses_of(speech)) > 50
    assert len(pauses_of(source)) == 0
    conversion = done(submit(data=wav_of(source)))
    assert conversion.pieces == 3
    assert min(end - start for end, start in ends_of(conversion)) >= 2 * 0.2 * RATE  # in common, 200 ms to both sides
    nothing_is_heard_at_joins(conversion, source)
    result = heard(conversion)
    assert max(abs(moved_s(source, result, one.start_s)) for one in said) <= ONSET_S


def test_ten_minutes_of_silence_with_one_sentence(
    five_minutes: Endpoint, submit: Submit, scripted: ScriptedEndpoint
) -> None:
    sentence, _said = talk(0.1)
    source = np.zeros(600 * RATE, np.float32)
    at = 437 * RATE
    source[at : at + len(sentence)] = sentence
    scripted.script(default=SPEAKS)
    conversion = done(submit(data=wav_of(source)))
    assert np.abs(heard(conversion) - source).max() < 0.002
    assert sum(call.seconds for call in Call.objects.all()) < 300  # what is silent isn't sent


def pauses_of(samples: Samples) -> NDArray[np.int64]:
    return pauses(envelope([samples], RATE, FRAME_S))


def ends_of(conversion: Conversion) -> list[tuple[int, int]]:
    """Where each piece ends and the next one begins, in samples."""
    pieces = list(conversion.steps.filter(kind=Step.Kind.CONVERT).order_by("position"))
    return [(one.end_sample or 0, other.start_sample) for one, other in pairwise(pieces)]


def nothing_is_heard_at_joins(conversion: Conversion, source: Samples) -> None:
    result = heard(conversion)
    assert len(result) == len(source)
    ends = ends_of(conversion)
    overlaps = sum(end - start for end, start in ends) / RATE
    assert sum(call.seconds for call in Call.objects.all()) == pytest.approx(len(source) / RATE + overlaps)
    heard_there = heard_at([(end + start) // 2 for end, start in ends], source, result)
    assert {name: value for name, value in heard_there.items() if value > MOST[name]} == {}

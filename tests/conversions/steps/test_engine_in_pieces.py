"""The local engine's own sound in pieces: nobody hears where they are joined, and the voice is that of the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from conversions import actions
from conversions.models import Conversion, Step
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, done, upload
from tests.conversions.pieces import RATE, Samples, heard, wav_of
from tests.s2s.engine.pitch import f0_of
from tests.support.cast import Cast
from tests.support.dialogue import conversation, speech_of
from tests.support.joins import MOST, heard_at
from voices.models import Endpoint, Voice

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

LENGTH_S, MOST_S = 120.0, 20.0
MOST_CENTS = 5.0


def test_nobody_hears_that_it_was_cut(real: Endpoint, submit: Submit) -> None:
    source, _said = conversation(["man_librivox", "woman_prompts"], LENGTH_S)
    whole = heard(done(submit(data=wav_of(source))))
    Endpoint.objects.update(max_seconds=MOST_S)
    conversion = done(submit(data=wav_of(source)))
    result, joins = heard(conversion), joins_of(conversion)
    assert len(joins) >= 6
    assert len(result) == len(source)
    heard_there = heard_at(joins, source, result)
    assert {name: value for name, value in heard_there.items() if value > MOST[name]} == {}
    places = [0, *joins, len(source)]
    higher = [higher_cents(result[start:end], whole[start:end]) for start, end in pairwise(places)]
    assert higher == pytest.approx([0.0] * len(higher), abs=MOST_CENTS)


def test_between_regions_the_voice_is_that_of_the_whole(
    real: Endpoint, submit: Submit, voice: Voice, cast: Cast
) -> None:
    """Three seconds by themselves are another mood of the same man, and would be another voice."""
    source = np.tile(speech_of("man_librivox"), 2)
    whole = heard(done(submit(data=wav_of(source))))
    marked = [actions.RegionOrder(start_s, start_s + 3) for start_s in (20, 26, 32)]
    given = ConvertParameters.model_validate({"output_format": "wav_16000"})
    with upload(wav_of(source)) as file:
        conversion = actions.submit(cast.alice, cast.team, file, voice, actions.Order(given, marked))
    result = heard(done(conversion))
    assert len(result) == len(source)
    between = [slice(first * RATE, last * RATE) for first, last in ((0, 20), (23, 26), (29, 32), (35, 41))]
    higher = [higher_cents(result[place], whole[place]) for place in between]
    assert higher == pytest.approx([0.0] * len(higher), abs=MOST_CENTS)


def joins_of(conversion: Conversion) -> list[int]:
    pieces = list(conversion.steps.filter(kind=Step.Kind.CONVERT).order_by("position"))
    return [((one.end_sample or 0) + other.start_sample) // 2 for one, other in pairwise(pieces)]


def higher_cents(one: Samples, other: Samples) -> float:
    """How much higher the same words are spoken in `one`."""
    pitches = [f0_of(samples, RATE, floor_hz=60, ceiling_hz=500) for samples in (one, other)]
    both = np.logical_and.reduce([pitch > 0 for pitch in pitches])
    assert both.sum() > 100
    return float(np.median(1200 * np.log2(pitches[0][both] / pitches[1][both])))

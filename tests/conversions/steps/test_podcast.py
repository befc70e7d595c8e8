"""A podcast of two people who also speak at once: they are found, get a voice each, and are heard in that voice."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from conversions import actions
from conversions.models import Conversion
from tests.conversions.conftest import client_of, done, work_all
from tests.conversions.pieces import RATE, Samples, heard
from tests.conversions.steps.band import Band, speaks
from tests.conversions.views.test_parts import form
from tests.support.dialogue import Said, conversation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

MAN, WOMAN = "man_librivox", "woman_prompts"
_STEP = RATE // 20
_WINDOW = RATE // 10  # in which a voice is told by its tone
_LOUD = 10 ** (-45 / 20)


@pytest.fixture(scope="module")
def podcast() -> tuple[Samples, list[Said]]:
    return conversation([MAN, WOMAN], 60)


def test_each_speaker_has_their_own_voice_for_95_percent_of_the_time(
    band: Band, podcast: tuple[Samples, list[Said]]
) -> None:
    source, said = podcast
    assert any(one.end_s > other.start_s for one, other in pairwise(said))  # they overlap
    talk = done(band.send(source))
    actions.diarize(talk, band.cast.alice)
    work_all()
    turns = talk.diarization.turns
    first = said[0].who
    of = {0: band.marcus, 1: band.atlas}
    parts = [(f"{start_s:.2f}", f"{end_s:.2f}", str(speaker + 1)) for start_s, end_s, speaker in turns]
    asked = form([("The first", of[0], ""), ("The other", of[1], "")], parts)
    answer = client_of(band.cast.alice).post(
        f"/conversions/{talk.pk}/parts/", asked | {"do": "convert", "output_format": "wav_16000"}
    )
    assert answer.status_code == 303, answer.content.decode()
    result = heard(done(Conversion.objects.exclude(pk=talk.pk).get()))
    assert len(result) == len(source)
    names = {first: "marcus", (WOMAN if first == MAN else MAN): "atlas"}
    right = shares_right(source, result - source, said, names)
    assert set(right) == {MAN, WOMAN}
    assert min(right.values()) >= 0.95


def shares_right(source: Samples, rest: Samples, said: list[Said], names: dict[str, str]) -> dict[str, float]:
    """Of the time in which each of them is heard alone: how much of it is in the voice that they were given."""
    right, asked = Counter[str](), Counter[str]()
    for start in range(0, len(source) - _WINDOW, _STEP):
        middle_s = (start + _WINDOW / 2) / RATE
        who = [each.who for each in said if each.start_s <= middle_s < each.end_s]
        window = slice(start, start + _WINDOW)
        if len(who) != 1 or np.sqrt(np.mean(source[window] ** 2)) < _LOUD:
            continue
        asked[who[0]] += 1
        right[who[0]] += speaks(rest[window]) == names[who[0]]
    assert min(asked.values()) > 200
    return {who: right[who] / count for who, count in asked.items()}

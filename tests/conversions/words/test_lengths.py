"""A result that is too short or too long is kept, because it was paid for, and the person is told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from conversions.models import Conversion
from conversions.pages.timeline import timeline_of
from conversions.words.lengths import odd_length_words
from tests.conversions.conftest import Submit, client_of, work_until_done
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import phrase

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1.5, "The result is shorter than it should be (1.5 s instead of 3.0 s). Listen to it before you use it."),
        (6.0, "The result is longer than it should be (6.0 s instead of 3.0 s). Listen to it before you use it."),
        (2.8, ""),
    ],
)
def test_the_page_and_the_timeline_say_it_once_each(
    submit: Submit, scripted: ScriptedEndpoint, cast: Cast, seconds: float, words: str
) -> None:
    scripted.script(Behaviour(audio_base64=base64.b64encode(phrase(seconds)).decode()))
    conversion = submit(data=phrase(3.0))
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    page = client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()
    assert page.count("than it should be") == (2 if words else 0)
    lines = [line.words for line in timeline_of(conversion)]
    if words:
        assert f'<p class="notice bad" role="alert">{words}</p>' in page
        assert lines[-2:] == ["Ready to listen", words]
    else:
        assert lines[-1] == "Ready to listen"


NATURAL: dict[str, Any] = {}
SLOWER = {"speed": 0.8}


@pytest.mark.parametrize(
    ("asked", "own", "found_s", "said"),
    [
        (NATURAL, NATURAL, 63.0, ""),
        (NATURAL, NATURAL, 63.1, "longer than it should be (1 min 3 s instead of 1 min)"),
        (NATURAL, NATURAL, 56.9, "shorter than it should be (56.9 s instead of 1 min)"),
        (SLOWER, NATURAL, 75.0, ""),  # obeyed
        (SLOWER, NATURAL, 60.0, ""),  # not obeyed, as by the local engine
        (NATURAL, SLOWER, 75.0, ""),  # the voice's own
        (SLOWER, NATURAL, 68.0, "shorter than it should be (1 min 8 s instead of 1 min 15 s)"),
        (NATURAL, NATURAL, 0.9993, "shorter than it should be (1.0 s instead of 1 min)"),
        (NATURAL, NATURAL, 0.0, "shorter than it should be (0.0 s instead of 1 min)"),
        (NATURAL, NATURAL, None, ""),
    ],
)
def test_what_length_is_right(asked: dict[str, Any], own: dict[str, Any], found_s: float | None, said: str) -> None:
    conversion = Conversion(
        status=Conversion.Status.READY,
        source_duration_s=60.0,
        output_duration_s=found_s,
        voice_settings=asked or None,
        voice_stored_settings=own,
    )
    words = odd_length_words(conversion)
    assert said in words
    assert bool(words) == bool(said)


def test_nothing_is_said_of_what_is_not_ready() -> None:
    conversion = Conversion(status=Conversion.Status.FAILED, source_duration_s=60.0, output_duration_s=10.0)
    assert odd_length_words(conversion) == ""

"""A recording of which only a part arrived: everybody who sees it or hears of it is told, wherever that is."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from conversions import actions
from conversions.actions import Order
from conversions.models import Conversion
from conversions.noticed import missing_words
from conversions.timeline import timeline_of
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, client_of, work_all
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)

PART = wav(15.6)[: 44 + 2 * int(9.2 * 16000)]
WORDS = "9.2 of 15.6 seconds are there; the rest of the file is missing."


def test_the_page_and_the_timeline_say_it_and_what_is_there_is_converted(submit: Submit, cast: Cast) -> None:
    conversion = submit(data=PART)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert conversion.source_duration_s == pytest.approx(9.2)
    page = client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()
    assert f'<ul class="notice" id="noticed"><li>{WORDS}</li></ul>' in page
    assert any(line.words.endswith(f"9 seconds of sound. {WORDS}") for line in timeline_of(conversion))


def test_the_batch_says_it_of_the_one_that_is_meant(voice: Voice, cast: Cast) -> None:
    order = Order(ConvertParameters(output_format="wav_16000"))
    recordings = [SimpleUploadedFile("part.wav", PART), SimpleUploadedFile("whole.wav", wav())]
    batch = actions.submit_all(cast.alice, recordings, [voice], order).batch
    assert batch
    work_all()
    page = client_of(cast.alice).get(f"/batches/{batch.pk}/").content.decode()
    assert page.count(WORDS) == 1
    assert page.index("part") < page.index(WORDS) < page.index("<bdi>whole")


@pytest.mark.parametrize(
    ("promised_s", "found_s", "words"),
    [
        (15.6, 9.2, WORDS),
        (3600.0, 754.4, "12 min 34 s of 1 h are there; the rest of the file is missing."),
        (15.6, None, ""),
        (None, 9.2, ""),
    ],
)
def test_how_much_is_there_in_words(promised_s: float | None, found_s: float | None, words: str) -> None:
    assert missing_words({"promised_s": promised_s} if promised_s else {}, found_s) == words

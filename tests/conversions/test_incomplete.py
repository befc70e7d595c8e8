"""A recording of which only a part arrived: everybody who sees it or hears of it is told, wherever that is."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversions import actions
from conversions.actions import Order
from conversions.models import Call, Conversion
from conversions.pages.timeline import timeline_of
from conversions.words.noticed import missing_words
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, client_of, work_all
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import wav
from voices.models import Endpoint, Voice

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
    assert f"<ul><li>{WORDS}</li></ul>" in page
    assert any(line.words.endswith(f"9 seconds of sound. {WORDS}") for line in timeline_of(conversion))


def test_the_batch_says_it_of_the_one_that_is_meant(voice: Voice, cast: Cast) -> None:
    order = Order(ConvertParameters(output_format="wav_16000"))
    recordings = [SimpleUploadedFile("part.wav", PART), SimpleUploadedFile("whole.wav", wav())]
    batch = actions.submit_all(cast.alice, cast.team, recordings, [voice], order).batch
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


ASKED = (
    f"{WORDS} Nothing was sent to ElevenLabs, and nothing was billed. "
    "If you have the whole file, upload that; else convert what is there."
)
CONVERT = "Convert the 9.2 seconds that are there (about 154 credits)"


@pytest.fixture
def billed(endpoint: Endpoint) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=1000, name="ElevenLabs")


@pytest.fixture
def asked(billed: None, submit: Submit) -> Conversion:
    conversion = submit(data=PART)
    work_all()
    conversion.refresh_from_db()
    return conversion


def page_of(conversion: Conversion, cast: Cast) -> str:
    return client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()


def test_where_it_bills_it_asks_before_anything_is_sent(
    asked: Conversion, cast: Cast, scripted: ScriptedEndpoint
) -> None:
    assert asked.asks
    assert asked.error == ASKED
    assert asked.state_words == "Needs an answer"
    assert not Call.objects.exists()
    assert scripted.calls == 0
    page = page_of(asked, cast)
    assert page.count(WORDS) == 2  # in the question and in the timeline
    assert CONVERT in page
    assert f'action="/conversions/{asked.pk}/cancel/"' in page
    assert "could not be converted" not in page
    assert [line.words for line in timeline_of(asked)][1:] == [
        f"Read: 9 seconds of sound. {WORDS}",
        "Not sent: someone has to say whether what is there is to be converted",
    ]


def test_yes_converts_what_is_there_once(asked: Conversion, cast: Cast, scripted: ScriptedEndpoint) -> None:
    client_of(cast.alice).post(f"/conversions/{asked.pk}/retry/")
    work_all()
    asked.refresh_from_db()
    assert asked.status == Conversion.Status.READY
    assert scripted.calls == 1
    assert Call.objects.get().seconds == pytest.approx(9.2)
    lines = [line.words for line in timeline_of(asked)]
    assert "Alice had what is there converted" in lines
    assert f"<li>{WORDS}</li>" in page_of(asked, cast)


def test_no_leaves_it_and_nothing_was_paid(asked: Conversion, cast: Cast, scripted: ScriptedEndpoint) -> None:
    client = client_of(cast.alice)
    client.post(f"/conversions/{asked.pk}/cancel/")
    client.post(f"/conversions/{asked.pk}/retry/")
    work_all()
    asked.refresh_from_db()
    assert (asked.status, asked.error, asked.error_code) == (Conversion.Status.CANCELLED, "", "")
    assert scripted.calls == 0
    page = page_of(asked, cast)
    assert "Nothing was billed." in page
    assert f"<li>{WORDS}</li>" in page


def test_what_was_deleted_meanwhile_asks_again_when_it_is_back(asked: Conversion, cast: Cast) -> None:
    assert actions.delete(asked, cast.alice)
    assert actions.restore(asked, cast.alice)
    asked.refresh_from_db()
    assert asked.asks


def test_other_failures_cannot_be_cancelled(submit: Submit, cast: Cast) -> None:
    conversion = submit(data=b"These are words, not a recording.\n" * 50)
    work_all()
    assert not actions.cancel(conversion, cast.alice)
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED


def test_a_whole_one_is_sent_without_asking(billed: None, submit: Submit) -> None:
    conversion = submit()
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY


def test_a_batch_goes_on_with_the_others_and_answers_for_all_that_ask(
    billed: None, voice: Voice, cast: Cast, scripted: ScriptedEndpoint
) -> None:
    order = Order(ConvertParameters(output_format="wav_16000"))
    recordings = [SimpleUploadedFile(f"{name}.wav", data) for name, data in (("a", PART), ("b", wav()), ("c", PART))]
    batch = actions.submit_all(cast.alice, cast.team, recordings, [voice], order).batch
    assert batch
    work_all()
    client, address = client_of(cast.alice), f"/batches/{batch.pk}/"
    page = client.get(address).content.decode()
    assert "1 ready, 2 need an answer" in page
    assert page.count("Needs an answer") == 2
    assert "Convert what is there of all 2 incomplete (about 308 credits)" in page
    assert "Retry what failed" not in page
    client.post(f"{address}retry/")  # as a page that is older would
    work_all()
    assert scripted.calls == 1
    client.post(f"{address}retry/", {"asked": "on"})
    work_all()
    assert scripted.calls == 3
    assert "All 3 ready" in client.get(address).content.decode()


def test_twenty_that_ask_cost_a_page_no_more_queries_than_two(billed: None, voice: Voice, cast: Cast) -> None:
    order, client, asked = Order(ConvertParameters(output_format="wav_16000")), client_of(cast.alice), []
    for count in (2, 20):
        recordings = [SimpleUploadedFile(f"{number}.wav", PART) for number in range(count)]
        batch = actions.submit_all(cast.alice, cast.team, recordings, [voice], order).batch
        assert batch
        work_all()
        with CaptureQueriesContext(connection) as queries:
            page = client.get(f"/batches/{batch.pk}/").content.decode()
        assert f"Convert what is there of all {count} incomplete" in page
        asked.append(len(queries))
    assert asked[0] == asked[1]

"""A film on its conversion's page: waited for, watched, downloaded, with the sound alone beside it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversions import actions
from conversions.files import durable
from conversions.models import Conversion, Export, Step
from conversions.upkeep import retention
from conversions.words.films import film_words
from s2s.formats import OUTPUT_FORMATS
from tests.conversions.conftest import Submit, work_all
from tests.conversions.steps.test_films import a_film
from tests.conversions.views.conftest import As
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def filmed(submit: Submit) -> Conversion:
    conversion = submit(data=a_film())
    work_all()
    conversion.refresh_from_db()
    return conversion


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_the_page_shows_it_and_offers_it_first_and_the_sound_alone_beside_it(alice: Client, filmed: Conversion) -> None:
    page = alice.get(f"/conversions/{filmed.pk}/").content.decode()
    address = f"/conversions/{filmed.pk}/exports/film/"
    assert f'src="{address}?play=' in page
    first, second = page.index(f'href="{address}"'), page.index(f'href="/conversions/{filmed.pk}/download/"')
    assert first < second
    assert "Sound alone" in page
    assert page.count(f'href="/conversions/{filmed.pk}/download/"') == 1
    assert "Its sound is AAC, which players of MP4 files surely play." in page
    assert "a film with the new voice" not in page.split('id="exports"')[1].split("</details>")[0]


def test_it_is_downloaded_and_searched_in(alice: Client, filmed: Conversion) -> None:
    address = f"/conversions/{filmed.pk}/exports/film/"
    answer = alice.get(address)
    assert answer["Content-Type"] == "video/mp4"
    assert "Nora.mp4" in answer["Content-Disposition"]
    whole = body(answer)
    assert len(whole) == Export.objects.get().size
    part = alice.get(address, {"play": "1"}, headers={"Range": "bytes=100-199"})
    assert (part.status_code, body(part)) == (206, whole[100:200])
    assert "Content-Disposition" not in part


def test_polling_says_204_until_something_changed(alice: Client, filmed: Conversion) -> None:
    export = Export.objects.get()
    Step.objects.filter(pk=export.step_id).update(status=Step.Status.WAITING)
    page = alice.get(f"/conversions/{filmed.pk}/").content.decode()
    seen = f"{export.step_id}:waiting"
    assert f"/conversions/{filmed.pk}/film/?seen={export.step_id}%3Awaiting" in page
    address = f"/conversions/{filmed.pk}/film/"
    assert alice.get(address, {"seen": seen}).status_code == 204
    work_all()
    changed = alice.get(address, {"seen": seen}).content.decode()
    assert "<video" in changed
    assert "every 1s" not in changed


def test_sound_alone_has_no_film(alice: Client, ready: Conversion) -> None:
    assert alice.get(f"/conversions/{ready.pk}/film/").status_code == 404
    page = alice.get(f"/conversions/{ready.pk}/").content.decode()
    assert 'id="film"' not in page
    assert "Sound alone" not in page
    answer = alice.post(f"/conversions/{ready.pk}/exports/", {"output_format": "film"})
    assert "Choose one of the formats in the list." in alice.get(answer["Location"]).content.decode()


def test_one_that_failed_says_why_and_is_made_again(alice: Client, filmed: Conversion, as_: As, cast: Cast) -> None:
    export = Export.objects.get()
    Step.objects.filter(pk=export.step_id).update(status=Step.Status.FAILED)
    Export.objects.update(error="The pictures are odd.")
    address = f"/conversions/{filmed.pk}/"
    page = alice.get(address).content.decode()
    assert "The pictures are odd." in page
    assert "Try again" in page
    assert "Sound alone" in page
    assert "Try again" not in as_(cast.victor).get(address).content.decode()
    assert alice.post(f"{address}exports/", {"output_format": "film"})["Location"] == f"{address}#film"
    work_all()
    assert "<video" in alice.get(f"{address}film/").content.decode()


def test_one_whose_file_is_gone_can_be_made_anew(alice: Client, filmed: Conversion) -> None:
    Path(durable.open_file(Export.objects.get().file).name).unlink()
    answer = alice.get(f"/conversions/{filmed.pk}/exports/film/")
    assert answer.status_code == 404
    assert "made again" in answer.content.decode()
    assert "Make the film" in alice.get(f"/conversions/{filmed.pk}/").content.decode()


def test_viewers_watch_it_and_others_never(as_: As, cast: Cast, filmed: Conversion) -> None:
    film, status = f"/conversions/{filmed.pk}/exports/film/", f"/conversions/{filmed.pk}/film/"
    for user, code in ((cast.bob, 200), (cast.victor, 200), (cast.mallory, 404)):
        assert as_(user).get(film).status_code == code
        assert as_(user).get(status).status_code == code
    assert as_(cast.victor).post(f"/conversions/{filmed.pk}/exports/", {"output_format": "film"}).status_code == 403
    actions.delete(filmed, cast.alice)
    assert as_(cast.alice).get(film).status_code == 404


def test_a_whole_download_starts_the_hour_of_a_zero_retention_one(as_: As, cast: Cast, submit: Submit) -> None:
    conversion = submit(data=a_film(), enable_logging=False)
    work_all()
    answer = as_(cast.alice).get(f"/conversions/{conversion.pk}/exports/film/")
    assert answer["Cache-Control"] == "no-store"
    body(answer)
    conversion.refresh_from_db()
    assert conversion.downloaded_at is not None
    assert retention.gone_at(conversion) == conversion.downloaded_at + retention.AFTER_DOWNLOAD


@pytest.mark.parametrize(
    ("facts", "ordered", "said"),
    [
        ({"container": "mov", "codec": "pcm_s16le", "left_out": []}, "wav_44100", []),
        ({"container": "webm", "codec": "opus", "left_out": []}, "opus_48000_64", []),
        (
            {"container": "matroska", "codec": "flac", "left_out": []},
            "mp3_44100_128",
            ["Its sound is FLAC, which loses nothing."],
        ),
        (
            {"container": "mov", "codec": "pcm_s16le", "left_out": ["data", "subtitle"]},
            "wav_44100",
            ["Not in it, because we can’t put it into an MOV file: a camera’s own data and subtitles."],
        ),
    ],
)
def test_what_it_is_not_is_said(facts: dict[str, object], ordered: str, said: list[str]) -> None:
    assert film_words(facts, OUTPUT_FORMATS[ordered]) == said


def test_the_archive_of_a_batch_has_films_as_films(alice: Client, voice: Voice, django_assert_num_queries) -> None:
    files = [SimpleUploadedFile("film.mp4", a_film()), SimpleUploadedFile("note.wav", wav())]
    address = alice.post("/", {"audio": files, "voice": voice.pk, "output_format": "wav_16000"})["Location"]
    work_all()
    with django_assert_num_queries(5):  # the session with its user; batch; teams; results; films
        response = alice.get(f"{address}download/")
    archive = zipfile.ZipFile(io.BytesIO(body(response)))
    assert sorted(archive.namelist()) == ["film – Nora.mp4", "note – Nora.wav"]
    with durable.open_file(Export.objects.get().file) as made:
        assert archive.read("film – Nora.mp4") == made.read()

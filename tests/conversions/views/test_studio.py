"""POST /: what is accepted, and what is refused with a sentence before the body touches the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from conversions.models import Conversion
from teams.models import Team
from tests.conversions.conftest import client_of, work_all
from tests.conversions.views.conftest import HUGE
from tests.support.cast import Cast
from tests.support.sound import wav
from tests.support.words import words_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_of(cast.alice)


def recording(data: bytes | None = None, name: str = "harbour news.wav") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, wav() if data is None else data, "audio/wav")


def test_a_recording_and_a_voice_make_a_conversion(client: Client, voice) -> None:
    response = client.post("/", {"audio": recording(), "voice": voice.pk, "output_format": "wav_16000"})
    conversion = Conversion.objects.get()
    assert response.status_code == 303
    assert response["Location"] == f"/conversions/{conversion.pk}/"
    assert (conversion.title, conversion.source_name) == ("harbour news", "harbour news.wav")
    work_all()
    page = client.get(response["Location"]).content.decode()
    assert 'data-state="ready"' in page
    assert f"/conversions/{conversion.pk}/download/" in page


@pytest.mark.parametrize("do", ["convert", "audition"])
def test_a_script_gets_the_address_without_being_redirected(client: Client, voice, do: str) -> None:
    given = {"audio": recording(wav(12.0)), "voice": voice.pk, "do": do}
    response = client.post("/", given, headers={"X-Requested-With": "XMLHttpRequest"})
    made = Conversion.objects.get()
    place = f"/auditions/{made.audition_of_id}/" if do == "audition" else f"/conversions/{made.pk}/"
    assert (response.status_code, response["Location"], response.content) == (204, place, b"")


def test_its_page_calls_the_site_by_its_own_name(client: Client, voice, settings) -> None:
    settings.SITE_NAME = "Harbour Voices"
    page = client.get(client.post("/", {"audio": recording(), "voice": voice.pk})["Location"]).content.decode()
    assert "doesn’t let Harbour Voices show notifications" in words_in(page)["notification"]["denied"]
    assert "Timbre" not in page


def test_without_a_format_it_is_the_contracts_default(client: Client, voice) -> None:
    client.post("/", {"audio": recording(), "voice": voice.pk})
    assert Conversion.objects.get().output_format == "mp3_44100_128"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose a recording first."),
        ({"audio": "just text"}, "Choose a recording first."),
        ({"audio": b""}, "This file is empty."),
        ({"audio": wav(), "voice": "999999"}, "no longer offered"),
        ({"audio": wav(), "voice": "x" * 5000}, "no longer offered"),
        *[({"audio": wav(), "voice": pk}, "no longer offered") for pk in HUGE],
        ({"audio": wav(), "output_format": "mp3_1_1"}, "Choose one of the list"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Client, voice, fields, words: str) -> None:
    given = {"voice": voice.pk, **fields}
    if isinstance(given.get("audio"), bytes):
        given["audio"] = recording(given["audio"])
    response = client.post("/", given)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Conversion.objects.exists()


def test_a_hidden_voice_and_one_of_a_disabled_endpoint_are_not_offered(client: Client, voice) -> None:
    for change in ({"hidden": True}, {"hidden": False}):
        type(voice).objects.filter(pk=voice.pk).update(**change)
        if not change["hidden"]:
            type(voice.endpoint).objects.update(enabled=False)
        response = client.post("/", {"audio": recording(), "voice": voice.pk})
        assert response.status_code == 422
        assert "Nora" not in client.get("/").content.decode()


def uploads(settings) -> list[Path]:
    return list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())


def test_too_large_is_said_before_the_body_is_read(client: Client, voice, settings) -> None:
    settings.MAX_UPLOAD_BYTES = 0
    response = client.post("/", {"audio": recording(b"x" * (2 * 1024**2)), "voice": voice.pk})
    assert response.status_code == 413
    assert "too large" in response.content.decode()
    assert uploads(settings) == []


def test_a_full_disk_is_said_before_the_body_is_read(client: Client, voice, settings) -> None:
    settings.MIN_FREE_BYTES = 2**62
    response = client.post("/", {"audio": recording(), "voice": voice.pk})
    assert response.status_code == 507
    assert "no room" in response.content.decode()


def test_a_viewer_is_refused_before_the_body_is_read(cast: Cast, voice, settings) -> None:
    client = Client()
    client.force_login(cast.victor)
    response = client.post("/", {"audio": recording(), "voice": voice.pk})
    assert response.status_code == 403
    assert "not convert" in response.content.decode()
    assert uploads(settings) == []


def test_a_strangers_upload_never_touches_the_disk(db, settings) -> None:
    response = Client(enforce_csrf_checks=True).post("/", {"audio": recording()})
    assert response.status_code == 302
    assert uploads(settings) == []


def test_a_post_without_its_token_is_refused(cast: Cast, voice) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.alice)
    assert client.post("/", {"audio": recording(), "voice": voice.pk}).status_code == 403
    assert not Conversion.objects.exists()


def test_a_body_that_is_not_multipart_is_answered_with_a_sentence(client: Client, voice) -> None:
    broken = client.post("/", b"--x\r\nnonsense", content_type="multipart/form-data; boundary=x")
    assert broken.status_code in (400, 422)
    no_boundary = client.post("/", b"abc", content_type="multipart/form-data")
    assert no_boundary.status_code == 400


def test_nothing_is_left_in_the_upload_folder(client: Client, voice, settings) -> None:
    client.post("/", {"audio": recording(), "voice": voice.pk})
    client.post("/", {"audio": recording(), "voice": "0"})
    assert uploads(settings) == []


@contextmanager
def patience(lock_timeout: str) -> Iterator[None]:
    """Of every connection to PostgreSQL: a request gives its own back and takes another, perhaps a new one."""
    database = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} SET lock_timeout = '{lock_timeout}'")
    connection.close()
    connection.close_pool()
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {database} RESET lock_timeout")
        connection.close()
        connection.close_pool()


@contextmanager
def locked() -> Iterator[None]:
    """Somebody else holds the database, and we don't wait for long."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout=50")
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        with patience("50ms"), closing(connection.copy()) as second, second.cursor() as other:
            other.execute("BEGIN")
            other.execute("LOCK TABLE conversions_conversion IN ACCESS EXCLUSIVE MODE")
            yield
            other.execute("ROLLBACK")
    connection.close()


def test_a_locked_database_is_said_and_nothing_is_left(cast: Cast, voice, settings) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(cast.alice)
    with locked():
        response = client.post("/", {"audio": recording(), "voice": voice.pk})
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "The database is busy" in response.content.decode()
    assert not Conversion.objects.exists()
    assert not list(Path(settings.STORAGES["default"]["OPTIONS"]["location"]).rglob("source"))


@pytest.mark.parametrize("pk", HUGE)
def test_an_address_with_an_id_that_can_not_be_opens_its_page_or_is_not_found(client: Client, voice, pk: str) -> None:
    for address in (f"/?voice={pk}", f"/?preset=own:{pk}", f"/history/?voice={pk}"):
        assert client.get(address).status_code == 200
    if len(pk) < 5000:  # longer addresses are no address of ours
        assert client.get(f"/voices/{pk}/preview/").status_code == 404
        assert client.post(f"/presets/{pk}/").status_code in (404, 422)
        assert client.post(f"/presets/{pk}/delete/").status_code == 404
    assert client.post("/voices/favourite/", {"voice": pk}).status_code == 404


def test_a_quota_that_is_used_up_is_said_when_the_page_opens(client: Client, cast: Cast, voice) -> None:
    Team.objects.filter(pk=cast.team.pk).update(monthly_minutes=0)
    page = client.get("/").content.decode()
    assert page.count("Your team has used 0 of its 0 minutes this month.") == 2  # said, and for the script

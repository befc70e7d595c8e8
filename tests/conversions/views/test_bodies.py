"""What comes with a POST: files reach the disk only where they belong, and what goes wrong on the way is said."""

from __future__ import annotations

import errno
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from conversions.forms.uploads import RecordingUploadHandler
from conversions.models import Conversion, Preset
from teams.models import User
from tests.conversions.views.conftest import recording
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)


def browser(user: User | None) -> Client:
    """With a cookie that has Django look for the form's token, as somebody who means ill has one too."""
    client = Client(enforce_csrf_checks=True)
    client.get("/accounts/login/")
    assert client.cookies
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def nowhere(settings, tmp_path: Path) -> None:
    """Whatever tries to write an upload down stumbles over it."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "missing")


OPEN = [
    *("/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/accounts/password/reset/"),
    *("/admin/login/", "/healthz"),
]
SIGNED_IN = [
    *("/account/", "/account/choices/", "/voices/favourite/", "/history/", "/admin/"),
    *(f"/conversions/{uuid4()}/rename/", f"/auditions/{uuid4()}/", "/presets/default/"),
]


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("address", OPEN)
def test_a_strangers_file_is_refused_on_open_pages_before_it_touches_the_disk(db: None, address: str) -> None:
    response = browser(None).post(address, {"audio": recording(), "csrfmiddlewaretoken": "x"})
    assert response.status_code == 400
    assert "can’t be understood" in response.content.decode()


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("address", SIGNED_IN)
@pytest.mark.parametrize("name", ["alice", "victor"])
def test_a_members_file_is_refused_where_it_does_not_belong(cast: Cast, address: str, name: str) -> None:
    response = browser(getattr(cast, name)).post(address, {"audio": recording()})
    assert response.status_code == 400
    assert "can’t be understood" in response.content.decode()


@pytest.mark.usefixtures("nowhere")
def test_a_page_that_says_what_is_wrong_reads_no_body(cast: Cast, settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    stranger = browser(None)
    assert stranger.post("/nowhere/", {"audio": recording()}).status_code == 404
    assert stranger.post("/accounts/login/", {"audio": recording()}, headers={"Host": "elsewhere"}).status_code == 400


@pytest.mark.usefixtures("nowhere")
def test_a_preset_is_saved_also_where_no_script_leaves_the_recording_out(alice: Client) -> None:
    given = {"preset_name": "Evening", "audio": recording(), "output_format": "wav_44100"}
    assert alice.post("/presets/", given).status_code == 303
    assert Preset.objects.get().options["output_format"] == "wav_44100"


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_a_disk_that_is_full_while_an_upload_arrives_is_said_and_nothing_is_left(
    cast: Cast, voice: Voice, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, left = RecordingUploadHandler.receive_data_chunk, []

    def refused_later(self: RecordingUploadHandler, raw_data: bytes, start: int) -> None:
        if start:
            left.extend(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())
            raise OSError(errno.ENOSPC, "No space left on device")
        taken(self, raw_data, start)

    monkeypatch.setattr(RecordingUploadHandler, "receive_data_chunk", refused_later)
    with _no_garbage_collection():
        response = browser(cast.alice).post("/", {"audio": recording(data=wav(20.0)), "voice": voice.pk})
        assert response.status_code == 507
        assert "could not be stored on the server. Nothing was converted" in response.content.decode()
        assert len(left) == 1
        assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


CUT = (
    b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nabcde\r\n--x--\r\n"
)


@pytest.mark.parametrize(
    ("body", "boundary"), [(b"abc", ""), (CUT, "; boundary=x")], ids=["no boundary", "half a byte"]
)
def test_an_upload_that_arrives_broken_is_said(cast: Cast, voice: Voice, body: bytes, boundary: str) -> None:
    response = browser(cast.alice).post("/", body, content_type=f"multipart/form-data{boundary}")
    assert response.status_code == 400
    assert "The upload arrived broken. Please send it again." in response.content.decode()


class _HungUp:
    def read(self, size: int = -1) -> bytes:
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    readline = read


def test_who_hangs_up_is_no_fault_of_the_servers(cast: Cast, voice: Voice, caplog: Any) -> None:
    gone: dict[str, Any] = {"wsgi.input": _HungUp()}
    response = browser(cast.alice).post("/", {"audio": recording(), "voice": voice.pk}, **gone)
    assert response.status_code == 400
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    assert not Conversion.objects.exists()

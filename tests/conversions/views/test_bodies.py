"""What comes with a POST: files reach the disk only where they belong."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from conversions.models import Preset
from teams.models import User
from tests.conversions.views.conftest import recording
from tests.support.cast import Cast

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

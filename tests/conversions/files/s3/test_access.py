"""Files in a bucket: browsers get in by signature alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from conversions import actions
from conversions.files import durable, inventory
from conversions.files.storages.bucket import Bucket
from conversions.files.storages.s3 import BucketStorage, StorageError
from conversions.models import Conversion
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, client_of, upload, work_all, work_until_done
from tests.conversions.files.s3.conftest import DATA, both, in_database, use
from tests.support.cast import Cast
from tests.support.s3 import BUCKET, S3

pytestmark = pytest.mark.one_database


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_of(cast.bob)


@in_database
@both
def test_from_upload_to_a_signed_address_that_answers_ranges(server: S3, client: Client, ready: Conversion) -> None:
    response = client.get(f"/conversions/{ready.pk}/download/?play=1")
    assert response.status_code == 302
    assert response["Cache-Control"] == "no-store"
    address = response["Location"]
    assert address.startswith(f"{server.url}/{BUCKET}/")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in address
    assert "X-Amz-Expires=3600" in address
    assert server.secret_access_key not in address
    assert httpx.get(address).content == DATA
    part = httpx.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, DATA[100:200])
    whole = client.head(f"/conversions/{ready.pk}/source/")
    assert httpx.head(whole["Location"]).headers["Content-Length"] == str(len(DATA))


@in_database
@both
def test_a_copy_for_players_is_signed_for_searched_and_deleted_with_its_conversion(
    server: S3, client: Client, submit: Submit, live: bytes, settings: Any
) -> None:
    conversion = submit(data=live)
    work_until_done(conversion)
    stored = inventory.sizes(conversion.pk)
    assert stored[durable.name_of(conversion.player)] == conversion.player_bytes
    address = client.get(f"/conversions/{conversion.pk}/source/?play=1")["Location"]
    with av.open(io.BytesIO(httpx.get(address).content)) as copy:
        assert copy.duration == pytest.approx(4 * av.time_base, rel=0.02)
    assert httpx.get(address, headers={"Range": "bytes=1000-1999"}).status_code == 206
    assert httpx.get(client.get(f"/conversions/{conversion.pk}/source/")["Location"]).content == live
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []
    actions.erase(conversion)
    assert not any(str(conversion.pk) in key for key in server.stored_keys())


@in_database
def test_where_the_bucket_refuses_the_copy_players_get_the_recording(
    server: S3, client: Client, submit: Submit, live: bytes, monkeypatch: Any
) -> None:
    real = BucketStorage._save

    def save(self: BucketStorage, name: str, content: Any) -> str:
        if "/play-" in name:
            raise StorageError("S3 failed")
        return real(self, name, content)

    monkeypatch.setattr(BucketStorage, "_save", save)
    conversion = submit(data=live)
    work_until_done(conversion)
    assert (conversion.status, conversion.player, conversion.player_bytes) == (Conversion.Status.READY, "", 0)
    assert httpx.get(client.get(f"/conversions/{conversion.pk}/source/?play=1")["Location"]).content == live


@in_database
def test_only_a_fresh_and_untouched_signature_opens_a_file(
    server: S3, client: Client, ready: Conversion, settings: Any
) -> None:
    address = client.get(f"/conversions/{ready.pk}/download/")["Location"]
    assert httpx.get(address).status_code == 200
    parts = urlsplit(address)
    assert httpx.get(f"{parts.scheme}://{parts.netloc}{parts.path}").status_code == 403
    assert httpx.get(f"{parts.scheme}://{parts.netloc}/{BUCKET}").status_code == 403
    assert httpx.get(address.replace(ready.output.rsplit("/", 1)[1], "source")).status_code == 403
    assert httpx.get(address.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999")).status_code == 403
    assert httpx.put(address, content=b"mine").status_code in (403, 405)
    use(server, settings, prefix=default_storage.location, link_seconds=1)
    short = client.get(f"/conversions/{ready.pk}/download/")["Location"]
    time.sleep(2.1)
    assert httpx.get(short).status_code == 403


@in_database
@pytest.mark.parametrize("server", ["moto"], indirect=True)
def test_the_browser_is_told_type_and_name(client: Client, ready: Conversion) -> None:
    saved = httpx.get(client.get(f"/conversions/{ready.pk}/download/")["Location"])
    assert saved.headers["Content-Type"] == "audio/wav"
    assert saved.headers["Content-Disposition"] == (
        "attachment; filename*=utf-8''harbour%20news%20%E2%80%93%20Nora.wav"
    )
    played = httpx.get(client.get(f"/conversions/{ready.pk}/download/?play=1")["Location"])
    assert played.headers["Content-Type"] == "audio/wav"
    assert "Content-Disposition" not in played.headers


@pytest.mark.parametrize("server", ["moto"], indirect=True)
def test_nothing_is_public(server: S3) -> None:
    default_storage.save("conversions/a/source", ContentFile(b"private"))
    key = next(key for key in server.stored_keys() if key.endswith("conversions/a/source"))
    grants = server.client().get_object_acl(Bucket=BUCKET, Key=key)["Grants"]
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]


@in_database
def test_others_get_no_address(cast: Cast, ready: Conversion) -> None:
    stranger = Client()
    stranger.force_login(cast.mallory)
    assert stranger.get(f"/conversions/{ready.pk}/download/").status_code == 404


@in_database
def test_zero_retention_goes_through_the_app_which_sees_the_whole_download(
    cast: Cast, voice: Any, client: Client
) -> None:
    parameters = ConvertParameters(output_format="wav_16000", enable_logging=False)
    file = upload(DATA)
    conversion = actions.submit(cast.bob, cast.team, file, voice, actions.Order(parameters))
    file.close()
    work_all()
    address = f"/conversions/{conversion.pk}/download/"
    part = client.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, DATA[10:20])
    conversion.refresh_from_db()
    assert conversion.downloaded_at is None
    response = client.get(address)
    assert (response.status_code, response["X-Accel-Buffering"]) == (200, "no")
    assert b"".join(response.streaming_content) == DATA
    conversion.refresh_from_db()
    assert conversion.downloaded_at is not None


def test_browsers_may_be_sent_to_another_name_of_the_same_s3(server: S3, settings: Any) -> None:
    use(server, settings, public_endpoint_url="https://files.example.com")
    address = durable.address("a", method="GET", media_type="audio/wav", disposition=None)
    assert address is not None
    assert address.startswith(f"https://files.example.com/{BUCKET}/")


# ---- the settings ----

SHOW_POLICY = "from s2s_site import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['media-src'])"


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ({}, ["'self'", "blob:"]),
        ({"S3_BUCKET": "our-audio"}, ["'self'", "blob:", "https://our-audio.s3.amazonaws.com"]),
    ],
)
def test_pages_may_play_from_the_s3_only_when_it_is_on(environment: dict[str, str], allowed: list[str]) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("S3_")}
    command = [sys.executable, "-c", SHOW_POLICY]
    shown = subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == str(allowed)


@pytest.mark.parametrize(
    ("place", "origin"),
    [
        ({"region": "eu-central-1"}, "https://our-audio.s3.eu-central-1.amazonaws.com"),
        ({"endpoint_url": "http://minio:9000"}, "http://minio:9000"),
        ({"endpoint_url": "https://s3.example.com", "addressing_style": "virtual"}, "https://our-audio.s3.example.com"),
        (
            {"endpoint_url": "http://minio:9000", "public_endpoint_url": "https://files.example.com"},
            "https://files.example.com",
        ),
    ],
)
def test_the_policy_names_the_host_that_signed_addresses_have(place: dict[str, str], origin: str) -> None:
    assert Bucket(bucket="our-audio", **place).public_origin() == origin

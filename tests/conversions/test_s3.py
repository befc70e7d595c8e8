"""Files in a bucket: the same promises as on a disk, against real servers; browsers get in by signature alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from xxhash import xxh3_128

from conversions import actions, files
from conversions.models import Conversion, Step
from conversions.queue import housekeeping
from conversions.storages.place import Place
from conversions.storages.s3 import BucketStorage, StorageError
from s2s.client import Unclear
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, client_of, upload, work_all, work_until_done
from tests.support.cast import Cast
from tests.support.s3 import BUCKET, S3, running_s3
from tests.support.sound import wav

DATA = wav(1.0)
PREFIX = "our/team"
in_database = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def nanio() -> Iterator[S3]:
    with running_s3("nanio") as server:
        yield server


@pytest.fixture(scope="module")
def moto() -> Iterator[S3]:
    with running_s3("moto") as server:
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest) -> S3:
    """nanio, unless a test asks for another."""
    return request.getfixturevalue(getattr(request, "param", "nanio"))


@pytest.fixture(autouse=True)
def _in_a_bucket(_place: None, server: S3, settings: Any) -> None:
    use(server, settings)


def use(server: S3, settings: Any, **options: Any) -> None:
    default = {
        "BACKEND": "conversions.storages.s3.BucketStorage",
        "OPTIONS": server.place | {"prefix": f"{PREFIX}/{uuid.uuid4()}"} | options,
    }
    settings.STORAGES = settings.STORAGES | {"default": default}


both = pytest.mark.parametrize("server", ["nanio", "moto"], indirect=True)


# ---- the promises of conversions/files.py ----


@both
def test_a_recording_is_stored_under_the_prefix_and_read_as_a_real_file(server: S3, settings: Any) -> None:
    key = files.source_key(uuid.uuid4())
    file = upload(DATA)
    files.store_upload(key, file)
    file.close()
    assert any(stored.startswith(PREFIX) and stored.endswith(key) for stored in server.stored_keys())
    with files.open_file(key) as stored:
        assert os.fstat(stored.fileno()).st_size == len(DATA)
        stored.seek(100)
        assert stored.read(50) == DATA[100:150]
    assert b"".join(files.blocks(key, 7, 1000)) == DATA[7:1007]
    assert files.size(key) == len(DATA)
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


@both
def test_what_is_larger_than_a_part_arrives_whole(server: S3) -> None:
    data = os.urandom(20 * 1024**2 + 3)
    key = files.source_key(uuid.uuid4())
    file = upload(data)
    files.store_upload(key, file)
    file.close()
    assert files.checksum(key) == xxh3_128(data).hexdigest()
    with files.open_file(key) as stored:
        assert stored.read() == data


@both
def test_a_result_is_listed_adopted_measured_and_deleted(server: S3) -> None:
    conversion_id = uuid.uuid4()
    assert files.find_result(conversion_id, 7) is None
    result = files.store_result(conversion_id, 7, 2, uuid.uuid4(), [b"ab", b"c"], {"request-id": "r"})
    other = files.store_result(conversion_id, 70, 1, uuid.uuid4(), [b""], {})
    assert files.find_result(conversion_id, 7) == result
    assert files.find_result(conversion_id, 70) == other
    assert files.sizes(conversion_id)[result.key.rsplit("/", 1)[1]] == 3
    assert list(files.stored_conversions()) == [conversion_id]
    assert not files.older_than(conversion_id, timedelta(hours=1))
    assert files.older_than(conversion_id, timedelta(seconds=-60))
    files.delete_results(conversion_id, 7)
    assert files.find_result(conversion_id, 7) is None
    assert files.find_result(conversion_id, 70) == other
    files.delete_all(conversion_id)
    files.delete_all(conversion_id)  # what is gone already is no error
    assert list(files.stored_conversions()) == []


def test_a_result_without_its_note_or_with_other_bytes_is_not_complete() -> None:
    conversion_id = uuid.uuid4()
    result = files.store_result(conversion_id, 1, 1, uuid.uuid4(), [b"whole"], {})
    default_storage.save(result.key, ContentFile(b"other"))
    assert files.find_result(conversion_id, 1) is None
    default_storage.save(result.key, ContentFile(b"whole"))
    assert files.find_result(conversion_id, 1) == result
    default_storage.delete(f"{result.key}.json")
    assert files.find_result(conversion_id, 1) is None


def test_a_write_that_breaks_off_leaves_nothing(server: S3) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise OSError("cut")

    conversion_id = uuid.uuid4()
    with pytest.raises(OSError, match="cut"):
        files.store_result(conversion_id, 1, 1, uuid.uuid4(), chunks(), {})
    assert list(files.stored_conversions()) == []
    assert not any(str(conversion_id) in key for key in server.stored_keys())


@both
def test_what_is_missing_says_so_as_a_file_does(server: S3) -> None:
    for read in (files.open_file, files.size, files.checksum, lambda key: files.blocks(key, 0, 10)):
        with pytest.raises(FileNotFoundError):
            read("conversions/none/source")


def test_threads_share_one_client_and_a_hundred_reads_at_once_work() -> None:
    key = files.source_key(uuid.uuid4())
    default_storage.save(key, ContentFile(DATA))
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(b"".join(files.blocks(key, 0, len(DATA))))) for _ in range(100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DATA] * 100


# ---- an S3 that is away ----


def test_a_complete_answer_waits_for_an_s3_that_comes_back(server: S3, monkeypatch: Any) -> None:
    real, failures = BucketStorage._save, iter([StorageError("S3 failed"), StorageError("S3 failed")])

    def save(self: BucketStorage, name: str, content: Any) -> str:
        for failure in failures:
            raise failure
        return real(self, name, content)

    monkeypatch.setattr(BucketStorage, "_save", save)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    conversion_id = uuid.uuid4()
    result = files.store_result(conversion_id, 1, 1, uuid.uuid4(), [b"paid"], {})
    assert files.find_result(conversion_id, 1) == result


@pytest.mark.parametrize("server", ["moto"], indirect=True)  # nanio copies nothing
def test_the_same_bytes_under_a_further_name_outlive_the_first() -> None:
    first, second = files.source_key(uuid.uuid4()), files.source_key(uuid.uuid4())
    default_storage.save(first, ContentFile(DATA))
    files.duplicate(first, second)
    default_storage.delete(first)
    assert b"".join(files.blocks(second, 0, len(DATA))) == DATA
    with pytest.raises(FileNotFoundError):
        files.duplicate(first, files.source_key(uuid.uuid4()))


@in_database
def test_an_answer_that_cannot_be_stored_is_unclear_and_not_paid_for_twice(
    submit: Submit, scripted: Any, endpoint: Any, settings: Any, monkeypatch: Any
) -> None:
    endpoint.billed = True
    endpoint.save()
    monkeypatch.setattr(files, "PATIENCE_S", 0)
    conversion = submit()
    real = BucketStorage._save

    def save(self: BucketStorage, name: str, content: Any) -> str:
        raise StorageError("S3 failed")

    monkeypatch.setattr(BucketStorage, "_save", save)
    work_all()
    assert conversion.calls.get().error.startswith("not_stored")
    monkeypatch.setattr(BucketStorage, "_save", real)
    work_until_done(conversion)  # a tone is like any other, so nothing of the history is taken for its conversion
    assert conversion.error_code == "unclear"
    assert conversion.steps.get(kind=Step.Kind.CONVERT).status == Step.Status.UNCLEAR
    assert scripted.billed == 1


def test_a_full_disk_while_the_answer_arrives_is_unclear_too(monkeypatch: Any) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(Unclear):
        files._write(Full(), b"paid")


def test_the_health_page_says_that_files_cannot_be_stored(server: S3, settings: Any) -> None:
    from s2s_site.health import _storage

    assert _storage() == "ok"
    use(server, settings, endpoint_url="http://127.0.0.1:9")
    assert _storage() == "files can't be stored"
    use(server, settings, secret_access_key="wrong")
    assert _storage() == "files can't be stored"


def test_an_error_names_neither_key_nor_address(server: S3, settings: Any) -> None:
    use(server, settings, secret_access_key="wrong-secret")
    with pytest.raises(StorageError) as caught:
        default_storage.size("a")
    assert "wrong-secret" not in str(caught.value)
    assert server.access_key_id not in str(caught.value)


# ---- who gets in ----


@pytest.fixture
def ready(submit: Submit) -> Conversion:
    conversion = submit(data=DATA)
    assert work_all() == 2
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    return conversion


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
    work_all()
    conversion.refresh_from_db()
    stored = files.sizes(conversion.pk)
    assert stored[files.name_of(conversion.player)] == conversion.player_bytes
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
    work_all()
    conversion.refresh_from_db()
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
    conversion = actions.submit(cast.bob, file, voice, actions.Order(parameters))
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
    address = files.address("a", method="GET", media_type="audio/wav", disposition=None)
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
    assert Place(bucket="our-audio", **place).public_origin() == origin


@pytest.mark.parametrize("direction", ["up", "down", "through"])
def test_memory_stays_flat_however_large_the_file(server: S3, tmp_path: Path, direction: str) -> None:
    environment = os.environ | server.environment | {"DATA_DIR": str(tmp_path), "S3_PREFIX": f"memory-{uuid.uuid4()}"}
    command = [sys.executable, "-m", "tests.support.s3_memory", direction, "100"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[0]) < 40, done.stdout


# ---- housekeeping ----


@both
def test_housekeeping_lists_folders_and_what_is_in_them(server: S3, monkeypatch: Any) -> None:
    ids = sorted(uuid.uuid4() for _ in range(6))
    for number, conversion_id in enumerate(ids[:5]):
        default_storage.save(files.source_key(conversion_id), ContentFile(b"a"))
        for extra in range(number):
            default_storage.save(f"conversions/{conversion_id}/{extra}", ContentFile(b"b"))
    assert sorted(files.stored_conversions()) == ids[:5]
    # One list for all, from the first to the last; of those in between that were not asked for, nothing.
    found = files.contents([*ids[1:3], *ids[4:]])
    assert {key: sorted(names) for key, names in found.items()} == {
        ids[1]: ["0", "source"],
        ids[2]: ["0", "1", "source"],
        ids[4]: ["0", "1", "2", "3", "source"],
        ids[5]: [],
    }
    assert sorted(files.contents([ids[3]])[ids[3]]) == ["0", "1", "2", "source"]
    assert files.contents([]) == {}
    written = found[ids[1]]["source"]
    assert abs(written - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("server", ["moto"], indirect=True)
def test_uploads_that_were_broken_off_are_ended_after_a_day(server: S3) -> None:
    client = server.client()
    prefix = default_storage.location.strip("/")
    mine = {"Bucket": BUCKET, "Key": f"{prefix}/conversions/a/source"}
    others = {"Bucket": BUCKET, "Key": f"{prefix}/of others/a"}
    for place in (mine, others):
        client.create_multipart_upload(**place)
    # moto says of every upload that it began in November 2010.
    assert default_storage.clear_broken_writes(datetime(2010, 11, 1, tzinfo=UTC), root="conversions") == 0
    assert files.clear_broken_writes(timedelta(hours=24)) == 1
    left = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert others["Key"] in [upload["Key"] for upload in left]
    assert mine["Key"] not in [upload["Key"] for upload in left]


@in_database
def test_housekeeping_in_a_bucket(server: S3, ready: Conversion, submit: Submit) -> None:
    gone = submit()
    Conversion.objects.filter(pk=gone.pk).delete()
    files.store_result(ready.pk, 7, 1, uuid.uuid4(), [b"late"], {})
    wanted = {"source", files.name_of(ready.output), f"{files.name_of(ready.output)}.json"}
    assert housekeeping.delete_orphans(timedelta(seconds=-60)) == 1
    found = housekeeping.look_into_folders(timedelta(seconds=-60))
    assert (found.looked_into, found.deleted, found.missing) == (1, 2, 0)
    assert set(files.contents([ready.pk])[ready.pk]) == wanted
    files.delete(ready.pk, [files.name_of(ready.output)])
    assert housekeeping.look_into_folders().missing == 1

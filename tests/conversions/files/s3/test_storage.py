"""Files in a bucket: the same promises as on a disk, against real servers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from xxhash import xxh3_128

from conversions.files import durable, inventory
from conversions.files.storages.s3 import BucketStorage, StorageError
from conversions.models import Conversion, Step
from conversions.upkeep import housekeeping
from s2s.client import Unclear
from tests.conversions.conftest import Submit, upload, work_all, work_until_done
from tests.conversions.files.s3.conftest import DATA, PREFIX, both, in_database, use
from tests.support.s3 import BUCKET, S3
from tests.support.together import at_once

# ---- the promises of conversions/files/durable.py ----


@both
def test_a_recording_is_stored_under_the_prefix_and_read_as_a_real_file(server: S3, settings: Any) -> None:
    key = durable.source_key(uuid.uuid4())
    file = upload(DATA)
    durable.store_upload(key, file)
    file.close()
    assert any(stored.startswith(PREFIX) and stored.endswith(key) for stored in server.stored_keys())
    with durable.open_file(key) as stored:
        assert os.fstat(stored.fileno()).st_size == len(DATA)
        stored.seek(100)
        assert stored.read(50) == DATA[100:150]
    assert b"".join(durable.blocks(key, 7, 1000)) == DATA[7:1007]
    assert durable.size(key) == len(DATA)
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


@both
def test_what_is_larger_than_a_part_arrives_whole(server: S3) -> None:
    data = os.urandom(20 * 1024**2 + 3)
    key = durable.source_key(uuid.uuid4())
    file = upload(data)
    durable.store_upload(key, file)
    file.close()
    assert durable.checksum(key) == xxh3_128(data).hexdigest()
    with durable.open_file(key) as stored:
        assert stored.read() == data


@both
def test_a_result_is_listed_adopted_measured_and_deleted(server: S3) -> None:
    conversion_id = uuid.uuid4()
    assert durable.find_result(conversion_id, 7) is None
    result = durable.store_result(conversion_id, 7, 2, uuid.uuid4(), [b"ab", b"c"], {"request-id": "r"})
    other = durable.store_result(conversion_id, 70, 1, uuid.uuid4(), [b""], {})
    assert durable.find_result(conversion_id, 7) == result
    assert durable.find_result(conversion_id, 70) == other
    assert inventory.sizes(conversion_id)[result.key.rsplit("/", 1)[1]] == 3
    assert list(inventory.stored_conversions()) == [conversion_id]
    assert not inventory.older_than(conversion_id, timedelta(hours=1))
    assert inventory.older_than(conversion_id, timedelta(seconds=-60))
    durable.delete_results(conversion_id, 7)
    assert durable.find_result(conversion_id, 7) is None
    assert durable.find_result(conversion_id, 70) == other
    durable.delete_all(conversion_id)
    durable.delete_all(conversion_id)  # what is gone already is no error
    assert list(inventory.stored_conversions()) == []


def test_a_result_without_its_note_or_with_other_bytes_is_not_complete() -> None:
    conversion_id = uuid.uuid4()
    result = durable.store_result(conversion_id, 1, 1, uuid.uuid4(), [b"whole"], {})
    default_storage.save(result.key, ContentFile(b"other"))
    assert durable.find_result(conversion_id, 1) is None
    default_storage.save(result.key, ContentFile(b"whole"))
    assert durable.find_result(conversion_id, 1) == result
    default_storage.delete(f"{result.key}.json")
    assert durable.find_result(conversion_id, 1) is None


def test_a_write_that_breaks_off_leaves_nothing(server: S3) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise OSError("cut")

    conversion_id = uuid.uuid4()
    with pytest.raises(OSError, match="cut"):
        durable.store_result(conversion_id, 1, 1, uuid.uuid4(), chunks(), {})
    assert list(inventory.stored_conversions()) == []
    assert not any(str(conversion_id) in key for key in server.stored_keys())


@both
def test_what_is_missing_says_so_as_a_file_does(server: S3) -> None:
    for read in (durable.open_file, durable.size, durable.checksum, lambda key: durable.blocks(key, 0, 10)):
        with pytest.raises(FileNotFoundError):
            read("conversions/none/source")


def test_threads_share_one_client_and_a_hundred_reads_at_once_work() -> None:
    key = durable.source_key(uuid.uuid4())
    default_storage.save(key, ContentFile(DATA))
    found = at_once(*[lambda: b"".join(durable.blocks(key, 0, len(DATA)))] * 100)
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
    result = durable.store_result(conversion_id, 1, 1, uuid.uuid4(), [b"paid"], {})
    assert durable.find_result(conversion_id, 1) == result


@pytest.mark.parametrize("server", ["moto"], indirect=True)  # nanio copies nothing
def test_the_same_bytes_under_a_further_name_outlive_the_first() -> None:
    first, second = durable.source_key(uuid.uuid4()), durable.source_key(uuid.uuid4())
    default_storage.save(first, ContentFile(DATA))
    durable.duplicate(first, second)
    default_storage.delete(first)
    assert b"".join(durable.blocks(second, 0, len(DATA))) == DATA
    with pytest.raises(FileNotFoundError):
        durable.duplicate(first, durable.source_key(uuid.uuid4()))


@in_database
def test_an_answer_that_cannot_be_stored_is_unclear_and_not_paid_for_twice(
    submit: Submit, scripted: Any, endpoint: Any, settings: Any, monkeypatch: Any
) -> None:
    endpoint.billed = True
    endpoint.save()
    monkeypatch.setattr(durable, "PATIENCE_S", 0)
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
        durable._write(Full(), b"paid")


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


@pytest.mark.parametrize("direction", ["up", "down", "through"])
def test_memory_stays_flat_however_large_the_file(server: S3, tmp_path: Path, direction: str) -> None:
    environment = os.environ | server.environment | {"DATA_DIR": str(tmp_path), "S3_PREFIX": f"memory-{uuid.uuid4()}"}
    command = [sys.executable, "-m", "tests.support.s3_memory", direction, "60"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[0]) < 40, done.stdout


# ---- housekeeping ----


@both
def test_housekeeping_lists_folders_and_what_is_in_them(server: S3, monkeypatch: Any) -> None:
    ids = sorted(uuid.uuid4() for _ in range(6))
    for number, conversion_id in enumerate(ids[:5]):
        default_storage.save(durable.source_key(conversion_id), ContentFile(b"a"))
        for extra in range(number):
            default_storage.save(f"conversions/{conversion_id}/{extra}", ContentFile(b"b"))
    assert sorted(inventory.stored_conversions()) == ids[:5]
    # One list for all, from the first to the last; of those in between that were not asked for, nothing.
    found = inventory.contents([*ids[1:3], *ids[4:]])
    assert {key: sorted(names) for key, names in found.items()} == {
        ids[1]: ["0", "source"],
        ids[2]: ["0", "1", "source"],
        ids[4]: ["0", "1", "2", "3", "source"],
        ids[5]: [],
    }
    assert sorted(inventory.contents([ids[3]])[ids[3]]) == ["0", "1", "2", "source"]
    assert inventory.contents([]) == {}
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
    assert inventory.clear_broken_writes(timedelta(hours=24)) == 1
    left = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert others["Key"] in [upload["Key"] for upload in left]
    assert mine["Key"] not in [upload["Key"] for upload in left]


@in_database
def test_housekeeping_in_a_bucket(server: S3, ready: Conversion, submit: Submit) -> None:
    gone = submit()
    Conversion.objects.filter(pk=gone.pk).delete()
    durable.store_result(ready.pk, 7, 1, uuid.uuid4(), [b"late"], {})
    wanted = {"source", durable.name_of(ready.output), f"{durable.name_of(ready.output)}.json"}
    assert housekeeping.delete_orphans(timedelta(seconds=-60)) == 1
    found = housekeeping.look_into_folders(timedelta(seconds=-60))
    assert (found.looked_into, found.deleted, found.missing) == (1, 2, 0)
    assert set(inventory.contents([ready.pk])[ready.pk]) == wanted
    durable.delete(ready.pk, [durable.name_of(ready.output)])
    assert housekeeping.look_into_folders().missing == 1

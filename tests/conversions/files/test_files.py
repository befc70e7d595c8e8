"""Durable files: whole or absent, never named by what people typed."""

from __future__ import annotations

import errno
import os
import random
import stat
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from xxhash import xxh3_128

from conversions import actions
from conversions.actions.submit import clean_name, title_of
from conversions.files import durable, inventory
from conversions.files.storages import disk
from conversions.ground import disk as the_disk
from conversions.ground.disk import WriteOut
from s2s.client import Unclear
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, upload, work_all
from tests.support.cast import Cast
from tests.support.product import wait_for

# For which another thread is woken.
LARGE = 2 << 20


def test_an_upload_is_renamed_into_place_not_copied() -> None:
    file = upload(b"x" * 5000)
    inode = Path(file.temporary_file_path()).stat().st_ino
    conversion_id = uuid.uuid4()
    durable.store_upload(durable.source_key(conversion_id), file)
    file.close()
    stored = Path(default_storage.path(durable.source_key(conversion_id)))
    assert stored.stat().st_ino == inode
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.parent.stat().st_mode & 0o777 == 0o700


def test_the_same_bytes_under_a_further_name_take_no_room_and_outlive_the_first() -> None:
    first, second = durable.source_key(uuid.uuid4()), durable.source_key(uuid.uuid4())
    default_storage.save(first, ContentFile(b"data"))
    durable.duplicate(first, second)
    durable.duplicate(first, second)  # again, after a crash
    assert Path(default_storage.path(first)).samefile(default_storage.path(second))
    default_storage.delete(first)
    assert b"".join(durable.blocks(second, 0, 4)) == b"data"
    with pytest.raises(FileNotFoundError):
        durable.duplicate(first, durable.source_key(uuid.uuid4()))


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV])
def test_where_there_are_no_links_the_bytes_are_copied(code: int, monkeypatch) -> None:
    first, second = durable.source_key(uuid.uuid4()), durable.source_key(uuid.uuid4())
    default_storage.save(first, ContentFile(b"data"))

    def refuse(self: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    durable.duplicate(first, second)
    assert b"".join(durable.blocks(second, 0, 4)) == b"data"


def test_the_data_is_synced_before_it_gets_its_name(monkeypatch) -> None:
    done: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append("fsync"), real_fsync(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda self, target: (done.append("rename"), real_replace(self, target))[1])
    default_storage.save("conversions/a/b", ContentFile(b"data"))
    assert done[0] == "fsync"
    assert done.index("rename") == 1
    assert "fsync" in done[2:]  # the folder


def test_a_result_and_its_note_are_synced_before_their_names_and_these_before_it_is_known(monkeypatch) -> None:
    done: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        done.append("note" if target.suffix == ".json" else "result")
        return real_replace(self, target)

    conversion_id = uuid.uuid4()
    default_storage.save(durable.source_key(conversion_id), ContentFile(b"data"))
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    durable.store_result(conversion_id, 1, 1, uuid.uuid4(), [b"answer"], {})
    assert done == ["file", "file", "result", "note", "folder"]


def test_a_result_becomes_durable_while_it_is_looked_at_and_has_no_name_before(monkeypatch) -> None:
    """Its fsync begins first, goes on during the look, and is waited for with the note at its side."""
    conversion_id, token = uuid.uuid4(), uuid.uuid4()
    looked_at, names_then, real_fsync = threading.Event(), [], os.fsync
    place = Path(default_storage.path(durable.source_key(conversion_id))).parent

    def fsync(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == LARGE:
            assert looked_at.wait(60)
            wait_for(lambda: list(place.glob(".*.json.*.part")), "the note is beside its place")
            names_then.extend(path.name for path in place.iterdir() if path.suffix != ".part")
        real_fsync(descriptor)

    def look(answer: BinaryIO) -> Callable[[], object]:
        looked_at.set()
        return lambda: None

    monkeypatch.setattr(os, "fsync", fsync)
    durable.store_result(conversion_id, 1, 1, token, [bytes(LARGE)], {}, beside=look)
    assert names_then == []
    assert {path.name for path in place.iterdir()} == {f"1-1-{token.hex}", f"1-1-{token.hex}.json"}


@pytest.mark.parametrize("size", [6, LARGE])
def test_what_the_disk_refused_once_is_written_again_and_not_taken_at_the_second_word(size: int, monkeypatch) -> None:
    """Of one file Linux tells of an error once: a second fsync says that all is well, and the bytes are nowhere."""
    real_fsync, refused, data = os.fsync, set[int](), random.Random(6).randbytes(size)

    def fsync(descriptor: int) -> None:
        found = os.fstat(descriptor)
        if found.st_size == size and not refused:
            refused.add(found.st_ino)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    result = durable.store_result(uuid.uuid4(), 1, 1, uuid.uuid4(), [data], {})
    stored = Path(default_storage.path(result.key))
    assert stored.stat().st_ino not in refused
    assert stored.read_bytes() == data


def test_what_is_not_there_any_more_as_it_was_written_is_no_result(monkeypatch) -> None:
    """The memory that the disk had refused has been given away meanwhile."""
    real_fsync, refused = os.fsync, []

    def fsync(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == 6 and not refused:
            refused.append(True)
            (spooled,) = Path(settings.FILE_UPLOAD_TEMP_DIR).glob("result-*")
            spooled.write_bytes(bytes(6))
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(durable, "PATIENCE_S", 1.5)
    conversion_id = uuid.uuid4()
    with pytest.raises(Unclear, match="could not be stored"):
        durable.store_result(conversion_id, 1, 1, uuid.uuid4(), [b"answer"], {})
    assert refused
    assert not list(Path(default_storage.path(durable.source_key(conversion_id))).parent.iterdir())


def test_an_answer_is_kept_though_no_thread_takes_its_sync_and_nobody_can_look_at_it(monkeypatch) -> None:
    """As when the worker's process is ending."""
    ended = ThreadPoolExecutor(1)
    ended.shutdown()
    monkeypatch.setattr(the_disk, "_syncing", ended)
    conversion_id, before = uuid.uuid4(), len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(RuntimeError, match="after shutdown"):
        durable.store_result(
            conversion_id, 1, 1, uuid.uuid4(), [bytes(LARGE)], {}, beside=lambda _file: ended.submit(print).result
        )
    assert durable.find_result(conversion_id, 1) is not None
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_answer_is_kept_though_no_more_files_can_be_open(monkeypatch) -> None:
    def dup(descriptor: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "dup", dup)
    conversion_id = uuid.uuid4()
    result = durable.store_result(conversion_id, 1, 1, uuid.uuid4(), [bytes(LARGE)], {})
    assert durable.find_result(conversion_id, 1) == result


@pytest.mark.parametrize("size", [6, LARGE])
def test_what_the_disk_refuses_to_sync_has_no_name_and_leaves_nothing_beside(size: int, monkeypatch) -> None:
    real_fsync, refused = os.fsync, []

    def fsync(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == size and not refused:
            refused.append(sorted(path.name for path in place.iterdir() if path.suffix != ".part"))
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real_fsync(descriptor)

    conversion_id = uuid.uuid4()
    place = Path(default_storage.path(durable.source_key(conversion_id))).parent
    place.mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(durable, "PATIENCE_S", 2.0)
    result = durable.store_result(conversion_id, 1, 1, uuid.uuid4(), [bytes(size)], {})  # at its second try
    assert refused == [[]]
    assert durable.find_result(conversion_id, 1) == result
    assert len(list(place.iterdir())) == 2


def test_what_has_its_name_already_is_only_synced_again(monkeypatch) -> None:
    """The process is out of descriptors for a moment, just when the answer has been renamed into a new folder."""
    synced: list[Path] = []
    real_fsync = disk._fsync

    def fsync(folder: Path) -> None:
        synced.append(folder)
        if len(synced) == 1:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        real_fsync(folder)

    monkeypatch.setattr(disk, "_fsync", fsync)
    monkeypatch.setattr(durable, "PATIENCE_S", 2.0)
    conversion_id = uuid.uuid4()
    result = durable.store_result(conversion_id, 1, 1, uuid.uuid4(), [b"answer"], {})
    folder = Path(default_storage.path(result.key)).parent
    assert synced[0] == folder
    assert {folder, folder.parent} <= set(synced[1:])
    assert durable.find_result(conversion_id, 1) == result


def test_another_file_under_the_name_is_not_taken_for_it(tmp_path: Path) -> None:
    default_storage.save("conversions/a/b", ContentFile(b"other"))
    gone = upload(b"data")
    Path(gone.temporary_file_path()).rename(tmp_path / "moved away")
    with gone, pytest.raises(FileNotFoundError):
        default_storage.save("conversions/a/b", gone)


def test_an_adopted_result_is_durable_though_its_writer_died_before_it_knew(monkeypatch) -> None:
    conversion_id = uuid.uuid4()
    result = durable.store_result(conversion_id, 1, 1, uuid.uuid4(), [b"answer"], {})
    synced: list[int] = []
    real_fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_ino), real_fsync(fd))[1])
    assert durable.find_result(conversion_id, 1) == result
    folder = Path(default_storage.path(result.key)).parent
    assert synced == [folder.stat().st_ino]


@pytest.mark.parametrize("advice", [True, False])
def test_what_arrives_in_many_pieces_is_stored_as_it_came(advice: bool, monkeypatch) -> None:
    if not advice:  # as on macOS
        monkeypatch.delattr(os, "posix_fadvise")
    pieces = [random.Random(number).randbytes(150_001) for number in range(20)]
    conversion_id = uuid.uuid4()
    result = durable.store_result(conversion_id, 1, 1, uuid.uuid4(), pieces, {})
    with durable.open_file(result.key) as file:
        assert file.read() == b"".join(pieces)
    assert (result.size, result.checksum) == (3_000_020, xxh3_128(b"".join(pieces)).hexdigest())
    assert durable.find_result(conversion_id, 1) == result


def test_a_file_that_grows_is_on_its_way_to_the_disk(tmp_path: Path, monkeypatch) -> None:
    asked: list[tuple[int, int]] = []

    def advise(_descriptor: int, start: int, length: int, _advice: int) -> None:
        asked.append((start, length))
        raise PermissionError  # as a strict sandbox does: nothing depends on it

    monkeypatch.setattr(os, "posix_fadvise", advise)
    with (tmp_path / "file").open("wb") as file:
        out = WriteOut(file.fileno())
        for size in (1000, 1 << 20, (1 << 20) + 5, 3 << 20, (3 << 20) + 1):
            out.grown_to(size)
    assert asked == [(0, 1 << 20), (1 << 20, 2 << 20)]


def test_a_large_file_goes_to_the_disk_in_larger_pieces(tmp_path: Path, monkeypatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _descriptor, start, length, _advice: asked.append((start, length)))
    with (tmp_path / "file").open("wb") as file:
        out = WriteOut(file.fileno())
        for half_mb in range(1, 1000):
            out.grown_to(half_mb << 19)
    lengths = [length for _start, length in asked]
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1]) == (1 << 20, 8 << 20)
    assert [start for start, _length in asked[1:]] == [start + length for start, length in asked[:-1]]


def test_a_write_that_breaks_off_leaves_nothing_under_the_name() -> None:
    def chunks():
        yield b"half"
        raise OSError("cut")

    conversion_id = uuid.uuid4()
    with pytest.raises(OSError, match="cut"):
        durable.store_result(conversion_id, 1, 1, uuid.uuid4(), chunks(), {})
    assert durable.find_result(conversion_id, 1) is None
    assert list(inventory.stored_conversions()) == []


def test_a_result_is_found_with_its_headers_by_any_attempt() -> None:
    conversion_id = uuid.uuid4()
    result = durable.store_result(conversion_id, 7, 2, uuid.uuid4(), [b"ab", b"c"], {"request-id": "r"})
    assert (result.size, result.headers) == (3, {"request-id": "r"})
    assert durable.find_result(conversion_id, 7) == result
    assert durable.find_result(conversion_id, 70) is None
    durable.delete_results(conversion_id, 7)
    assert durable.find_result(conversion_id, 7) is None


@pytest.mark.django_db(transaction=True)
def test_behind_a_proxy_that_reads_the_disk_it_hands_out_the_file(submit: Submit, cast: Cast, settings) -> None:
    settings.X_ACCEL = True
    conversion, client = submit(), Client()
    client.force_login(cast.alice)
    response = client.get(f"/conversions/{conversion.pk}/source/")
    assert response["X-Accel-Redirect"] == f"/protected/{conversion.source}"
    assert response.content == b""
    assert "attachment" in response["Content-Disposition"]
    assert response["Content-Security-Policy"].startswith("sandbox")
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db(transaction=True)
def test_zero_retention_is_not_handed_to_the_proxy_which_would_not_tell(voice, cast: Cast, settings) -> None:
    settings.X_ACCEL = True
    parameters = ConvertParameters(output_format="wav_16000", enable_logging=False)
    file, client = upload(), Client()
    conversion = actions.submit(cast.alice, cast.team, file, voice, actions.Order(parameters))
    file.close()
    work_all()
    client.force_login(cast.alice)
    response = client.get(f"/conversions/{conversion.pk}/download/")
    assert "X-Accel-Redirect" not in response
    assert response["X-Accel-Buffering"] == "no"
    assert len(b"".join(response.streaming_content)) > 0
    conversion.refresh_from_db()
    assert conversion.downloaded_at is not None


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("harbour news.m4a", "harbour news.m4a"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Ana\\Tape 1.wav", "Tape 1.wav"),
        ("two\nlines\t.mp3", "two lines .mp3"),
        ("\u202e3pm.exe.mp3", "3pm.exe.mp3"),
        ("émigré 🎙️.mp3", "émigré 🎙️.mp3"),
        ("say %22hello%22%0D%0Atwice.mp3", 'say "hello" twice.mp3'),
        ("\x00\x07", "recording"),
        ("", "recording"),
        ("<script>alert(1)<\\script>.mp3", "script>.mp3"),
        ("a" * 300 + ".flac", "a" * 250 + ".flac"),
    ],
)
def test_a_name_is_shown_as_one_clean_line(typed: str, shown: str) -> None:
    assert clean_name(typed) == shown


def test_a_title_is_the_name_without_its_ending() -> None:
    assert title_of("harbour_news final.m4a") == "harbour news final"
    assert title_of(".m4a") == ".m4a"

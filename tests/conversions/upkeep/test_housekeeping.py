"""What housekeeping removes, what it leaves alone, and what it only tells."""

from __future__ import annotations

import os
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.files import durable, inventory
from conversions.ground import notes
from conversions.ground.clock import db_now
from conversions.models import Batch, Conversion, Event, Recording, Step, log
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep import housekeeping
from conversions.upkeep.housekeeping import delete_orphans, look_into_folders
from conversions.upkeep.worker import work
from teams.models import Session
from tests.conversions.conftest import Submit
from tests.support.cast import Cast
from tests.support.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timedelta(0)
DAY = timedelta(hours=24)


def stored(conversion_id: uuid.UUID) -> set[str]:
    return set(inventory.contents([conversion_id])[conversion_id]) - {"."}


def leave_result(conversion: Conversion, step_id: int = 7, attempt: int = 1) -> set[str]:
    """What an attempt that lost its lease stores after another has won: its name and that of its note."""
    result = durable.store_result(conversion.pk, step_id, attempt, uuid.uuid4(), [b"late"], {})
    name = durable.name_of(result.key)
    return {name, f"{name}.json"}


def age(folder: Path, hours: float) -> None:
    moment = time.time() - hours * 3600
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (moment, moment))


# ---- files whose conversion is gone ----


def test_old_files_that_no_row_names_are_deleted_and_nothing_else(submit: Submit) -> None:
    kept, gone = submit(), submit()
    Conversion.objects.filter(pk=gone.pk).delete()
    assert delete_orphans() == 0  # too young: it may be an upload that is just arriving
    assert delete_orphans(NOW) == 1
    left = set(inventory.stored_conversions())
    assert kept.pk in left
    assert gone.pk not in left


def test_a_recording_that_is_being_auditioned_is_no_orphan(cast: Cast, submit: Submit) -> None:
    kept = Recording(team=cast.team, created_by=cast.alice, name="a", size=1)
    kept.file = durable.source_key(kept.pk)
    durable.store_upload(kept.file, ContentFile(b"x"))
    kept.save()
    assert delete_orphans(NOW) == 0
    Recording.objects.all().delete()
    assert delete_orphans(NOW) == 1


def test_a_day_is_counted_from_the_last_write(submit: Submit, tmp_path: Path) -> None:
    gone = submit()
    Conversion.objects.all().delete()
    folder = tmp_path / "media" / "conversions" / str(gone.pk)
    age(folder, 23)
    assert delete_orphans() == 0
    age(folder, 25)
    (folder / "young").write_bytes(b"x")
    assert delete_orphans() == 0
    age(folder, 25)
    assert delete_orphans() == 1
    assert not folder.exists()


def test_a_folder_that_was_just_made_for_an_upload_stays(tmp_path: Path) -> None:
    folder = tmp_path / "media" / "conversions" / str(uuid.uuid4())
    folder.mkdir(parents=True)
    assert delete_orphans() == 0
    assert folder.exists()
    age(folder, 25)
    assert delete_orphans() == 1


def test_what_is_not_a_conversions_folder_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "media" / "conversions" / "notes of the admin"
    other.mkdir(parents=True)
    assert delete_orphans(NOW) == 0
    assert other.exists()


def test_a_run_without_time_does_nothing_and_the_next_goes_on(submit: Submit) -> None:
    submit()
    Conversion.objects.all().delete()
    assert delete_orphans(NOW, seconds=0) == 0
    assert delete_orphans(NOW) == 1


# ---- results of lost attempts ----


def test_results_that_nobody_refers_to_go_with_their_notes(ready: Conversion) -> None:
    wanted = stored(ready.pk)
    extra = leave_result(ready)
    assert stored(ready.pk) == wanted | extra
    assert look_into_folders().deleted == 0  # too young
    assert look_into_folders(NOW).deleted == 2
    assert stored(ready.pk) == wanted
    assert look_into_folders(NOW).deleted == 0


def test_a_result_that_only_a_step_names_stays(ready: Conversion) -> None:
    """As of a long recording: its pieces are put together in an output of its own."""
    wanted = stored(ready.pk)
    default_storage.save(f"conversions/{ready.pk}/whole", ContentFile(b"all of it"))
    Conversion.objects.update(output=f"conversions/{ready.pk}/whole")
    assert look_into_folders(NOW).deleted == 0
    assert stored(ready.pk) == wanted | {"whole"}


@pytest.mark.parametrize("status", ["waiting", "running", "unclear"])
def test_nothing_is_deleted_while_a_step_is_unfinished(ready: Conversion, status: str) -> None:
    extra = leave_result(ready)
    lease = {"lease_token": uuid.uuid4(), "lease_until": ready.created_at} if status == "running" else {}
    Step.objects.filter(kind="convert").update(status=status, **lease)
    assert look_into_folders(NOW).deleted == 0
    assert extra <= stored(ready.pk)


@pytest.mark.parametrize("status", ["waiting", "converting", "assembling", "failed"])
def test_a_conversion_that_may_go_on_keeps_all_its_results(ready: Conversion, status: str) -> None:
    extra = leave_result(ready)
    Conversion.objects.update(status=status)
    assert look_into_folders(NOW).deleted == 0
    assert extra <= stored(ready.pk)


def test_a_cancelled_one_keeps_its_recording_only(submit: Submit) -> None:
    conversion = submit()
    leave_result(conversion)
    Conversion.objects.update(status="cancelled")
    Step.objects.update(status="cancelled")
    assert look_into_folders(NOW).deleted == 2
    assert stored(conversion.pk) == {"source"}


def test_a_broken_off_write_goes_and_an_unknown_file_stays(submit: Submit, tmp_path: Path) -> None:
    conversion = submit()
    folder = tmp_path / "media" / "conversions" / str(conversion.pk)
    (folder / f".source.{uuid.uuid4().hex}.part").write_bytes(b"half")
    (folder / "of the admin").write_bytes(b"whole")
    assert look_into_folders().deleted == 0
    assert look_into_folders(NOW).deleted == 1
    assert stored(conversion.pk) == {"source", "of the admin"}


# ---- rows whose file is gone ----


def test_a_missing_file_is_told_and_its_row_stays(submit: Submit, ready: Conversion, caplog) -> None:
    waiting = submit()
    assert look_into_folders().missing == 0
    durable.delete(ready.pk, [durable.name_of(ready.output)])
    durable.delete(waiting.pk, ["source"])
    found = look_into_folders()
    assert (found.missing, set(found.shown)) == (2, {str(ready.pk), str(waiting.pk)})
    assert str(ready.pk) in caplog.text
    assert notes.read("housekeeping")[0]["missing"] == 2
    assert Conversion.objects.count() == 2


def test_the_original_of_a_finished_conversion_is_not_missed(ready: Conversion) -> None:
    durable.delete(ready.pk, ["source"])
    assert look_into_folders().missing == 0


def test_a_row_that_goes_while_we_look_is_not_missing(ready: Conversion, monkeypatch) -> None:
    real = inventory.contents

    def contents(ids: list[uuid.UUID]) -> dict:
        durable.delete_all(ready.pk)
        Conversion.objects.all().delete()
        return real(ids)

    monkeypatch.setattr(inventory, "contents", contents)
    assert look_into_folders().missing == 0


def test_every_row_is_looked_at_wherever_it_begins(submit: Submit, monkeypatch) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for _ in range(5):
        submit()
    for start in (uuid.UUID(int=0), uuid.uuid4(), Conversion.objects.first().pk, uuid.UUID(int=2**128 - 1)):
        seen = [row.id for rows in housekeeping._rows_from(start) for row in rows]
        assert sorted(seen) == sorted(Conversion.objects.values_list("pk", flat=True))


# ---- what a person sees of it ----


@pytest.mark.parametrize(("address", "words"), [("download", "converted file"), ("source", "original recording")])
def test_a_person_reads_that_the_file_is_gone(ready: Conversion, cast: Cast, address: str, words: str) -> None:
    client = Client()
    client.force_login(cast.alice)
    url = f"/conversions/{ready.pk}/{address}/"
    assert client.get(url).status_code == 200
    durable.delete(ready.pk, stored(ready.pk))
    answer = client.get(url)
    assert answer.status_code == 404
    assert f"The {words} is gone from the server." in answer.content.decode()
    assert client.get(f"{url}?play=1").status_code == 404
    assert client.get(f"/conversions/{ready.pk}/").status_code == 200


def test_a_person_whose_recording_is_gone_before_it_was_read_gets_a_sentence(submit: Submit) -> None:
    conversion = submit()
    durable.delete(conversion.pk, ["source"])
    work(claim(Lane.CPU))
    conversion.refresh_from_db()
    assert (conversion.status, conversion.error_code) == ("failed", "source_missing")


# ---- what killed processes have left ----


def test_stale_temporary_files_go(tmp_path: Path) -> None:
    young, old = tmp_path / "uploads" / "young.upload", tmp_path / "uploads" / "old.upload"
    part = tmp_path / "media" / "previews" / f".nora.{uuid.uuid4().hex}.part"
    part.parent.mkdir(parents=True)
    for path in (young, old, part):
        path.write_bytes(b"x")
    age(part.parent, 25)
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    housekeeping.housekeep()
    assert young.exists()
    assert not old.exists()
    assert not part.exists()
    (part.parent / ".young.part").write_bytes(b"x")
    assert housekeeping.clear_broken_writes() == 0


def test_expired_sessions_go_and_others_stay(cast: Cast) -> None:
    for user in (cast.alice, cast.bob):
        Client().force_login(user)
    one = Session.objects.order_by("pk").first()
    Session.objects.filter(pk=one.pk).update(expire_date=one.expire_date - timedelta(days=400))
    housekeeping.clear_sessions()
    assert Session.objects.count() == 1
    assert not Session.objects.filter(pk=one.pk).exists()


def test_a_part_that_fails_does_not_keep_the_others(submit: Submit, settings, tmp_path: Path, caplog) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "unmounted")
    part = tmp_path / "media" / "previews" / ".nora.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")
    age(part.parent, 25)
    housekeeping.housekeep()
    assert "delete_stale_uploads broke off" in caplog.text
    assert not part.exists()


# ---- two at once ----


def test_several_that_delete_the_same_uploads_at_once(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / "uploads" / f"{number}.upload").write_bytes(b"x")
    age(tmp_path, 25)
    at_once(*[housekeeping.delete_stale_uploads] * 4)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_several_at_once_do_no_harm(submit: Submit, ready: Conversion, tmp_path: Path, caplog) -> None:
    gone = [submit().pk for _ in range(20)]
    Conversion.objects.filter(pk__in=gone).delete()
    wanted = stored(ready.pk)
    for attempt in range(20):
        leave_result(ready, attempt=attempt)
    for number in range(50):
        path = tmp_path / "uploads" / f"{number}.upload"
        path.write_bytes(b"x")
    age(tmp_path, 25)
    at_once(*[housekeeping.housekeep] * 4)
    assert stored(ready.pk) == wanted
    assert list(inventory.stored_conversions()) == [ready.pk]
    assert list((tmp_path / "uploads").iterdir()) == []
    assert "broke off" not in caplog.text


def test_batches_of_which_nothing_is_left_go_after_a_day(
    cast: Cast, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    conversion = submit()
    kept = Batch.objects.create(team=cast.team, created_by=cast.alice)
    Conversion.objects.update(batch=kept, deleted_at=conversion.created_at)  # it can be brought back
    for _ in range(5):
        Batch.objects.create(team=cast.team, created_by=cast.alice)
    assert housekeeping.delete_empty_batches() == 0
    Batch.objects.update(created_at=F("created_at") - DAY - timedelta(minutes=1))
    young = Batch.objects.create(team=cast.team, created_by=cast.alice)
    assert housekeeping.delete_empty_batches(seconds=0) == 0
    housekeeping.housekeep()
    assert set(Batch.objects.all()) == {kept, young}
    assert Conversion.objects.get().batch == kept


# ---- events ----


def test_of_what_is_finished_no_delay_is_remembered_for_ever(submit: Submit, ready: Conversion) -> None:
    waiting, kinds = submit(), ("submitted", "delayed", "interrupted", "ready")
    for conversion in (ready, waiting):
        conversion.events.all().delete()
        for kind in kinds:
            log(conversion, Event.Kind(kind))
    Event.objects.update(at=db_now() - timedelta(days=31))
    log(ready, Event.Kind.DELAYED)  # a young one
    assert housekeeping.delete_passing_events() == 2
    assert housekeeping.delete_passing_events() == 0
    assert list(ready.events.values_list("kind", flat=True)) == ["submitted", "ready", "delayed"]
    assert waiting.events.count() == len(kinds)


def test_they_are_found_without_reading_all_events(ready: Conversion) -> None:
    with CaptureQueriesContext(connection) as asked:
        housekeeping.delete_passing_events()
    (find,) = [query["sql"] for query in asked if "IN ('delayed', 'interrupted')" in query["sql"]]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # or it reads a small table whole
        cursor.execute(
            ("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + find.replace("%", "%%")
        )
        assert "events_passing" in str(cursor.fetchall())

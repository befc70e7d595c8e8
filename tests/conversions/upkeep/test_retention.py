"""Zero retention: who sees it, when it goes, and that nothing is left in database, disk, Redis or logs."""

from __future__ import annotations

import logging
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from redis import Redis

from conversions import actions
from conversions.access import sources
from conversions.files.storages import BLOCK
from conversions.models import Call, Conversion, Event
from conversions.pages import history
from conversions.upkeep import retention
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, client_of, upload, work_all
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.sound import lengthless, wav

pytestmark = pytest.mark.django_db(transaction=True)
SECRET_NAME = "merger-with-northwind"


@pytest.fixture
def private(cast: Cast, voice) -> Conversion:
    parameters = ConvertParameters(output_format="wav_16000", enable_logging=False, model_id="eleven_english_sts_v2")
    file = upload(wav(), f"{SECRET_NAME}.wav")
    conversion = actions.submit(cast.bob, cast.team, file, voice, actions.Order(parameters))
    file.close()
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == "ready"
    return conversion


def test_the_endpoint_is_asked_for_zero_retention_and_gets_no_name(private: Conversion, scripted) -> None:
    request = next(request for request in scripted.requests if request.method == "POST")
    assert dict(request.query)["enable_logging"] == "false"
    assert SECRET_NAME not in str(request)


def test_only_its_creator_sees_it(private: Conversion, cast: Cast) -> None:
    for page in ("", "status/", "download/", "source/"):
        address = f"/conversions/{private.pk}/{page}"
        assert client_of(cast.bob).get(address).status_code == 200
        assert client_of(cast.alice).get(address).status_code == 404
    assert client_of(cast.alice).post(f"/conversions/{private.pk}/delete/").status_code == 404
    for user in (cast.alice, cast.bob):
        assert history.page_of(user, {}).conversions == []


def test_a_whole_download_starts_the_hour_and_a_part_does_not(private: Conversion, cast: Cast) -> None:
    client, address = client_of(cast.bob), f"/conversions/{private.pk}/download/"
    b"".join(client.get(address, headers={"Range": "bytes=0-99"}).streaming_content)
    next(iter(client.get(address).streaming_content))  # left after the first block
    private.refresh_from_db()
    if private.output_bytes > BLOCK:
        assert private.downloaded_at is None

    b"".join(client.get(address).streaming_content)
    private.refresh_from_db()
    assert private.downloaded_at is not None
    assert retention.gone_at(private) == private.downloaded_at + timedelta(hours=1)
    assert retention.erase_due() == 0
    Conversion.objects.update(downloaded_at=F("downloaded_at") - timedelta(hours=1, seconds=1))
    assert retention.erase_due() == 1
    assert not Conversion.objects.exists()


def test_after_a_day_it_goes_by_itself_and_others_stay(private: Conversion, submit: Submit) -> None:
    kept = submit()
    Conversion.objects.update(created_at=F("created_at") - timedelta(hours=23, minutes=59))
    assert retention.erase_due() == 0
    Conversion.objects.update(created_at=F("created_at") - timedelta(minutes=2))
    assert retention.erase_due() == 1
    assert list(Conversion.objects.all()) == [kept]


def test_a_retake_inherits_the_clock_of_its_recording(private: Conversion, cast: Cast, voice) -> None:
    Conversion.objects.update(created_at=F("created_at") - timedelta(hours=23, minutes=59))
    take = private
    for _ in range(2):
        take.refresh_from_db()
        order = actions.Order(ConvertParameters(output_format="wav_16000", enable_logging=False))
        take = actions.submit(cast.bob, cast.team, sources.of_conversion(take), voice, order)
    private.refresh_from_db()
    assert retention.gone_at(take) == retention.gone_at(private)
    assert retention.erase_due() == 0
    Conversion.objects.exclude(source_since=None).update(source_since=F("source_since") - timedelta(minutes=2))
    assert retention.erase_due() == 2
    assert list(Conversion.objects.all()) == [private]


def test_nothing_is_left_anywhere(cast: Cast, voice, scripted, redis_url: str, caplog, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    scripted.script(Behaviour(), Behaviour(status=400))
    for data in (wav(), lengthless(wav())):  # understood at the door, and by a worker
        audio = SimpleUploadedFile(f"{SECRET_NAME}.wav", data)
        given = {"audio": audio, "voice": voice.pk, "output_format": "wav_16000", "zero_retention": "on"}
        assert client_of(cast.bob).post("/", given).status_code == 303
        work_all()
    ids = list(Conversion.objects.order_by("created_at").values_list("pk", flat=True))
    assert [*Conversion.objects.order_by("created_at").values_list("status", flat=True)] == ["ready", "failed"]
    Conversion.objects.update(created_at=F("created_at") - timedelta(hours=25))
    assert retention.erase_due() == 2

    assert not Event.objects.exists()
    for call in Call.objects.all():
        assert (call.request_id, call.history_item_id, call.error, call.conversion) == ("", "", "", None)
        assert call.seconds == pytest.approx(1.0)  # the ledger stays true
    identifiers = [name for pk in ids for name in (str(pk), pk.hex)]
    traces = [SECRET_NAME.encode(), *(name.encode() for name in identifiers), wav()[44:200]]
    if connection.vendor == "sqlite":
        database = Path(str(connection.settings_dict["NAME"]))
        for file in database.parent.glob(f"{database.name}*"):
            # By another process: to close it here would take away all locks that SQLite holds on it (fcntl(2)).
            content = subprocess.run(["cat", file], stdout=subprocess.PIPE, check=True).stdout
            assert not any(trace in content for trace in traces), file
    for path in tmp_path.rglob("*"):
        assert not any(identifier in str(path) for identifier in identifiers)
        assert path.is_dir() or not any(trace in path.read_bytes() for trace in traces)
    with Redis.from_url(redis_url) as redis:
        for key in redis.scan_iter():
            dumped = redis.dump(key) or b""
            assert not any(trace in dumped for trace in traces)
    assert caplog.records
    assert not [line for line in caplog.text.splitlines() if any(trace.decode("latin-1") in line for trace in traces)]

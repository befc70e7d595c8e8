"""What is left of an audition after a day, and of one with zero retention."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import F
from django.test import Client

from conversions.models import Conversion, Event, Recording
from conversions.upkeep import retention
from tests.conversions.conftest import Submit, work_all
from tests.conversions.views.conftest import begin_audition
from tests.support.sound import wav
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


def files_of(settings) -> list[str]:
    folder = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return [str(path) for path in folder.rglob("*") if path.is_file()]


def test_after_a_day_nothing_of_it_is_left_but_what_was_converted(alice: Client, voices: list[Voice], settings) -> None:
    address = begin_audition(alice, voices[:2])["Location"]
    alice.post(f"{address}convert/", {"voice": voices[0].pk})
    work_all()
    assert retention.forget_recordings() == 0
    Recording.objects.update(source_since=F("source_since") - timedelta(hours=25))
    assert retention.forget_recordings() == 1
    assert Conversion.objects.get().status == "ready"
    folders = Path(settings.STORAGES["default"]["OPTIONS"]["location"], "conversions").iterdir()
    assert [folder.name for folder in folders] == [str(Conversion.objects.get().pk)]
    assert alice.get(address).status_code == 404


def test_with_zero_retention_no_name_is_kept(alice: Client, voices: list[Voice], endpoint: Endpoint) -> None:
    Endpoint.objects.update(zero_retention=True)
    address = begin_audition(alice, voices[:1], zero_retention="on")["Location"]
    alice.post(f"{address}convert/", {"voice": voices[0].pk})
    assert Recording.objects.get().name == ""
    for conversion in Conversion.objects.all():
        assert not conversion.enable_logging
        assert "harbour" not in conversion.title + conversion.source_name
    assert not any(event.data for event in Event.objects.all())


def test_with_zero_retention_it_goes_with_the_last_that_was_converted_of_it(
    alice: Client, voices: list[Voice], settings
) -> None:
    address = begin_audition(alice, voices[:1], zero_retention="on")["Location"]
    alice.post(f"{address}convert/", {"voice": [voices[0].pk, voices[1].pk]})
    work_all()
    page = alice.get(address).content.decode()
    assert "nothing of it is kept" in page
    assert "is kept as always" not in page
    first, last = Conversion.objects.filter(audition_of=None)
    assert alice.post(f"/conversions/{first.pk}/delete/").status_code == 303
    assert Recording.objects.exists()
    b"".join(alice.get(f"/conversions/{last.pk}/download/").streaming_content)
    assert retention.erase_due() == 0
    Conversion.objects.update(downloaded_at=F("downloaded_at") - timedelta(hours=1, seconds=1))
    assert retention.erase_due() == 1
    assert not Recording.objects.exists()
    assert not Conversion.objects.exists()
    assert files_of(settings) == []


def test_what_is_tried_of_a_zero_retention_one_has_no_more_time_than_that(
    alice: Client, submit: Submit, voices: list[Voice], settings
) -> None:
    private = submit(data=wav(12.0), enable_logging=False)
    Conversion.objects.update(created_at=F("created_at") - timedelta(hours=23))
    begun = {"take": f"conversion:{private.pk}", "voice": voices[0].pk}
    address = alice.post("/", {**begun, "do": "audition"})["Location"]
    alice.post(f"{address}convert/", {"voice": voices[0].pk})
    private.refresh_from_db()
    of_it = Conversion.objects.exclude(recording=None).get()
    assert of_it.source_since == Recording.objects.get().source_since == private.created_at
    Conversion.objects.update(created_at=F("created_at") - timedelta(hours=2))
    Conversion.objects.exclude(source_since=None).update(source_since=F("source_since") - timedelta(hours=2))
    assert retention.erase_due() == 2
    assert not Recording.objects.exists()
    assert files_of(settings) == []

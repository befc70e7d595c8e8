"""The other formats on the conversion's page, with and without a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from conversions import actions
from conversions.files import durable
from conversions.models import Conversion, Export, Step
from conversions.upkeep import retention
from s2s.formats import OUTPUT_FORMATS
from tests.conversions.conftest import Submit, work_all
from tests.conversions.views.conftest import As
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_it_is_asked_for_waited_for_and_downloaded(alice: Client, ready: Conversion) -> None:
    page, address = f"/conversions/{ready.pk}/", f"/conversions/{ready.pk}/exports/"
    first = alice.get(page).content.decode()
    assert first.count("<option") == len(OUTPUT_FORMATS) - 1
    assert 'value="wav_16000"' not in first
    assert "every 1s" not in first

    answer = alice.post(address, {"output_format": "mp3_44100_192"})
    assert (answer.status_code, answer["Location"]) == (303, f"{page}#exports")
    waiting = alice.get(page).content.decode()
    assert "MP3, best quality" in waiting
    assert "every 1s" in waiting
    assert alice.get(f"{address}mp3_44100_192/").status_code == 404
    work_all()

    assert f'href="{address}mp3_44100_192/"' in alice.get(page).content.decode()
    download = alice.get(f"{address}mp3_44100_192/")
    assert download["Content-Type"] == "audio/mpeg"
    assert "filename*=utf-8''harbour%20news%20%E2%80%93%20Nora.mp3" in download["Content-Disposition"]
    whole = body(download)
    assert len(whole) == Export.objects.get().size
    part = alice.get(f"{address}mp3_44100_192/", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert body(part) == whole[10:20]


def test_polling_says_204_until_something_changed(alice: Client, ready: Conversion) -> None:
    address = f"/conversions/{ready.pk}/exports/"
    answer = alice.post(address, {"output_format": "mp3_44100_128"}, headers=HTMX)
    assert (answer.status_code, answer["Location"]) == (303, f"{address}status/")
    status = f"{address}status/"
    assert "Waiting" in alice.get(status, headers=HTMX).content.decode()
    assert alice.get(status, {"seen": "mp3_44100_128:waiting"}).status_code == 204
    work_all()
    changed = alice.get(status, {"seen": "mp3_44100_128:waiting"}, headers=HTMX)
    assert changed.status_code == 200
    assert "Download" in changed.content.decode()
    assert "every 1s" not in changed.content.decode()


def test_a_poll_costs_three_queries(alice: Client, ready: Conversion, django_assert_num_queries) -> None:
    for output_format in ("mp3_44100_128", "wav_48000", "opus_48000_64"):
        alice.post(f"/conversions/{ready.pk}/exports/", {"output_format": output_format})
    with django_assert_num_queries(3):  # the session with its user; the conversion; what was made
        alice.get(f"/conversions/{ready.pk}/exports/status/", {"seen": ""})


@pytest.mark.parametrize("output_format", ["", "flac", "wav_16000"])
def test_what_can_not_be_made_is_said_in_a_sentence(alice: Client, ready: Conversion, output_format: str) -> None:
    answer = alice.post(f"/conversions/{ready.pk}/exports/", {"output_format": output_format})
    assert "Choose one of the formats in the list." in alice.get(answer["Location"]).content.decode()
    assert not Export.objects.exists()


def test_an_unfinished_one_offers_none(alice: Client, submit: Submit) -> None:
    conversion = submit()
    assert 'id="exports"' not in alice.get(f"/conversions/{conversion.pk}/").content.decode()
    answer = alice.post(f"/conversions/{conversion.pk}/exports/", {"output_format": "wav_48000"})
    assert "nothing to download yet" in alice.get(answer["Location"]).content.decode()


def test_a_failed_one_says_why_and_can_be_tried_again(alice: Client, ready: Conversion) -> None:
    path = Path(durable.open_file(ready.output).name)
    kept = path.rename(path.with_name("kept"))
    address = f"/conversions/{ready.pk}/exports/"
    alice.post(address, {"output_format": "mp3_44100_128"})
    work_all()
    page = alice.get(f"{address}status/").content.decode()
    assert "The converted file is gone from the server." in page
    assert "Try again" in page
    kept.rename(path)
    alice.post(address, {"output_format": "mp3_44100_128"})
    work_all()
    assert "Download" in alice.get(f"{address}status/").content.decode()


def test_one_whose_file_is_gone_can_be_made_anew(alice: Client, cast: Cast, ready: Conversion) -> None:
    actions.export(ready, cast.alice, "mp3_44100_128")
    work_all()
    Path(durable.open_file(Export.objects.get().file).name).unlink()
    address = f"/conversions/{ready.pk}/exports/"
    answer = alice.get(f"{address}mp3_44100_128/")
    assert answer.status_code == 404
    assert "made again" in answer.content.decode()
    assert not Export.objects.exists()
    alice.post(address, {"output_format": "mp3_44100_128"})
    work_all()
    assert Export.objects.get().step.status == Step.Status.DONE


def test_members_have_it_made_and_viewers_download_it(as_: As, cast: Cast, ready: Conversion) -> None:
    page, address = f"/conversions/{ready.pk}/", f"/conversions/{ready.pk}/exports/"
    assert as_(cast.victor).post(address, {"output_format": "mp3_44100_128"}).status_code == 403
    assert "Other formats" not in as_(cast.victor).get(page).content.decode()
    assert as_(cast.bob).post(address, {"output_format": "mp3_44100_128"}).status_code == 303
    work_all()
    seen = as_(cast.victor).get(page).content.decode()
    assert f"{address}mp3_44100_128/" in seen
    assert "Make it" not in seen
    assert "Make it" in as_(cast.bob).get(page).content.decode()
    Step.objects.filter(kind=Step.Kind.EXPORT).update(status=Step.Status.FAILED)
    assert "Try again" not in as_(cast.victor).get(f"{address}status/").content.decode()
    assert "Try again" in as_(cast.bob).get(f"{address}status/").content.decode()
    Step.objects.filter(kind=Step.Kind.EXPORT).update(status=Step.Status.DONE)
    for user, status in ((cast.bob, 200), (cast.victor, 200), (cast.mallory, 404)):
        assert as_(user).get(f"{address}mp3_44100_128/").status_code == status
    assert as_(cast.mallory).post(address, {"output_format": "wav_48000"}).status_code == 404
    assert as_(cast.mallory).get(f"{address}status/").status_code == 404
    Conversion.objects.update(only_me=True)
    assert as_(cast.bob).post(address, {"output_format": "wav_48000"}).status_code == 404
    assert as_(cast.bob).get(f"{address}mp3_44100_128/").status_code == 404
    assert Client().post(address, {"output_format": "wav_48000"}).status_code == 302


def test_a_whole_download_starts_the_hour_of_a_zero_retention_one(as_: As, cast: Cast, submit: Submit) -> None:
    conversion = submit(enable_logging=False)
    work_all()
    conversion.refresh_from_db()
    actions.export(conversion, cast.alice, "mp3_44100_128")
    work_all()
    client, address = as_(cast.alice), f"/conversions/{conversion.pk}/exports/mp3_44100_128/"
    body(client.get(address, headers={"Range": "bytes=0-99"}))
    conversion.refresh_from_db()
    assert conversion.downloaded_at is None
    assert client.get(address)["Cache-Control"] == "no-store"
    body(client.get(address))
    conversion.refresh_from_db()
    assert conversion.downloaded_at is not None
    assert retention.gone_at(conversion) == conversion.downloaded_at + retention.AFTER_DOWNLOAD

"""Several recordings and voices at once: one conversion each, together on one page."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.db.models.functions import Now
from django.test import Client

from conversions import actions
from conversions.models import Batch, Conversion
from s2s.contract import ConvertParameters
from tests.conversions.conftest import work_all
from tests.conversions.views.conftest import As, recording
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour, detail
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import wav
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marcus(endpoint: Endpoint) -> Voice:
    return Voice.objects.create(endpoint=endpoint, voice_id="marcus", name="Marcus")


def send(client: Client, names: list[str], voices: list[Voice], **fields: object) -> str:
    """The address to which the answer leads."""
    files = [recording(name) for name in names]
    response = client.post("/", {"audio": files, "voice": [voice.pk for voice in voices], **fields})
    assert response.status_code == 303, response.content.decode()
    return response["Location"]


def press(client: Client, address: str, verb: str) -> str:
    """The page after the button."""
    assert client.post(f"{address}{verb}/").status_code == 303
    return client.get(address).content.decode()


def test_every_recording_in_every_voice_as_one_batch(alice: Client, voice: Voice, marcus: Voice) -> None:
    address = send(alice, ["one.wav", "two.wav"], [voice, marcus])
    batch = Batch.objects.get()
    assert address == f"/batches/{batch.pk}/"
    assert sorted(batch.conversions.values_list("title", "voice_name")) == [
        ("one", "Marcus"),
        ("one", "Nora"),
        ("two", "Marcus"),
        ("two", "Nora"),
    ]
    assert 'data-state="converting"' in alice.get(address).content.decode()
    work_all()
    page = alice.get(address).content.decode()
    assert 'data-state="ready"' in page
    assert "All 4 ready" in page


def test_voices_of_one_recording_are_takes_of_it_and_share_its_bytes(
    alice: Client, voice: Voice, marcus: Voice
) -> None:
    send(alice, ["one.wav"], [voice, marcus])
    first, second = Conversion.objects.order_by("created_at", "pk")
    assert first.first_take == second.first_take
    work_all()
    actions.erase(first)
    second.refresh_from_db()
    assert second.status == "ready"
    assert b"".join(alice.get(f"/conversions/{second.pk}/source/").streaming_content) == wav()


def test_one_recording_in_one_voice_is_no_batch(alice: Client, voice: Voice) -> None:
    assert send(alice, ["one.wav"], [voice]).startswith("/conversions/")
    assert not Batch.objects.exists()


def test_recordings_that_are_sent_one_by_one_join_the_batch_that_they_name(alice: Client, voice: Voice) -> None:
    batch = str(uuid.uuid4())
    addresses = {send(alice, [f"{number}.wav"], [voice], batch=batch) for number in range(3)}
    assert addresses == {f"/batches/{batch}/"}
    assert Batch.objects.get().conversions.count() == 3


def test_nobody_joins_a_batch_of_others(cast: Cast, as_: As, alice: Client, voice: Voice) -> None:
    batch = str(uuid.uuid4())
    send(alice, ["one.wav"], [voice], batch=batch)
    for user in (cast.bob, cast.mallory):
        response = as_(user).post("/", {"audio": recording(), "voice": voice.pk, "batch": batch})
        assert response.status_code == 403
    assert Conversion.objects.count() == 1
    assert as_(cast.bob).get(f"/batches/{batch}/").status_code == 200
    for page in ("", "status/", "download/"):
        assert as_(cast.mallory).get(f"/batches/{batch}/{page}").status_code == 404
    for verb in ("cancel/", "retry/"):
        assert as_(cast.mallory).post(f"/batches/{batch}/{verb}").status_code == 404


def test_one_bad_file_is_named_and_none_is_taken(alice: Client, voice: Voice) -> None:
    files = [recording("good.wav"), recording("empty.wav", b"")]
    response = alice.post("/", {"audio": files, "voice": voice.pk})
    assert response.status_code == 422
    assert "empty.wav: This file is empty." in response.content.decode()
    assert not Conversion.objects.exists()


def test_more_than_anyone_means_is_refused_with_a_sentence(alice: Client, endpoint: Endpoint) -> None:
    Voice.objects.bulk_create(Voice(endpoint=endpoint, voice_id=f"v{n}", name=f"V{n}") for n in range(101))
    ids = list(Voice.objects.values_list("pk", flat=True))
    response = alice.post("/", {"audio": [recording(), recording()], "voice": ids})
    assert response.status_code == 422
    assert "more than 200 conversions" in response.content.decode()
    assert not Conversion.objects.exists()


def test_all_results_come_in_one_zip_under_their_names(alice: Client, voice: Voice, marcus: Voice) -> None:
    address = send(alice, ["one.wav", "one.wav"], [voice], output_format="wav_16000")
    assert alice.get(f"{address}download/").status_code == 404  # nothing is ready yet
    work_all()
    response = alice.get(f"{address}download/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == ["one – Nora (2).wav", "one – Nora.wav"]
    results = {
        b"".join(alice.get(f"/conversions/{c.pk}/download/").streaming_content) for c in Conversion.objects.all()
    }
    assert {archive.read(name) for name in archive.namelist()} == results


def test_no_name_leads_out_of_the_folder_it_is_unpacked_in(alice: Client, voice: Voice) -> None:
    address = send(alice, ["one.wav", "two.wav"], [voice], output_format="wav_16000")
    work_all()
    Conversion.objects.filter(title="one").update(title=r"..\..\Startup\x: y?", voice_name="../../../evil")
    Conversion.objects.filter(title="two").update(title="AC/DC")
    response = alice.get(f"{address}download/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert sorted(archive.namelist()) == ["-..-Startup-x- y- – -..-..-evil.wav", "AC-DC – Nora.wav"]
    name = response["Content-Disposition"]
    assert not set("/\\:?") & set(unquote(name.partition("''")[2]))
    one = Conversion.objects.get(title="AC/DC")
    assert "AC-DC%20%E2%80%93%20Nora.wav" in alice.get(f"/conversions/{one.pk}/download/")["Content-Disposition"]


def test_a_result_that_is_gone_does_not_spoil_the_others(alice: Client, voice: Voice) -> None:
    from django.core.files.storage import default_storage

    address = send(alice, ["one.wav", "two.wav"], [voice])
    work_all()
    default_storage.delete(Conversion.objects.get(title="one").output)
    response = alice.get(f"{address}download/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert archive.namelist() == ["two – Nora.mp3"]


def test_the_page_is_asked_cheaply(alice: Client, voice: Voice, django_assert_max_num_queries) -> None:
    address = send(alice, [f"{number}.wav" for number in range(20)], [voice])
    page = alice.get(address).content.decode()
    seen = page.partition("status/?seen=")[2].partition('"')[0]
    with django_assert_max_num_queries(4):
        assert alice.get(f"{address}status/?seen={seen}").status_code == 204
    work_all()
    changed = alice.get(f"{address}status/?seen={seen}", headers={"HX-Request": "true"})
    assert changed.status_code == 200
    assert changed["HX-Refresh"] == "true"


def test_the_rest_is_cancelled_and_what_failed_is_retried(
    alice: Client, voice: Voice, scripted: ScriptedEndpoint
) -> None:
    scripted.script(Behaviour(status=400, body=detail("odd", "Odd.")))
    address = send(alice, ["one.wav", "two.wav"], [voice])
    work_all()
    assert sorted(Conversion.objects.values_list("status", flat=True)) == ["failed", "ready"]
    assert "1 ready, 1 failed" in alice.get(address).content.decode()
    assert "1 recording is tried again." in press(alice, address, "retry")
    assert "1 recording was cancelled." in press(alice, address, "cancel")
    assert sorted(Conversion.objects.values_list("status", flat=True)) == ["cancelled", "ready"]


def test_retrying_all_never_pays_twice(alice: Client, voice: Voice) -> None:
    Endpoint.objects.update(billed=True)
    address = send(alice, ["one.wav", "two.wav"], [voice])
    Conversion.objects.update(status="failed", error_code="answer_not_audio")
    assert "may have been billed" in press(alice, address, "retry")
    assert set(Conversion.objects.values_list("status", flat=True)) == {"failed"}
    Endpoint.objects.update(billed=False)
    assert "2 recordings are tried again." in press(alice, address, "retry")


def test_what_is_for_one_person_is_not_in_a_colleagues_batch(cast: Cast, as_: As, alice: Client, voice: Voice) -> None:
    address = send(alice, ["one.wav", "two.wav"], [voice], only_me="on")
    assert "one" in alice.get(address).content.decode()
    bob = as_(cast.bob)
    for page in ("", "status/", "download/"):
        assert bob.get(f"{address}{page}").status_code == 404
    for verb in ("cancel/", "retry/"):
        assert bob.post(f"{address}{verb}").status_code == 404
    Conversion.objects.filter(title="two").update(only_me=False)
    seen = bob.get(address).context["progress"]
    assert [row.title for row in seen.recordings] == ["two"]


def test_a_batch_of_which_nothing_is_left_is_gone(alice: Client, voice: Voice) -> None:
    address = send(alice, ["one.wav", "two.wav"], [voice], zero_retention="on")
    work_all()
    assert "All 2 ready" in alice.get(address).content.decode()
    for conversion in Conversion.objects.all():
        actions.erase(conversion)
    assert alice.get(address).status_code == 404
    assert alice.get(f"{address}status/").status_code == 404


def test_what_could_not_be_stored_is_said_and_the_rest_goes_on(
    alice: Client, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conversions.files import durable

    store = durable.store_upload
    monkeypatch.setattr(
        durable, "store_upload", lambda key, audio: _full() if audio.name == "two.wav" else store(key, audio)
    )
    address = send(alice, ["one.wav", "two.wav"], [voice])
    assert "1 recording could not be stored" in alice.get(address).content.decode()
    assert Conversion.objects.get().title == "one"


def _full() -> None:
    raise OSError(28, "No space left on device")


def test_a_batch_can_be_sent_by_program(cast: Cast, voice: Voice, marcus: Voice) -> None:
    order = actions.Order(ConvertParameters())
    accepted = actions.submit_all(cast.alice, cast.team, [recording()], [voice, marcus], order)
    assert (len(accepted.conversions), accepted.not_stored) == (2, 0)
    assert accepted.batch == accepted.conversions[1].batch


def zip_names(client: Client, address: str) -> list[str]:
    content = b"".join(client.get(f"{address}download/").streaming_content)
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_the_order_in_which_files_were_chosen_is_kept_whichever_arrives_first(
    alice: Client, voice: Voice, marcus: Voice
) -> None:
    batch = str(uuid.uuid4())
    for place in (2, 0, 1):
        address = send(alice, [f"chosen {place}.wav"], [voice, marcus], batch=batch, place=place)
    page = alice.get(address).content.decode()
    assert re.findall(r"<bdi>(chosen \d)</bdi>", page) == ["chosen 0", "chosen 1", "chosen 2"]
    work_all()
    names = zip_names(alice, address)
    assert [name[:8] for name in names] == ["chosen 0"] * 2 + ["chosen 1"] * 2 + ["chosen 2"] * 2
    voices_of = [name.removesuffix(".mp3").rsplit(" ", 1)[1] for name in names]
    assert voices_of == voices_of[:2] * 3


def test_without_a_script_the_order_of_the_form_is_kept(alice: Client, voice: Voice, marcus: Voice) -> None:
    names = [f"chosen {number}.wav" for number in (3, 1, 2)]
    address = send(alice, names, [voice, marcus])
    Conversion.objects.filter(title="chosen 3").update(created_at=Now() + timedelta(seconds=5))
    page = alice.get(address).content.decode()
    assert re.findall(r"<bdi>(chosen \d)</bdi>", page) == ["chosen 3", "chosen 1", "chosen 2"]


@pytest.mark.parametrize("place", ["-1", "x", "9" * 40])
def test_a_place_that_no_page_sends_is_refused(alice: Client, voice: Voice, place: str) -> None:
    response = alice.post("/", {"audio": recording(), "voice": voice.pk, "place": place})
    assert response.status_code == 422
    assert not Conversion.objects.exists()


def test_what_only_its_creator_sees_is_marked_in_every_list(alice: Client, voice: Voice, marcus: Voice) -> None:
    words = "Only you can see it</span>"
    marked = {"/history/": 2, "/": 1, send(alice, ["mine.wav"], [voice, marcus], only_me="on"): 1}
    marked[f"/conversions/{Conversion.objects.first().pk}/"] = 2  # its takes
    for address, count in marked.items():
        page = alice.get(address).content.decode()
        assert page.replace('<span class="soft for-you">Only you can see it.', "").count(words) == count, address
    Conversion.objects.update(only_me=False)
    for address in marked:
        assert words not in alice.get(address).content.decode()

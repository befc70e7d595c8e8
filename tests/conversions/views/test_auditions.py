"""Auditions: ten seconds in several voices, quick, private, never in the history."""

from __future__ import annotations

import errno
import io
import sys
import threading
import wave
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.test import Client

from conversions import actions
from conversions.files import durable
from conversions.models import Conversion, Recording, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from tests.conversions.conftest import Submit, work_all
from tests.conversions.views.conftest import HUGE, As, begin_audition, recording
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Endpoint, Voice, VoiceModel

auditioning = sys.modules["conversions.actions.audition"]
pytestmark = pytest.mark.django_db(transaction=True)


def passage_of(conversion: Conversion, client: Client) -> float:
    """Seconds of what was sent."""
    data = b"".join(client.get(f"/conversions/{conversion.pk}/source/").streaming_content)
    with wave.open(io.BytesIO(data)) as file:
        return file.getnframes() / file.getframerate()


def test_ten_seconds_of_it_in_each_voice(alice: Client, voices: list[Voice]) -> None:
    response = begin_audition(alice, voices[:3], output_format="ulaw_8000")
    kept = Recording.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/auditions/{kept.pk}/")
    work_all()
    auditions = list(kept.auditions.all())
    assert [(a.status, a.output_format) for a in auditions] == [("ready", "mp3_44100_128")] * 3
    assert {passage_of(a, alice) for a in auditions} == {10.0}
    page = alice.get(response["Location"]).content.decode()
    assert 'data-state="ready"' in page
    for audition in auditions:
        assert f"/conversions/{audition.pk}/download/?play=1" in page


def test_it_goes_ahead_of_what_waits(alice: Client, submit: Submit, voices: list[Voice]) -> None:
    submit()
    begin_audition(alice, voices[:1])
    found = claim(Lane.CPU)
    assert found is not None
    assert Conversion.objects.get(pk=found.conversion_id).audition_of_id
    assert set(Step.objects.values_list("priority", flat=True)) == {Step.AUDITION, Step.NORMAL}


def test_it_is_nowhere_in_the_history_and_nobody_elses(cast: Cast, as_: As, alice: Client, voices: list[Voice]) -> None:
    begin_audition(alice, voices[:1])
    work_all()
    kept = Recording.objects.get()
    audition = kept.auditions.get()
    assert str(audition.pk) not in alice.get("/history/").content.decode()
    assert alice.get("/").context["earlier"] == []
    for user in (cast.bob, cast.mallory):
        for page in ("", f"{audition.pk}/", "source/"):
            assert as_(user).get(f"/auditions/{kept.pk}/{page}").status_code == 404
        assert as_(user).post(f"/auditions/{kept.pk}/convert/").status_code == 404
        assert as_(user).get(f"/conversions/{audition.pk}/download/").status_code == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"data": b"These are words, not a recording.\n" * 50}, "recording"),
        ({"data": b""}, "This file is empty."),
        ({"start": "-1"}, "Enter seconds"),
        ({"start": "soon"}, "Enter seconds"),
    ],
)
def test_what_can_not_be_tried_is_said_at_its_field(
    alice: Client, voices: list[Voice], fields: dict[str, object], words: str, settings
) -> None:
    response = begin_audition(alice, voices[:1], **fields)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Recording.objects.exists()
    assert not Conversion.objects.exists()
    assert not list(Path(settings.STORAGES["default"]["OPTIONS"]["location"]).rglob("source"))


def test_six_voices_and_one_recording_at_most(alice: Client, voices: list[Voice]) -> None:
    assert "At most 6 voices" in begin_audition(alice, voices).content.decode()
    two = [recording("one.wav"), recording("two.wav")]
    response = alice.post("/", {"audio": two, "voice": voices[0].pk, "do": "audition"})
    assert "one recording at a time" in response.content.decode()
    assert not Recording.objects.exists()


def test_another_passage_takes_the_place_of_the_first(alice: Client, voices: list[Voice]) -> None:
    address = begin_audition(alice, voices[:2])["Location"]
    work_all()
    before = set(Conversion.objects.values_list("pk", flat=True))
    response = alice.post(address, {"voice": [v.pk for v in voices[1:3]], "start": "9"})
    assert response.status_code == 303
    work_all()
    kept = Recording.objects.get()
    assert not before & set(Conversion.objects.values_list("pk", flat=True))
    assert {a.voice_name for a in kept.auditions.all()} == {voices[1].name, voices[2].name}
    assert {passage_of(a, alice) for a in kept.auditions.all()} == {10.0}  # the end, not beyond it
    assert alice.post(address, {"voice": [], "start": "1"}).status_code == 422


@pytest.mark.parametrize("start", ["x", "-1", "1e18", "1e400", "nan", "inf"])
def test_a_passage_begins_at_seconds(alice: Client, voices: list[Voice], start: str, caplog) -> None:
    address = begin_audition(alice, voices[:1])["Location"]
    response = alice.post(address, {"voice": voices[0].pk, "start": start})
    assert response.status_code == 422
    assert "Enter seconds, such as 12.5." in response.content.decode()
    assert not [line for line in caplog.records if line.exc_info]


@pytest.mark.parametrize("pk", HUGE)
def test_a_voice_that_can_not_be_is_no_longer_offered(alice: Client, voices: list[Voice], pk: str) -> None:
    address = begin_audition(alice, voices[:1])["Location"]
    response = alice.post(address, {"voice": pk})
    assert response.status_code == 422
    assert "no longer offered" in response.content.decode()
    assert alice.post(f"{address}convert/", {"voice": pk}).status_code == 422


def test_all_of_it_in_the_voices_that_won(alice: Client, voices: list[Voice]) -> None:
    address = begin_audition(alice, voices[:3], output_format="wav_16000", seed="5")["Location"]
    work_all()
    response = alice.post(f"{address}convert/", {"voice": voices[1].pk})
    work_all()
    whole = Conversion.objects.get(audition_of=None)
    assert response["Location"] == f"/conversions/{whole.pk}/"
    assert (whole.status, whole.voice, whole.output_format, whole.seed) == ("ready", voices[1], "wav_16000", 5)
    assert whole.source_duration_s == pytest.approx(12.0)
    assert (whole.title, whole.only_me) == ("harbour news", False)
    both = alice.post(f"{address}convert/", {"voice": [voices[0].pk, voices[2].pk]})
    assert both["Location"].startswith("/batches/")
    assert alice.post(f"{address}convert/").status_code == 422


def test_the_studio_opens_with_it_and_its_options(alice: Client, voices: list[Voice]) -> None:
    begin_audition(alice, voices[:1], seed="5", own_settings="on", stability="0.9")
    kept = Recording.objects.get()
    form = alice.get(f"/?take=recording:{kept.pk}").context["form"]
    assert (form.initial["seed"], form.initial["stability"]) == (5, 0.9)
    again = alice.post("/", {"take": f"recording:{kept.pk}", "voice": voices[0].pk, "do": "audition"})
    assert again.status_code == 303


def test_an_earlier_recording_is_tried_without_an_upload_and_what_wins_is_a_take_of_it(
    alice: Client, submit: Submit, voices: list[Voice]
) -> None:
    first = submit(data=wav(12.0))
    address = alice.post("/", {"take": f"conversion:{first.pk}", "voice": voices[1].pk, "do": "audition"})["Location"]
    alice.post(f"{address}convert/", {"voice": voices[1].pk})
    assert Conversion.objects.get(audition_of=None, voice=voices[1]).take_of == first.pk


def test_what_a_try_costs_is_said_before(alice: Client, voices: list[Voice]) -> None:
    assert "each voice costs" not in alice.get("/").content.decode()
    Endpoint.objects.update(billed=True, credits_per_minute=1000)
    assert "At Testers each voice costs about 167 credits." in alice.get("/").content.decode()


def test_while_a_passage_is_decoded_the_database_is_for_others(
    alice: Client, voices: list[Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    decode = auditioning.excerpt
    monkeypatch.setattr(auditioning, "give_back", lambda: steps.append("give back"))
    monkeypatch.setattr(
        auditioning, "excerpt", lambda *given, **how: (steps.append("decode"), decode(*given, **how))[1]
    )
    address = begin_audition(alice, voices[:1])["Location"]
    alice.post(address, {"voice": voices[0].pk, "start": "1"})
    assert steps == ["give back", "decode"] * 2


def test_when_every_core_decodes_one_is_told_to_try_again(
    alice: Client, voices: list[Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begin_audition(alice, voices[:1])["Location"]
    monkeypatch.setattr(auditioning, "PATIENCE_S", 0.01)
    monkeypatch.setattr(auditioning, "_decoders", busy := threading.BoundedSemaphore(1))
    with busy:
        for response in (alice.post(address, {"voice": voices[0].pk}), begin_audition(alice, voices[:1])):
            assert response.status_code == 503
            assert "try again in a few seconds" in response.content.decode()
    assert Recording.objects.count() == 1
    assert alice.post(address, {"voice": voices[0].pk}).status_code == 303


def test_a_full_disk_is_said_and_what_was_tried_before_is_kept(
    alice: Client, voices: list[Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begin_audition(alice, voices[:1])["Location"]
    work_all()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "store_upload", full)
    monkeypatch.setattr(durable, "duplicate", full)
    passage = alice.post(address, {"voice": voices[0].pk, "start": "1"})
    assert passage.status_code == 507
    assert "The passage could not be stored on the server." in passage.content.decode()
    assert 'data-state="ready"' in passage.content.decode()
    whole = alice.post(f"{address}convert/", {"voice": voices[0].pk})
    assert whole.status_code == 507
    assert "The recording could not be stored on the server. Nothing was converted" in whole.content.decode()


def test_an_audition_has_its_files_and_nothing_else_of_a_conversion(alice: Client, voices: list[Voice]) -> None:
    begin_audition(alice, voices[:1])
    work_all()
    audition = Conversion.objects.get()
    address = f"/conversions/{audition.pk}/"
    for page in ("", "status/", "peaks/", "peaks/source/", "exports/status/"):
        assert alice.get(f"{address}{page}").status_code == 404
    for verb in ("cancel/", "retry/", "rename/", "delete/", "restore/", "exports/"):
        data = {"title": "Another name", "output_format": "wav_48000"}
        assert alice.post(f"{address}{verb}", data).status_code == 404
    for file in ("source/", "download/"):
        assert alice.get(f"{address}{file}").status_code == 200
    take = f"conversion:{audition.pk}"
    assert "any more" in alice.get(f"/?take={take}").content.decode()
    assert alice.post("/", {"take": take, "voice": voices[0].pk}).status_code == 422
    Conversion.objects.update(deleted_at=Now())
    assert alice.post(f"{address}restore/").status_code == 404
    Conversion.objects.update(deleted_at=None)
    default_storage.delete(audition.output)
    gone = alice.get(f"{address}download/")
    assert gone.status_code == 404
    assert f'href="/auditions/{audition.audition_of_id}/"' in gone.content.decode()


@pytest.fixture
def keeper() -> Voice:
    """A voice of an endpoint that can do next to nothing."""
    keeper = Endpoint.objects.create(
        key="keeper", name="Keeper", base_url="http://127.0.0.1:1", removes_noise=False, zero_retention=False
    )
    return Voice.objects.create(endpoint=keeper, voice_id="kim", name="Kim")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"zero_retention": "on"}, "Keeper can&#x27;t promise to keep nothing."),
        ({"remove_background_noise": "on"}, "Keeper can&#x27;t remove noise."),
        ({"model": "english"}, "Keeper doesn&#x27;t have this model."),
    ],
)
def test_what_was_ordered_holds_for_every_endpoint_that_is_tried_later(
    alice: Client, voices: list[Voice], endpoint: Endpoint, keeper: Voice, option: dict[str, str], words: str
) -> None:
    VoiceModel.objects.create(endpoint=endpoint, model_id="english", name="English")
    address = begin_audition(alice, voices[:1], **option)["Location"]
    for page in (address, f"{address}convert/"):
        response = alice.post(page, {"voice": [keeper.pk], "start": "1"})
        assert response.status_code == 422
        assert words in response.content.decode()
    assert not Conversion.objects.filter(voice=keeper).exists()
    again = alice.post("/", {"take": f"recording:{Recording.objects.get().pk}", "voice": keeper.pk, **option})
    assert again.status_code == 422


def test_what_counts_for_some_voices_only_is_said(
    alice: Client, voices: list[Voice], endpoint: Endpoint, keeper: Voice
) -> None:
    here, there = ["optimize_streaming_latency"], ["seed", "speed", "optimize_streaming_latency"]
    VoiceModel.objects.create(endpoint=endpoint, model_id="here", name="Here", without_effect=here)
    VoiceModel.objects.create(endpoint=keeper.endpoint, model_id="there", name="There", without_effect=there)
    chosen = {"remove_background_noise": "on", "seed": "0", "optimize_streaming_latency": "3"}
    settings = {"own_settings": "on", "stability": "0.9", "speed": "1"}  # the speed is as every page has it
    response = alice.get(begin_audition(alice, [voices[0], keeper], **chosen, **settings)["Location"])
    assert response.context["only"] == [
        f"Seed: only with the voices of {endpoint.name}.",
        f"Remove background noise: only with the voices of {endpoint.name}.",
        f"Left out: Latency. Not available at {endpoint.name} and Keeper.",
    ]
    assert f"Seed: only with the voices of {endpoint.name}." in response.content.decode()
    alone = alice.get(begin_audition(alice, voices[:2], seed="5")["Location"])
    assert alone.context["only"] == []


def test_a_viewer_tries_nothing(cast: Cast, as_: As, voices: list[Voice]) -> None:
    assert begin_audition(as_(cast.victor), voices[:1]).status_code == 403
    assert not Recording.objects.exists()


def test_the_page_is_asked_cheaply(alice: Client, voices: list[Voice], django_assert_max_num_queries) -> None:
    address = begin_audition(alice, voices[:3])["Location"]
    voice = Recording.objects.get().auditions.order_by("created_at", "pk")[0]
    page = alice.get(address).content.decode()
    seen = page.partition(f"{voice.pk}/?seen=")[2].partition('"')[0]
    with django_assert_max_num_queries(4):
        assert alice.get(f"{address}{voice.pk}/?seen={seen}").status_code == 204
    work_all()
    changed = alice.get(f"{address}{voice.pk}/?seen={seen}")
    assert changed.status_code == 200
    assert "hx-get" not in changed.content.decode()


def test_a_model_that_is_gone_since_it_was_sent_is_left_out(cast: Cast, voices: list[Voice]) -> None:
    given = {"model_id": "gone", "output_format": "wav_16000", "seed": 3}
    kept = Recording.objects.create(team=cast.team, created_by=cast.alice, name="a", file="a", size=1, given=given)
    wanted = actions.ordered_of(kept)
    assert (wanted.model_id, wanted.output_format, wanted.seed) == (None, "wav_16000", 3)

"""A recording that is uploaded for the page of parts: kept and read, and converted once its parts have voices."""

from __future__ import annotations

import io
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from conversions import actions
from conversions.actions import retry
from conversions.files import durable
from conversions.ledger.usage import kept_bytes
from conversions.models import Call, Conversion, Event, Step
from conversions.upkeep import housekeeping, mailing
from conversions.views import parts
from tests.conversions.conftest import client_of, work_all
from tests.conversions.views.test_parts import form
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import phrase, wav
from voices.models import Endpoint, Voice

# The package has a verb under this name.
submitting = import_module("conversions.actions.submit")

pytestmark = pytest.mark.django_db(transaction=True)

LENGTH_S = 30.0


@pytest.fixture
def voices(endpoint: Endpoint) -> list[Voice]:
    return [Voice.objects.create(endpoint=endpoint, voice_id=name, name=name.title()) for name in ("iris", "otto")]


def media(settings: Any) -> Path:
    return Path(settings.STORAGES["default"]["OPTIONS"]["location"])


def keep(client: Client, data: bytes | None = None, **fields: object) -> Conversion:
    audio = io.BytesIO(phrase(LENGTH_S) if data is None else data)
    audio.name = "talk.wav"
    answer = client.post("/", {"audio": audio, "do": "parts", "output_format": "wav_16000"} | fields)
    kept = Conversion.objects.order_by("-created_at").first()
    assert kept is not None
    assert (answer.status_code, answer["Location"]) == (303, f"/conversions/{kept.pk}/parts/")
    return kept


def two(voices: list[Voice], **more: object) -> dict[str, object]:
    parts = [("0", "12", "1"), ("12", "", "2")]
    return form([("Anna", voices[0], ""), ("Ben", voices[1], "")], parts, do="convert", **more)


def test_it_is_uploaded_marked_and_converted_and_nothing_is_sent_before(
    alice: Client, voices: list[Voice], scripted: ScriptedEndpoint
) -> None:
    scripted.script(default=Behaviour(speaks=True))
    kept = keep(alice)
    work_all()
    kept.refresh_from_db()
    assert (kept.status, kept.unordered, kept.voice_name, kept.finished_at) == ("unordered", True, "", None)
    assert kept.source_duration_s == LENGTH_S
    assert not Call.objects.exists()
    page = alice.get(f"/conversions/{kept.pk}/parts/").content.decode()
    assert 'name="part-0-start"' in page
    assert "Nothing is converted before that." in page
    assert " selected>Iris" not in page
    answer = alice.post(f"/conversions/{kept.pk}/parts/", two(voices))
    assert (answer.status_code, answer["Location"]) == (303, f"/conversions/{kept.pk}/")
    work_all()
    made = Conversion.objects.get()
    assert (made.pk, made.status, made.unordered, made.voice_name) == (kept.pk, "ready", False, "Iris and Otto")
    assert made.output_duration_s == pytest.approx(LENGTH_S)
    assert made.output_format == "wav_16000"
    assert [call.conversion_id for call in Call.objects.all()] == [kept.pk] * 2
    told = alice.get(f"/conversions/{kept.pk}/").content.decode()
    assert "uploaded talk.wav, to give its parts voices of their own" in told
    assert "had it converted to Iris and Otto" in told


def test_a_voice_needs_not_be_ticked_and_none_is_shown(alice: Client, voices: list[Voice], cast: Cast) -> None:
    kept = keep(alice)
    page = alice.get("/history/").content.decode()
    assert "Not converted yet" in page
    assert f"/conversions/{kept.pk}/" in page
    assert str(kept.pk) in alice.get("/history/?state=unordered").content.decode()
    assert str(kept.pk) not in alice.get(f"/history/?voice={kept.voice_id}").content.decode()
    assert not alice.get("/history/").context["voices"]
    assert not any(card.recent for card in alice.get("/").context["cards"])
    assert alice.get(f"/conversions/{kept.pk}/")["Location"] == f"/conversions/{kept.pk}/parts/"
    viewed = client_of(cast.victor).get(f"/conversions/{kept.pk}/")
    assert viewed.status_code == 200
    assert "none yet" in viewed.content.decode()


def test_sent_twice_it_is_kept_once_and_ordered_once(alice: Client, voices: list[Voice]) -> None:
    once = "5f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"
    kept = keep(alice, once=once)
    assert keep(alice, once=once).pk == kept.pk
    page = alice.get(f"/conversions/{kept.pk}/parts/").content.decode()
    found = re.search(r'name="once" value="([0-9a-f-]{36})"', page)
    assert found is not None
    addresses = {alice.post(f"/conversions/{kept.pk}/parts/", two(voices, once=found[1]))["Location"] for _ in range(3)}
    assert addresses == {f"/conversions/{kept.pk}/"}
    assert Conversion.objects.count() == 1


def resend(client: Client, **fields: object) -> str:
    """The same request once more; where its answer leads to."""
    audio = io.BytesIO(phrase(LENGTH_S))
    audio.name = "talk.wav"
    answer = client.post("/", {"audio": audio, "do": "parts", "output_format": "wav_16000"} | fields)
    assert answer.status_code == 303
    return str(answer["Location"])


def test_sent_again_after_it_was_ordered_it_is_that_order(alice: Client, voices: list[Voice], settings: Any) -> None:
    once = "5f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"
    kept = keep(alice, once=once)
    alice.post(f"/conversions/{kept.pk}/parts/", two(voices, once="6f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"))
    assert resend(alice, once=once) == f"/conversions/{kept.pk}/"
    work_all()
    assert resend(alice, once=once) == f"/conversions/{kept.pk}/"
    assert Conversion.objects.get().pk == kept.pk
    assert [path.parent.name for path in media(settings).rglob("source")] == [str(kept.pk)]


def test_sent_again_when_other_voices_are_offered_it_is_kept_once(alice: Client, voices: list[Voice]) -> None:
    once = "5f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"
    kept = keep(alice, once=once)
    Voice.objects.filter(pk=kept.voice_id).update(hidden=True)
    assert resend(alice, once=once) == f"/conversions/{kept.pk}/parts/"
    assert Conversion.objects.count() == 1


def test_of_two_that_arrive_at_once_the_later_leaves_nothing(
    alice: Client, voices: list[Voice], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = "5f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"
    kept = keep(alice, once=once)
    Voice.objects.filter(pk=kept.voice_id).update(hidden=True)
    look, looks = submitting._made_before, []

    def too_early(*args: Any) -> Conversion | None:
        looks.append(args)
        return look(*args) if len(looks) > 1 else None

    monkeypatch.setattr(submitting, "_made_before", too_early)
    assert resend(alice, once=once) == f"/conversions/{kept.pk}/parts/"
    assert [path.parent.name for path in media(settings).rglob("source")] == [str(kept.pk)]


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_who_keeps_it_again_after_taking_it_back_gets_another(
    alice: Client, voices: list[Voice], live: bytes, verb: str
) -> None:
    once = "5f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"
    kept = keep(alice, live, once=once)
    alice.post(f"/conversions/{kept.pk}/{verb}/")
    assert keep(alice, live, once=once).pk != kept.pk


def test_sent_twice_by_an_owner_a_members_is_ordered_once(alice: Client, voices: list[Voice], cast: Cast) -> None:
    kept = keep(client_of(cast.bob))
    once = "5f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"
    answers = [alice.post(f"/conversions/{kept.pk}/parts/", two(voices, once=once)) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {f"/conversions/{kept.pk}/"}
    other = alice.post(f"/conversions/{kept.pk}/parts/", two(voices[::-1], once=once))
    take = Conversion.objects.exclude(pk=kept.pk).get()
    assert other["Location"] == f"/conversions/{take.pk}/"


def test_what_was_made_a_take_of_by_the_same_form_is_that_take(alice: Client, voices: list[Voice]) -> None:
    kept = keep(alice)
    once = "5f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"
    locations = []
    for status in ("ready", "unordered"):
        Conversion.objects.filter(pk=kept.pk).update(status=status)
        locations.append(alice.post(f"/conversions/{kept.pk}/parts/", two(voices, once=once))["Location"])
    take = Conversion.objects.exclude(pk=kept.pk).get()
    assert locations == [f"/conversions/{take.pk}/"] * 2


def test_ordered_by_another_form_in_the_same_moment_it_is_a_further_take(
    alice: Client, voices: list[Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(alice)
    order = actions.order

    def after_another(conversion: Conversion, *rest: Any) -> bool:
        monkeypatch.setattr(actions, "order", order)
        alice.post(f"/conversions/{kept.pk}/parts/", two(voices))
        return order(conversion, *rest)

    monkeypatch.setattr(actions, "order", after_another)
    answer = alice.post(f"/conversions/{kept.pk}/parts/", two(voices[::-1]))
    take = Conversion.objects.exclude(pk=kept.pk).get()
    assert (answer["Location"], take.voice_name) == (f"/conversions/{take.pk}/", "Otto and Iris")
    kept.refresh_from_db()
    assert (kept.status, kept.voice_name) == ("waiting", "Iris and Otto")


def test_converted_as_a_whole_from_the_same_page_it_is_another_one(alice: Client, voices: list[Voice]) -> None:
    once = "5f2f3f0e-8a4e-4f1c-9d5b-0c1d2e3f4a5b"
    kept = keep(alice, once=once, voice=voices[0].pk)
    audio = io.BytesIO(phrase(LENGTH_S))
    audio.name = "talk.wav"
    fields = {"audio": audio, "voice": voices[0].pk, "output_format": "wav_16000", "once": once}
    assert alice.post("/", fields)["Location"] != f"/conversions/{kept.pk}/"
    assert Conversion.objects.filter(unordered=False).count() == 1


def test_one_that_needs_a_decoder_is_waited_for(alice: Client, voices: list[Voice], live: bytes) -> None:
    kept = keep(alice, live)
    waiting = alice.get(f"/conversions/{kept.pk}/parts/").content.decode()
    assert "is being read" in waiting
    assert f"/conversions/{kept.pk}/status/?seen=" in waiting
    assert "http-equiv" in waiting
    work_all()
    kept.refresh_from_db()
    assert kept.status == "unordered"
    polled = alice.get(f"/conversions/{kept.pk}/status/?seen=x")
    assert polled["HX-Refresh"] == "true"
    assert 'name="part-0-start"' in alice.get(f"/conversions/{kept.pk}/parts/").content.decode()
    first = kept.player
    assert durable.exists(first)
    alice.post(f"/conversions/{kept.pk}/parts/", form([("", voices[0], "")], [("0", "2", "1")], do="convert"))
    work_all()
    kept.refresh_from_db()
    assert durable.exists(kept.player)
    assert not durable.exists(first)


def test_one_that_is_read_while_its_page_is_made_is_not_waited_for(
    alice: Client, voices: list[Voice], live: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(alice, live)
    with_progress = parts.with_progress

    def after_reading(conversions: Any) -> Any:
        work_all()
        return with_progress(conversions)

    monkeypatch.setattr(parts, "with_progress", after_reading)
    address = f"/conversions/{kept.pk}/parts/"
    answer = alice.get(address)
    assert (answer.status_code, answer.headers.get("Location")) == (302, address)
    assert 'name="part-0-start"' in alice.get(address).content.decode()


def test_what_can_not_be_read_says_so_where_conversions_say_it(alice: Client, voices: list[Voice]) -> None:
    kept = keep(alice, b"These are words, not a recording.\n" * 50)
    work_all()
    kept.refresh_from_db()
    assert kept.status == "failed"
    assert alice.get(f"/conversions/{kept.pk}/parts/")["Location"] == f"/conversions/{kept.pk}/"
    page = alice.get(f"/conversions/{kept.pk}/")
    assert page.status_code == 200
    assert "It could not be converted." in page.content.decode()


def test_a_colleague_makes_a_take_of_it_and_an_admin_orders_it(alice: Client, voices: list[Voice], cast: Cast) -> None:
    kept = keep(alice)
    bob = client_of(cast.bob)
    assert f"/conversions/{kept.pk}/delete/" not in bob.get(f"/conversions/{kept.pk}/parts/").content.decode()
    answer = bob.post(f"/conversions/{kept.pk}/parts/", two(voices))
    kept.refresh_from_db()
    assert kept.status == "unordered"
    take = Conversion.objects.exclude(pk=kept.pk).get()
    assert answer["Location"] == f"/conversions/{take.pk}/"
    assert (take.created_by, take.take_of, take.unordered) == (cast.bob, kept.pk, False)
    for who, status in ((cast.victor, 403), (cast.mallory, 404)):
        assert client_of(who).post(f"/conversions/{kept.pk}/parts/", two(voices)).status_code == status


def test_it_counts_to_the_storage_and_can_be_deleted_and_brought_back(
    alice: Client, voices: list[Voice], cast: Cast
) -> None:
    kept = keep(alice)
    assert kept_bytes(cast.team) == kept.source_bytes
    assert f"/conversions/{kept.pk}/delete/" in alice.get(f"/conversions/{kept.pk}/parts/").content.decode()
    alice.post(f"/conversions/{kept.pk}/delete/")
    assert kept_bytes(cast.team) == 0
    assert alice.get(f"/conversions/{kept.pk}/parts/").status_code == 404
    alice.post(f"/conversions/{kept.pk}/restore/")
    kept.refresh_from_db()
    assert kept.status == "unordered"
    assert alice.post(f"/conversions/{kept.pk}/parts/", two(voices)).status_code == 303


def test_a_team_without_room_or_minutes_is_told(alice: Client, voices: list[Voice], cast: Cast) -> None:
    kept = keep(alice)
    cast.team.storage_megabytes = 1
    cast.team.save()
    audio = io.BytesIO(wav(seconds=20.0))
    audio.name = "more.wav"
    refused = alice.post("/", {"audio": audio, "do": "parts"})
    assert refused.status_code == 403
    assert Conversion.objects.count() == 1
    cast.team.storage_megabytes, cast.team.monthly_minutes = None, 0
    cast.team.save()
    assert alice.post(f"/conversions/{kept.pk}/parts/", two(voices)).status_code == 403
    kept.refresh_from_db()
    assert kept.status == "unordered"


def test_of_zero_retention_it_is_private_and_names_nothing(
    alice: Client, voices: list[Voice], cast: Cast, endpoint: Endpoint
) -> None:
    kept = keep(alice, zero_retention="on")
    assert (kept.source_name, kept.only_me, kept.enable_logging) == ("", True, False)
    assert str(kept.pk) not in alice.get("/history/").content.decode()
    assert client_of(cast.bob).get(f"/conversions/{kept.pk}/parts/").status_code == 404
    assert "will be gone for good" in alice.get(f"/conversions/{kept.pk}/parts/").content.decode()
    alice.post(f"/conversions/{kept.pk}/delete/")
    assert not Conversion.objects.exists()
    Endpoint.objects.update(zero_retention=False)
    audio = io.BytesIO(wav())
    audio.name = "talk.wav"
    refused = alice.post("/", {"audio": audio, "do": "parts", "zero_retention": "on"})
    assert refused.status_code == 422
    assert "No endpoint here can promise to keep nothing." in refused.content.decode()


def test_several_recordings_are_not_marked_at_once(alice: Client, voices: list[Voice]) -> None:
    two_files = [io.BytesIO(wav()), io.BytesIO(wav())]
    for number, audio in enumerate(two_files):
        audio.name = f"{number}.wav"
    answer = alice.post("/", {"audio": two_files, "do": "parts"})
    assert answer.status_code == 422
    assert "one recording at a time" in answer.content.decode()
    assert not Conversion.objects.exists()


def test_what_is_on_the_server_is_taken_with_other_options(
    alice: Client, voices: list[Voice], ready: Conversion
) -> None:
    answer = alice.post("/", {"take": f"conversion:{ready.pk}", "do": "parts", "output_format": "mp3_44100_128"})
    kept = Conversion.objects.exclude(pk=ready.pk).get()
    assert answer["Location"] == f"/conversions/{kept.pk}/parts/"
    assert (kept.take_of, kept.output_format) == (ready.pk, "mp3_44100_128")


def test_nobody_is_told_of_it_and_housekeeping_keeps_it(
    alice: Client, voices: list[Voice], cast: Cast, settings, mailoutbox: list[object]
) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    cast.alice.mail_when_ready = True
    cast.alice.save()
    kept = keep(alice)
    assert not kept.mail_due
    assert mailing.tell() == 0
    assert mailoutbox == []
    durable.delete_all(kept.pk)
    assert housekeeping.look_into_folders().missing == 1


def test_pressed_retry_it_is_read_again_and_still_not_ordered(
    alice: Client, voices: list[Voice], live: bytes, cast: Cast
) -> None:
    kept = keep(alice, live)
    hidden = durable.source_key(kept.pk)
    Conversion.objects.filter(pk=kept.pk).update(source="elsewhere")
    work_all()
    kept.refresh_from_db()
    assert kept.status == "failed"
    Conversion.objects.filter(pk=kept.pk).update(source=hidden, error_code="decoder_lost")
    kept.refresh_from_db()
    assert retry(kept, cast.alice)
    work_all()
    kept.refresh_from_db()
    assert (kept.status, kept.unordered) == ("unordered", True)
    assert not Step.objects.exclude(kind=Step.Kind.PREPARE).exists()
    assert not Event.objects.filter(kind=Event.Kind.SENT).exists()

"""A request that arrives twice, by a double press or because its answer was lost, is made and paid once."""

from __future__ import annotations

import uuid
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from conversions import actions
from conversions.models import Batch, Conversion, Recording
from s2s.contract import ConvertParameters
from tests.conversions.conftest import upload
from tests.conversions.views.conftest import As, recording
from tests.support.cast import Cast
from tests.support.sound import wav
from tests.support.together import at_once, meet
from voices.models import Endpoint, Voice

# The package has their verbs under these names.
auditions = import_module("conversions.actions.audition")
submitting = import_module("conversions.actions.submit")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marcus(endpoint: Endpoint) -> Voice:
    return Voice.objects.create(endpoint=endpoint, voice_id="marcus", name="Marcus")


@pytest.fixture
def once() -> str:
    return str(uuid.uuid4())


def send(client: Client, voices: list[Voice], once: str, *names: str, **fields: object) -> str:
    """The address to which the answer leads."""
    files = [recording(name, wav(12.0)) for name in names or ["harbour news.wav"]]
    given = {"audio": files, "voice": [voice.pk for voice in voices], "once": once, **fields}
    response = client.post("/", given)
    assert response.status_code == 303, response.content.decode()
    return response["Location"]


def folders(settings: Any) -> set[str]:
    place = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return {path.parent.name for path in place.rglob("source")}


def test_a_repeat_leads_to_the_same_conversion(alice: Client, voice: Voice, once: str, settings: Any) -> None:
    first = send(alice, [voice], once)
    assert send(alice, [voice], once) == first
    assert folders(settings) == {str(Conversion.objects.get().pk)}
    assert send(alice, [voice], str(uuid.uuid4())) != first


@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_who_asks_again_after_taking_it_back_gets_another(alice: Client, voice: Voice, once: str, verb: str) -> None:
    first = send(alice, [voice], once)
    assert alice.post(f"{first}{verb}/").status_code == 303
    again = send(alice, [voice], once)
    assert again != first
    assert alice.get(again).status_code == 200


def test_what_differs_is_another_wish(alice: Client, voice: Voice, marcus: Voice, once: str) -> None:
    first = send(alice, [voice], once)
    others = {
        send(alice, [marcus], once),
        send(alice, [voice], once, "another.wav"),
        send(alice, [voice], once, seed="4"),
        send(alice, [voice], once, only_me="on"),
    }
    assert len({first, *others}) == 5


def test_several_files_and_voices_are_one_batch_again(alice: Client, voice: Voice, marcus: Voice, once: str) -> None:
    address = send(alice, [voice, marcus], once, "one.wav", "two.wav", "one.wav")
    assert send(alice, [voice, marcus], once, "one.wav", "two.wav", "one.wav") == address
    assert Batch.objects.get().conversions.count() == Conversion.objects.count() == 6


def test_one_that_was_sent_alone_joins_the_batch_of_its_repeat(alice: Client, voice: Voice, once: str) -> None:
    send(alice, [voice], once)
    batch = str(uuid.uuid4())
    assert send(alice, [voice], once, batch=batch) == f"/batches/{batch}/"
    assert str(Conversion.objects.get().batch_id) == batch


def test_somebody_elses_number_leads_nowhere(cast: Cast, as_: As, alice: Client, voice: Voice, once: str) -> None:
    assert send(as_(cast.bob), [voice], once) != send(alice, [voice], once)
    assert Conversion.objects.count() == 2


def test_of_two_at_once_the_later_leaves_nothing(
    cast: Cast, voice: Voice, once: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = actions.Order(ConvertParameters(), once=uuid.UUID(once))
    with closing(upload()) as file:
        first = actions.submit(cast.alice, cast.team, file, voice, order)
    look, looks = submitting._made_before, []

    def too_early(*args: Any) -> Conversion | None:
        looks.append(args)
        return look(*args) if len(looks) > 1 else None

    monkeypatch.setattr(submitting, "_made_before", too_early)
    with closing(upload()) as file:
        assert actions.submit(cast.alice, cast.team, file, voice, order) == first
    assert folders(settings) == {str(first.pk)}


def test_an_audition_and_what_wins_it_are_made_once(alice: Client, voice: Voice, marcus: Voice, once: str) -> None:
    address = send(alice, [voice, marcus], once, do="audition")
    assert send(alice, [voice, marcus], once, do="audition") == address
    assert send(alice, [voice], once, do="audition") != address
    page = alice.get(address)
    number = page.context["once"]
    assert page.content.decode().count(f'name="once" value="{number}"') == 2
    passage = {"voice": [voice.pk, marcus.pk], "start": "1", "once": number}
    alice.post(address, passage)
    tried = set(Conversion.objects.values_list("pk", flat=True))
    alice.post(address, passage)
    assert set(Conversion.objects.values_list("pk", flat=True)) == tried
    whole = {"voice": voice.pk, "once": number}
    won = alice.post(f"{address}convert/", whole)["Location"]
    assert alice.post(f"{address}convert/", whole)["Location"] == won
    assert Conversion.objects.filter(audition_of=None).count() == 1


def test_of_two_auditions_at_once_one_is_left(
    alice: Client, voice: Voice, once: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = send(alice, [voice], once, do="audition")
    monkeypatch.setattr(auditions, "_begun_before", lambda *_: None)
    assert send(alice, [voice], once, do="audition") == address
    assert address == f"/auditions/{Recording.objects.get().pk}/"
    assert Conversion.objects.count() == 1


def test_two_passages_at_once_do_not_double_the_voices(
    cast: Cast, alice: Client, voice: Voice, marcus: Voice, once: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(alice, [voice], once, do="audition")
    kept = Recording.objects.get()
    meet(monkeypatch, auditions, "erase", before=True)
    at_once(*(partial(actions.listen, kept, cast.alice, [voice, marcus], start_s) for start_s in (0.0, 1.0)))
    assert sorted(kept.auditions.values_list("voice_name", flat=True)) == ["Marcus", "Nora"]

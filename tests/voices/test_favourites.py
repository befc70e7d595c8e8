"""Favourites, and what the Studio's cards say of a voice."""

from __future__ import annotations

import pytest
from django.test import Client

from conversions.forms.studio import StudioForm
from conversions.models import Conversion
from conversions.pages import voicecards
from tests.support.cast import Cast, make_cast
from voices.models import Endpoint, Favourite, Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def voices(db: None) -> list[Voice]:
    endpoint = Endpoint.objects.create(key="test", name="Testers", base_url="http://127.0.0.1:9")
    labels = {"gender": "female", "age": "middle_aged", "accent": "source", "something": "else"}
    return [
        Voice.objects.create(endpoint=endpoint, voice_id=name, name=name, labels=labels, position=position)
        for position, name in enumerate(["Ana", "Otis", "Vera"])
    ]


def alice(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.alice)
    return client


def cards(user) -> list[voicecards.Card]:
    return voicecards.for_studio(user, StudioForm(user=user))


def converted(cast: Cast, voice: Voice, user) -> None:
    Conversion.objects.create(
        team=cast.team, created_by=user, title="x", source="", endpoint=voice.endpoint, voice=voice, voice_name="x"
    )


def test_a_star_is_turned_on_and_off_by_each_for_themselves(cast: Cast, voices: list[Voice]) -> None:
    client = alice(cast)
    response = client.post("/voices/favourite/", {"voice": voices[1].pk})
    assert (response.status_code, response["Location"]) == (303, "/")
    assert [card.favourite for card in cards(cast.alice)] == [False, True, False]
    assert not any(card.favourite for card in cards(cast.bob))
    again = client.post("/voices/favourite/", {"voice": voices[1].pk}, headers={"HX-Request": "true"})
    assert again.status_code == 204
    assert not Favourite.objects.exists()


@pytest.mark.parametrize("voice", ["", "x", "999999", "1" * 60])
def test_a_voice_that_is_not_offered_can_not_be_one(voice: str, cast: Cast, voices: list[Voice]) -> None:
    assert alice(cast).post("/voices/favourite/", {"voice": voice}).status_code == 404


def test_at_first_the_first_is_ticked_then_what_the_person_used_last(cast: Cast, voices: list[Voice]) -> None:
    assert [card.ticked for card in cards(cast.alice)] == [True, False, False]
    converted(cast, voices[2], cast.alice)
    converted(cast, voices[1], cast.bob)
    assert [card.ticked for card in cards(cast.alice)] == [False, False, True]
    assert [card.recent for card in cards(cast.alice)] == [False, True, True]
    assert not any(card.recent for card in cards(cast.mallory))
    Voice.objects.filter(pk=voices[2].pk).update(hidden=True)
    assert [card.ticked for card in cards(cast.alice)] == [True, False]


def test_labels_are_those_that_tell_voices_apart(cast: Cast, voices: list[Voice]) -> None:
    assert cards(cast.alice)[0].labels == ["female", "middle aged"]

"""Presets: those that we bring, a person's own, the team's, and what the Studio begins with."""

from __future__ import annotations

import pytest
from django.test import Client

from conversions.forms import offers
from conversions.forms.studio import OptionsForm
from conversions.models import DefaultPreset, Preset
from tests.conversions.views.conftest import As, recording
from tests.support.cast import Cast
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)

OPTIONS = {"output_format": "wav_44100", "own_settings": "on", "stability": "0.9", "seed": "4"}


def save(client: Client, name: str = "Evening news", **fields: object):
    return client.post("/presets/", {"preset_name": name, **OPTIONS, **fields})


@pytest.mark.parametrize("offer", offers.BUILT_IN, ids=lambda offer: offer.key)
def test_what_we_bring_fills_the_form_and_can_be_sent(offer: offers.Offer, alice: Client, voice: Voice) -> None:
    form = alice.get(f"/?preset={offer.key}").context["form"]
    assert form.initial == offer.options
    form = OptionsForm(offer.options)
    assert form.is_valid()
    parameters = form.parameters
    assert parameters.output_format == offer.options["output_format"]
    assert alice.post("/", {"audio": recording(), "voice": voice.pk, **offer.options}).status_code == 303


def test_a_preset_is_saved_under_its_name_and_opens_the_studio(alice: Client, voice: Voice) -> None:
    response = save(alice)
    preset = Preset.objects.get()
    assert response["Location"] == f"/?preset={preset.key}"
    assert (preset.name, preset.shared, preset.options["stability"]) == ("Evening news", False, 0.9)
    assert '<option value="wav_44100" selected>' in alice.get(response["Location"]).content.decode()
    save(alice, seed="5")  # the same name again
    assert Preset.objects.get().options["seed"] == 5


def test_who_may_see_the_result_is_no_part_of_a_preset(cast: Cast, alice: Client) -> None:
    save(alice, zero_retention="on", only_me="on")
    preset = Preset.objects.get()
    assert not set(preset.options) & {"zero_retention", "only_me"}
    preset.options |= {"zero_retention": False, "only_me": True}
    preset.save()
    assert not set(alice.get(f"/?preset={preset.key}").context["form"].initial) & {"zero_retention", "only_me"}


def test_a_name_that_is_taken_is_said_and_both_stay(cast: Cast, as_: As, alice: Client) -> None:
    save(alice, "Morning")
    save(alice, "Evening")
    save(as_(cast.bob), "Night")  # everybody has names of their own
    evening = Preset.objects.get(name="Evening")
    response = alice.post(f"/presets/{evening.pk}/", {"preset_name": "Morning"})
    assert response.status_code == 422
    assert "There is another preset named “Morning”." in response.content.decode()
    assert alice.post(f"/presets/{evening.pk}/", {"preset_name": "Night"}).status_code == 303
    assert save(alice, "Morning", seed="6").status_code == 303
    assert Preset.objects.get(name="Morning").options["seed"] == 6


def test_within_the_studio_only_the_list_comes_back(alice: Client) -> None:
    answer = alice.post("/presets/", {"preset_name": "Mine", **OPTIONS}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "<html" not in text
    assert f'data-preset="{Preset.objects.get().key}"' in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "Give the preset a name."),
        ({"name": "x" * 61}, "At most 60 characters"),
        ({"seed": "-1"}, "Enter a whole number"),
        ({"output_format": "mp4"}, "Choose one of the list"),
    ],
)
def test_what_is_wrong_gets_a_sentence(alice: Client, fields: dict[str, str], words: str) -> None:
    response = save(alice, **fields)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Preset.objects.exists()


def test_a_recording_that_came_along_is_not_read(alice: Client) -> None:
    response = save(alice, audio=recording(data=b"x" * 2 * 1024**2))
    assert response.status_code == 413
    assert "before you choose a recording" in response.content.decode()


def test_own_ones_are_private_until_they_are_shared(cast: Cast, as_: As, alice: Client) -> None:
    save(alice)
    save(alice, "Team voice", preset_shared="on")
    names = {offer.name for offer in offers.offered(cast.bob) if offer.own}
    assert names == {"Team voice"}
    assert not [offer for offer in offers.offered(cast.mallory) if offer.own]
    shared = Preset.objects.get(shared=True)
    assert as_(cast.bob).get(f"/?preset={shared.key}").context["preset"] == shared.key
    assert as_(cast.mallory).get(f"/?preset={shared.key}").context["preset"] == ""


def test_who_may_rename_and_delete(cast: Cast, as_: As) -> None:
    save(as_(cast.bob), "Bob’s", preset_shared="on")
    preset = Preset.objects.get()
    address = f"/presets/{preset.pk}/"
    rename = {"preset_name": "Everyone’s", "preset_shared": "on"}
    assert as_(cast.mallory).post(address, rename).status_code == 404
    assert as_(cast.victor).post(address, rename).status_code == 403
    assert as_(cast.victor).post(f"{address}delete/").status_code == 403
    assert as_(cast.alice).post(address, rename).status_code == 303  # she owns the team
    preset.refresh_from_db()
    assert preset.name == "Everyone’s"
    assert as_(cast.bob).post(address, {"preset_name": ""}).status_code == 422
    assert as_(cast.bob).post(f"{address}delete/").status_code == 303
    assert not Preset.objects.exists()


def test_a_viewer_saves_nothing(cast: Cast, as_: As) -> None:
    assert save(as_(cast.victor)).status_code == 403
    assert not Preset.objects.exists()


def test_the_studio_begins_with_ones_default(cast: Cast, as_: As, alice: Client) -> None:
    alice.post("/presets/default/", {"key": "phone"})
    assert alice.get("/").context["preset"] == "phone"
    assert as_(cast.bob).get("/").context["preset"] == ""
    assert "Your Studio begins with it" in alice.get("/presets/").content.decode()
    alice.post("/presets/default/", {"key": ""})
    assert alice.get("/").context["preset"] == ""
    alice.post("/presets/default/", {"key": "own-99999"})
    assert not DefaultPreset.objects.exists()


def test_a_default_that_is_deleted_is_a_default_no_longer(alice: Client) -> None:
    save(alice)
    preset = Preset.objects.get()
    alice.post("/presets/default/", {"key": preset.key})
    assert alice.get("/").context["preset"] == preset.key
    alice.post(f"/presets/{preset.pk}/delete/")
    assert not DefaultPreset.objects.exists()
    assert alice.get("/").status_code == 200

"""Every parameter of the contract is reachable from the Studio, checked, and sent as the contract writes it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversions.forms.offers import options_of
from conversions.forms.studio import OptionsForm
from conversions.models import Conversion
from conversions.templatetags.options import chosen_words
from conversions.templatetags.takes import differs_from
from s2s.contract import ConvertParameters
from s2s.formats import OUTPUT_FORMATS
from s2s.voice_settings import VOICE_PARAMETERS
from tests.conversions.conftest import client_of, work_all
from tests.support.cast import Cast
from tests.support.sound import wav
from voices import abilities
from voices.models import Endpoint, Voice, VoiceModel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(cast: Cast, voice, endpoint: Endpoint):
    Endpoint.objects.update(zero_retention=True)
    VoiceModel.objects.create(endpoint=endpoint, model_id="eleven_english_sts_v2", name="English")
    client = Client()
    client.force_login(cast.alice)

    def post(**fields: object):
        return client.post("/", {"audio": SimpleUploadedFile("a.wav", wav()), "voice": voice.pk, **fields})

    return post


def sent(scripted) -> tuple[dict[str, str], dict[str, str]]:
    work_all()
    request = next(request for request in scripted.requests if request.method == "POST")
    return dict(request.query), request.fields


def test_everything_that_can_be_chosen_arrives_at_the_endpoint(post, scripted) -> None:
    settings = {"stability": "0.25", "similarity_boost": "1", "style": "0", "speed": "1.1", "use_speaker_boost": "on"}
    rest = {"remove_background_noise": "on", "seed": "4294967295", "optimize_streaming_latency": "3"}
    asked = {"model": "eleven_english_sts_v2", "own_settings": "on", "zero_retention": "on"}
    answer = post(output_format="wav_16000", **asked, **settings, **rest)
    assert answer.status_code == 303
    assert sent(scripted) == (
        {"output_format": "wav_16000", "optimize_streaming_latency": "3", "enable_logging": "false"},
        {
            "model_id": "eleven_english_sts_v2",
            "voice_settings": (
                '{"stability":0.25,"similarity_boost":1.0,"style":0.0,"use_speaker_boost":true,"speed":1.1}'
            ),
            "seed": "4294967295",
            "remove_background_noise": "true",
        },
    )


def test_how_strongly_noise_is_removed_is_sent_to_who_says_that_it_heeds_it(post, scripted, endpoint: Endpoint) -> None:
    asked = {"remove_background_noise": "on", "noise_reduction_db": "12", "output_format": "wav_16000"}
    assert post(**asked).status_code == 303
    assert sent(scripted)[1]["voice_settings"] == '{"noise_reduction_db":12.0}'
    conversion = Conversion.objects.get()
    assert chosen_words(conversion) == [("Remove background noise", "yes, by 12 dB at most")]
    assert options_of(conversion)["noise_reduction_db"] == 12
    assert not options_of(conversion)["own_settings"]


@pytest.mark.parametrize("names", [["noise_reduction_db"], ["remove_background_noise"], None])
def test_nobody_else_is_sent_how_strongly(post, scripted, endpoint: Endpoint, names: list[str] | None) -> None:
    """Not who hasn't said so, nor who removes none, nor who has told of no model."""
    VoiceModel.objects.all().delete()
    if names is not None:
        without_effect(endpoint, names=names)
    parameters = ConvertParameters.model_validate(
        {"remove_background_noise": True, "voice_settings": {"noise_reduction_db": 12, "style": 0.5}}
    )
    heeded = abilities.heeded(endpoint, parameters)
    assert heeded.voice_settings is not None
    assert heeded.voice_settings.model_dump(exclude_none=True) == {"style": 0.5}


@pytest.mark.parametrize(
    "asked",
    [{"noise_reduction_db": "12"}, {"noise_reduction_db": "12", "own_settings": "on"}, {"noise_reduction_db": "40"}],
)
def test_without_removal_and_at_its_full_strength_none_is_sent(post, scripted, asked: dict[str, str]) -> None:
    removal = {} if asked["noise_reduction_db"] == "12" else {"remove_background_noise": "on"}
    assert post(**asked, **removal, output_format="wav_16000").status_code == 303
    assert "noise_reduction_db" not in sent(scripted)[1].get("voice_settings", "")


def test_what_was_not_touched_is_not_sent(post, scripted) -> None:
    assert post(stability="0.9", output_format="wav_16000").status_code == 303
    assert sent(scripted) == ({"output_format": "wav_16000"}, {"model_id": "eleven_multilingual_sts_v2"})


def test_raw_pcm_goes_in_as_it_is(post, scripted, client) -> None:
    raw = wav()[44:]
    answer = post(audio=SimpleUploadedFile("a.raw", raw), file_format="pcm_s16le_16", output_format="pcm_16000")
    assert answer.status_code == 303
    assert sent(scripted)[1]["file_format"] == "pcm_s16le_16"
    conversion = Conversion.objects.get()
    assert (conversion.status, conversion.source_duration_s) == ("ready", pytest.approx(1.0))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stability", "1.5"),
        ("similarity_boost", "-1"),
        ("style", "x"),
        ("speed", "0.5"),
        ("noise_reduction_db", "41"),
        ("seed", "-1"),
        ("seed", "4294967296"),
        ("seed", "9" * 5000),
        ("model", "no_such_model"),
        ("optimize_streaming_latency", "5"),
        ("file_format", "mp3"),
        ("output_format", "mp3_1"),
    ],
)
def test_what_is_out_of_range_is_said_at_its_field(post, field: str, value: str) -> None:
    answer = post(**{field: value})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert not Conversion.objects.exists()


def test_what_the_endpoint_cannot_do_is_refused_at_its_field(post) -> None:
    Endpoint.objects.update(zero_retention=False, removes_noise=False)
    other = Endpoint.objects.create(key="other", name="Other", base_url="http://127.0.0.1:1")
    VoiceModel.objects.create(endpoint=other, model_id="theirs", name="Theirs")
    answer = post(zero_retention="on", remove_background_noise="on", model="theirs")
    assert answer.status_code == 422
    assert answer.context["form"].errors == {
        "remove_background_noise": ["Testers can't remove noise."],
        "zero_retention": ["Testers can't promise to keep nothing."],
        "model": ["Testers doesn't have this model."],
    }


def without_effect(*endpoints: Endpoint, names: list[str]) -> None:
    for endpoint in endpoints:
        VoiceModel.objects.update_or_create(
            endpoint=endpoint, model_id="theirs", defaults={"name": "Theirs", "without_effect": names}
        )


EVERYTHING = {
    "own_settings": "on",
    "stability": "0.25",
    "style": "0.5",
    "speed": "1.1",
    "use_speaker_boost": "on",
    "seed": "7",
    "optimize_streaming_latency": "3",
}


def test_what_has_no_effect_is_neither_sent_nor_promised(post, scripted, endpoint: Endpoint) -> None:
    VoiceModel.objects.all().delete()
    without_effect(endpoint, names=["model_id", "speed", "use_speaker_boost", "seed", "optimize_streaming_latency"])
    assert post(**EVERYTHING, model="theirs", output_format="wav_16000").status_code == 303
    query, fields = sent(scripted)
    assert query == {"output_format": "wav_16000"}
    assert fields == {
        "model_id": "eleven_multilingual_sts_v2",
        "voice_settings": '{"stability":0.25,"style":0.5}',
    }
    conversion = Conversion.objects.get()
    assert dict(chosen_words(conversion)) == {"Voice settings": "Stability 25%, Style 50%"}


def test_nothing_is_left_of_settings_that_all_have_no_effect(post, scripted, endpoint: Endpoint) -> None:
    VoiceModel.objects.all().delete()
    without_effect(endpoint, names=["speed", "use_speaker_boost"])
    assert post(own_settings="on", speed="1.2", output_format="wav_16000").status_code == 303
    assert "voice_settings" not in sent(scripted)[1]
    assert Conversion.objects.get().voice_settings is None


def test_what_the_chosen_model_ignores_counts_not_what_another_one_does(post, scripted, endpoint: Endpoint) -> None:
    without_effect(endpoint, names=["seed"])
    assert post(seed="7", model="theirs", output_format="wav_16000").status_code == 303
    assert sent(scripted)[1] == {"model_id": "theirs"}


def test_of_two_endpoints_each_gets_what_it_heeds(cast: Cast, voice, endpoint: Endpoint) -> None:
    plain = Endpoint.objects.create(key="plain", name="Plain", base_url="http://127.0.0.1:1", removes_noise=False)
    other = Voice.objects.create(endpoint=plain, voice_id="kim", name="Kim")
    VoiceModel.objects.create(endpoint=endpoint, model_id="english", name="English")
    without_effect(plain, names=["seed", "style"])
    client = Client()
    client.force_login(cast.alice)
    wishes = {"remove_background_noise": "on", "model": "english", **EVERYTHING}
    audio = SimpleUploadedFile("a.wav", wav())
    assert client.post("/", {"audio": audio, "voice": [voice.pk, other.pk], **wishes}).status_code == 303
    here, there = (Conversion.objects.get(voice=one) for one in (voice, other))
    assert (here.remove_background_noise, here.model_id, here.seed) == (True, "english", 7)
    assert (there.remove_background_noise, there.model_id, there.seed) == (False, "", None)
    assert there.voice_settings == {"stability": 0.25, "speed": 1.1, "use_speaker_boost": True}
    # What tells the two takes apart is what differs in truth.
    assert "Seed: not set" in differs_from(there, here)


def test_a_choice_that_costs_nothing_asks_for_no_models(
    cast: Cast, voice, endpoint: Endpoint, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        assert abilities.heeded(endpoint, ConvertParameters(output_format="wav_16000")).output_format == "wav_16000"


def test_every_output_format_is_offered_in_words() -> None:
    from conversions.words.formats import FORMAT_CHOICES

    offered = [name for _group, choices in FORMAT_CHOICES for name, _words in choices]
    assert sorted(offered) == sorted(OUTPUT_FORMATS)


def test_every_voice_parameter_of_the_contract_has_its_field(cast: Cast, voice: Voice) -> None:
    page = client_of(cast.alice).get("/").content.decode()
    for name, parameter in VOICE_PARAMETERS.items():
        field: Any = OptionsForm.base_fields[name]
        assert (field.label, field.initial) == (parameter.told.label, parameter.told.begins)
        assert (getattr(field, "min_value", None), getattr(field, "max_value", None)) == (
            parameter.least,
            parameter.most,
        )
        assert page.count(f'name="{name}"') == 1


def test_without_scripts_what_no_ticked_voice_has_is_hidden_by_a_rule_of_its_own(cast: Cast, voice: Voice) -> None:
    rules = client_of(cast.alice).get("/offering.css")
    assert rules["Content-Type"] == "text/css; charset=utf-8"
    hidden = re.findall(r"\[data-option=(\w+)\]", rules.content.decode())
    offered = re.findall(r'data-option="(\w+)"', client_of(cast.alice).get("/").content.decode())
    assert sorted(hidden) == sorted(set(offered) | {"own_settings"})

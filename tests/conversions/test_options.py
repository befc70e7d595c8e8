"""Every parameter of the contract is reachable from the Studio, checked, and sent as the contract writes it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversions.models import Conversion
from s2s.contract import OUTPUT_FORMATS
from tests.conversions.conftest import work_all
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Endpoint, VoiceModel

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
    answer = post(
        output_format="wav_16000",
        model="eleven_english_sts_v2",
        own_settings="on",
        stability="0.25",
        similarity_boost="1",
        style="0",
        speed="1.1",
        use_speaker_boost="on",
        remove_background_noise="on",
        seed="4294967295",
        zero_retention="on",
        optimize_streaming_latency="3",
    )
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


def test_every_output_format_is_offered_in_words() -> None:
    from conversions.formats import FORMAT_CHOICES

    offered = [name for _group, choices in FORMAT_CHOICES for name, _words in choices]
    assert sorted(offered) == sorted(OUTPUT_FORMATS)

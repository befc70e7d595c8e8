"""The catalogue: endpoints of the environment, voices in step with their endpoint, previews as our own copies."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import wav
from voices import catalogue
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


def keep_sound(scripted: ScriptedEndpoint, sound: bytes | None = None, name: str = "sound") -> str:
    """Where the endpoint hands it out."""
    (scripted.ledger.folder / name).write_bytes(wav(0.2) if sound is None else sound)
    scripted.ledger.history.append({"history_item_id": name})
    return f"{scripted.url}/v1/history/{name}/audio"


def test_the_local_engine_is_there_without_any_key(settings) -> None:
    settings.ENGINE_URL = "http://127.0.0.1:4711"
    catalogue.ensure_endpoints()
    local = Endpoint.objects.get()
    assert (local.key, local.base_url, local.billed, local.enabled) == ("local", "http://127.0.0.1:4711", False, True)


def test_elevenlabs_comes_and_goes_with_its_key(settings) -> None:
    settings.ENDPOINT_SECRETS = {"ELEVENLABS_API_KEY": "k"}
    catalogue.ensure_endpoints()
    endpoint = Endpoint.objects.get(key="elevenlabs")
    assert (endpoint.api_key, endpoint.billed, endpoint.max_seconds, endpoint.enabled) == ("k", True, 300, True)
    settings.ENDPOINT_SECRETS = {}
    catalogue.ensure_endpoints()
    endpoint.refresh_from_db()
    assert not endpoint.enabled


def test_what_an_admin_changed_stays_but_the_address_follows_the_environment(settings) -> None:
    catalogue.ensure_endpoints()
    Endpoint.objects.update(slots=7, name="Ours")
    settings.ENGINE_URL = "http://127.0.0.1:9"
    catalogue.ensure_endpoints()
    endpoint = Endpoint.objects.get()
    assert (endpoint.slots, endpoint.name, endpoint.base_url) == (7, "Ours", "http://127.0.0.1:9")


def test_a_sync_brings_voices_and_only_the_models_that_convert(endpoint: Endpoint) -> None:
    assert catalogue.sync(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.synced_at is not None
    assert endpoint.voices.count() >= 1
    assert endpoint.voice_models.filter(hidden=False).exists()


def test_a_voice_that_vanished_is_hidden_and_comes_back(endpoint: Endpoint) -> None:
    catalogue.sync(endpoint)
    gone = Voice.objects.create(endpoint=endpoint, voice_id="gone", name="Gone")
    catalogue.sync(endpoint)
    gone.refresh_from_db()
    assert gone.hidden
    known = endpoint.voices.exclude(pk=gone.pk).first()
    Voice.objects.filter(pk=known.pk).update(hidden=True)
    catalogue.sync(endpoint)
    known.refresh_from_db()
    assert not known.hidden


def test_an_endpoint_that_does_not_answer_keeps_what_is_known(endpoint: Endpoint) -> None:
    catalogue.sync(endpoint)
    count = endpoint.voices.filter(hidden=False).count()
    endpoint.base_url = "http://127.0.0.1:1"
    endpoint.save()
    assert not catalogue.sync(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.sync_error
    assert endpoint.voices.filter(hidden=False).count() == count


def test_a_preview_is_copied_and_a_broken_one_is_left_out(endpoint: Endpoint, scripted: ScriptedEndpoint) -> None:
    good = Voice.objects.create(endpoint=endpoint, voice_id="a", name="A", preview_url=f"{scripted.url}/v1/models")
    bad = Voice.objects.create(endpoint=endpoint, voice_id="b", name="B", preview_url=f"{scripted.url}/nowhere")
    for voice in (good, bad):
        catalogue.fetch_preview(voice)
        voice.refresh_from_db()
    with default_storage.open(good.preview) as file:
        json.load(file)
    assert bad.preview == ""


def test_a_secret_is_never_in_the_row(settings) -> None:
    settings.ENDPOINT_SECRETS = {"ELEVENLABS_API_KEY": "very-secret"}
    catalogue.ensure_endpoints()
    rows = json.dumps(list(Endpoint.objects.values()), default=str)
    assert "very-secret" not in rows


def test_an_endpoint_is_asked_at_once_after_a_start_and_then_every_quarter_of_an_hour(
    endpoint: Endpoint, scripted: ScriptedEndpoint
) -> None:
    for _ in range(3):
        catalogue.sync_due()
    assert sum(request.path == "/v1/voices" for request in scripted.requests) == 1
    Endpoint.objects.update(sync_tried_at=timezone.now() - catalogue.SYNC_EVERY - timedelta(seconds=1))
    catalogue.sync_due()
    catalogue.sync_due()
    assert sum(request.path == "/v1/voices" for request in scripted.requests) == 2
    catalogue.ensure_endpoints()
    catalogue.sync_due()
    assert sum(request.path == "/v1/voices" for request in scripted.requests) == 3


# ---- what an endpoint may say ----


def lists(scripted: ScriptedEndpoint, voices: list[object], models: list[object] | None = None) -> None:
    """What the next sync is told."""
    answers = [json.dumps({"voices": voices}), json.dumps(models or [])]
    scripted.script(gets=[Behaviour(body=answer) for answer in answers])


def test_names_are_cut_and_cleaned_and_what_has_no_usable_id_is_left_out(endpoint: Endpoint, scripted) -> None:
    odd = {
        "voice_id": "odd",
        "name": "Odd\0" + "d" * 200,
        "description": "a\0b\ud800",
        "labels": {"acc\0ent": "no\0ne\ud800"},
        "preview_url": f"{scripted.url}/" + "p" * 1000,
    }
    left_out = [{"voice_id": voice_id, "name": "Left out"} for voice_id in ("v" * 150, "nul\0", "half\ud800", "")]
    model = {"model_id": "m", "name": "M" * 130, "description": "\0", "can_do_voice_conversion": True}
    lists(scripted, [*left_out, odd], [{**model, "model_id": "m" * 130}, model])
    assert catalogue.sync(endpoint)
    voice = endpoint.voices.get()
    assert (voice.voice_id, voice.name, voice.description) == ("odd", "Odd" + "d" * 117, "ab")
    assert (voice.labels, voice.preview_url) == ({"accent": "none"}, "")
    assert [(kept.model_id, kept.name) for kept in endpoint.voice_models.all()] == [("m", "M" * 120)]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"base_url": "http://127.0.0.1:1/pre?x=1"}, "address can't be read"),
        ({"secret_name": "ENDPOINT_KEY_ODD"}, "key has characters that can't be sent"),
        ({"base_url": "http://127.0.0.1:1"}, "could not be reached"),
    ],
)
def test_an_endpoint_that_cannot_be_asked_says_why_and_keeps_none_of_those_after_it(
    endpoint: Endpoint, settings, fault: dict[str, str], words: str
) -> None:
    settings.ENDPOINT_SECRETS = {"ENDPOINT_KEY_ODD": "kéy"}
    other = Endpoint.objects.create(key="other", name="Other", base_url=endpoint.base_url)
    Endpoint.objects.filter(pk=endpoint.pk).update(**fault)
    catalogue.sync_due()
    for row in (endpoint, other):
        row.refresh_from_db()
    assert words in endpoint.sync_error
    assert (endpoint.synced_at, other.sync_error) == (None, "")
    assert other.voices.exists()


def test_what_goes_wrong_here_is_told_as_well(endpoint: Endpoint, scripted, settings, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path / "file")}}
    }
    scripted.ledger.voices[0]["preview_url"] = keep_sound(scripted)
    assert not catalogue.sync(endpoint)
    endpoint.refresh_from_db()
    assert "could not be kept (NotADirectoryError)" in endpoint.sync_error
    assert endpoint.voices.count() == 2

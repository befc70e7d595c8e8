"""The catalogue: endpoints of the environment, voices in step with their endpoint, previews as our own copies."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices import catalogue
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scripted():
    with ScriptedEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(scripted: ScriptedEndpoint) -> Endpoint:
    return Endpoint.objects.create(key="test", name="Testers", base_url=scripted.url)


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

"""The catalogue: endpoints of the environment, voices in step with their endpoint."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.functions import Now

from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.voices.conftest import keep_sound
from voices import abilities, catalogue
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_local_engine_is_there_without_any_key(settings) -> None:
    settings.ENGINE_URL = "http://127.0.0.1:4711"
    catalogue.ensure_endpoints()
    local = Endpoint.objects.get()
    assert (local.key, local.base_url, local.billed, local.enabled) == ("local", "http://127.0.0.1:4711", False, True)
    assert local.removes_noise  # where it does: it says itself


def test_elevenlabs_comes_and_goes_with_its_key(settings) -> None:
    settings.ENDPOINT_SECRETS = {"ELEVENLABS_API_KEY": "k"}
    catalogue.ensure_endpoints()
    endpoint = Endpoint.objects.get(key="elevenlabs")
    assert (endpoint.api_key, endpoint.billed, endpoint.max_seconds, endpoint.enabled) == ("k", True, 300, True)
    settings.ENDPOINT_SECRETS = {}
    catalogue.ensure_endpoints()
    catalogue.ensure_endpoints()
    endpoint.refresh_from_db()
    assert not endpoint.enabled
    settings.ENDPOINT_SECRETS = {"ELEVENLABS_API_KEY": "k"}
    catalogue.ensure_endpoints()
    endpoint.refresh_from_db()
    assert endpoint.enabled


def test_elevenlabs_that_an_admin_has_switched_off_stays_off(settings) -> None:
    for secrets in ({"ELEVENLABS_API_KEY": "k"}, {}, {"ELEVENLABS_API_KEY": "k"}):
        settings.ENDPOINT_SECRETS = secrets
        catalogue.ensure_endpoints()
        Endpoint.objects.filter(key="elevenlabs", keyless=False).update(enabled=False)
    catalogue.ensure_endpoints()
    assert not Endpoint.objects.get(key="elevenlabs").enabled


def test_the_address_of_elevenlabs_follows_the_environment(settings) -> None:
    settings.ENDPOINT_SECRETS = {"ELEVENLABS_API_KEY": "k"}
    catalogue.ensure_endpoints()
    settings.ELEVENLABS_URL = "https://api.eu.residency.elevenlabs.io"
    catalogue.ensure_endpoints()
    assert Endpoint.objects.get(key="elevenlabs").base_url == "https://api.eu.residency.elevenlabs.io"


def test_the_local_engine_gets_a_long_recording_for_every_core_and_a_short_one() -> None:
    catalogue.ensure_endpoints()
    endpoint = Endpoint.objects.get()
    assert endpoint.long_slots == os.cpu_count()
    assert endpoint.slots_now == endpoint.long_slots + 1


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


def test_a_voice_that_vanished_is_hidden_and_comes_back(endpoint: Endpoint, scripted: ScriptedEndpoint) -> None:
    catalogue.sync(endpoint)
    gone = Voice.objects.create(endpoint=endpoint, voice_id="gone", name="Gone")
    catalogue.sync(endpoint)
    gone.refresh_from_db()
    assert gone.hidden
    scripted.ledger.voices.append({"voice_id": "gone", "name": "Gone"})
    catalogue.sync(endpoint)
    gone.refresh_from_db()
    assert not gone.hidden


def test_a_voice_that_an_admin_has_hidden_stays_hidden(endpoint: Endpoint, scripted: ScriptedEndpoint) -> None:
    catalogue.sync(endpoint)
    known = endpoint.voices.get(position=0)
    Voice.objects.filter(pk=known.pk).update(hidden=True)
    catalogue.sync(endpoint)
    listed = scripted.ledger.voices.pop(0)
    catalogue.sync(endpoint)
    scripted.ledger.voices.append(listed)
    catalogue.sync(endpoint)
    known.refresh_from_db()
    assert known.hidden


def test_an_endpoint_that_does_not_answer_keeps_what_is_known(endpoint: Endpoint) -> None:
    catalogue.sync(endpoint)
    count = endpoint.voices.filter(hidden=False).count()
    endpoint.base_url = "http://127.0.0.1:1"
    endpoint.save()
    assert not catalogue.sync(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.sync_error
    assert endpoint.voices.filter(hidden=False).count() == count


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
    Endpoint.objects.update(sync_tried_at=Now() - catalogue.SYNC_EVERY - timedelta(seconds=1))
    catalogue.sync_due()
    catalogue.sync_due()
    assert sum(request.path == "/v1/voices" for request in scripted.requests) == 2
    catalogue.ensure_endpoints()
    catalogue.sync_due()
    assert sum(request.path == "/v1/voices" for request in scripted.requests) == 3


def test_whether_a_model_measures_a_passage_by_the_whole_is_kept_where_it_says_so(endpoint, scripted) -> None:
    says = [("yes", {"can_take_source_speech": True}), ("odd", {"can_take_source_speech": "perhaps"}), ("nothing", {})]
    lists(
        scripted,
        [{"voice_id": "v"}],
        [{"model_id": name, "can_do_voice_conversion": True, **said} for name, said in says],
    )
    assert catalogue.sync(endpoint)
    taken = dict(endpoint.voice_models.values_list("model_id", "takes_source_speech"))
    assert taken == {"yes": True, "odd": False, "nothing": False}
    asked = {name: abilities.takes_source_speech(endpoint, name) for name in ("yes", "odd", "unknown")}
    assert asked == {"yes": True, "odd": False, "unknown": True}  # the first one is taken for what isn't there


def test_what_a_model_says_of_parameters_is_kept_in_the_contracts_words(endpoint: Endpoint, scripted) -> None:
    plain = {"model_id": "plain", "can_do_voice_conversion": True}
    honest = {
        **plain,
        "model_id": "honest",
        "can_use_style": True,
        "can_use_speaker_boost": False,
        "can_remove_background_noise": False,
        "ignored_parameters": ["seed", "speed", "no_such_parameter", "output_format"],
    }
    odd = {**plain, "model_id": "odd", "can_use_style": "perhaps", "ignored_parameters": [7, {"seed": 1}]}
    more = {**plain, "model_id": "more", "extra_parameters": ["noise_reduction_db", "no_such_parameter"]}
    lists(scripted, [{"voice_id": "v"}], [plain, honest, odd, more])
    assert catalogue.sync(endpoint)
    # What the published contract doesn't have is believed of nobody who doesn't say it.
    assert dict(endpoint.voice_models.values_list("model_id", "without_effect")) == {
        "plain": ["noise_reduction_db"],
        "honest": ["noise_reduction_db", "remove_background_noise", "seed", "speed", "use_speaker_boost"],
        "odd": ["noise_reduction_db"],
        "more": [],
    }


def test_what_was_kept_before_there_was_noise_removal_is_brought_up_to_it(endpoint: Endpoint) -> None:
    catalogue.ensure_endpoints()
    Endpoint.objects.update(removes_noise=False)
    endpoint.voice_models.create(model_id="old", name="Old", without_effect=["seed"])
    import_module("voices.migrations.0003_noise").remove_noise(apps, None)
    assert Endpoint.objects.get(key="local").removes_noise
    assert not Endpoint.objects.get(pk=endpoint.pk).removes_noise
    assert endpoint.voice_models.get(model_id="old").without_effect == ["noise_reduction_db", "seed"]


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
    assert (voice.voice_id, voice.name, voice.description) == ("odd", "Odd " + "d" * 115 + "…", "a b")
    assert (voice.labels, voice.preview_url) == ({"acc ent": "no ne"}, "")
    assert [(kept.model_id, kept.name) for kept in endpoint.voice_models.all()] == [("m", "M" * 119 + "…")]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"base_url": "http://127.0.0.1:1/pre?x=1"}, "address can't be read"),
        ({"base_url": f"http://{'a' * 64}.example"}, "address can't be read"),
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


# ---- one at a time, and none for ever ----


def asked(scripted: ScriptedEndpoint) -> int:
    return sum(request.path == "/v1/voices" for request in scripted.requests)


def until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)


@contextmanager
def syncing(scripted: ScriptedEndpoint) -> Iterator[None]:
    """Inside, a sync of everything that is due waits for its endpoint, which says nothing."""

    def run() -> None:
        catalogue.sync_due()
        connection.close()

    scripted.script(gets=[Behaviour(fault="hang")])
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        until(lambda: scripted.held)
        try:
            yield
        finally:
            scripted.release()
            running.result()


def test_a_sync_that_takes_long_is_the_only_one(endpoint: Endpoint, scripted: ScriptedEndpoint) -> None:
    with syncing(scripted):
        Endpoint.objects.update(sync_tried_at=Now() - catalogue.SYNC_EVERY * 2)
        catalogue.sync_due()
        assert not catalogue.sync(endpoint)
        assert asked(scripted) == 1
    assert catalogue.sync(endpoint)


def test_other_endpoints_are_synced_meanwhile(endpoint: Endpoint, scripted: ScriptedEndpoint) -> None:
    with syncing(scripted), ScriptedEndpoint() as quick:
        other = Endpoint.objects.create(key="other", name="Other", base_url=quick.url)
        catalogue.sync_due()
        other.refresh_from_db()
        assert other.synced_at is not None


def test_the_sync_of_a_process_that_died_is_taken_over(endpoint: Endpoint, scripted: ScriptedEndpoint) -> None:
    catalogue.sync(endpoint)
    Endpoint.objects.update(syncing_until=Now() + catalogue.SYNC_PATIENCE)
    catalogue.sync_due()
    assert asked(scripted) == 1
    Endpoint.objects.update(syncing_until=Now())
    catalogue.sync_due()
    assert asked(scripted) == 2
    endpoint.refresh_from_db()
    assert endpoint.syncing_until is None


@pytest.mark.parametrize("well", [0, 1])
def test_a_list_that_does_not_end_is_given_up(endpoint: Endpoint, scripted, monkeypatch, well: int) -> None:
    monkeypatch.setattr(catalogue, "LISTING_S", 0.3)
    scripted.script(gets=[*[Behaviour()] * well, Behaviour(fault="hang")])
    assert not catalogue.sync(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.sync_error
    assert (endpoint.synced_at, endpoint.syncing_until) == (None, None)

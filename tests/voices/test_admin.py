"""Endpoints in the admin site: what they do now stands there in words, and can be changed with one action."""

from __future__ import annotations

import html

import pytest
from django.db.models.functions import Now
from django.test import Client

from teams.models import User
from tests.support.endpoint import REVOKED, Behaviour
from tests.voices.conftest import Fail
from voices import breaker, catalogue, probes, slots
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "password"))
    return client


def listed(admin: Client) -> str:
    return html.unescape(admin.get("/admin/voices/endpoint/").content.decode())


def act(admin: Client, action: str, endpoint: Endpoint) -> None:
    admin.post("/admin/voices/endpoint/", {"action": action, "_selected_action": [str(endpoint.pk)]})
    endpoint.refresh_from_db()


def form_of(endpoint: Endpoint, **changes: object) -> dict[str, object]:
    names = ("key", "name", "base_url", "secret_name", "slots", "credits_per_minute")
    ticked = ("billed", "removes_noise", "zero_retention", "paused", "enabled")
    fields = {name: getattr(endpoint, name) for name in names}
    return fields | {name: "on" for name in ticked if getattr(endpoint, name)} | changes


def test_an_open_endpoint_says_so(admin: Client, endpoint: Endpoint) -> None:
    assert "Open." in listed(admin)
    act(admin, "pause", endpoint)
    assert endpoint.held
    assert "Paused by an admin." in listed(admin)
    act(admin, "resume", endpoint)
    assert not endpoint.held


def test_an_account_problem_is_told_with_what_the_endpoint_said(admin: Client, endpoint: Endpoint, fail: Fail) -> None:
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    page = listed(admin)
    assert "It does not accept our key since" in page
    assert "It said: 401 invalid_api_key: Invalid API key." in page
    assert "Looked at again at" in page


def test_silence_and_the_way_back_are_told(admin: Client, endpoint: Endpoint, fail: Fail, scripted) -> None:
    error = fail(Behaviour(status=503))
    for number in range(breaker.STRIKES):
        breaker.failed(endpoint.pk, error, str(number))
    assert "Not answering since" in listed(admin)
    Endpoint.objects.update(probe_at=Now())
    probes.watch()
    assert "the next recording tries whether it converts" in listed(admin)
    act(admin, "resume", endpoint)
    assert (endpoint.pause_code, endpoint.trial, endpoint.probe_at) == ("", False, None)
    assert "Open." in listed(admin)


def test_slots_that_were_learnt_are_told(admin: Client, endpoint: Endpoint) -> None:
    slots.heed(endpoint, {"maximum-concurrent-requests": "2"})
    assert "2 of 5: it took no more at" in listed(admin)


def test_a_sync_that_works_lets_a_recording_try(admin: Client, endpoint: Endpoint, fail: Fail, scripted) -> None:
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    scripted.script()
    act(admin, "sync_now", endpoint)
    assert endpoint.trial


def test_a_sync_that_is_under_way_already_is_told(admin: Client, endpoint: Endpoint, scripted) -> None:
    Endpoint.objects.update(syncing_until=Now() + catalogue.SYNC_PATIENCE, sync_error="It did not answer.")
    act(admin, "sync_now", endpoint)
    assert "Testers: its voices are being synced already" in listed(admin)
    assert scripted.requests == []


def test_saving_the_form_leaves_what_is_not_in_it_alone(admin: Client, endpoint: Endpoint, fail: Fail) -> None:
    slots.heed(endpoint, {"maximum-concurrent-requests": "2"})
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    answer = admin.post(f"/admin/voices/endpoint/{endpoint.pk}/change/", form_of(endpoint, name="Ours"))
    assert answer.status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.pause_code, endpoint.slots_now) == ("Ours", "account", 2)
    assert not Endpoint.objects.filter(probe_at__lte=Now()).exists()


def test_another_name_of_the_key_is_tried_at_once_and_other_slots_are_learnt_anew(
    admin: Client, endpoint: Endpoint, fail: Fail
) -> None:
    slots.heed(endpoint, {"maximum-concurrent-requests": "2"})
    breaker.failed(endpoint.pk, fail(REVOKED), "one")
    changes = form_of(endpoint, secret_name="ENDPOINT_KEY_OTHER", slots=4)
    admin.post(f"/admin/voices/endpoint/{endpoint.pk}/change/", changes)
    endpoint.refresh_from_db()
    assert Endpoint.objects.filter(probe_at__lte=Now()).exists()
    assert endpoint.slots_now == 4


def test_elevenlabs_that_is_switched_off_here_stays_off_whatever_becomes_of_its_key(
    admin: Client, endpoint: Endpoint, settings
) -> None:
    settings.ENDPOINT_SECRETS = {}
    Endpoint.objects.update(key="elevenlabs")
    catalogue.ensure_endpoints()
    endpoint.refresh_from_db()
    for ticked in ({"enabled": "on"}, {}):
        fields = {name: value for name, value in form_of(endpoint).items() if name != "enabled"}
        admin.post(f"/admin/voices/endpoint/{endpoint.pk}/change/", fields | ticked)
    settings.ENDPOINT_SECRETS = {"ELEVENLABS_API_KEY": "k"}
    catalogue.ensure_endpoints()
    endpoint.refresh_from_db()
    assert not endpoint.enabled


def test_a_voice_can_be_hidden_and_nothing_else_that_a_sync_would_undo(admin: Client, endpoint: Endpoint) -> None:
    catalogue.sync(endpoint)
    voice = endpoint.voices.first()
    changes = {"hidden": "on", "name": "Ours", "description": "Ours", "position": "7"}
    assert admin.post(f"/admin/voices/voice/{voice.pk}/change/", changes).status_code == 302
    catalogue.sync(endpoint)
    name, position = voice.name, voice.position
    voice.refresh_from_db()
    assert (voice.hidden, voice.name, voice.position) == (True, name, position)


def test_an_endpoint_can_be_added(admin: Client, endpoint: Endpoint) -> None:
    fields = form_of(endpoint, key="other", name="Other")
    assert admin.post("/admin/voices/endpoint/add/", fields).status_code == 302
    assert Endpoint.objects.get(key="other").slots_now == 5


@pytest.mark.parametrize(
    "address", ["http://engine:8801", "http://exa_mple.com", "https://tts.example.com/pre", "http://[::1]:9000"]
)
def test_an_address_that_the_client_takes_can_be_saved(admin: Client, endpoint: Endpoint, address: str) -> None:
    Endpoint.objects.update(base_url=address)
    endpoint.refresh_from_db()
    answer = admin.post(f"/admin/voices/endpoint/{endpoint.pk}/change/", form_of(endpoint, slots=3))
    assert answer.status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.base_url, endpoint.slots) == (address, 3)


@pytest.mark.parametrize(
    "address", ["engine:8801", "ftp://host", "http://", "http://host/?x=1", "http://host/#f", "http://.."]
)
def test_an_address_that_the_client_refuses_is_refused_with_a_sentence(
    admin: Client, endpoint: Endpoint, address: str
) -> None:
    answer = admin.post(f"/admin/voices/endpoint/{endpoint.pk}/change/", form_of(endpoint, base_url=address))
    assert "Write an address like https://host or http://host:port/path" in answer.content.decode()
    before = endpoint.base_url
    endpoint.refresh_from_db()
    assert endpoint.base_url == before


@pytest.mark.parametrize(
    "question",
    ["voices/endpoint/?pause_code__exact=%00", "conversions/conversion/?status__exact=a%00", "voices/voice/?q=%00"],
)
def test_a_nul_in_the_question_is_refused_and_breaks_nothing(admin: Client, question: str) -> None:
    assert admin.get(f"/admin/{question}").status_code == 400
    assert admin.get(f"/admin/{question.replace('%00', '%2500')}").status_code < 400


def test_the_list_costs_the_same_however_many_there_are(
    admin: Client, endpoint: Endpoint, django_assert_num_queries
) -> None:
    listed(admin)
    with django_assert_num_queries(4):
        listed(admin)
    for number in range(5):
        Endpoint.objects.create(key=f"more-{number}", name="More", base_url=endpoint.base_url, pause_code="silent")
    with django_assert_num_queries(4):
        listed(admin)


def test_limits_are_written_in_minutes_and_megabytes(admin: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_seconds=300.0, max_bytes=12_345_678)
    address = f"/admin/voices/endpoint/{endpoint.pk}/change/"
    shown = admin.get(address).context["adminform"].form
    written = {name: shown[name].value() for name in ("max_seconds", "max_bytes")}
    assert written == {"max_seconds": "5", "max_bytes": "12.35"}
    admin.post(address, form_of(endpoint, **written | {"name": "Ours"}))
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.max_seconds, endpoint.max_bytes) == ("Ours", 300.0, 12_345_678)
    admin.post(address, form_of(endpoint, max_seconds="7.5", max_bytes=""))
    endpoint.refresh_from_db()
    assert (endpoint.max_seconds, endpoint.max_bytes) == (450.0, None)


@pytest.mark.parametrize("typed", ["-1", "1e400", "nan", "five", "99999999999999999999"])
def test_a_limit_that_is_none_is_refused_at_its_field(admin: Client, endpoint: Endpoint, typed: str) -> None:
    answer = admin.post(f"/admin/voices/endpoint/{endpoint.pk}/change/", form_of(endpoint, max_bytes=typed))
    assert list(answer.context["adminform"].form.errors) == ["max_bytes"]
    assert f'value="{typed}"' in answer.content.decode()


def test_what_was_done_with_endpoints_is_said(admin: Client, endpoint: Endpoint) -> None:
    for action, said in (
        ("pause", "1 endpoint is paused: recordings wait."),
        ("resume", "1 endpoint takes recordings again."),
        ("switch_off", "1 endpoint is switched off."),
        ("switch_on", "1 endpoint is switched on."),
    ):
        act(admin, action, endpoint)
        assert said in listed(admin)

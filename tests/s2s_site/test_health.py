"""/healthz and /readyz: what is missing is named, in words, without secrets."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from s2s_site import alive, health
from teams.models import User
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.redis import running_redis
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis(settings):
    with running_redis() as url:
        settings.REDIS_URL = url
        yield


@pytest.fixture
def scripted():
    cache.clear()
    with ScriptedEndpoint() as endpoint:
        row = Endpoint.objects.create(key="test", name="Testers", base_url=endpoint.url)
        Voice.objects.create(endpoint=row, voice_id="nora", name="Nora")
        yield endpoint
    cache.clear()


def test_healthz_needs_nothing_but_the_web() -> None:
    assert Client().get("/healthz").content == b"ok"


def test_ready_when_everything_answers(redis, scripted) -> None:
    alive.say("calls")
    alive.say("cpu")
    answer = Client().get("/readyz")
    assert answer.json() == {
        "ready": True,
        "checks": dict.fromkeys(["database", "redis", "storage", "workers", "endpoint"], "ok"),
    }
    assert answer.status_code == 200


def test_a_missing_worker_is_named(redis, scripted) -> None:
    alive.say("cpu")
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["workers"] == "no living worker: calls"


def test_a_missing_redis_is_named_and_hides_its_address(settings, scripted) -> None:
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["redis"] == "Redis does not answer"
    assert b"secret" not in answer.content


def test_an_endpoint_that_does_not_answer_is_named_and_asked_anew(redis, scripted) -> None:
    row = Endpoint.objects.get()
    good, row.base_url = row.base_url, "http://127.0.0.1:1"
    row.save()
    assert Client().get("/readyz").json()["checks"]["endpoint"] == "no endpoint answers"
    row.base_url = good
    row.save()
    cache.clear()
    assert Client().get("/readyz").json()["checks"]["endpoint"] == "ok"


def test_an_endpoint_that_stays_silent_is_named_before_anyone_loses_patience(redis, scripted, monkeypatch) -> None:
    monkeypatch.setattr(health, "ENDPOINT_PATIENCE_S", 0.2)
    scripted.script(everything=Behaviour(fault="hang"))
    assert Client().get("/readyz").json()["checks"]["endpoint"] == "no endpoint answers"


def test_an_endpoint_whose_key_cannot_be_sent_is_named(redis, scripted, settings) -> None:
    settings.ENDPOINT_SECRETS = {"ENDPOINT_KEY_ODD": "kéy"}
    Endpoint.objects.update(secret_name="ENDPOINT_KEY_ODD")
    assert Client().get("/readyz").json()["checks"]["endpoint"] == "no endpoint answers"


def test_a_storage_that_refuses_is_named(redis, scripted, settings, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path / "file")}}
    }
    assert Client().get("/readyz").json()["checks"]["storage"] == "files can't be stored"


# ---- the queue ----

TOKEN = "t" * 32


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer tést"])
def test_the_queue_is_not_for_strangers(redis, settings, authorization) -> None:
    settings.HEALTH_TOKEN = TOKEN
    headers = {"Authorization": authorization} if authorization is not None else {}
    assert Client().get("/healthz/queue", headers=headers).status_code == 403


def test_no_token_is_set_means_that_none_is_right(redis, settings) -> None:
    settings.HEALTH_TOKEN = ""
    assert Client().get("/healthz/queue", headers={"Authorization": "Bearer "}).status_code == 403


@pytest.mark.parametrize(("staff", "status"), [(True, 200), (False, 403)])
def test_the_queue_is_for_staff(redis, staff: bool, status: int) -> None:
    client = Client()
    client.force_login(User.objects.create_user("vera@example.com", "password", name="Vera", is_staff=staff))
    assert client.get("/healthz/queue").status_code == status


def test_a_monitor_reads_the_queue(redis, scripted, settings) -> None:
    settings.HEALTH_TOKEN = TOKEN
    answer = Client().get("/healthz/queue", headers={"Authorization": f"Bearer {TOKEN}"})
    found = answer.json()
    assert answer.status_code == 200
    assert (found["well"], found["alarms"], found["expired"], found["oldest_s"]) == (True, {}, 0, None)
    assert [(gate["key"], gate["running"], gate["slots"]) for gate in found["gates"]] == [("", 0, None), ("test", 0, 2)]
    settings.MIN_FREE_BYTES = 2**62
    found = Client().get("/healthz/queue", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert (found["well"], list(found["alarms"])) == (False, ["disk"])

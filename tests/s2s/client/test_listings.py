"""Voices and models: never billed, so never unclear."""

from __future__ import annotations

import json
import logging

import httpx
import pytest

from s2s.client import AccountProblem, Busy, Client, NotSent, Rejected, Timeouts


def answering(status: int, content: str, content_type: str = "application/json") -> Client:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, text=content, headers={"content-type": content_type})

    return Client("http://somewhere", "a-key", transport=httpx.MockTransport(answer))


def test_voices_and_models_are_listed(endpoint, client):
    assert [voice.name for voice in client.voices()] == ["Rachel", "George"]
    models = client.models()
    assert [model.model_id for model in models] == ["eleven_multilingual_sts_v2", "eleven_english_sts_v2"]
    assert all(model.can_do_voice_conversion for model in models)
    client.ping()
    assert [request.path for request in endpoint.requests] == ["/v1/voices", "/v1/models", "/v1/models"]
    assert endpoint.requests[0].headers["xi-api-key"] == "a-key"


def test_an_odd_entry_does_not_hide_the_others(caplog):
    entries = [{"name": "no id"}, {"voice_id": "a", "name": "A"}, 7]
    with answering(200, json.dumps({"voices": entries})) as client, caplog.at_level(logging.WARNING):
        assert [voice.voice_id for voice in client.voices()] == ["a"]
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "content", ["<html>hello", "{}", "[]", '{"voices": 3}', '{"voices": [{"name": "no id"}]}', "[" * 100_000]
)
def test_what_is_no_list_of_voices_is_not_the_contract(content):
    with answering(200, content) as client, pytest.raises(Rejected) as caught:
        client.voices()
    assert caught.value.code == "not_the_contract"


def test_a_list_without_end_is_not_read_to_it(monkeypatch):
    monkeypatch.setattr("s2s.client.calls.MAX_LISTING_BYTES", 1000)
    with answering(200, "[" + " " * 5000 + "]") as client, pytest.raises(Rejected):
        client.models()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AccountProblem),
        (404, Rejected),
        (302, Rejected),
        (429, Busy),
        (500, Busy),
        (502, Busy),
        (504, Busy),
        (408, Busy),
    ],
)
def test_refusals_have_the_same_classes_but_none_is_unclear(status, kind):
    with answering(status, "") as client, pytest.raises(kind) as caught:
        client.models()
    assert type(caught.value) is kind
    assert caught.value.status_code == status


def test_nobody_there_is_not_sent():
    with Client("http://127.0.0.1:1") as client, pytest.raises(NotSent):
        client.ping()


@pytest.mark.parametrize("in_body", [False, True])
def test_a_lost_list_is_asked_for_again(in_body):
    def answer(request: httpx.Request) -> httpx.Response:
        def body():
            yield b"["
            raise httpx.ReadError("gone")

        if in_body:
            return httpx.Response(200, content=body())
        raise httpx.ReadTimeout("slow")

    with Client("http://somewhere", transport=httpx.MockTransport(answer)) as client, pytest.raises(Busy) as caught:
        client.models()
    assert caught.value.code == ("cut" if in_body else "read_timeout")


def test_a_list_has_a_deadline_too(endpoint):
    with Client(endpoint.url, timeout=Timeouts(total_s=0)) as client, pytest.raises(NotSent) as caught:
        client.models()
    assert caught.value.code == "deadline"

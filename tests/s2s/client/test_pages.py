"""Voices, history and the account, page by page, with both clients."""

from __future__ import annotations

import json

import httpx
import pytest

from s2s.client import AccountProblem, Busy, Client, Rejected
from tests.support.endpoint import Behaviour

VOICE = "21m00Tcm4TlvDq8ikWAM"
AUDIO = b"\x01\x02" * 50_000


@pytest.fixture
def many_voices(endpoint) -> None:
    endpoint.ledger.voices = [{"voice_id": f"v{n}", "name": f"Voice {n}"} for n in range(25)]


@pytest.fixture
def long_history(endpoint) -> None:
    endpoint.ledger.history = [
        {
            "history_item_id": f"h{n}",
            "date_unix": 1_700_000_000 - n,
            "voice_id": f"v{n % 2}",
            "source": "STS" if n < 20 else "TTS",
            "character_count_change_from": 100,
            "character_count_change_to": 100 + n,
            "settings": {"later": True},
        }
        for n in range(25)
    ]


def queries(endpoint) -> list[dict[str, str]]:
    return [dict(request.query) for request in endpoint.requests]


def test_one_page_of_voices(endpoint, client, many_voices):
    page = client.search_voices()
    assert (len(page.voices), page.has_more, page.total_count, page.next_token) == (10, True, 25, "10")
    page = client.search_voices("voice 2", page_size=4, next_page_token="4", include_total_count=False)
    assert [voice.voice_id for voice in page.voices] == ["v23", "v24"]
    assert (page.has_more, page.next_token) == (False, None)
    assert [request.path for request in endpoint.requests] == ["/v2/voices"] * 2
    assert queries(endpoint) == [
        {},
        {"search": "voice 2", "page_size": "4", "next_page_token": "4", "include_total_count": "false"},
    ]


def test_the_voices_of_all_pages_each_asked_for_when_needed(endpoint, client, many_voices):
    found = client.all_voices(page_size=10, sort="name", headers={"X-Trace": "t"})
    assert endpoint.requests == []
    assert next(found).voice_id == "v0"
    assert len(endpoint.requests) == 1
    assert [voice.voice_id for voice in found] == [f"v{n}" for n in range(1, 25)]
    common = {"page_size": "10", "sort": "name"}
    assert queries(endpoint) == [common, common | {"next_page_token": "10"}, common | {"next_page_token": "20"}]
    assert {request.headers["x-trace"] for request in endpoint.requests} == {"t"}
    assert len(list(client.all_voices())) == 25
    assert queries(endpoint)[-1] == {"page_size": "100"}


def test_a_page_that_fails_for_a_moment_is_asked_for_again(endpoint, client, many_voices):
    endpoint.script(gets=[Behaviour(), Behaviour(status=503), Behaviour(status=502)])
    assert len(list(client.all_voices(page_size=20))) == 25
    assert len(endpoint.requests) == 4


def test_one_voice(endpoint, client):
    assert client.voice(VOICE).name == "Rachel"
    with pytest.raises(Rejected) as caught:
        client.voice("a/b")
    assert caught.value.status_code == 404
    assert endpoint.requests[-1].path == "/v1/voices/a%2Fb"
    with pytest.raises(Rejected):
        client.voice("..")
    assert len(endpoint.requests) == 2


def test_one_page_of_history(endpoint, client, long_history):
    page = client.history(page_size=3, voice_id="v1", source="STS", start_after_history_item_id="h1")
    assert [item.history_item_id for item in page.history] == ["h3", "h5", "h7"]
    assert (page.has_more, page.next_token) == (True, "h7")
    assert (page.history[0].character_cost, page.history[0].date_unix) == (3, 1_699_999_997)
    assert queries(endpoint) == [
        {"page_size": "3", "voice_id": "v1", "source": "STS", "start_after_history_item_id": "h1"}
    ]


def test_the_history_of_all_pages(endpoint, client, long_history):
    items = list(client.history_items(page_size=8, source="STS"))
    assert [item.history_item_id for item in items] == [f"h{n}" for n in range(20)]
    assert [query.get("start_after_history_item_id") for query in queries(endpoint)] == [None, "h7", "h15"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.search_voices(page_size=101),
        lambda client: client.search_voices(sort="age"),
        lambda client: client.all_voices(page_size=0),
        lambda client: client.history(page_size=1001),
        lambda client: client.history_items(source="PD"),
    ],
)
def test_what_is_out_of_range_is_refused_before_it_is_sent(endpoint, client, ask):
    with pytest.raises(ValueError):
        ask(client)
    assert endpoint.requests == []


def test_the_subscription(endpoint, client):
    account = client.subscription()
    assert (account.tier, account.status, account.characters_left) == ("creator", "active", 98_500)


def test_audio_of_the_history_comes_as_it_was(endpoint, client):
    with client.convert(VOICE, AUDIO) as answer:
        b"".join(answer)
    item = next(iter(client.history_items(voice_id=VOICE)))
    with client.history_audio(item.history_item_id, chunk_bytes=60_000) as answer:
        assert answer.media_type == "audio/mpeg"
        assert [len(chunk) for chunk in answer] == [60_000, 40_000]
        assert answer.complete
    assert endpoint.requests[-1].path == "/v1/history/item-1/audio"
    assert endpoint.billed == 1


def test_audio_of_the_history_is_never_billed_so_never_unclear(endpoint, client):
    with client.convert(VOICE, AUDIO) as answer:
        b"".join(answer)
    endpoint.script(gets=[Behaviour(status=502), Behaviour(fault="cut_body")])
    with client.history_audio("item-1") as answer, pytest.raises(Busy) as caught:
        b"".join(answer)
    assert caught.value.code == "cut"
    for behaviour, kind in (
        (Behaviour(status=401), AccountProblem),
        (Behaviour(body="<title>Log in</title>", content_type="text/html"), Rejected),
    ):
        endpoint.script(gets=[behaviour])
        with pytest.raises(kind):
            client.history_audio("item-1")
    with pytest.raises(Rejected) as caught:
        client.history_audio("none")
    assert caught.value.code == "not_found"


def test_pages_in_a_circle_come_to_an_end():
    def answer(request: httpx.Request) -> httpx.Response:
        page = {"voices": [{"voice_id": "a"}], "has_more": True, "next_page_token": "again"}
        return httpx.Response(200, text=json.dumps(page), headers={"content-type": "application/json"})

    with Client("http://somewhere", transport=httpx.MockTransport(answer)) as client:
        found = client.all_voices()
        assert next(found).voice_id == "a"
        with pytest.raises(Rejected) as caught:
            next(found)
    assert caught.value.code == "not_the_contract"


@pytest.mark.parametrize("content", ["[]", "{}", '{"history": 3}', '{"history": [], "has_more": "perhaps"}', "no"])
def test_what_is_no_page_is_not_the_contract(content):
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=content))
    with Client("http://somewhere", transport=transport) as client:
        for ask in (client.history, client.subscription):
            with pytest.raises(Rejected) as caught:
                ask()
            assert caught.value.code == "not_the_contract"

"""What is sent, and that it is nothing else."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from s2s.client import Client, Rejected
from tests.support.endpoint import Behaviour, Endpoint

VOICE = "21m00Tcm4TlvDq8ikWAM"
AUDIO = os.urandom(100_000)


def take(answer) -> bytes:
    with answer:
        return b"".join(answer)


def test_the_other_path_is_a_setting(endpoint):
    with Client(endpoint.url, path="voice-changer") as client:
        take(client.convert(VOICE, io.BytesIO(AUDIO)))
        take(client.stream(VOICE, io.BytesIO(AUDIO)))
    assert [r.path for r in endpoint.requests] == [f"/v1/voice-changer/{VOICE}", f"/v1/voice-changer/{VOICE}/stream"]


def test_without_a_key_no_key_header_is_sent(endpoint):
    with Client(endpoint.url) as client:
        take(client.convert(VOICE, io.BytesIO(AUDIO)))
    assert "xi-api-key" not in endpoint.requests[0].headers


def test_the_whole_file_is_sent_with_its_length_wherever_it_stands(endpoint, client):
    audio = io.BytesIO(AUDIO)
    audio.seek(5_000)
    assert take(client.convert(VOICE, audio)) == AUDIO
    request = endpoint.requests[0]
    assert request.audio.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert int(request.headers["content-length"]) > len(AUDIO)
    assert "transfer-encoding" not in request.headers
    # The answer shall be stored exactly as it comes.
    assert request.headers["accept-encoding"] == "identity"


def test_what_is_spoken_elsewhere_goes_along_where_it_is_given(endpoint, client):
    take(client.convert(VOICE, AUDIO, source_speech=b"speech"))
    take(client.convert(VOICE, AUDIO))
    first, second = endpoint.requests
    assert [part.sha256 for part in first.parts if part.name == "source_speech"] == [
        hashlib.sha256(b"speech").hexdigest()
    ]
    assert first.audio.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert not any(part.name == "source_speech" for part in second.parts)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("réc 日本.wav", "réc 日本.wav"),
        ('a"b.wav', "a%22b.wav"),
        ("a\r\nX-Evil: 1.wav", "a%0D%0AX-Evil: 1.wav"),
        ("a\udcff.wav", "a?.wav"),
    ],
)
def test_file_names_go_as_given_but_cannot_break_the_form(endpoint, client, name, sent):
    take(client.convert(VOICE, io.BytesIO(AUDIO), filename=name))
    assert endpoint.requests[0].audio.filename == sent


def test_a_voice_id_cannot_change_the_path(endpoint, client):
    take(client.convert("../history?x=1#", io.BytesIO(AUDIO)))
    assert endpoint.requests[0].path == "/v1/speech-to-speech/..%2Fhistory%3Fx%3D1%23"
    for voice_id in ("", ".", ".."):
        with pytest.raises(Rejected):
            client.convert(voice_id, io.BytesIO(AUDIO))
    assert len(endpoint.requests) == 1


def test_a_recording_of_unknown_size_is_refused_before_it_is_sent(endpoint, client):
    reader, writer = os.pipe()
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe, pytest.raises(ValueError, match="seekable"):
        client.convert(VOICE, pipe)
    assert endpoint.requests == []


@pytest.mark.parametrize("base_url", ["", "localhost:8000", "ftp://host", "http://", "http://host/?a=b", "http://h:x"])
def test_an_address_that_is_none_is_refused_at_once(base_url):
    with pytest.raises(ValueError, match="address"):
        Client(base_url)


@pytest.mark.parametrize("key", ["a key", "key\n", "clé"])
def test_a_key_that_cannot_be_sent_is_refused_at_once(key):
    with pytest.raises(ValueError, match="key"):
        Client("http://127.0.0.1:1", key)


def test_a_prefix_of_the_address_is_kept():
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/pre/fix/v1/models"
        return httpx.Response(200, json=[])

    with Client("http://somewhere/pre/fix/", transport=httpx.MockTransport(answer)) as client:
        assert client.models() == []


def test_this_machine_is_never_reached_through_a_proxy(endpoint, use_proxy):
    use_proxy("http://127.0.0.1:9", "HTTP_PROXY", "http_proxy", "ALL_PROXY")
    with Client(endpoint.url) as client:
        client.ping()
    with Client(endpoint.url.replace("127.0.0.1", "localhost")) as client:
        client.ping()


def test_a_large_recording_costs_no_memory(send_large: Callable[[str], list[int]]) -> None:
    script = """
        import resource, sys
        from s2s.client import Client
        with Client(sys.argv[1]) as client, open(sys.argv[2], "rb") as audio:
            client.ping()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with client.convert("v", audio) as answer:
                assert b"".join(answer) == b"\\0\\0\\0"
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    (grown_kb,) = send_large(script)
    assert grown_kb < 24 * 1024


def test_calls_of_many_threads_share_a_client(endpoint: Endpoint, client: Client):
    endpoint.script(default=Behaviour(delay_s=0.1))
    recordings = [os.urandom(2_000) for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda audio: take(client.convert(VOICE, io.BytesIO(audio))), recordings))
    assert answers == recordings
    assert endpoint.billed == 12


def test_what_an_answer_sets_is_not_sent_with_the_next_request(endpoint, client):
    endpoint.script(Behaviour(headers={"set-cookie": "account=alice; Path=/"}))
    for _ in range(2):
        take(client.convert(VOICE, io.BytesIO(AUDIO)))
    assert ["cookie" in request.headers for request in endpoint.requests] == [False, False]

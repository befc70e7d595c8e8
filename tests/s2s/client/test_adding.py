"""A voice that is added at an endpoint: sent whole, once, and refused in the endpoint's words."""

from __future__ import annotations

import io
import json
import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from s2s.client import Client, Rejected, Unclear
from s2s.engine.uploads import receive
from tests.s2s.client.in_loop import ClientInLoop

NO_SPEECH = {"detail": {"status": "voice_sample_not_speech", "message": "Nobody was heard speaking in this sample."}}


class Taking:
    """An endpoint that answers each upload by `status` and `content`."""

    def __init__(self, status: int = 200, content: object = None) -> None:
        self.status, self.content = status, content or {"voice_id": "abc", "requires_verification": True, "new": 1}
        self.forms: list[tuple[dict[str, str], list[bytes]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/v1/voices/add")
        body = io.BytesIO(request.read())
        upload = receive(body.read, request.headers["content-type"], None, 1 << 30)
        self.forms.append((upload.fields, [sample.read() for sample in upload.samples]))
        upload.close()
        return httpx.Response(self.status, json=self.content)


def client_at(taking: Taking) -> Client:
    return Client("http://somewhere", "a-key", transport=httpx.MockTransport(taking))


def test_all_of_the_form_arrives(tmp_path: Path) -> None:
    sample = tmp_path / "jane.wav"
    sample.write_bytes(b"sound")
    taking = Taking()
    with client_at(taking) as client:
        added = client.add_voice("Jäne", sample, description="x", labels={"timbre": "t"}, remove_background_noise=True)
        client.add_voice("Joe", b"bytes")
    assert (added.voice_id, added.requires_verification) == ("abc", True)
    (fields, samples), (fewer, _samples) = taking.forms
    labels = json.loads(fields.pop("labels"))
    assert (fields, labels, samples) == (
        {"name": "Jäne", "description": "x", "remove_background_noise": "true"},
        {"timbre": "t"},
        [b"sound"],
    )
    assert fewer == {"name": "Joe"}


def test_a_refusal_has_the_endpoints_words() -> None:
    with client_at(Taking(400, NO_SPEECH)) as client, pytest.raises(Rejected) as refused:
        client.add_voice("Jane", b"hum")
    assert refused.value.code == "voice_sample_not_speech"
    assert "Nobody was heard speaking" in str(refused.value)


@pytest.mark.parametrize("content", [{}, {"voice_id": 7}, {"voice_id": ""}, []])
def test_an_answer_without_an_id_is_not_the_contract(content: object) -> None:
    taking = Taking()
    taking.content = content
    with client_at(taking) as client, pytest.raises(Rejected) as refused:
        client.add_voice("Jane", b"sound")
    assert refused.value.code == "not_the_contract"


@pytest.mark.parametrize("kind", [Client, ClientInLoop])
def test_an_answer_that_is_lost_leaves_it_open_and_is_not_asked_for_again(kind: Any) -> None:
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                connection, _address = listener.accept()
                if not (head := connection.recv(65536)):
                    return
                taken.append(head)
                connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with kind(f"http://127.0.0.1:{listener.getsockname()[1]}") as client, pytest.raises(Unclear):
            client.add_voice("Jane", b"sound")
        socket.create_connection(listener.getsockname()).close()
        thread.join(10)
    assert len(taken) == 1

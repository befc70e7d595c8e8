"""Every kind of failure, by a server that really behaves so."""

from __future__ import annotations

import io
import os
import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from s2s.client import (
    AccountProblem,
    Busy,
    Client,
    EndpointError,
    NotSent,
    Rejected,
    Timeouts,
    Unclear,
)
from tests.s2s.client.in_loop import ClientInLoop
from tests.support.endpoint import (
    SYSTEM_BUSY,
    TOO_MANY,
    Behaviour,
    Endpoint,
    detail,
    parameter_error,
)

VOICE = "21m00Tcm4TlvDq8ikWAM"
AUDIO = os.urandom(300_000)


def failure(client: Client, audio: bytes = AUDIO) -> EndpointError:
    with pytest.raises(EndpointError) as caught, client.convert(VOICE, io.BytesIO(audio)) as answer:
        for _ in answer:
            pass
    return caught.value


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose connections are taken by the kernel, and by nobody else."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


# ---- nothing was sent ----


def test_a_refused_connection_is_not_sent(connect):
    with deaf_port() as port:
        pass
    with connect(f"http://127.0.0.1:{port}") as client:
        error = failure(client)
    assert type(error) is NotSent
    assert error.code == "connect"
    assert str(error) == "The endpoint could not be reached. Nothing was sent."


def test_an_unknown_name_is_not_sent(connect):
    with connect("http://nowhere.invalid") as client:
        assert type(failure(client)) is NotSent


def test_failed_tls_is_not_sent(endpoint, connect):
    with connect(endpoint.url.replace("http:", "https:")) as client:
        assert type(failure(client)) is NotSent
    assert endpoint.requests == []


def test_a_silent_tls_handshake_is_not_sent(connect):
    with deaf_port() as port, connect(f"https://127.0.0.1:{port}", timeout=Timeouts(connect_s=0.2)) as client:
        error = failure(client)
    assert type(error) is NotSent
    assert error.code == "connect_timeout"


def test_a_proxy_that_is_down_is_not_sent(use_proxy, connect):
    with deaf_port() as port:
        pass
    use_proxy(f"http://127.0.0.1:{port}", "HTTPS_PROXY", "https_proxy")
    with connect("https://endpoint.invalid") as client:
        assert type(failure(client)) is NotSent


def test_a_proxy_that_refuses_is_not_sent(endpoint, use_proxy, connect):
    use_proxy(endpoint.url, "HTTPS_PROXY", "https_proxy")  # which knows no CONNECT
    sent = []
    with connect("https://endpoint.invalid") as client, pytest.raises(NotSent) as caught:
        client.convert(VOICE, io.BytesIO(AUDIO), on_sent=lambda: sent.append(1))
    assert caught.value.code == "proxy"
    assert sent == []


def test_a_proxy_that_hangs_up_is_not_sent(use_proxy, connect):
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def hang_up() -> None:
            proxy.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        use_proxy(f"http://127.0.0.1:{proxy.getsockname()[1]}", "HTTPS_PROXY", "https_proxy")
        with connect("https://endpoint.invalid") as client:
            assert type(failure(client)) is NotSent


def test_what_on_sent_raises_passes_through_and_nothing_is_sent(endpoint, client):
    class Refusal(OSError):
        pass

    def refuse() -> None:
        raise Refusal

    with pytest.raises(Refusal):
        client.convert(VOICE, io.BytesIO(AUDIO), on_sent=refuse)
    client.ping()
    assert [request.method for request in endpoint.requests] == ["GET"]


def test_on_sent_comes_once_and_before_the_request(endpoint, client):
    seen = []
    with client.convert(VOICE, io.BytesIO(AUDIO), on_sent=lambda: seen.append(len(endpoint.requests))) as answer:
        assert b"".join(answer) == AUDIO
    assert seen == [0]


# ---- busy ----


def test_too_many_requests_at_once_is_busy_and_says_how_many(endpoint, client):
    endpoint.script(TOO_MANY)
    error = failure(client)
    assert isinstance(error, Busy)
    assert error.kind == "too_many_concurrent_requests"
    assert error.headers["maximum-concurrent-requests"] == "3"
    assert error.retry_after_s is None


def test_a_busy_system_is_busy_for_as_long_as_it_says(endpoint, client):
    endpoint.script(
        Behaviour(status=429, body=SYSTEM_BUSY.body, headers={"retry-after": "7", "request-id": "r1"}),
    )
    error = failure(client)
    assert isinstance(error, Busy)
    assert (error.kind, error.status_code, error.retry_after_s, error.request_id) == ("system_busy", 429, 7.0, "r1")


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("body", ["", "<html><title>Oops</title>", "oops", detail("x", "oops")])
def test_500_and_503_are_busy_whatever_their_body(endpoint, client, status, body):
    endpoint.script(Behaviour(status=status, body=body, content_type="text/html"))
    error = failure(client)
    assert isinstance(error, Busy)
    assert error.kind == "system_busy"
    assert error.message.lower() in ("", "oops")


def test_an_endless_error_is_read_only_in_part():
    given = []

    def endless() -> Iterator[bytes]:
        while True:
            given.append(1000)
            yield b"x" * 1000

    transport = httpx.MockTransport(lambda request: httpx.Response(500, content=endless()))
    with Client("http://somewhere", transport=transport) as client:
        error = failure(client)
    assert isinstance(error, Busy)
    assert len(error.message) == 500
    assert sum(given) < 70_000


def test_an_error_that_breaks_off_keeps_its_class():
    def reply(request: httpx.Request) -> httpx.Response:
        def body() -> Iterator[bytes]:
            yield b"half of the wor"
            raise httpx.ReadError("gone")

        return httpx.Response(503, content=body())

    with Client("http://somewhere", transport=httpx.MockTransport(reply)) as client:
        error = failure(client)
    assert isinstance(error, Busy)
    assert error.message == "half of the wor"


# ---- the account ----


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "invalid_api_key"),
        (401, "quota_exceeded"),
        (402, "anything"),
        (400, "quota_exceeded"),
        (429, "quota_exceeded"),
    ],
)
def test_keys_and_quotas_are_problems_of_the_account(endpoint, client, status, code):
    endpoint.script(Behaviour(status=status, body=detail(code, "No more credits.")))
    error = failure(client)
    assert type(error) is AccountProblem
    assert (error.status_code, error.code, error.message) == (status, code, "No more credits.")
    assert str(error) == "The endpoint doesn't serve our account: No more credits. Nothing was converted."


def test_a_firewalls_403_is_a_problem_of_the_account_but_one_with_a_reason_is_the_requests(endpoint, client):
    endpoint.script(
        Behaviour(status=403, body="<html><title>Just a moment...</title></html>", content_type="text/html"),
        Behaviour(status=403, body=detail("output_format_not_allowed", "Your plan has no 192 kbps.")),
    )
    assert type(failure(client)) is AccountProblem
    assert type(failure(client)) is Rejected


# ---- never ----


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 501])
def test_other_4xx_are_rejections(endpoint, client, status):
    endpoint.script(Behaviour(status=status, body=detail("voice_not_found", "No such voice.")))
    error = failure(client)
    assert type(error) is Rejected
    assert (error.code, error.message) == ("voice_not_found", "No such voice.")
    assert endpoint.billed == 0


def test_a_422_names_the_field(endpoint, client):
    endpoint.script(Behaviour(status=422, body=parameter_error("body", "voice_settings", "speed", msg="at most 1.2")))
    error = failure(client)
    assert type(error) is Rejected
    assert error.message == "voice_settings.speed: at most 1.2"
    assert str(error) == "The endpoint refused the request: voice_settings.speed: at most 1.2."


def test_a_refusal_given_while_the_recording_is_still_sent_is_heard(endpoint):
    endpoint.script(Behaviour(status=413, body=detail("too_large", "Too large."), early=True))
    with Client(endpoint.url) as client:
        error = failure(client, bytes(20_000_000))
    assert type(error) is Rejected
    assert error.code == "too_large"


def test_a_refusal_with_a_reset_behind_it_may_be_unclear_in_a_loop_but_never_unbilled(endpoint):
    """asyncio drops what had arrived when a write fails; an endpoint that takes the rest of the upload is heard."""
    endpoint.script(Behaviour(status=503, early=True))
    with ClientInLoop(endpoint.url) as client:
        error = failure(client, bytes(20_000_000))
    assert (type(error), error.code) in ((Unclear, "no_answer"), (Busy, "status_503"))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(endpoint, client, status):
    endpoint.script(Behaviour(status=status, body="", headers={"location": f"{endpoint.url}/elsewhere"}))
    error = failure(client)
    assert type(error) is Rejected
    assert error.code == "redirect"
    assert "/elsewhere" in str(error)
    assert len(endpoint.requests) == 1


# ---- perhaps billed ----


@pytest.mark.parametrize("status", [408, 502, 504, 520, 524])
def test_a_gateways_failure_is_unclear(endpoint, client, status):
    endpoint.script(Behaviour(status=status, body="<html><title>Bad gateway</title>", content_type="text/html"))
    error = failure(client)
    assert type(error) is Unclear
    assert (error.status_code, error.message) == (status, "Bad gateway")


@pytest.mark.parametrize(
    ("fault", "code", "billed"),
    [
        ("reset_upload", "no_answer", 0),
        ("reset", "no_answer", 1),
        ("close", "no_answer", 1),
        ("reset_body", "cut", 1),
        ("cut_body", "cut", 1),
        ("bad_chunk", "cut", 1),
    ],
)
def test_what_breaks_after_sending_began_is_unclear(endpoint: Endpoint, client, fault, code, billed):
    endpoint.script(Behaviour(fault=fault))
    error = failure(client, bytes(20_000_000) if fault == "reset_upload" else AUDIO)
    assert type(error) is Unclear
    assert error.code == code
    assert str(error) == f"{error.happened} It may have been billed."
    assert "billed" not in error.happened
    assert endpoint.billed == billed
    assert error.request_id == ("request-1" if code == "cut" else None)


@pytest.mark.parametrize("fault", ["hang", "hang_body", "hang_upload"])
def test_silence_after_sending_began_is_unclear(endpoint, fault, connect):
    endpoint.script(Behaviour(fault=fault))
    with connect(endpoint.url, timeout=Timeouts(read_s=0.3, write_s=0.3)) as client:
        error = failure(client, bytes(20_000_000) if fault == "hang_upload" else AUDIO)
    assert type(error) is Unclear
    assert error.code == ("write_timeout" if fault == "hang_upload" else "read_timeout")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html; charset=utf-8", "<html><title>Log in</title></html>"),
        ("application/json", detail("later", "Log in")),
        ("text/plain", "Log in"),
    ],
)
def test_200_without_audio_is_unclear(endpoint, client, content_type, body):
    endpoint.script(Behaviour(body=body, content_type=content_type))
    error = failure(client)
    assert type(error) is Unclear
    assert error.code == "not_audio"
    assert "Log in" in error.message


def test_an_empty_answer_is_unclear(endpoint, client):
    error = failure(client, b"")
    assert type(error) is Unclear
    assert error.code == "empty"


def test_a_recording_that_cannot_be_read_on_is_unclear(endpoint, client):
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                raise RuntimeError("the store is gone")
            return super().read(size)

    with pytest.raises(Unclear) as caught:
        client.convert(VOICE, Broken(AUDIO))
    assert caught.value.code == "source"
    assert endpoint.billed == 0


def test_a_transport_that_doesnt_say_when_it_sends_counts_as_sent():
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone")

    sent = []
    with Client("http://somewhere", transport=httpx.MockTransport(fail)) as client, pytest.raises(Unclear):
        client.convert(VOICE, io.BytesIO(AUDIO), on_sent=lambda: sent.append(1))
    assert sent == [1]


def test_errors_survive_pickling(endpoint, client):
    endpoint.script(Behaviour(status=503, body=detail("x", "Later."), headers={"retry-after": "3"}))
    error = failure(client)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copy), str(copy), copy.retry_after_s, copy.code) == (Busy, str(error), 3.0, "x")

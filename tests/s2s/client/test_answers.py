"""The answer as it comes, and calls that are ended early."""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from s2s.client import Abort, Aborted, Client, Concurrency, EndpointError, NotSent, Rejected, Timeouts, Unclear, timers
from s2s.client.abort import Line
from s2s.client.wires import finish
from tests.s2s.client.waiting import AT_ONCE_S, abort_when, after_sending, ended_at_once, wait_until
from tests.support.endpoint import Behaviour, Endpoint

VOICE = "21m00Tcm4TlvDq8ikWAM"
AUDIO = os.urandom(300_000)


@contextmanager
def silent_server() -> Iterator[tuple[int, list[socket.socket]]]:
    """Takes connections and reads nothing."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            taken.append(listening.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1], taken
    for connection in taken:
        connection.close()


def failure(client: Client, audio: bytes = AUDIO, **options) -> EndpointError:
    """What a call ends with, wherever on the way."""
    with pytest.raises(EndpointError) as caught, client.convert(VOICE, io.BytesIO(audio), **options) as answer:
        for _ in answer:
            pass
    return caught.value


def no_line_is_left() -> bool:
    """No deadline is still running."""
    return not timers.waiting()


@pytest.fixture
def kept_lines(monkeypatch) -> list[socket.socket]:
    """The sockets of the calls that follow."""
    found: list[socket.socket] = []
    connected = Line._connected

    def watched(line, sock) -> None:
        found.append(sock)
        connected(line, sock)

    monkeypatch.setattr(Line, "_connected", watched)
    return found


# ---- whole answers ----


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("way", ["convert", "stream"])
def test_the_bytes_come_as_they_are(endpoint, client, framing, way):
    endpoint.script(Behaviour(framing=framing))
    with getattr(client, way)(VOICE, io.BytesIO(AUDIO), deadline_s=60) as answer:
        assert not answer.complete
        assert b"".join(answer) == AUDIO
        assert answer.complete
    wait_until(no_line_is_left)


def test_the_answers_headers_are_kept(endpoint, client):
    endpoint.script(
        Behaviour(
            headers={
                "current-concurrent-requests": "2",
                "maximum-concurrent-requests": "5",
                "content-type": "Audio/MPEG; q=1",
                "x-else": "kept",
            }
        ),
        Behaviour(character_cost=None, headers={"current-concurrent-requests": "many"}),
    )
    with client.convert(VOICE, io.BytesIO(AUDIO)) as answer:
        assert (answer.request_id, answer.history_item_id, answer.character_cost) == ("request-1", "item-1", 17)
        assert answer.concurrency == Concurrency(current=2, maximum=5)
        assert answer.media_type == "audio/mpeg"
        assert answer.headers["X-Else"] == "kept"
    with client.convert(VOICE, io.BytesIO(AUDIO)) as answer:
        assert answer.character_cost is None
        assert answer.concurrency == Concurrency(None, None)


def test_chunks_are_handed_over_before_the_answer_is_whole(endpoint, client):
    endpoint.script(Behaviour(fault="hang_body"))
    with client.stream(VOICE, io.BytesIO(AUDIO)) as answer:
        assert next(iter(answer))
        assert not answer.complete


def test_what_came_before_a_cut_is_handed_over(endpoint, client):
    endpoint.script(Behaviour(fault="cut_body"))
    got = []
    with client.stream(VOICE, io.BytesIO(AUDIO)) as answer, pytest.raises(Unclear):
        got.extend(answer)
    assert b"".join(got) == AUDIO[:150_000]
    assert not answer.complete


def test_a_slow_answer_within_its_time_is_whole(endpoint, client):
    endpoint.script(Behaviour(delay_s=0.2, body_delay_s=0.2))
    with client.convert(VOICE, io.BytesIO(AUDIO), deadline_s=60) as answer:
        assert b"".join(answer) == AUDIO


def test_an_answer_left_early_frees_its_connection_and_its_timer(endpoint, client):
    endpoint.script(Behaviour(fault="hang_body"))
    with client.convert(VOICE, io.BytesIO(AUDIO), deadline_s=60):
        pass
    wait_until(lambda: endpoint.ledger.in_flight == 0)
    wait_until(no_line_is_left)


def test_a_host_that_vanishes_is_found_however_long_it_may_be_silent(endpoint, client, kept_lines):
    """By the kernel's keepalives: a patient time-out wouldn't find it."""
    with client.convert(VOICE, io.BytesIO(AUDIO)):
        (sock,) = kept_lines
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle_s, every_s, most = (
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
    assert idle_s + every_s * most <= 120


# ---- answers without end ----


@pytest.mark.parametrize("way", ["convert", "stream"])
def test_one_that_has_more_than_it_may_is_broken_off_where_it_does(endpoint, client, way):
    with getattr(client, way)(VOICE, io.BytesIO(AUDIO), most_bytes=len(AUDIO)) as answer:
        assert b"".join(answer) == AUDIO

    endpoint.script(Behaviour(fault="endless"))
    taken: list[int] = []
    with (
        getattr(client, way)(VOICE, io.BytesIO(AUDIO), most_bytes=5_000_000) as answer,
        pytest.raises(Unclear) as caught,
    ):
        taken.extend(map(len, answer))
    assert 4_000_000 < sum(taken) <= 5_000_000
    assert (caught.value.code, answer.complete) == ("too_large", False)
    wait_until(lambda: endpoint.ledger.in_flight == 0)  # it hears that we have left
    wait_until(no_line_is_left)


def test_one_that_is_never_billed_is_refused_for_good(endpoint, client):
    with client.convert(VOICE, io.BytesIO(AUDIO)) as answer:
        list(answer)
    item = client.history().history[0]
    endpoint.script(gets=[Behaviour(fault="endless")])
    with pytest.raises(Rejected) as caught, client.history_audio(item.history_item_id, most_bytes=5_000_000) as answer:
        for _ in answer:
            pass
    assert caught.value.code == "too_large"


# ---- the deadline ----


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(trickle_s=0.05),
        Behaviour(trickle_s=0.05, framing="length"),
        Behaviour(trickle_s=0.05, framing="close"),
        Behaviour(fault="hang"),
        Behaviour(fault="hang_body"),
        Behaviour(fault="hang_upload"),
    ],
    ids=["trickle", "trickle with length", "trickle until close", "silence", "silence in body", "silence in upload"],
)
def test_the_deadline_ends_every_kind_of_slowness(endpoint: Endpoint, client, behaviour):
    endpoint.script(default=behaviour)
    audio = bytes(20_000_000) if behaviour.fault == "hang_upload" else AUDIO
    with ended_at_once():
        error = after_sending(lambda deadline_s: failure(client, audio, deadline_s=deadline_s))
    assert type(error) is Unclear
    assert error.code == "deadline"
    wait_until(no_line_is_left)


def test_a_total_of_the_client_is_every_calls_deadline(endpoint, connect):
    endpoint.script(default=Behaviour(fault="hang"))

    def call(total_s: float) -> EndpointError:
        with connect(endpoint.url, timeout=Timeouts(total_s=total_s)) as client:
            return failure(client)

    with ended_at_once():
        error = after_sending(call)
    assert type(error) is Unclear
    assert error.code == "deadline"


def test_a_deadline_that_is_over_sends_nothing(endpoint, client):
    with pytest.raises(NotSent) as caught:
        client.convert(VOICE, io.BytesIO(AUDIO), deadline_s=0)
    assert caught.value.code == "deadline"
    assert endpoint.requests == []


def test_a_deadline_shortens_the_time_for_connecting(connect):
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # its queue holds one: the next wait for an answer that doesn't come
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        with connect(url, timeout=Timeouts(connect_s=60)) as client, ended_at_once():
            error = failure(client, deadline_s=0.3)
    assert type(error) is NotSent


def test_a_deadline_during_the_handshake_is_not_sent(connect):
    with silent_server() as (port, _), connect(f"https://127.0.0.1:{port}") as client, ended_at_once():
        error = failure(client, deadline_s=0.3)
    assert type(error) is NotSent


# ---- aborts ----


@pytest.mark.parametrize("fault", ["hang", "hang_upload", "hang_body"])
def test_an_abort_from_another_thread_wakes_a_blocked_call(endpoint: Endpoint, fault, connect):
    endpoint.script(Behaviour(fault=fault))
    audio = bytes(20_000_000) if fault == "hang_upload" else AUDIO
    abort = Abort()
    with connect(endpoint.url) as client:
        watcher = abort_when(lambda: endpoint.requests, abort)
        with ended_at_once():
            error = failure(client, audio, abort=abort)
        watcher.join()
    assert type(error) is Unclear
    assert error.code == "aborted"
    assert abort.aborted


def test_an_abort_in_a_body_without_length_is_no_end_of_it(endpoint, client):
    endpoint.script(Behaviour(framing="close", body_delay_s=90))
    abort = Abort()
    with ended_at_once(), client.convert(VOICE, io.BytesIO(AUDIO), abort=abort) as answer:
        chunks = iter(answer)
        got = next(chunks)
        while len(got) < len(AUDIO) // 2:
            got += next(chunks)
        threading.Timer(0.2, abort.abort).start()
        with pytest.raises(Unclear) as caught:
            next(chunks)
    assert caught.value.code == "aborted"
    assert not answer.complete


def test_after_an_abort_nothing_more_is_handed_over(endpoint, client):
    abort = Abort()
    with client.convert(VOICE, io.BytesIO(bytes(5_000_000)), abort=abort) as answer:
        chunks = iter(answer)
        next(chunks)
        abort.abort()
        with pytest.raises(Unclear):
            next(chunks)


def test_an_abort_before_the_call_sends_nothing(endpoint, client):
    abort = Abort()
    abort.abort()
    with pytest.raises(Aborted):
        client.convert(VOICE, io.BytesIO(AUDIO), abort=abort)
    assert endpoint.requests == []


def test_an_abort_on_the_brink_of_sending_sends_nothing(endpoint, client):
    abort = Abort()
    with pytest.raises(Aborted):
        client.convert(VOICE, io.BytesIO(AUDIO), abort=abort, on_sent=abort.abort)
    client.ping()
    assert [request.method for request in endpoint.requests] == ["GET"]


def test_an_abort_during_the_handshake_is_an_abort_of_nothing(connect):
    abort = Abort()
    with silent_server() as (port, taken), connect(f"https://127.0.0.1:{port}") as client:
        watcher = abort_when(lambda: taken, abort)
        with ended_at_once(), pytest.raises(Aborted):
            client.convert(VOICE, io.BytesIO(AUDIO), abort=abort)
        watcher.join()


def test_an_abort_while_connecting_cuts_the_connection_once_it_is_there():
    class Stream:
        def get_extra_info(self, name: str) -> socket.socket:
            return ours

    ours, theirs = socket.socketpair()
    with ours, theirs, closing(Line(abort=(abort := Abort()))) as line:
        finish(line.trace("connection.connect_tcp.started", {}))
        abort.abort()
        finish(line.trace("connection.connect_tcp.complete", {"return_value": Stream()}))
        theirs.settimeout(AT_ONCE_S)
        assert theirs.recv(1) == b""


def test_the_first_reason_for_an_end_stays():
    with closing(Line()) as line:
        line.cut("deadline")
        line.cut("aborted")
    assert line.cut_by == "deadline"


def test_one_abort_ends_all_calls_it_was_given_to(endpoint: Endpoint, client):
    endpoint.script(default=Behaviour(fault="hang"))
    abort = Abort()
    codes = []

    def call() -> None:
        with pytest.raises(Unclear) as caught:
            client.convert(VOICE, io.BytesIO(AUDIO), abort=abort)
        codes.append(caught.value.code)

    threads = [threading.Thread(target=call) for _ in range(3)]
    with ended_at_once():
        for thread in threads:
            thread.start()
        wait_until(lambda: endpoint.ledger.in_flight == 3)
        abort.abort()
        for thread in threads:
            thread.join()
    assert codes == ["aborted"] * 3


def test_an_abort_after_the_end_changes_nothing(endpoint, client):
    abort = Abort()
    with client.convert(VOICE, io.BytesIO(AUDIO), abort=abort) as answer:
        assert b"".join(answer) == AUDIO
        assert not abort._lines  # a long-lived one keeps no finished calls
        abort.abort()
    assert answer.complete


def test_no_descriptor_is_left_behind(endpoint, client):
    def call(behaviour: Behaviour) -> None:
        endpoint.script(behaviour)
        try:
            with client.convert(VOICE, io.BytesIO(AUDIO), deadline_s=30) as answer:
                b"".join(answer)
        except Unclear:
            pass

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    call(Behaviour())
    wait_until(lambda: endpoint.ledger.in_flight == 0)
    before = descriptors()
    for fault in (None, "reset", "reset_body", "cut_body", "close"):
        call(Behaviour(fault=fault))
    wait_until(lambda: descriptors() <= before)


def test_a_connection_serves_one_call_only(endpoint, client):
    """One that idled may be closed by the other side while the next recording is sent: that would be unclear."""
    ports = []
    for _ in range(2):
        with client.convert(VOICE, io.BytesIO(AUDIO)) as answer:
            ports.append(answer._response.extensions["network_stream"].get_extra_info("client_addr")[1])
            b"".join(answer)
    assert ports[0] != ports[1]

"""What a caller may ask of a call: retries, time, headers, chunk sizes, and the forms a recording may have."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import pytest

from s2s.client import (
    Abort,
    Aborted,
    AccountProblem,
    Busy,
    EndpointError,
    NotSent,
    Rejected,
    Timeouts,
    Unclear,
)
from tests.s2s.client.waiting import abort_when, after_sending, ended_at_once, pauses, wait_until
from tests.support.endpoint import SYSTEM_BUSY, TOO_MANY, Behaviour

VOICE = "21m00Tcm4TlvDq8ikWAM"
AUDIO = os.urandom(200_000)
BAD_GATEWAY = Behaviour(status=502)


def take(answer) -> bytes:
    with answer:
        return b"".join(answer)


# ---- retries ----


@pytest.mark.parametrize("way", ["convert", "stream"])
@pytest.mark.parametrize("busy", [TOO_MANY, SYSTEM_BUSY, Behaviour(status=500), Behaviour(status=503)])
def test_a_conversion_is_repeated_only_when_asked_to_and_then_whole(endpoint, client, way, busy):
    endpoint.script(busy)
    with pytest.raises(Busy):
        getattr(client, way)(VOICE, AUDIO)
    assert len(endpoint.requests) == 1
    endpoint.script(busy, busy)
    assert take(getattr(client, way)(VOICE, AUDIO, retries=2)) == AUDIO
    assert len(endpoint.requests) == 4
    assert endpoint.billed == 1


def test_retries_come_to_an_end(endpoint, client):
    endpoint.script(default=SYSTEM_BUSY)
    with pytest.raises(Busy):
        client.convert(VOICE, AUDIO, retries=3)
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (BAD_GATEWAY, Unclear),
        (Behaviour(status=504), Unclear),
        (Behaviour(status=408), Unclear),
        (Behaviour(fault="reset"), Unclear),
        (Behaviour(fault="close"), Unclear),
        (Behaviour(fault="reset_upload"), Unclear),
        (Behaviour(body="<html>", content_type="text/html"), Unclear),
        (Behaviour(status=401), AccountProblem),
        (Behaviour(status=422), Rejected),
    ],
)
def test_what_may_be_billed_or_is_refused_for_good_is_never_repeated(endpoint, client, behaviour, kind):
    endpoint.script(default=behaviour)
    with pytest.raises(kind):
        client.convert(VOICE, AUDIO, retries=5)
    assert len(endpoint.requests) == 1


def test_a_cut_answer_is_not_repeated_either(endpoint, client):
    endpoint.script(Behaviour(fault="cut_body"))
    with pytest.raises(Unclear):
        take(client.convert(VOICE, AUDIO, retries=5))
    assert len(endpoint.requests) == endpoint.billed == 1


def test_a_connection_that_fails_is_tried_again(endpoint, connect):
    sent = []
    with connect("http://127.0.0.1:1") as client, pytest.raises(NotSent):
        client.convert(VOICE, AUDIO, retries=2, on_sent=lambda: sent.append(1))
    assert sent == []


def test_on_sent_comes_before_every_request(endpoint, client):
    endpoint.script(SYSTEM_BUSY)
    seen = []
    take(client.convert(VOICE, AUDIO, retries=1, on_sent=lambda: seen.append(len(endpoint.requests))))
    assert seen == [0, 1]


@pytest.mark.parametrize("call", ["convert", "voices"])
def test_retry_after_is_obeyed(endpoint, client, call):
    busy = Behaviour(status=429, headers={"retry-after": "0.3"})
    endpoint.script(busy, gets=[busy])
    if call == "convert":
        take(client.convert(VOICE, AUDIO, retries=1))
    else:
        client.voices()
    first, second = (request.started_at for request in endpoint.requests)
    assert second - first >= 0.3


@pytest.mark.parametrize(("wait", "options"), [("61", {}), ("50", {"deadline_s": 40})])
def test_who_is_sent_away_for_too_long_is_told_at_once(endpoint, client, wait, options):
    endpoint.script(default=Behaviour(status=503, headers={"retry-after": wait}))
    with pytest.raises(Busy) as caught:  # not tried again after the wait, nor ended by the deadline
        client.convert(VOICE, AUDIO, retries=3, **options)
    assert caught.value.retry_after_s == float(wait)
    assert len(endpoint.requests) == 1


def test_the_deadline_is_of_all_attempts_together(endpoint, client):
    endpoint.script(default=Behaviour(status=503, delay_s=1.0))
    for deadline_s in (2.4, 8.4):  # the shorter one suffices for a second attempt, but on a busy machine
        before = len(endpoint.requests)
        with pytest.raises(EndpointError) as caught:
            client.convert(VOICE, AUDIO, retries=100, deadline_s=deadline_s)
        assert caught.value.code in ("deadline", "status_503")
        attempts = len(endpoint.requests) - before
        assert attempts <= deadline_s + 1
        if attempts >= 2:
            return
    pytest.fail("it was never tried again")


def test_an_abort_ends_the_pause_between_two_attempts(endpoint, client):
    endpoint.script(default=Behaviour(status=503, headers={"retry-after": "50"}))
    abort = Abort()
    watcher = abort_when(lambda: pauses(abort), abort)
    with ended_at_once(), pytest.raises(Aborted):
        client.convert(VOICE, AUDIO, retries=1, abort=abort)
    watcher.join()
    assert len(endpoint.requests) == 1
    assert not abort._lines


@pytest.mark.parametrize(
    "trouble", [SYSTEM_BUSY, BAD_GATEWAY, Behaviour(status=408), Behaviour(fault="reset")], ids=repr
)
def test_a_list_is_asked_for_three_times_whatever_passes(endpoint, client, trouble):
    endpoint.script(gets=[trouble] * 2)
    assert len(client.voices()) == 2
    assert len(endpoint.requests) == 3
    endpoint.script(gets=[trouble] * 9)
    with pytest.raises(Busy):
        client.models()
    assert len(endpoint.requests) == 6
    with pytest.raises(Busy):
        client.models(retries=0)
    assert len(endpoint.requests) == 7


def test_a_list_that_is_refused_is_asked_for_once_and_so_is_a_ping(endpoint, client):
    endpoint.script(gets=[Behaviour(status=401), SYSTEM_BUSY])
    with pytest.raises(AccountProblem):
        client.voices()
    with pytest.raises(Busy):
        client.ping()
    assert len(endpoint.requests) == 2


def test_an_abort_of_what_is_never_billed_is_an_abort(endpoint, client):
    take(client.convert(VOICE, AUDIO))
    endpoint.script(gets=[Behaviour(fault="hang"), Behaviour(fault="hang_body")])
    for count, call in ((2, client.voices), (3, lambda **given: take(client.history_audio("item-1", **given)))):
        abort = Abort()
        watcher = abort_when(lambda count=count: len(endpoint.requests) == count, abort)
        with pytest.raises(Aborted):
            call(abort=abort)
        watcher.join()
    assert len(endpoint.requests) == 3


# ---- time, headers, chunks ----


def test_a_calls_own_timeouts_stand_before_the_clients(endpoint, client):
    endpoint.script(default=Behaviour(fault="hang"), gets=[Behaviour(fault="hang")] * 9)
    for count, call in ((1, lambda **given: client.convert(VOICE, AUDIO, **given)), (2, client.voices)):
        with pytest.raises(EndpointError) as caught:
            call(timeout=Timeouts(read_s=0.2))
        assert caught.value.code == "read_timeout"
        wait_until(lambda count=count: len(endpoint.requests) == count)  # who is silent isn't asked again

    def models(deadline_s: float) -> EndpointError:
        with pytest.raises(EndpointError) as caught:
            client.models(deadline_s=deadline_s)
        return caught.value

    error = after_sending(models)
    assert type(error) is Busy
    assert error.code == "deadline"
    assert len(endpoint.requests) >= 3


def test_extra_headers_are_sent(endpoint, client):
    take(client.convert(VOICE, AUDIO, headers={"X-Trace": "a b", "user-agent": "mine"}))
    client.voices(headers={"X-Trace": "c"})
    convert, voices = endpoint.requests
    assert (convert.headers["x-trace"], convert.headers["user-agent"]) == ("a b", "mine")
    assert (voices.headers["x-trace"], voices.headers["xi-api-key"]) == ("c", "a-key")


@pytest.mark.parametrize(
    "headers",
    [
        {"XI-API-Key": "other"},
        {"Content-Length": "3"},
        {"content-type": "audio/wav"},
        {"Transfer-Encoding": "chunked"},
        {"host": "elsewhere"},
        {"Accept-Encoding": "gzip"},
        {"a b": "c"},
        {"a": "b\r\nc: d"},
        {"a": "é"},
        {"": "a"},
    ],
)
def test_headers_that_are_the_clients_own_or_none_are_refused_before_anything_is_sent(endpoint, client, headers):
    for call in (lambda: client.convert(VOICE, AUDIO, headers=headers), lambda: client.voices(headers=headers)):
        with pytest.raises(ValueError, match="header"):
            call()
    assert endpoint.requests == []


def test_an_answer_comes_in_chunks_of_the_size_asked_for(endpoint, client):
    with client.convert(VOICE, AUDIO, chunk_bytes=1_000) as answer:
        assert {len(chunk) for chunk in answer} == {1_000}
    with client.stream(VOICE, AUDIO, chunk_bytes=150_000) as answer:
        assert [len(chunk) for chunk in answer] == [150_000, 50_000]
        assert answer.complete


@pytest.mark.parametrize("options", [{"retries": -1}, {"chunk_bytes": 0}])
def test_numbers_that_cannot_be_are_refused(endpoint, client, options):
    with pytest.raises(ValueError):
        client.convert(VOICE, AUDIO, **options)
    with pytest.raises(TypeError):
        client.convert(VOICE, AUDIO, retry=1)
    assert endpoint.requests == []


# ---- the recording ----


def test_a_recording_may_be_a_path_a_file_or_bytes(endpoint, client, tmp_path: Path):
    path = tmp_path / "réc 1.wav"
    path.write_bytes(AUDIO)
    with path.open("rb") as file, tempfile.TemporaryFile() as nameless:
        nameless.write(AUDIO)
        for audio in (path, str(path), file, nameless, io.BytesIO(AUDIO), AUDIO):
            assert take(client.convert(VOICE, audio)) == AUDIO
        assert not file.closed
        take(client.convert(VOICE, path, filename="other.mp3"))
    names = [request.audio.filename for request in endpoint.requests]
    assert names == ["réc 1.wav", "réc 1.wav", "réc 1.wav", "audio", "audio", "audio", "other.mp3"]


def test_a_path_that_cannot_be_opened_is_an_oserror_and_nothing_is_sent(endpoint, client, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        client.convert(VOICE, tmp_path / "none.wav")
    assert endpoint.requests == []

"""Beside the official SDKs: the installed one live, older ones and another language's as they were recorded.

For the same arguments the same query and the same fields, but for what is meant to differ:

- the format and the model are always said: a server's defaults may change, and its model isn't the best;
- empty fields (Python 1.9) are left out;
- bytes have the name "audio", and a type is guessed from the name, as a server reads neither;
- the path is `speech-to-speech`, which every server has; `path="voice-changer"` is the newer SDKs';
- a `str` is a path, where the SDK takes it for the content;
- nothing is retried unless it cannot have been billed, and HTML with status 200 is no audio.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from s2s.client import Busy, Unclear
from s2s.contract import ConvertParameters
from s2s.voice_settings import VoiceSettings
from tests.s2s.client.recorded import ALL_QUERY, ALL_SETTINGS, RECORDED, WAV_BYTES, Recorded
from tests.support.endpoint import SYSTEM_BUSY, Behaviour, Request

VOICE = "21m00Tcm4TlvDq8ikWAM"
AUDIO = os.urandom(100_000)
ALWAYS_QUERY = {"output_format": "mp3_44100_128"}
ALWAYS_FORM = {"model_id": "eleven_multilingual_sts_v2"}
SETTINGS = VoiceSettings(stability=0.5, similarity_boost=0.25, style=0.0, use_speaker_boost=True, speed=1.1)
EVERY: dict[str, Any] = {
    "output_format": "mp3_22050_32",
    "optimize_streaming_latency": 2,
    "enable_logging": False,
    "model_id": "eleven_english_sts_v2",
    "voice_settings": SETTINGS.to_json(),
    "seed": 4294967295,
    "remove_background_noise": True,
    "file_format": "pcm_s16le_16",
}

elevenlabs = pytest.importorskip("elevenlabs")


class SyncSdk:
    def __init__(self, url: str) -> None:
        self._sdk = elevenlabs.ElevenLabs(base_url=url, api_key="a-key")

    def convert(self, way: str, audio: Any, **named: Any) -> bytes:
        return b"".join(getattr(self._sdk.speech_to_speech, way)(VOICE, audio=audio, **named))

    def ask(self, room: str, name: str, *args: Any, **named: Any) -> Any:
        return getattr(getattr(self._sdk, room), name)(*args, **named)


class AsyncSdk:
    def __init__(self, url: str) -> None:
        self._url = url

    def convert(self, way: str, audio: Any, **named: Any) -> bytes:
        async def main() -> bytes:
            sdk = elevenlabs.AsyncElevenLabs(base_url=self._url, api_key="a-key")
            chunks = getattr(sdk.speech_to_speech, way)(VOICE, audio=audio, **named)
            return b"".join([chunk async for chunk in chunks])

        return asyncio.run(main())

    def ask(self, room: str, name: str, *args: Any, **named: Any) -> Any:
        async def main() -> Any:
            sdk = elevenlabs.AsyncElevenLabs(base_url=self._url, api_key="a-key")
            return await getattr(getattr(sdk, room), name)(*args, **named)

        return asyncio.run(main())


@pytest.fixture
def sdk(endpoint, client) -> SyncSdk | AsyncSdk:
    """Of the same kind as the client: sync beside sync, async beside async."""
    return (AsyncSdk if type(client).__name__ == "ClientInLoop" else SyncSdk)(endpoint.url)


def take(answer) -> bytes:
    with answer:
        return b"".join(answer)


def parts_of(request: Request) -> list[tuple]:
    return sorted((p.name, p.filename, p.content_type, p.size, p.sha256, p.value) for p in request.parts)


# ---- the installed one ----


@pytest.mark.parametrize("way", ["convert", "stream"])
@pytest.mark.parametrize("name", [None, *EVERY])
def test_every_parameter_travels_as_the_sdk_sends_it(endpoint, client, sdk, way, name):
    """All of them together, and each alone."""
    named = EVERY if name is None else {name: EVERY[name]}
    assert take(getattr(client, way)(VOICE, AUDIO, ConvertParameters(**named), filename="take.wav")) == AUDIO
    assert sdk.convert(way, ("take.wav", io.BytesIO(AUDIO)), **named) == AUDIO
    ours, theirs = endpoint.requests
    assert dict(ours.query) == ALWAYS_QUERY | dict(theirs.query)
    assert ours.fields == ALWAYS_FORM | theirs.fields
    assert ours.audio == theirs.audio
    assert ours.parts[-1].name == theirs.parts[-1].name == "audio"
    assert ours.headers["xi-api-key"] == theirs.headers["xi-api-key"] == "a-key"
    assert ours.path.replace("speech-to-speech", "voice-changer") == theirs.path
    if name is None:
        assert parts_of(ours) == parts_of(theirs)


def test_a_file_goes_under_the_same_name_and_type(endpoint, client, sdk, tmp_path: Path):
    path = tmp_path / "réc 1.wav"
    path.write_bytes(AUDIO)
    with path.open("rb") as file:
        take(client.convert(VOICE, file))
        sdk.convert("convert", file)
    take(client.convert(VOICE, path))
    ours, theirs, by_path = endpoint.requests
    assert ours.audio == theirs.audio == by_path.audio


def test_bytes_differ_by_their_name_only(endpoint, client, sdk):
    take(client.convert(VOICE, AUDIO))
    sdk.convert("convert", AUDIO)
    ours, theirs = (request.audio for request in endpoint.requests)
    assert (ours.filename, theirs.filename) == ("audio", "upload")
    assert (ours.content_type, ours.sha256) == (theirs.content_type, theirs.sha256)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda client: client.voices(), ("voices", "get_all")),
        (lambda client: client.voice(VOICE), ("voices", "get", VOICE)),
        (lambda client: client.models(), ("models", "list")),
        (lambda client: client.history(), ("history", "list")),
    ],
)
def test_listings_are_asked_for_as_the_sdk_does(endpoint, client, sdk, ours, theirs):
    ours(client)
    room, name, *args = theirs
    # Stricter than we are about what the scripted endpoint leaves out.
    with suppress(elevenlabs.core.ApiError, ValueError):
        sdk.ask(room, name, *args)
    mine, its = endpoint.requests
    assert (mine.method, mine.path, mine.query) == (its.method, its.path, its.query)


def test_filters_are_asked_for_as_the_sdk_does(endpoint, client, sdk):
    search = {"search": "a", "page_size": 5, "sort": "name", "include_total_count": True}
    client.search_voices(**search)
    sdk.ask("voices", "search", **search)
    history = {"page_size": 5, "voice_id": VOICE, "source": "STS", "start_after_history_item_id": "h"}
    client.history(**history)
    sdk.ask("history", "list", **history)
    ours, theirs = endpoint.requests[::2], endpoint.requests[1::2]
    assert [(r.path, dict(r.query)) for r in ours] == [(r.path, dict(r.query)) for r in theirs]


def test_the_sdk_repeats_no_conversion_either_but_takes_html_for_audio(endpoint, client, sdk):
    html = Behaviour(body="<html>Log in</html>", content_type="text/html")
    endpoint.script(SYSTEM_BUSY, SYSTEM_BUSY, html, html)
    with pytest.raises(Busy):
        client.convert(VOICE, AUDIO)
    with pytest.raises(elevenlabs.core.ApiError):
        sdk.convert("convert", AUDIO)
    assert len(endpoint.requests) == 2
    with pytest.raises(Unclear):
        client.convert(VOICE, AUDIO)
    assert sdk.convert("convert", AUDIO) == b"<html>Log in</html>"


# ---- the recorded ones ----


@pytest.mark.parametrize("way", ["convert", "stream"])
@pytest.mark.parametrize("recorded", RECORDED, ids=lambda r: f"{r.sdk} {r.given} {'all' if r.every_parameter else ''}")
def test_recorded_releases_sent_the_same(endpoint, connect, tmp_path: Path, recorded: Recorded, way):
    parameters = _parameters(recorded)
    path = tmp_path / "sample.wav"
    path.write_bytes(bytes(WAV_BYTES))
    filename = {"named bytes": 'réc "1".wav'}.get(recorded.given)
    audio = path if recorded.given == "file" else path.read_bytes()
    with connect(endpoint.url, path=recorded.path) as client:
        take(getattr(client, way)(VOICE, audio, parameters, filename=filename))
    [ours] = endpoint.requests
    assert ours.path == f"/v1/{recorded.path}/{VOICE}{'/stream' if way == 'stream' else ''}"
    assert dict(ours.query) == ALWAYS_QUERY | recorded.query
    assert _read(ours.fields) == ALWAYS_FORM | _read(recorded.form)
    assert ours.audio.size == WAV_BYTES
    assert ours.audio.filename == ("audio" if recorded.given == "bytes" else recorded.name)


def _parameters(recorded: Recorded) -> ConvertParameters:
    """The arguments that the SDK was given: the contract reads what it sent."""
    query = ALL_QUERY if recorded.every_parameter else {}
    parameters = ConvertParameters.model_validate(query | recorded.form)
    if recorded.every_parameter:
        assert parameters.voice_settings == VoiceSettings.model_validate(json.loads(ALL_SETTINGS))
    return parameters


def _read(form: dict[str, str]) -> dict[str, Any]:
    """Without what is empty, and with the settings read: their spaces and zeros are of no matter."""
    given = {name: value for name, value in form.items() if value}
    if "voice_settings" in given:
        given |= {"voice_settings": json.loads(given["voice_settings"])}
    return given

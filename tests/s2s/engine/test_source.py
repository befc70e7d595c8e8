"""Who is speaking is told by speech: neither by the music before it nor by which passage is converted."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from functools import cache

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import decode, spoken
from s2s.audio.speaking import find_speech
from s2s.contract import Model
from s2s.engine import listings
from s2s.engine.converter import convert, measure_source, speech_in, statistics_seconds
from s2s.engine.spool import Spool
from s2s.engine.vocoder import SAMPLE_RATE_HZ as RATE
from s2s.engine.voices import catalogue
from tests.s2s.engine.conftest import API_KEY, EngineProcess
from tests.s2s.engine.pitch import f0_of
from tests.s2s.engine.test_dsp import in_blocks
from tests.support import music

Samples = NDArray[np.float32]
Load = Callable[[str, int], Samples]
NORA = "TimbreNora0000000001"
MUSIC_S = 22


@pytest.fixture(scope="module")
def man(speech: Load) -> Samples:
    return speech("man_librivox.flac", RATE)[: 15 * RATE]


def pitch_of(samples: Samples) -> NDArray[np.float64]:
    return f0_of(samples, RATE, floor_hz=60, ceiling_hz=500)


def higher_cents(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How much higher the same words are spoken in `one`; both are `pitch_of` them."""
    both = (one > 0) & (other > 0)
    assert both.sum() > 100
    return float(np.median(1200 * np.log2(one[both] / other[both])))


def converted(samples: Samples, **options: object) -> Samples:
    return np.concatenate(list(convert(in_blocks(samples), catalogue()[NORA], **options)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def alone(man: Samples) -> NDArray[np.float64]:
    """The pitch of the man in Nora's voice, where nothing else is in the recording."""
    return pitch_of(converted(man))


@pytest.mark.parametrize(("before", "streaming"), [(music.band, True), (music.sung, False), (music.chords, True)])
def test_music_before_a_man_does_not_change_his_voice(
    man: Samples, alone: NDArray[np.float64], before: Callable[[float, int], Samples], streaming: bool
) -> None:
    both = np.concatenate([before(MUSIC_S, RATE), man])
    assert abs(higher_cents(pitch_of(converted(both, streaming=streaming)[MUSIC_S * RATE :]), alone)) < 20


def measured_cents(samples: Samples, statistics_s: float) -> float:
    with Spool(in_blocks(samples)) as spool:
        return measure_source(speech_in(spool, statistics_s), statistics_s).log_f0 * 1200 / np.log(2)


@pytest.fixture(scope="module", params=[music.band, music.sung, music.chords], ids=lambda kind: kind.__name__)
def after_music(request: pytest.FixtureRequest, man: Samples) -> Samples:
    return np.concatenate([request.param(MUSIC_S, RATE), man])


@pytest.fixture(scope="module")
def man_cents(man: Samples) -> Callable[[float], float]:
    return cache(lambda statistics_s: measured_cents(man, statistics_s))


@pytest.mark.parametrize(("latency", "most_cents"), [(0, 20), (1, 40), (4, 40)])
def test_who_listens_along_is_measured_on_speech_too(
    after_music: Samples, man_cents: Callable[[float], float], latency: int, most_cents: float
) -> None:
    seconds = statistics_seconds(latency)
    assert abs(measured_cents(after_music, seconds) - man_cents(seconds)) < most_cents


def wav(samples: Samples) -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return sink.getvalue()


def ask(engine: EngineProcess, passage: Samples, way: str, **files: bytes) -> Samples:
    answer = httpx.post(
        f"{engine.url}/v1/speech-to-speech/{NORA}{way}?output_format=pcm_24000",
        files={"audio": wav(passage), **files},
        headers={"xi-api-key": API_KEY},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, "<i2").astype(np.float32) / 32768


def test_what_is_sent_with_a_passage_is_what_the_engine_finds_in_the_whole(man: Samples) -> None:
    whole = io.BytesIO(wav(np.concatenate([0.5 * music.band(9, RATE), man])))
    sent, begins_s, _searched_s = spoken(whole)
    assert begins_s == pytest.approx(8.9, abs=0.4)
    given = np.concatenate(list(decode(io.BytesIO(sent), sample_rate_hz=RATE)))
    with Spool(decode(whole, sample_rate_hz=RATE)) as spool:
        found = measure_source(speech_in(spool))
    assert 1200 / np.log(2) * abs(measure_source(given).log_f0 - found.log_f0) < 5


@pytest.mark.parametrize("way", ["", "/stream"])
def test_a_passage_sounds_as_it_does_in_the_whole(engine: EngineProcess, man: Samples, way: str) -> None:
    """Where it comes with what is spoken in the whole. By itself another mood of the same man is another voice."""
    whole = np.concatenate([music.band(5, RATE), man])
    place = slice(9 * RATE, 14 * RATE)  # he speaks lower there: by 160 cents on the median
    spoken = find_speech(in_blocks(whole), RATE)
    in_whole = pitch_of(ask(engine, whole, way)[place])
    with_it = ask(engine, whole[place], way, source_speech=wav(spoken.samples))
    by_itself = ask(engine, whole[place], way)
    assert len(with_it) == len(by_itself) == 5 * RATE
    assert abs(higher_cents(pitch_of(with_it), in_whole)) < 10
    assert abs(higher_cents(pitch_of(by_itself), in_whole)) > 50


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"These are words, not a recording.\n" * 50, 422, "source_speech"),
        (b"", 422, "source_speech"),
        (wav(np.zeros(61 * RATE, np.float32)), 422, "source_speech"),
        (bytes(17 * 1024 * 1024), 400, "too large"),
    ],
)
def test_what_is_no_speech_of_a_source_is_refused(
    engine: EngineProcess, man: Samples, content: bytes, status: int, words: str
) -> None:
    answer = httpx.post(
        f"{engine.url}/v1/speech-to-speech/{NORA}",
        files={"audio": wav(man[:RATE]), "source_speech": content},
        headers={"xi-api-key": API_KEY},
        timeout=60,
    )
    assert (answer.status_code, words in answer.text) == (status, True)


def test_the_model_says_that_it_takes_it() -> None:
    (model,) = [Model.model_validate(entry) for entry in listings.models()]
    assert model.can_take_source_speech
    assert not Model(model_id="another").can_take_source_speech

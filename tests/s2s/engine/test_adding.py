"""A voice of somebody's own: made of half a minute of speech through the official SDK, spoken in, and deleted."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soxr
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError
from numpy.typing import NDArray

from s2s.audio import decode
from s2s.client import Client, Rejected
from s2s.engine import adding, spectrum
from s2s.engine.converter import convert
from s2s.engine.enrolment import Enrolled, enrol
from s2s.engine.errors import Refusal
from s2s.engine.vocoder import SAMPLE_RATE_HZ
from s2s.engine.voices import Voice
from s2s.engine.voices import added as added_voices
from s2s.engine.voices.added import AddedVoices
from tests.s2s.engine.conftest import API_KEY, SPEECH, EngineProcess
from tests.s2s.engine.noise import in_noise
from tests.s2s.engine.pitch import f0_of
from tests.s2s.engine.speaker_similarity import embedding
from tests.s2s.engine.test_server import NORA, as_wav
from tests.support.music import band, sung

Load = Callable[[str, int], NDArray[np.float32]]
WOMAN, MAN = SPEECH / "woman_prompts.flac", SPEECH / "man_librivox.flac"


def median_f0(samples: NDArray[np.float32], rate_hz: int) -> float:
    f0 = f0_of(samples, rate_hz, floor_hz=60, ceiling_hz=500)
    return float(np.median(f0[f0 > 0]))


def decoded(sound: bytes, rate_hz: int = SAMPLE_RATE_HZ) -> NDArray[np.float32]:
    return np.concatenate(list(decode(io.BytesIO(sound), sample_rate_hz=rate_hz)))


@pytest.fixture
def added(client: ElevenLabs) -> Iterator[str]:
    with WOMAN.open("rb") as sample:
        made = client.voices.ivc.create(
            name=" Allison ", files=[sample], description="From her prompts.", labels={"accent": "American"}
        )
    assert made.requires_verification is False
    yield made.voice_id
    with_key(client).delete(f"/v1/voices/{made.voice_id}")


def with_key(client: ElevenLabs) -> httpx.Client:
    return httpx.Client(
        base_url=client._client_wrapper.get_base_url(), headers={"xi-api-key": API_KEY}, timeout=60, trust_env=False
    )


def test_what_the_official_sdk_adds_is_listed_heard_spoken_in_and_deleted(
    client: ElevenLabs, added: str, speech: Load
) -> None:
    listed = client.voices.get(added)
    assert (listed.name, listed.category, listed.description) == ("Allison", "cloned", "From her prompts.")
    assert listed.labels == {"accent": "American"}
    assert added in [voice.voice_id for voice in client.voices.get_all().voices]
    assert [voice.voice_id for voice in client.voices.search(search="allison").voices] == [added]

    target = median_f0(speech("woman_prompts.flac", SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    assert listed.preview_url is not None
    preview = decoded(httpx.get(listed.preview_url, trust_env=False).content)
    assert median_f0(preview, SAMPLE_RATE_HZ) == pytest.approx(target, rel=0.08)
    with (SPEECH / "man_cards.flac").open("rb") as audio:
        answer = b"".join(client.speech_to_speech.convert(added, audio=audio, output_format="wav_24000"))
    source = speech("man_cards.flac", SAMPLE_RATE_HZ)
    assert len(decoded(answer)) == len(source)
    assert median_f0(source, SAMPLE_RATE_HZ) < 0.75 * target
    assert median_f0(decoded(answer), SAMPLE_RATE_HZ) == pytest.approx(target, rel=0.08)

    assert client.voices.delete(added).status == "ok"
    with pytest.raises(ApiError) as gone:
        client.voices.get(added)
    assert gone.value.status_code == 404
    assert added not in [voice.voice_id for voice in client.voices.get_all().voices]


def test_our_own_client_adds_and_deletes(engine: EngineProcess) -> None:
    with Client(engine.url, API_KEY) as ours:
        voice_id = ours.add_voice("Jane", MAN, labels={"timbre": "a-token"}, remove_background_noise=True).voice_id
        assert ours.voice(voice_id).labels == {"timbre": "a-token"}
        ours.delete_voice(voice_id)
        with pytest.raises(Rejected) as gone:
            ours.delete_voice(voice_id)
    assert (gone.value.status_code, gone.value.code) == (404, "voice_not_found")


def test_a_voice_outlives_its_engine_and_every_worker_has_it(tmp_path: Path) -> None:
    first = EngineProcess(workers=2, DATA_DIR=str(tmp_path))
    try:
        with Client(first.url) as ours:
            voice_id = ours.add_voice("Jane", MAN).voice_id
    finally:
        first.stop()
    second = EngineProcess(workers=2, DATA_DIR=str(tmp_path))
    try:
        for _ in range(8):  # each a connection of its own, at either worker
            answer = httpx.get(f"{second.url}/v1/voices/{voice_id}", trust_env=False)
            assert answer.json()["name"] == "Jane"
    finally:
        second.stop()


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a", "description": "a" * 1001}, "description"),
        ({"name": "a", "labels": "no"}, "labels"),
        ({"name": "a", "labels": '{"age": 7}'}, "labels"),
        ({"name": "a", "labels": json.dumps({str(n): "x" for n in range(31)})}, "labels"),
        ({"name": "a", "remove_background_noise": "perhaps"}, "remove_background_noise"),
    ],
)
def test_a_field_that_can_not_be_is_named(client: ElevenLabs, fields: dict[str, str], place: str) -> None:
    answer = with_key(client).post("/v1/voices/add", data=fields, files={"files": b"sound"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", place]


def test_without_a_sample_or_with_what_is_no_sound(client: ElevenLabs) -> None:
    http = with_key(client)
    missing = http.post("/v1/voices/add", data={"name": "a"}, files={"other": (None, "x")})
    assert (missing.status_code, missing.json()["detail"][0]["loc"]) == (422, ["body", "files"])
    broken = http.post("/v1/voices/add", data={"name": "a"}, files={"files": b"no sound at all"})
    assert (broken.status_code, broken.json()["detail"]["status"]) == (400, "invalid_audio")


def test_what_came_with_the_engine_stays_and_what_is_not_there_is_said(client: ElevenLabs) -> None:
    http = with_key(client)
    kept = http.delete(f"/v1/voices/{NORA}")
    assert (kept.status_code, kept.json()["detail"]["status"]) == (400, "voice_is_built_in")
    assert http.get(f"/v1/voices/{NORA}").status_code == 200
    for unknown in ("own00000000000000000", "add", "..json"):
        assert http.delete(f"/v1/voices/{unknown}").status_code in (404, 405)


# ---- what a voice is made of ----


def refused(samples: NDArray[np.float32]) -> str:
    with pytest.raises(Refusal) as refusal:
        enrol(iter([samples]))
    assert refusal.value.status_code == 400
    assert isinstance(refusal.value.detail, dict)
    return str(refusal.value.detail["status"])


def test_several_samples_are_one_voice(client: ElevenLabs, speech: Load) -> None:
    halves = [as_wav(half, SAMPLE_RATE_HZ) for half in np.array_split(speech("man_librivox.flac", SAMPLE_RATE_HZ), 3)]
    http = with_key(client)
    alone = http.post("/v1/voices/add", data={"name": "a"}, files={"files": halves[0]})
    assert alone.json()["detail"]["status"] == "voice_sample_too_short"
    assert "10 s or more" in alone.json()["detail"]["message"]
    together = http.post("/v1/voices/add", data={"name": "a"}, files=[("files", half) for half in halves])
    assert together.status_code == 200
    assert http.delete(f"/v1/voices/{together.json()['voice_id']}").json() == {"status": "ok"}


def test_what_is_no_speech_is_refused() -> None:
    seconds = np.arange(30 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    hum = (0.1 * np.sign(np.sin(2 * np.pi * 120 * seconds))).astype(np.float32)
    assert refused(hum) == "voice_sample_not_speech"
    assert refused(np.zeros_like(hum)) == "voice_sample_not_speech"
    for music in (band(30.0, SAMPLE_RATE_HZ), sung(30.0, SAMPLE_RATE_HZ)):
        assert refused(music.astype(np.float32)) in ("voice_sample_not_speech", "voice_sample_too_short")


@pytest.mark.parametrize("name", ["man_librivox.flac", "woman_prompts.flac"])
def test_one_speaker_is_one_and_in_much_noise_none(speech: Load, name: str) -> None:
    alone = speech(name, SAMPLE_RATE_HZ)
    found = enrol(iter([alone]))
    assert found.f0_hz == pytest.approx(median_f0(alone, SAMPLE_RATE_HZ), rel=0.06)
    assert refused(in_noise(alone, SAMPLE_RATE_HZ, 8.0)) == "voice_sample_too_noisy"


def test_a_man_and_a_woman_are_not_one_voice(speech: Load) -> None:
    both = np.concatenate([speech("man_librivox.flac", SAMPLE_RATE_HZ), speech("woman_prompts.flac", SAMPLE_RATE_HZ)])
    assert refused(both) == "voice_sample_several_speakers"


def test_who_speaks_in_it_comes_nearer_to_its_owner(speech: Load, tmp_path: Path) -> None:
    """.43 to .59, where two recordings of one person have .8 and more: a likeness."""
    owner, other = (speech(f"{name}.flac", SAMPLE_RATE_HZ) for name in ("woman_prompts", "man_cards"))
    voice = AddedVoices(tmp_path).add(enrol(iter([owner])), "Allison", "", {}, adding.write_preview)
    spoken = np.concatenate(list(convert(iter([other]), voice)))
    theirs, before, after = (
        embedding(soxr.resample(sound, SAMPLE_RATE_HZ, 16_000)) for sound in (owner, other, spoken)
    )
    assert after @ theirs > before @ theirs + 0.1


def test_no_more_is_read_than_a_voice_needs(speech: Load) -> None:
    pulled = 0

    def for_ever() -> Iterator[NDArray[np.float32]]:
        nonlocal pulled
        while True:
            pulled += 1
            yield speech("man_librivox.flac", SAMPLE_RATE_HZ)

    enrol(for_ever())
    assert pulled <= 5  # of 21 s each


# ---- the folder ----

FLAT = Enrolled(120.0, 1.0, 1.0, np.zeros(spectrum.MEL_BANDS), np.zeros(4))


def kept(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())


def test_a_voice_that_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    def fail(voice: Voice, sink: object) -> None:
        raise OSError("the disk is full")

    voices = AddedVoices(tmp_path / "voices")
    with pytest.raises(OSError, match="full"):
        voices.add(FLAT, "a", "", {}, fail)
    assert kept(tmp_path / "voices") == []


def test_a_voice_whose_place_is_not_sure_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        if path.is_dir():
            raise OSError("the disk is full")

    monkeypatch.setattr(added_voices, "_sync", fail)
    voices = AddedVoices(tmp_path)
    with pytest.raises(OSError, match="full"):
        voices.add(FLAT, "a", "", {}, adding.write_preview)
    assert voices.all() == {}
    assert kept(tmp_path) == []


def test_what_a_killed_process_began_goes_with_the_next(tmp_path: Path) -> None:
    begun = tmp_path / "own00000000000000000.begun"
    for path in (begun, begun.with_suffix(".mp3")):
        path.write_bytes(b"x")
    voices = AddedVoices(tmp_path)
    assert voices.all() == {}
    one = voices.add(FLAT, "a", "", {}, adding.write_preview)
    assert begun.exists()  # it may be another process's, which is at it now
    os.utime(begun, (time.time() - 7200,) * 2)
    two = voices.add(FLAT, "b", "", {}, adding.write_preview)
    assert list(voices.all()) == [one.voice_id, two.voice_id]
    assert kept(tmp_path) == [".json", ".json", ".mp3", ".mp3"]
    assert voices.delete(one.voice_id)
    assert not voices.delete(one.voice_id)
    assert kept(tmp_path) == [".json", ".mp3"]

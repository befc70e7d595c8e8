"""Two recordings of one performance are told from two of different ones by their loudness."""

from __future__ import annotations

import io
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from s2s.audio import decode
from s2s.audio.envelope import FRAME_S, correlation, envelope
from s2s.contract import ConvertParameters
from s2s.engine.speech import Job, converted_file
from s2s.engine.voices import catalogue
from tests.support.sound import as_wav

SPEECH = Path(__file__).resolve().parents[2] / "data" / "speech"
RATE = 8000


def levels(name: str) -> np.ndarray:
    with (SPEECH / name).open("rb") as file:
        return envelope(decode(file, sample_rate_hz=RATE), RATE)


@pytest.mark.parametrize("name", ["man_cards.flac", "woman_prompts.flac"])
def test_a_conversion_has_the_envelope_of_its_recording(name: str) -> None:
    with (SPEECH / name).open("rb") as file:
        recording = as_wav(np.concatenate(list(decode(file, sample_rate_hz=24_000)))[: 8 * 24_000], 24_000)
    source = envelope(decode(io.BytesIO(recording), sample_rate_hz=RATE), RATE)
    for voice in list(catalogue().values())[:2]:
        wanted = ConvertParameters(output_format="mp3_22050_32")
        pieces = converted_file(Job(io.BytesIO(recording), wanted, voice, lambda: None, lambda: None))
        out = io.BytesIO(b"".join(piece.content for piece in pieces))
        assert correlation(source, envelope(decode(out, sample_rate_hz=RATE), RATE)) > 0.95


def test_other_passages_of_the_same_speaker_have_not() -> None:
    found = []
    for name in ("man_cards.flac", "man_librivox.flac", "woman_prompts.flac"):
        whole = levels(name)
        quarter = len(whole) // 4
        parts = [whole[i * quarter : (i + 1) * quarter] for i in range(4)]
        found += [correlation(one, other) for one, other in combinations(parts, 2)]
    assert len(found) == 18
    assert max(found) < 0.5


def test_a_faster_one_is_still_the_same() -> None:
    whole = levels("man_cards.flac")
    faster = np.interp(np.linspace(0, len(whole) - 1, round(len(whole) / 1.2)), np.arange(len(whole)), whole)
    assert correlation(whole, faster.astype(np.float32)) > 0.95


def test_what_says_nothing_is_like_nothing() -> None:
    steady = np.full(500, -20.0, np.float32)
    assert correlation(steady, steady) == 0.0
    assert correlation(np.zeros(3, np.float32), np.zeros(3, np.float32)) == 0.0
    assert correlation(envelope([], RATE), steady) == 0.0


def test_blocks_of_any_size_give_the_same_levels() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, RATE * 2).astype(np.float32)
    whole = envelope([samples], RATE)
    assert len(whole) == 2 / FRAME_S
    assert whole == pytest.approx(np.full(100, -20.0), abs=3)
    pieces = np.array_split(samples, 37)
    assert np.allclose(envelope(pieces, RATE), whole, atol=1e-4)
    assert np.allclose(envelope([samples, np.zeros(0, np.float32)], RATE), whole)
    assert len(envelope(decode(io.BytesIO((SPEECH / "interview.mp3").read_bytes()), sample_rate_hz=RATE), RATE)) == 300

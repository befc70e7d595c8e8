"""Pauses are where nobody speaks, whatever the room; and that is where a long recording is cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from s2s.audio import decode
from s2s.audio.cuts import Stretch, cut
from s2s.audio.envelope import envelope
from s2s.audio.pauses import FRAME_S, pauses
from s2s.audio.portions import OVERLAP_S
from s2s.audio.portions import pieces as pieces_of
from s2s.audio.speaking import find_speech

SPEECH = Path(__file__).resolve().parents[2] / "data" / "speech"
RATE = 16_000
Levels = NDArray[np.float32]


def spoken(seconds: float, background_dbfs: float = -60.0, seed: int = 0) -> tuple[Levels, list[tuple[int, int]]]:
    """Levels of sentences of one to five seconds, and where the pauses between them are."""
    rng, levels, truth = np.random.default_rng(seed), list[NDArray[np.float64]](), []
    frames = 0
    while frames * FRAME_S < seconds:
        sentence, pause = int(rng.uniform(80, 500)), int(rng.uniform(25, 90))
        syllables = 8 * np.sin(2 * np.pi * np.arange(sentence) / rng.uniform(18, 30))
        levels += [syllables - 22 - 6 * rng.random(sentence), background_dbfs + rng.normal(0, 1, pause)]
        truth.append((frames + sentence, frames + sentence + pause))
        frames += sentence + pause
    return np.concatenate(levels).astype(np.float32), truth


def test_all_of_them_are_found_in_a_quiet_and_in_a_loud_room() -> None:
    quiet, truth = spoken(120, -70)
    loud, more = spoken(120, -42, seed=1)
    expected = np.array(truth + [(first + len(quiet), last + len(quiet)) for first, last in more])
    found = pauses(np.concatenate([quiet, loud]))
    near = [np.abs(found - pause).max(axis=1).min() <= 3 for pause in expected]
    doors = np.abs(expected[:, 0] - len(quiet)) < 1000  # nobody knows at once that it is another room
    assert all(is_near or at_door for is_near, at_door in zip(near, doors, strict=True))
    assert sum(near) >= len(expected) - 2
    assert len(found) <= len(expected)


def test_a_breath_ends_no_pause_and_a_soft_syllable_is_none() -> None:
    """Both have the same level, between what a pause begins at and what it goes on to."""
    speech, soft, quiet = (lambda frames, dbfs=dbfs: np.full(frames, dbfs, np.float32) for dbfs in (-20, -48, -60))
    breath = [speech(200), quiet(15), soft(10), quiet(15)]
    syllable = [speech(200), soft(40)]
    found = pauses(np.concatenate([*breath, *syllable, *breath, *syllable, *breath, speech(200)]))
    assert found == pytest.approx(np.array([[200, 240], [680, 720], [1160, 1200]]), abs=2)


def test_steady_sound_has_none_and_silence_is_one() -> None:
    music = np.random.default_rng(0).normal(-20, 2, 30_000).astype(np.float32)
    assert len(pauses(music)) == 0
    silence = np.full(30_000, -120, np.float32)
    assert pauses(silence).tolist() == [[0, 30_000]]
    silence[10_000:10_300] = -20
    assert pauses(silence).tolist() == [[0, 9_999], [10_301, 30_000]]
    assert len(pauses(np.zeros(0, np.float32))) == 0


@pytest.mark.parametrize("name", ["man_librivox.flac", "woman_prompts.flac"])
def test_in_real_speech_nobody_speaks_there(name: str) -> None:
    with (SPEECH / name).open("rb") as file:
        samples = np.concatenate(list(decode(file, sample_rate_hz=RATE)))
    found = pauses(envelope([samples], RATE, FRAME_S))
    assert len(found) >= 3
    silence = [samples[round(first * FRAME_S * RATE) : round(last * FRAME_S * RATE)] for first, last in found]
    assert find_speech([np.concatenate(silence)], RATE).begins_s is None


@pytest.mark.parametrize(("minutes", "pieces"), [(5.0, 1), (5.1, 2), (12.0, 3), (60.0, 13), (63.0, 13)])
def test_as_few_pieces_as_go_of_like_length_each_cut_in_a_pause(minutes: float, pieces: int) -> None:
    levels, truth = spoken(minutes * 60)
    found = cut(levels, round(minutes * 60 * RATE), RATE, 300.0)
    assert len(found) == pieces
    lengths = [(stretch.end - stretch.start) / RATE for stretch in found]
    assert max(lengths) <= 300
    assert min(lengths) > 0.6 * max(lengths)
    for one, other in pairwise(found):
        first, last = other.start / RATE / FRAME_S, one.end / RATE / FRAME_S
        assert last - first >= 20
        assert any(begins - 3 <= first and last <= ends + 3 for begins, ends in truth)


def test_without_a_pause_neighbours_have_a_quarter_of_a_second_to_both_sides() -> None:
    levels = np.random.default_rng(0).normal(-20, 2, 72_000).astype(np.float32)
    levels[23_000:23_030] = -24  # no pause, but quieter than the rest
    found = cut(levels, 720 * RATE, RATE, 300.0)
    assert [(one.end - other.start) / RATE for one, other in pairwise(found)] == [2 * OVERLAP_S] * 2
    assert found[1].start / RATE + OVERLAP_S == pytest.approx(230.15, abs=0.1)


@given(
    st.lists(st.floats(-120, 0), max_size=400),
    st.integers(1, 3_000_000),
    st.sampled_from([8000, 16_000, 44_100]),
    st.floats(2.6, 200),
)
def test_whatever_it_sounds_like_all_of_it_is_covered(
    levels: list[float], samples: int, rate: int, most: float
) -> None:
    found = cut(np.array(levels, np.float32), samples, rate, most)
    assert len(found) == pieces_of(samples / rate, most)  # which is known before it has been heard
    assert found == cut(np.array(levels, np.float32), samples, rate, most)
    assert found[0].start == 0
    assert found[-1].end == samples
    assert all(stretch.end - stretch.start <= most * rate for stretch in found)
    for one, other in pairwise(found):
        assert one.start < other.start <= one.end < other.end
    for one, third in zip(found, found[2:], strict=False):
        assert one.end <= third.start


@pytest.mark.parametrize("most_s", [4.0, 10.0, 30.0])
def test_no_piece_is_longer_than_it_may_be_wherever_the_pauses_lie(most_s: float) -> None:
    for seed in range(60):
        levels, _truth = spoken(90, seed=seed)
        found = cut(levels, 90 * RATE, RATE, most_s)
        assert max(stretch.end - stretch.start for stretch in found) <= most_s * RATE


def test_what_is_too_short_to_be_spoken_in_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2\.0 s"):
        cut(np.zeros(0, np.float32), 100 * RATE, RATE, 2.0)
    assert cut(np.zeros(0, np.float32), RATE, RATE, 2.0) == [Stretch(0, RATE)]

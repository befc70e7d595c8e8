"""Where somebody speaks in a recording: real speech behind, between and without music that is made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from s2s.audio import decode
from s2s.audio.speaking import Samples, Speech, find_speech
from tests.support import music

RATE = 24_000
SPEECH = Path(__file__).parents[2] / "data" / "speech"


def of(name: str) -> Samples:
    with (SPEECH / name).open("rb") as file:
        return np.concatenate(list(decode(file, sample_rate_hz=RATE)))


@pytest.fixture(scope="module")
def man() -> Samples:
    return of("man_librivox.flac")


def blocks(samples: Samples, size: int = RATE) -> Iterator[Samples]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def found_in(*parts: Samples, wanted_s: float = 15.0, search_s: float = 300.0, size: int = RATE) -> Speech:
    return find_speech(blocks(np.concatenate(parts), size), RATE, wanted_s, search_s)


def room(seconds: float, dbfs: float = -60.0) -> Samples:
    noise = np.random.default_rng(7).standard_normal(round(seconds * RATE))
    return (noise * 10 ** (dbfs / 20)).astype(np.float32)


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples))))


MUSIC: dict[str, Callable[[float, int], Samples]] = {
    "chords": music.chords,
    "drums": music.drums,
    "a low voice that sings": lambda seconds, rate: music.sung(seconds, rate, 110.0),
    "a high voice that sings": lambda seconds, rate: music.sung(seconds, rate, 220.0),
    "a drone": lambda seconds, rate: music.sung(seconds, rate, 130.0, vibrato=0.0),
    "a band": music.band,
}


@pytest.mark.parametrize("name", MUSIC)
def test_music_is_not_speech(name: str) -> None:
    found = found_in(made := MUSIC[name](22.0, RATE))
    assert found.begins_s is None
    first = int(np.flatnonzero(np.abs(made) >= 0.001)[0])
    assert np.array_equal(found.samples, made[first : first + 15 * RATE])  # what there is of sound


@pytest.mark.parametrize("name", MUSIC)
def test_speech_is_found_behind_music(man: Samples, name: str) -> None:
    found = found_in(MUSIC[name](22.0, RATE), man)
    assert 21.5 < found.begins_s < 22.3
    alone = found_in(man)
    assert len(found.samples) == len(alone.samples) == 15 * RATE
    assert level_db(found.samples) == pytest.approx(level_db(alone.samples), abs=0.5)


@pytest.mark.parametrize("name", ["man_librivox.flac", "man_cards.flac", "woman_prompts.flac"])
def test_of_speech_nearly_all_is_found_and_none_of_its_long_pauses(name: str) -> None:
    speech = of(name)
    found = found_in(speech, wanted_s=60)
    assert 0.8 < len(found.samples) / len(speech) <= 1.0
    with_a_pause = found_in(speech, room(20), speech, wanted_s=60)
    assert len(with_a_pause.samples) == pytest.approx(2 * len(found.samples), rel=0.05)


@pytest.mark.parametrize("quiet_s", [0.0, 61.5, 180.0])
def test_it_begins_where_somebody_speaks_however_long_it_is_quiet(man: Samples, quiet_s: float) -> None:
    found = found_in(room(quiet_s), man)
    assert max(0.0, quiet_s - 0.6) <= found.begins_s <= quiet_s + 0.1  # the first sound of the first word is in it


def test_a_word_is_speech_too_and_a_longer_one_is_where_it_begins(man: Samples) -> None:
    word = man[round(0.3 * RATE) : round(0.9 * RATE)]
    alone = found_in(room(5), word, room(5))
    assert 4.3 < alone.begins_s < 5.0
    assert 0.3 < len(alone.samples) / RATE < 0.9
    assert found_in(room(5), word, room(5), man).begins_s == pytest.approx(10.2, abs=0.5)


def test_how_it_is_cut_into_blocks_makes_no_difference(man: Samples) -> None:
    whole, small = (found_in(music.band(5, RATE), man, size=size) for size in (90 * RATE, 1009))
    assert np.array_equal(whole.samples, small.samples)
    assert whole.begins_s == small.begins_s


def test_it_is_searched_no_further_than_is_needed_and_than_is_told(man: Samples) -> None:
    assert found_in(man, room(600)).searched_s < 20
    given_up = found_in(room(100), man, search_s=90)
    assert (given_up.begins_s, given_up.searched_s) == (None, 90)
    assert found_in(room(100), man, search_s=110, size=7 * RATE).searched_s <= 110


@pytest.mark.parametrize("samples", [[], [0.0] * RATE, [0.5], [np.nan] * RATE, [np.inf, -np.inf] * RATE])
def test_next_to_nothing_is_not_speech(samples: list[float]) -> None:
    assert found_in(np.array(samples, np.float32)).begins_s is None

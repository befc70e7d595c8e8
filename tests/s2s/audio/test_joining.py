"""What an endpoint did to a piece is found and undone, and pieces are joined where their source was, unheard."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import aligning, decode
from s2s.audio.aligning import HOPS_A_SECOND, Alignment, Energies, Energy, align
from s2s.audio.joining import EDGE_S, FADE_S, Part, join, levelled, usual_db
from s2s.contract import ConvertParameters
from s2s.engine.speech import Job, converted_file
from s2s.engine.voices import catalogue
from tests.support.joins import click, elsewhere
from tests.support.music import drums, held

SPEECH = Path(__file__).resolve().parents[2] / "data" / "speech"
RATE = 16_000
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def speech() -> Samples:
    """A minute of three people."""
    files = ("man_librivox.flac", "woman_prompts.flac", "man_cards.flac")
    taken = []
    for name in files:
        with (SPEECH / name).open("rb") as file:
            taken += list(decode(file, sample_rate_hz=RATE))
    return np.resize(np.concatenate(taken), 60 * RATE)


def energy(samples: Samples, rate_hz: int = RATE) -> Energies:
    gathered = Energy(rate_hz)
    for block in in_blocks(samples):
        gathered.write(block)
    return gathered.finish()


def lag(source: Samples, answer: Samples, expected: float = 1.0) -> Alignment:
    return align(energy(source), energy(answer), expected)


def changed(source: Samples, late_s: float, stretch: float, louder_db: float) -> Samples:
    """As an endpoint would that is late, slow and louder, and answers as much as it was sent."""
    moments = (np.arange(len(source)) / RATE - late_s) / stretch * RATE
    moved = np.interp(moments, np.arange(len(source)), source, left=0, right=0)
    return np.asarray(moved * 10 ** (louder_db / 20), np.float32)


def in_blocks(samples: Samples) -> Iterator[Samples]:
    yield from np.array_split(samples, 7)


@pytest.mark.parametrize("late_s", [0.0, 0.08, -0.12, 0.4])
@pytest.mark.parametrize("stretch", [1.0, 1.003, 0.997])
def test_shift_stretch_and_level_are_found(speech: Samples, late_s: float, stretch: float) -> None:
    found = lag(speech, changed(speech, late_s, stretch, -3.0))
    assert found.late_s == pytest.approx(late_s, abs=0.001)
    assert found.stretch == pytest.approx(stretch, abs=0.00003)
    assert found.louder_db == pytest.approx(-3.0, abs=0.2)
    assert found.likeness > 0.9


def test_of_a_piece_of_seconds_too(speech: Samples) -> None:
    piece = speech[: 6 * RATE]
    assert lag(piece, changed(piece, 0.08, 1.0, 0.0)).late_s == pytest.approx(0.08, abs=0.001)


def test_a_speed_that_was_asked_for_is_no_fault(speech: Samples) -> None:
    faster = changed(speech, 0.08, 1 / 1.1, 0.0)[: round(len(speech) / 1.1)]
    found = lag(speech, faster, expected=1 / 1.1)
    assert found.late_s == pytest.approx(0.08, abs=0.003)
    assert found.stretch == pytest.approx(1.0, abs=0.0001)


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 22_050, 44_100])
def test_energy_is_the_same_however_it_comes(rate_hz: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 3 * rate_hz + 5).astype(np.float32)
    whole = Energy(rate_hz)
    whole.write(samples)
    energies = whole.finish()
    np.testing.assert_allclose(energy(samples, rate_hz), energies, rtol=1e-6)
    assert len(energies) == 1500
    assert energies.mean() == pytest.approx(0.01, rel=0.02)


def test_another_voice_at_its_place_was_never_moved() -> None:
    path = SPEECH / "man_cards.flac"
    with path.open("rb") as file:
        source = np.concatenate(list(decode(file, sample_rate_hz=RATE)))
    with path.open("rb") as file:
        job = Job(
            file,
            ConvertParameters(output_format="wav_22050"),
            next(iter(catalogue().values())),
            lambda: None,
            lambda: None,
        )
        answer = io.BytesIO(b"".join(piece.content for piece in converted_file(job)))
    converted = np.concatenate(list(decode(answer, sample_rate_hz=RATE)))
    found = lag(source, converted)
    assert (found.late_s, found.stretch) == (0.0, 1.0)
    later = lag(source, np.concatenate([np.zeros(round(0.08 * RATE), np.float32), converted]))
    assert later.late_s == pytest.approx(0.08, abs=0.004)


def test_of_another_passage_nothing_is_believed_but_how_loud_it_is(speech: Samples) -> None:
    found = lag(speech, speech[::-1].copy() * 2)
    assert (found.late_s, found.stretch, found.likeness) == (0.0, 1.0, 0.0)
    assert lag(speech[:10], speech[:10]) == Alignment()


@pytest.mark.parametrize("spoken_share", [0.1, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("background", [0.0, 0.001])
def test_a_piece_that_is_mostly_silent_is_not_moved_for_that(
    speech: Samples, spoken_share: float, background: float
) -> None:
    rng = np.random.default_rng(0)
    piece = speech.copy()
    piece[round(len(piece) * spoken_share) :] = 0
    source = piece + np.float32(background) * rng.normal(size=len(piece)).astype(np.float32)
    answer = changed(piece, 0.1, 1.0, 0.0) + np.float32(background) * rng.normal(size=len(piece)).astype(np.float32)
    found = lag(source, answer)
    assert found.late_s == pytest.approx(0.1, abs=0.002)
    assert found.stretch == pytest.approx(1.0, abs=0.0002)
    assert lag(source, np.zeros_like(source)).likeness == 0.0


def test_a_steady_beat_tells_nothing_that_is_wrong() -> None:
    clicks = np.zeros(60 * RATE, np.float32)
    for beat in range(0, len(clicks), RATE // 2):
        clicks[beat : beat + 800] = 0.3 * np.hanning(800)
    found = lag(clicks, changed(clicks, 0.1, 1.0, 0.0))
    assert abs(found.stretch - 1) < 0.001


def test_over_music_without_a_pause_it_is_found_too_where_that_stays(speech: Samples) -> None:
    talk = 0.6 * speech
    music, beats = (kind(len(speech) / RATE, RATE) for kind in (held, drums))
    source = talk + music + 0.5 * beats
    found = lag(source, changed(source, 0.08, 1.003, -3.0))
    assert found.late_s == pytest.approx(0.08, abs=0.001)
    assert found.stretch == pytest.approx(1.003, abs=0.0001)
    assert found.louder_db == pytest.approx(-3.0, abs=0.1)
    other = held(len(speech) / RATE, RATE, 147.0)  # an endpoint makes of music what it will
    for answer in (changed(talk + other, 0.08, 1.0, 0.0), changed(talk, 0.08, 1.0, 0.0), other):
        found = lag(source, answer)
        assert found.stretch == pytest.approx(1.0, abs=0.0001)
        assert found.late_s in (0.0, pytest.approx(0.08, abs=0.005))


def own_levels(alignments: list[Alignment]) -> list[float]:
    return levelled(alignments, usual_db(alignments))


def test_what_is_not_like_its_source_is_made_no_louder() -> None:
    muted = Alignment(louder_db=-46.0, likeness=0.1)
    alike = [Alignment(louder_db=each, likeness=0.9) for each in (-1.0, 2.0, 0.0, 40.0)]
    assert own_levels([alike[0], muted, alike[1]]) == [1.5, 0.0, -1.5]
    assert own_levels([muted, muted]) == [0.0, 0.0]
    assert own_levels([alike[2], alike[2], alike[3]]) == [0.0, 0.0, -12.0]


# ---- joining ----


def cut(samples: int) -> list[tuple[int, int]]:
    overlap, edges = RATE // 4, [0, 17 * RATE + 5, 41 * RATE, samples]
    return [(max(0, start - overlap), min(samples, end + overlap)) for start, end in pairwise(edges)]


def joined(parts: list[Part], samples: int) -> Samples:
    return np.concatenate(list(join(parts, samples, RATE)))


def test_what_was_cut_and_left_as_it_is_is_the_same(speech: Samples) -> None:
    parts = [Part(start, end, in_blocks(speech[start:end])) for start, end in cut(len(speech))]
    assert np.abs(joined(parts, len(speech)) - speech).max() < 1e-6


def test_late_slow_and_softer_pieces_are_put_back_to_the_millisecond(speech: Samples) -> None:
    places = cut(len(speech))
    answers = [changed(speech[start:end], 0.08, 1.003, -3.0 * (i % 2)) for i, (start, end) in enumerate(places)]
    alignments = [lag(speech[start:end], each) for (start, end), each in zip(places, answers, strict=True)]
    gains = levelled(alignments, usual_db(alignments))
    parts = [
        Part(*place, in_blocks(answer), alignment, gain)
        for place, answer, alignment, gain in zip(places, answers, alignments, gains, strict=True)
    ]
    result = joined(parts, len(speech))
    assert len(result) == len(speech)
    found = lag(speech, result)
    assert (found.late_s, found.stretch) == (0.0, 1.0)
    for _start, end in places[:-1]:  # no step in level from one side of a join to the other
        before, after = slice(end - 6 * RATE, end - RATE // 2), slice(end, end + 6 * RATE)
        step = [10 * np.log10((result[side] ** 2).mean() / (speech[side] ** 2).mean()) for side in (before, after)]
        assert abs(step[1] - step[0]) < 0.5


def test_an_answer_that_came_short_leaves_silence_and_everything_else_in_its_place(speech: Samples) -> None:
    places = cut(len(speech))
    parts = [
        Part(start, end, in_blocks(speech[start : end - (5 * RATE if i == 1 else 0)]))
        for i, (start, end) in enumerate(places)
    ]
    result = joined(parts, len(speech))
    missing = slice(places[1][1] - 5 * RATE, places[2][0])
    assert not result[missing].any()
    result[missing] = speech[missing]
    fade = round(FADE_S * RATE)
    middle = (places[2][0] + places[1][1]) // 2
    result[middle - RATE // 4 : middle + fade] = speech[middle - RATE // 4 : middle + fade]
    assert np.abs(result - speech).max() < 1e-6


@pytest.mark.parametrize("common", [0.0, 0.5, 1.0])
def test_a_fade_is_as_loud_as_both_sides(common: float) -> None:
    rng = np.random.default_rng(0)
    length, overlap = 20 * RATE, RATE // 2
    first, second = rng.normal(0, 0.1, (2, length)).astype(np.float32)
    second = np.float32(common) * first + np.float32(np.sqrt(1 - common**2)) * second
    fade = round(FADE_S * RATE)
    power = []
    for start in range(0, length - overlap, overlap):
        there = slice(start, start + overlap)
        sides = [Part(0, overlap, [side[there]]) for side in (first, second)]
        middle = slice((overlap - fade) // 2, (overlap + fade) // 2)
        power.append((joined(sides, overlap)[middle] ** 2).mean())
    assert 10 * np.log10(np.mean(power) / 0.01) == pytest.approx(0, abs=0.3)


def test_parts_that_only_touch_have_edges_of_their_own() -> None:
    """Neither is heard where the other one is, and nothing clicks."""
    ones = np.ones(RATE, np.float32)
    parts = [Part(0, RATE, in_blocks(ones)), Part(RATE, 2 * RATE, in_blocks(-ones))]
    joined = np.concatenate(list(join(parts, 2 * RATE, RATE)))
    edge = round(EDGE_S * RATE)
    assert len(joined) == 2 * RATE
    assert (joined[: RATE - edge] == 1).all()
    assert (joined[RATE + edge :] == -1).all()
    assert (joined[:RATE] > 0).all()
    assert (joined[RATE:] < 0).all()
    assert np.abs(np.diff(joined)).max() < 0.04


def test_a_part_shorter_than_its_edges_is_still_one() -> None:
    ones = np.ones(2 * RATE, np.float32)
    ends = [RATE, RATE + 10, 2 * RATE]
    parts = [Part(first, end, iter([ones[first:end]])) for first, end in zip([0, *ends], ends, strict=False)]
    joined = np.concatenate(list(join(parts, 2 * RATE, RATE)))
    assert len(joined) == 2 * RATE
    assert joined.max() <= 1
    assert joined[RATE : RATE + 10].max() > 0.5


def test_beside_what_stays_as_it_is_parts_are_as_loud_as_their_source() -> None:
    lie = [Alignment(louder_db=6.0, likeness=0.9), Alignment(louder_db=2.0, likeness=0.9), Alignment(louder_db=9.0)]
    assert own_levels(lie) == [-2.0, 2.0, 0.0]
    assert levelled(lie, 0.0) == [-6.0, -2.0, 0.0]


@pytest.fixture
def hour() -> tuple[Energies, Energies]:
    """Of a recording, and of an answer that is late; half of it nobody says anything."""
    numbers = np.random.default_rng(1)
    hops = 3600 * HOPS_A_SECOND
    source = numbers.random(hops) ** 4 * np.repeat(numbers.random(hops // 250) > 0.5, 250)
    return source, np.roll(source, 40)


def test_of_hours_it_takes_little_more_memory_than_what_is_compared(hour: tuple[Energies, Energies]) -> None:
    """A piece is as long as its endpoint takes, and that may be all of an interview's channel."""
    tracemalloc.start()
    try:
        found = align(*hour)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.late_s == pytest.approx(0.08, abs=0.001)
    assert peak < 5 * hour[0].nbytes


def test_each_look_takes_the_shape_of_the_answer_once(
    hour: tuple[Energies, Energies], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once for each of the windows that are compared."""
    shape, taken = aligning._shape, list[int]()

    def counted(energy: Energies) -> Energies:
        taken.append(len(energy))
        return shape(energy)

    monkeypatch.setattr(aligning, "_shape", counted)
    align(*hour)
    assert len(taken) <= 1 + aligning._LOOKS


def test_what_is_moved_is_the_same_however_long_it_is() -> None:
    energy = np.random.default_rng(2).random(200_000)
    for length, late_s, stretch in (
        (200_000, 0.3, 1.004),
        (150_000, -2.0, 0.97),
        (300_000, 1.0, 1.0),
        (10, 500.0, 1.0),
    ):
        moments = np.arange(length) * stretch + late_s * HOPS_A_SECOND
        expected = np.interp(moments, np.arange(len(energy)), energy)
        np.testing.assert_allclose(aligning._moved(energy, length, late_s, stretch), expected, atol=1e-9)


def test_over_music_without_a_pause_nothing_jumps_where_parts_are_joined() -> None:
    """Each part sounds otherwise there, as an endpoint's answers do: a hard cut would be heard as a click."""
    length, moments = 60 * RATE, np.arange(60 * RATE) / RATE
    places = cut(length)
    answers = [organ(moments[start:end], number) for number, (start, end) in enumerate(places)]
    parts = [Part(start, end, in_blocks(answer)) for (start, end), answer in zip(places, answers, strict=True)]
    result = joined(parts, length)
    joins = [(one[1] + other[0]) // 2 for one, other in pairwise(places)]
    near = round(FADE_S * RATE)
    there = max(click(result[join - near : join + near]) for join in joins)
    usual = max(click(result[place : place + 2 * near]) for place in elsewhere(joins, length, 100))
    assert there <= usual + 1.0


def organ(moments: NDArray[np.float64], register: int) -> Samples:
    """A chord that is held for as long as one likes."""
    tones = [np.sin(2 * np.pi * hz * moments + 2.0 * register) for hz in (110.0, 164.8, 220.0, 277.2)]
    return (0.1 * np.sum(tones, axis=0)).astype(np.float32)

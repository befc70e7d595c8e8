"""Sound goes on where it is unless its times say otherwise, clearly and for longer than a moment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.audio.timeline import Origin, Placed, Timeline, beyond

FROM_ZERO = Origin(0.0)
RATE = 48_000
PACKET = 960
PACKET_S = PACKET / RATE


def placed(times: Sequence[float | None], origin: Origin = FROM_ZERO, samples: int = PACKET) -> list[Placed[int]]:
    line: Timeline[int] = Timeline(origin)
    found = [piece for index, time_s in enumerate(times) for piece in line.place(index, time_s, samples, RATE)]
    return found + line.finish()


def silences(times: Sequence[float | None], origin: Origin = FROM_ZERO, samples: int = PACKET) -> dict[int, int]:
    """Samples of silence, by the packet before which they lie."""
    return {piece.sound: piece.silence for piece in placed(times, origin, samples) if piece.silence}


def steady(count: int, begin_s: float = 0.0) -> list[float]:
    return [begin_s + index * PACKET_S for index in range(count)]


def test_a_late_start_is_silence_in_front():
    assert silences(steady(20, 1.5)) == {0: 72_000}
    assert silences(steady(20, 28.5), Origin(27.0)) == {0: 72_000}


def test_what_has_no_other_time_to_be_late_to_begins_at_once():
    assert silences(steady(20, 27_000.0), Origin(None)) == {}


def test_a_rounded_first_time_is_no_late_start():
    assert silences(steady(20, 0.001)) == {}


def test_a_start_that_is_hours_late_is_that_of_another_clock():
    assert silences(steady(20, 7200.0)) == {}


def test_packets_without_times_are_counted():
    assert silences([None] * 20) == {}
    times: list[float | None] = [time_s if index % 3 == 0 else None for index, time_s in enumerate(steady(60))]
    assert silences(times) == {}


def test_only_what_comes_first_can_be_late():
    assert silences([None, None, *steady(20, 5.0)]) == {}


@pytest.mark.parametrize("hole_s", [0.1, 2.0, 600.0])
def test_a_hole_is_silence(hole_s):
    times = [*steady(30), *steady(30, 30 * PACKET_S + hole_s)]
    assert silences(times) == {30: round(hole_s * RATE)}


def test_a_hole_near_the_end_is_silence_too():
    assert silences([*steady(30), *steady(2, 30 * PACKET_S + 1)]) == {30: RATE}


def test_sparse_packets_lie_apart():
    """Opus sends a packet now and then while nobody speaks (DTX)."""
    times = [*steady(10), *(10 * PACKET_S + 0.4 * index + 0.38 for index in range(20))]
    # All but before the last one, whose time nothing confirms.
    assert silences(times) == {10 + index: round(0.38 * RATE) for index in range(19)}


def test_the_clock_of_a_recorder_may_jitter():
    """As Chromium's MediaRecorder counts: packets of 60 ms that are up to half of one early or late."""
    times = [0.0, 0.001, 0.035, 0.095, *(0.155 + 0.06 * index + 0.009 * (index % 2) for index in range(100))]
    assert silences(times, samples=2880) == {}
    times = [0.06 * index + 0.001 * (index * 37 % 60 - 30) for index in range(200)]
    assert silences(times, samples=2880) == {}


def test_one_time_that_is_wrong_moves_nothing():
    times = steady(60)
    times[20], times[40] = 9.0, -9.0
    assert silences(times) == {}


def test_milliseconds_are_no_holes():
    times = [round(index * 1024 / RATE, 3) for index in range(50_000)]
    assert silences(times, samples=1024) == {}


@pytest.mark.parametrize("creep", [0.999, 1.001])
def test_a_clock_that_creeps_is_followed(creep):
    assert silences([time_s * creep for time_s in steady(50_000)]) == {}


def test_a_hole_behind_a_clock_that_crept_is_as_long_as_it_is():
    crept = [time_s * 0.999 for time_s in steady(50_000)]
    ((at, silence),) = silences([*crept, *steady(50, crept[-1] + PACKET_S + 2)]).items()
    assert (at, silence) == (50_000, pytest.approx(2 * RATE, abs=RATE * 0.03))


def test_lost_packets_that_are_too_short_for_a_hole_add_up_to_one():
    times = [time_s + 0.02 * (index // 20) for index, time_s in enumerate(steady(400))]
    assert sum(silences(times).values()) / RATE == pytest.approx(0.38, abs=0.06)


def test_times_that_begin_again_neither_repeat_nor_lose_sound():
    times = [*steady(100), *steady(100), *steady(50, 1.0), *steady(50, 4.0)]
    assert silences(times) == {250: RATE * 2}  # from 1 s on, 50 packets of 20 ms; then it is 4 s


def test_a_jump_that_no_hole_explains_is_a_new_clock():
    times = [*steady(50), *steady(50, 20_000.0)]
    assert silences(times) == {}
    assert silences([*steady(50), *steady(50, 12.0)], Origin(0.0, longest_hole_s=10.0)) == {}


def test_what_a_recorder_left_in_front_is_left_out():
    found = placed(steady(20), Origin(0.0065, early_s=0.0065))
    assert [(piece.silence, piece.first) for piece in found] == [(0, 312)] + [(0, 0)] * 19


def test_going_on_in_the_middle_keeps_holes_and_positions():
    line: Timeline[int] = Timeline(Origin(0.0))
    line.begin_at(base_s=1.0, position_s=7.0)
    times = [*steady(10, 8.0), *steady(10, 10.0)]
    found = [piece for index, time_s in enumerate(times) for piece in line.place(index, time_s, PACKET, RATE)]
    found += line.finish()
    assert {piece.sound: piece.silence for piece in found if piece.silence} == {10: round(1.8 * RATE)}
    assert line.position_s == pytest.approx(7 + 2 + 10 * PACKET_S)


times_s = st.none() | st.floats(-1e16, 1e16) | st.floats(-5, 50)


@given(
    st.lists(st.tuples(times_s, st.integers(1, 5000), st.sampled_from([8000, RATE])), max_size=120),
    st.none() | st.floats(-1e6, 1e6),
    st.sampled_from([0.0, 0.0065]),
)
def test_every_piece_comes_once_and_silence_is_bounded(pieces, at_s, early_s):
    line: Timeline[int] = Timeline(Origin(at_s, longest_hole_s=10.0, longest_lead_s=20.0, early_s=early_s))
    found: list[Placed[int]] = []
    for index, (time_s, samples, rate) in enumerate(pieces):
        found += line.place(index, time_s, samples, rate)
        assert index - len(found) < 8  # no more is held back
    found += line.finish()
    assert [piece.sound for piece in found] == list(range(len(pieces)))
    lead, *holes = [piece.silence / pieces[piece.sound][2] for piece in found] or [0.0]
    assert 0 <= lead <= 20.0 + 1e-3
    assert all(0 <= hole_s <= 10.0 + 1e-3 for hole_s in holes)
    assert sum(hole_s > 0 for hole_s in [lead, *holes]) == line.holes + (line.lead_s > 0)
    assert sum(holes) + lead == pytest.approx(line.holes_s + line.lead_s)
    sound_s = sum((pieces[piece.sound][1] - piece.first) / pieces[piece.sound][2] for piece in found)
    assert line.position_s == pytest.approx(sound_s + line.lead_s + line.holes_s)
    assert all(piece.first <= 0.0065 * RATE + 1 and piece.cut == 0 for piece in found)


@given(st.lists(st.floats(-0.014, 0.014), min_size=20, max_size=300), st.floats(0.1, 9.0), st.integers(8, 12))
def test_a_hole_is_found_through_jitter(jitter, hole_s, before):
    times = [time_s + late_s for time_s, late_s in zip(steady(len(jitter)), jitter, strict=True)]
    times = [*times[:before], *(time_s + hole_s for time_s in times[before:])]
    assert sum(silences(times, Origin(None)).values()) / RATE == pytest.approx(hole_s, abs=0.05)


@pytest.mark.parametrize(("end_s", "samples"), [(1.0, 0), (0.999, 48), (0.9, 0), (5.0, 0), (float("inf"), 0)])
def test_an_end_within_the_last_piece_cuts_it(end_s, samples):
    assert beyond(end_s, 1.0, PACKET, RATE) == samples

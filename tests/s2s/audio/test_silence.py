"""What nobody need be paid for: silence, and nothing that anybody might have said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s2s.audio.silence import heard, silence_dbfs

Levels = NDArray[np.float32]


def levels(*parts: tuple[float, float]) -> Levels:
    """Of so many seconds at so many dBFS."""
    return np.concatenate([np.full(round(seconds * 100), dbfs, np.float32) for seconds, dbfs in parts])


def spoken(found: Levels) -> list[tuple[float, float]]:
    return [(first / 100, last / 100) for first, last in heard(found, silence_dbfs(found))]


def test_of_ten_minutes_with_one_sentence_that_sentence_is_left() -> None:
    assert spoken(levels((300, -100), (3, -20), (300, -100))) == [(299.48, 303.52)]


def test_a_pause_belongs_to_what_is_around_it() -> None:
    assert spoken(levels((8, -100), (3, -20), (9, -100), (3, -20), (8, -100))) == [(0.0, 31.0)]


def test_a_long_silence_parts_what_is_before_and_behind() -> None:
    assert spoken(levels((3, -20), (20, -100), (3, -20))) == [(0.0, 3.52), (22.48, 26.0)]


def test_a_quiet_room_is_no_silence() -> None:
    assert spoken(levels((3, -20), (60, -64), (3, -20))) == [(0.0, 66.0)]


def test_who_speaks_far_from_the_microphone_is_heard() -> None:
    assert spoken(levels((3, -20), (60, -64.9), (3, -20))) == [(0.0, 66.0)]
    assert spoken(levels((3, -55), (20, -95), (3, -55))) == [(0.0, 26.0)]


def test_where_all_is_silent_nothing_is_left() -> None:
    assert not len(heard(levels((5, -100)), -70.0))
    assert not len(heard(levels((0.02, -20), (5, -100), (0.02, -20)), -70.0))
    assert len(heard(levels((5, -100), (0.06, -20)), -70.0))
    assert len(heard(levels((0.1, -20)), -70.0))
    assert not len(heard(np.zeros(0, np.float32), -70.0))

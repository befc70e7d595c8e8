"""Levels of each 10 ms: the same however the samples come, and at no rate a frame drifts."""

from __future__ import annotations

import numpy as np
import pytest

from s2s.audio.levels import Levels, in_dbfs


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 12_345, 44_100])
def test_they_are_the_same_however_the_samples_come(rate_hz: int) -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, rate_hz * 7 + 13).astype(np.float32)
    whole, parts = Levels(rate_hz), Levels(rate_hz)
    whole.write(samples)
    edges = np.sort(rng.integers(0, len(samples), 200))
    for part in np.split(samples, edges):
        parts.write(part)
    found = whole.finish()
    assert parts.finish() == found
    assert len(found) in (701, 702)
    assert in_dbfs(found)[:-1].mean() == pytest.approx(-20, abs=0.3)


@pytest.mark.parametrize("rate_hz", [11_025, 44_100])
def test_after_half_an_hour_a_sound_is_where_it_is(rate_hz: int) -> None:
    levels = Levels(rate_hz)
    quiet = np.zeros(rate_hz * 60, np.float32)
    for _ in range(30):
        levels.write(quiet)
    levels.write(np.ones(rate_hz // 10, np.float32))
    loud = np.flatnonzero(in_dbfs(levels.finish()) > -3)
    assert loud[0] == 30 * 60 * 100
    assert len(loud) in (10, 11)


def test_silence_and_nothing() -> None:
    levels = Levels(8000)
    assert levels.finish() == b""
    levels.write(np.zeros(800, np.float32))
    assert set(levels.finish()) == {255}

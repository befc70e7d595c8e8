"""The voice that is put together: loud and bright as WORLD makes it, and silent where a consonant is the speaker's."""

from __future__ import annotations

import numpy as np
import pytest
import pyworld
from numpy.typing import NDArray

from s2s.engine import analysis, synthesis
from s2s.engine.analysis import analyse
from s2s.engine.synthesis import synthesise, voice_share
from s2s.engine.vocoder import BIN_HZ, BINS, FRAME_PERIOD_MS, HOP, SAMPLE_RATE_HZ, Features

FRAMES = 400


def vowel(f0_hz: float, aperiodicity: float) -> Features:
    """Two seconds with two formants."""
    envelope = sum(np.exp(-(((BIN_HZ - hz) / 250) ** 2)) for hz in (600, 1500)) * 1e-3 + 1e-5
    return Features(
        np.full(FRAMES, f0_hz),
        np.zeros(FRAMES),
        np.tile(np.asarray(envelope, np.float32), (FRAMES, 1)),
        np.full((FRAMES, BINS), aperiodicity, np.float32),
        np.zeros(FRAMES, bool),
    )


def bands_db(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Levels of 1 kHz each, 0 to 6 kHz, without the ends."""
    middle = samples[SAMPLE_RATE_HZ // 4 : -SAMPLE_RATE_HZ // 4]
    power = np.abs(np.fft.rfft(middle)) ** 2 / len(middle)
    hz = np.fft.rfftfreq(len(middle), 1 / SAMPLE_RATE_HZ)
    return np.array([10 * np.log10(power[(low <= hz) & (hz < low + 1000)].sum()) for low in range(0, 6000, 1000)])


@pytest.mark.parametrize("f0_hz", [84.0, 232.0])
@pytest.mark.parametrize("aperiodicity", [0.01, 0.5, 0.99])
def test_it_is_as_loud_and_as_bright_as_worlds(f0_hz: float, aperiodicity: float) -> None:
    features = vowel(f0_hz, aperiodicity)
    doubles = features.envelope.astype(np.float64), features.aperiodicity.astype(np.float64)
    due = pyworld.synthesize(features.f0_hz, *doubles, SAMPLE_RATE_HZ, FRAME_PERIOD_MS)
    assert np.abs(bands_db(synthesise(features, FRAMES * HOP)) - bands_db(due)).max() < 1.0


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_noise_belongs_to_its_place(seed: int) -> None:
    whole = synthesis._drawn(0, 20_000, seed, 0)
    assert np.array_equal(synthesis._drawn(5000, 9000, seed, 0), whole[5000:14_000])
    assert whole.std() == pytest.approx(1, abs=0.03)
    assert len(synthesis._drawn(-3 * HOP, 3 * HOP, seed, 0)) == 3 * HOP  # a voice that begins with the recording


def test_each_seed_has_a_noise_of_its_own() -> None:
    streams = [synthesis._drawn(0, 20_000, seed, stream) for seed in (0, 1, 2, 2**32 - 1) for stream in (0, 1)]
    assert np.abs(np.corrcoef(streams) - np.eye(len(streams))).max() < 0.05


def test_a_seed_moves_the_melody_by_some_cents_and_none_leaves_it() -> None:
    assert np.array_equal(synthesis.drift(123, 4000, 0), np.ones(4000))
    whole = 1200 * np.log2(synthesis.drift(0, 60_000, 5))
    assert np.array_equal(whole[777:3000], 1200 * np.log2(synthesis.drift(777, 2223, 5)))  # by its place
    assert abs(np.median(whole)) < 1
    assert 5 < whole.std() < 9
    assert np.abs(np.diff(whole)).max() < 3  # of a frame from the next
    assert np.abs(np.corrcoef(whole, 1200 * np.log2(synthesis.drift(0, 60_000, 6)))[0, 1]) < 0.1


def test_a_turn_moves_every_pulse() -> None:
    features = vowel(100.0, 0.01)
    plain, early = synthesise(features, FRAMES * HOP), synthesise(features, FRAMES * HOP, turns={0: 0.25})
    quarter = SAMPLE_RATE_HZ // 400
    assert np.abs(early[5000:9000] - plain[5000 + quarter : 9000 + quarter]).max() < 0.05 * np.abs(plain).max()


def test_where_a_consonant_is_the_voice_is_silent() -> None:
    features = vowel(120.0, 0.1)
    features.hiss[190:210] = True
    inside, around = slice(192 * HOP, 208 * HOP), slice(100 * HOP, 180 * HOP)
    assert np.abs(synthesise(features, FRAMES * HOP)[inside]).max() == 0
    for ratio in (1, 2):
        share = voice_share(features, FRAMES * HOP * ratio, ratio)
        assert share[inside.start * ratio : inside.stop * ratio].max() == 0
        assert share[around.start * ratio : around.stop * ratio].min() == pytest.approx(1)


def test_a_consonant_over_which_pitch_is_drawn_is_found_and_a_bright_voice_is_none() -> None:
    """Two seconds: a bright buzz, and bright noise. Both are noise by D4C's own decision."""
    time_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    buzz = np.asarray(sum(np.cos(2 * np.pi * 200 * k * time_s) * (0.002 if k < 20 else 0.01) for k in range(1, 50)))
    noise = np.diff(np.random.default_rng(1).standard_normal(len(time_s) + 1), n=1) * 0.05
    x = np.where(time_s < 1, buzz, noise)
    f0_hz = np.full(401, 200.0)
    envelope = analysis._envelope(x, f0_hz, np.arange(401))
    hiss = analysis._hiss(x, f0_hz, envelope, np.arange(401))
    assert not hiss[10:190].any()
    assert hiss[210:390].mean() > 0.9


def test_a_voice_neither_begins_nor_ends_with_a_consonant() -> None:
    f0_hz, hiss = np.full(30, 100.0), np.zeros(30, bool)
    hiss[[0, 1, 2, 12, 29]] = True
    analysis._cut_ends(f0_hz, hiss)
    assert np.flatnonzero(f0_hz == 0).tolist() == [0, 1, 2, 29]
    assert np.flatnonzero(hiss).tolist() == [12]


def test_share_and_sound_fade_alike() -> None:
    """Ahead of a voice by no more than the fade, and not at all beyond it."""
    features = vowel(150.0, 0.5)
    features.f0_hz[:100] = features.f0_hz[300:] = 0
    share = voice_share(features, FRAMES * HOP, 1)
    sound = synthesise(features, FRAMES * HOP)
    assert np.abs(sound[share == 0]).max() < 1e-6
    assert share[100 * HOP] == pytest.approx(0.95, abs=0.05)
    assert (share[101 * HOP : 298 * HOP] > 0.999).all()


def test_takes_the_same_again() -> None:
    once, again = (analyse(np.random.default_rng(2).standard_normal(SAMPLE_RATE_HZ) * 0.1) for _ in range(2))
    assert np.array_equal(synthesise(once, SAMPLE_RATE_HZ), synthesise(again, SAMPLE_RATE_HZ))

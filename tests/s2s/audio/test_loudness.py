"""Integrated loudness, held against the signals of EBU Tech 3341 and against the recommendation's own formula."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import sosfilt

from s2s.audio import measure_loudness
from s2s.audio.loudness import Loudness

RATE = 48_000
# BS.1770-4, tables 1 and 2: the two filters of K-weighting at 48 kHz.
K_WEIGHTING = [
    [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
    [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
]


def sine(seconds: float, *dbfs: float, rate: int = RATE) -> NDArray[np.float32]:
    """1 kHz whose peaks are at `dbfs`, one for each channel."""
    wave = np.sin(2 * np.pi * 1000 * np.arange(round(seconds * rate)) / rate)
    return np.stack([10 ** (level / 20) * wave for level in dbfs]).astype(np.float32)


def lufs(*passages: NDArray[np.float32], layout: str = "stereo", rate: int = RATE) -> float | None:
    loudness = Loudness()
    for passage in passages:
        for start in range(0, passage.shape[1], rate):
            loudness.write(passage[:, start : start + rate], layout, rate)
    return loudness.finish()


@pytest.mark.parametrize(
    ("passages", "wanted"),
    [
        ([(20, -23)], -23),
        ([(20, -33)], -33),
        ([(10, -36), (60, -23), (10, -36)], -23),
        ([(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)], -23),
        ([(20, -26), (20.1, -20), (20, -26)], -23),
    ],
)
def test_the_stereo_signals_of_the_standard_have_their_loudness(passages, wanted):
    assert lufs(*(sine(seconds, dbfs, dbfs) for seconds, dbfs in passages)) == pytest.approx(wanted, abs=0.1)


def test_the_surround_signal_of_the_standard_has_its_loudness():
    assert lufs(sine(20, -28, -28, -24, -30, -30), layout="5.0") == pytest.approx(-23, abs=0.1)


def test_mono_is_as_loud_as_the_same_sound_from_two_loudspeakers():
    assert lufs(sine(5, -23), layout="mono") == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 22_050, 44_100, 96_000, 384_000])
def test_loudness_is_the_same_at_every_rate(rate):
    assert lufs(sine(3, -23, -23, rate=rate), rate=rate) == pytest.approx(-23, abs=0.2)


@pytest.mark.parametrize(("layout", "channels"), [("3 channels", 3), ("5.1", 6), ("7.1", 8), ("8 channels", 8)])
def test_every_channel_counts_once(layout, channels):
    center_only = sine(3, *([-200] * 2), -23, *([-200] * (channels - 3)))
    assert lufs(center_only, layout=layout) == pytest.approx(-26, abs=0.1)


def test_noise_is_as_loud_as_the_formula_says():
    random = np.random.default_rng(3)
    swelling = np.interp(np.arange(12 * RATE), np.linspace(0, 12 * RATE, 25), random.uniform(0, 0.3, 25) ** 2)
    samples = (random.standard_normal((2, 12 * RATE)) * swelling).astype(np.float32)
    weighted = sosfilt(K_WEIGHTING, samples.astype(np.float64))
    power = (weighted.reshape(2, -1, RATE // 10) ** 2).mean(axis=2).sum(axis=0)
    blocks = np.convolve(power, np.ones(4) / 4, mode="valid")  # 400 ms, each 100 ms
    absolute = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    gated = absolute[absolute > absolute.mean() / 10]
    assert len(gated) < len(blocks)
    assert lufs(samples) == pytest.approx(-0.691 + 10 * np.log10(gated.mean()), abs=0.05)


def test_a_layout_that_changes_inside_is_heard_through():
    assert lufs(sine(2, -23, -23)) == pytest.approx(-23, abs=0.1)
    loudness = Loudness()
    loudness.write(sine(5, -23, -23), "stereo", RATE)
    loudness.write(sine(5, -23, -23, rate=44_100), "stereo", 44_100)
    loudness.write(sine(5, -23, -23, -200, -200, -200, -200), "5.1", RATE)
    loudness.write(sine(5, -23, -23), "stereo", RATE)
    assert loudness.finish() == pytest.approx(-23, abs=1)


@pytest.mark.parametrize(
    "samples", [sine(0.39, -23, -23), np.zeros((2, 3 * RATE), np.float32), np.zeros((2, 0), np.float32)]
)
def test_silence_and_less_than_a_block_have_no_loudness(samples):
    assert lufs(samples) is None
    assert Loudness().finish() is None


def test_a_block_is_enough():
    assert lufs(sine(0.4, -23, -23)) == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("ipod", "aac"), ("webm", "libopus")]
)
def test_a_file_is_measured(write, container, codec):
    content = write(sine(3, -23, -23), RATE, container=container, codec=codec)
    lost_by_the_codec = 0.6 if codec == "libmp3lame" else 0.2
    assert measure_loudness(io.BytesIO(content)) == pytest.approx(-23, abs=lost_by_the_codec)


def test_what_a_float_file_may_hold_does_not_upset_the_meter(write):
    samples = sine(2, -23, -23)
    samples[:, 100:200], samples[0, 300] = np.nan, np.inf
    found = measure_loudness(io.BytesIO(write(samples, RATE, container="wav", codec="pcm_f32le")))
    assert found is not None
    assert np.isfinite(found)


def test_silence_has_none(write):
    content = write(np.zeros((1, RATE), np.float32), RATE, container="wav", codec="pcm_s16le")
    assert measure_loudness(io.BytesIO(content)) is None

"""Resampling, mixing, peaks and level by themselves."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s.audio.limits import SILENCE_DBFS
from s2s.audio.mixing import usual
from s2s.audio.peaks import ForeseenPeaks, Level, Peaks, buckets_for
from s2s.audio.planes import channels
from s2s.audio.resampling import Resampler


@pytest.mark.parametrize("length", [0, 1, 2, 7, 999, 44100, 100_003])
@pytest.mark.parametrize(("input_rate", "output_rate"), [(44100, 48000), (48000, 8000), (8000, 44100), (11025, 16000)])
def test_resampled_samples_are_as_many_as_foretold(noise, input_rate, output_rate, length):
    resampler = Resampler(input_rate, output_rate)
    samples = noise(length)
    given = sum(len(resampler.write(samples[start : start + 1013])) for start in range(0, length, 1013))
    assert given + len(resampler.finish()) == round(length * output_rate / input_rate)


def test_resampled_samples_stay_where_they_were():
    click = np.zeros(44100, np.float32)
    click[22050] = 1
    resampler = Resampler(44100, 48000)
    there = np.concatenate([resampler.write(click), resampler.finish()])
    assert np.argmax(there) == 24000


def frame_of(planes: np.ndarray, layout: str, sample_format: str = "fltp") -> av.AudioFrame:
    array = planes if sample_format.endswith("p") else planes.T.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(array), format=sample_format, layout=layout)
    frame.sample_rate = 48000
    return frame


def mixed(frame: av.AudioFrame) -> np.ndarray:
    return usual([channel.name for channel in frame.layout.channels]).of(channels([frame]))


@pytest.mark.parametrize(
    ("sample_format", "dtype", "half"),
    [("u8", "u1", 192), ("s16", "i2", 1 << 14), ("s16p", "i2", 1 << 14), ("s32", "i4", 1 << 30), ("dblp", "f8", 0.5)],
)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_every_sample_format_has_the_same_full_scale(sample_format, dtype, half, layout):
    planes = np.full((1 if layout == "mono" else 2, 100), half, dtype)
    assert mixed(frame_of(planes, layout, sample_format)) == pytest.approx(0.5)


def test_surround_is_weighted_as_the_recommendation_says():
    planes = np.zeros((6, 10), np.float32)
    planes[2] = 1  # the centre of 5.1, where people speak
    assert mixed(frame_of(planes, "5.1")) == pytest.approx(1)
    planes[0] = -1
    assert mixed(frame_of(planes, "5.1")) == pytest.approx(1 - 0.7071)
    planes[:] = 0
    planes[3] = 1  # low-frequency effects
    assert not mixed(frame_of(planes, "5.1")).any()


def test_channels_without_names_are_weighted_alike():
    planes = np.stack([np.full(10, value, np.float32) for value in (0.9, 0.0, 0.0)])
    assert mixed(frame_of(planes, "3 channels")) == pytest.approx(0.3)


@pytest.mark.parametrize("length", [1, 3, 1000, 64_000, 64_001, 1_000_003])
def test_peaks_are_those_of_equal_parts(noise, length):
    samples = noise(length)
    peaks = Peaks()
    for start in range(0, length, 4999):
        peaks.write(samples[start : start + 4999])
    found = np.frombuffer(peaks.finish(1000), np.uint8)
    assert len(found) == 1000
    exact = [
        np.abs(samples[i * length // 1000 : max((i + 1) * length // 1000, i * length // 1000 + 1)]).max()
        for i in range(1000)
    ]
    # A cell at the edge of two buckets may count for the other.
    assert np.mean(np.abs(found / 255 - np.minimum(exact, 1)) < 0.01) > 0.8
    assert found.max() == round(min(float(np.abs(samples).max()), 1) * 255)


def test_peaks_show_where_it_is_loud_at_any_length():
    peaks = Peaks()
    for second in range(600):
        peaks.write(np.full(48000, 1.0 if second == 300 else 0.0, np.float32))
    found = peaks.finish(100)
    assert found[50] == 255
    assert not any(found[:49] + found[52:])


def test_a_long_recording_has_enough_peaks_to_zoom_in():
    assert [buckets_for(seconds, 1000) for seconds in (1, 50, 3600, 6 * 3600)] == [1000, 1000, 72_000, 100_000]
    peaks = Peaks()
    for second in range(3600):
        peaks.write(np.full(8000, 1.0 if second == 1800 else 0.0, np.float32))
    found = peaks.finish(buckets_for(3600, 1000))
    loud = [index / 20 for index, value in enumerate(found) if value]
    assert loud[0] == pytest.approx(1800, abs=0.1)
    assert loud[-1] == pytest.approx(1801, abs=0.1)


@settings(max_examples=2 * settings.default.max_examples)
@given(
    length=st.one_of(st.integers(1, 5000), st.integers(520_000, 530_000), st.integers(1_040_000, 2_200_000)),
    buckets=st.one_of(st.integers(1, 3000), st.integers(100_000, 100_003)),
    block=st.sampled_from([1, 7, 4999, 48_000]),
)
def test_peaks_of_a_known_length_are_the_same(noise, length, buckets, block):
    block = max(block, length // 500)
    samples = noise(length)
    unknown, foreseen = Peaks(), ForeseenPeaks(length, buckets)
    for start in range(0, length, block):
        unknown.write(samples[start : start + block])
        foreseen.write(samples[start : start + block])
    assert foreseen.finish() == unknown.finish(buckets)


def test_a_known_length_that_does_not_come_leaves_the_rest_flat():
    peaks = ForeseenPeaks(1000, 10)
    peaks.write(np.ones(500, np.float32))
    assert peaks.finish() == bytes([255] * 5 + [0] * 5)


def test_the_waveform_of_nothing_is_flat():
    assert Peaks().finish(10) == bytes(10)


def test_levels_are_relative_to_full_scale():
    level = Level()
    level.write(np.ones(1000, np.float32))
    assert level.finish() == pytest.approx(0)
    assert Level().finish() == SILENCE_DBFS
    silent = Level()
    silent.write(np.zeros(1000, np.float32))
    assert silent.finish() == SILENCE_DBFS

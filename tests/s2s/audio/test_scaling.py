"""Floats beyond full scale are made quieter, not clipped; what a lossy codec overshoots is left alone."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from s2s.audio import Noticed, decode, examine, excerpt

RATE = 48_000
Samples = NDArray[np.float32]


def loud_at_the_end(peak: float) -> Samples:
    """Four seconds of noise, of which only the last one has `peak`."""
    noise = np.random.default_rng(3).uniform(-1, 1, 4 * RATE)
    return (noise * np.repeat([0.1, 0.2, 0.1, 1.0], RATE) * peak).astype(np.float32)


def decoded(content: bytes) -> Samples:
    return np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE)))


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("wav", "pcm_f32le"),
        ("wav", "pcm_f64le"),
        ("aiff", "pcm_f32be"),
        ("w64", "pcm_f32le"),
        ("caf", "pcm_f32le"),
        ("mov", "pcm_f32le"),
        ("matroska", "pcm_f32le"),
        ("wv", "wavpack"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_floats_beyond_full_scale_are_scaled(
    write: Callable[..., bytes], container: str, codec: str, channels: int
) -> None:
    source = loud_at_the_end(2.0)
    content = write(np.stack([source] * channels), RATE, container=container, codec=codec)
    peak = float(np.abs(source).max())
    found, samples = examine(io.BytesIO(content)), decoded(content)
    assert_allclose(samples, source / peak, rtol=0, atol=1e-6)
    assert found.noticed == Noticed(scaled_db=round(20 * float(np.log10(peak)), 1))
    assert found.noticed.scaled_db == 6.0
    assert found.level_dbfs == pytest.approx(10 * np.log10(np.mean(samples.astype(np.float64) ** 2)), abs=0.01)
    assert max(found.peaks) == 255
    with wave.open(io.BytesIO(excerpt(io.BytesIO(content), 0.0, 1.0))) as file:
        passage = np.frombuffer(file.readframes(RATE), "<i2") / 32768
    assert_allclose(passage, samples[:RATE], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("container", "codec"), [("wav", "pcm_f32le"), ("wv", "wavpack")])
def test_floats_within_full_scale_are_as_they_are(write: Callable[..., bytes], container: str, codec: str) -> None:
    content = write(loud_at_the_end(0.99), RATE, container=container, codec=codec)
    assert_allclose(decoded(content), loud_at_the_end(0.99), rtol=0, atol=1e-6)
    assert examine(io.BytesIO(content)).noticed == Noticed()


def test_integers_that_were_written_as_floats_are_scaled(write: Callable[..., bytes]) -> None:
    content = write(loud_at_the_end(32_000), RATE, container="wav", codec="pcm_f32le")
    samples = decoded(content)
    assert np.abs(samples).max() == pytest.approx(1)
    assert_allclose(samples, loud_at_the_end(1) / np.abs(loud_at_the_end(1)).max(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("damage", [1e30, -1e9, np.inf, np.nan])
def test_a_damaged_sample_does_not_silence_the_rest(write: Callable[..., bytes], damage: float) -> None:
    source = loud_at_the_end(0.5).copy()
    source[5 * RATE // 2] = damage
    content = write(source, RATE, container="wav", codec="pcm_f32le")
    samples = decoded(content)
    assert_allclose(np.delete(samples, 5 * RATE // 2), np.delete(source, 5 * RATE // 2), rtol=0, atol=1e-6)
    assert np.isfinite(samples).all()
    assert examine(io.BytesIO(content)).noticed == Noticed()


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("mp3", "mp3"), ("ogg", "libopus")])
def test_what_a_lossy_codec_overshoots_scales_nothing(write: Callable[..., bytes], container: str, codec: str) -> None:
    square = 0.99 * np.sign(np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE))
    content = write(square.astype(np.float32), RATE, container=container, codec=codec)
    assert np.abs(decoded(content)).max() > 1.01
    assert examine(io.BytesIO(content)).noticed == Noticed()


def test_what_is_scaled_is_listened_to_as_it_is_heard(write: Callable[..., bytes]) -> None:
    source = loud_at_the_end(4.0)
    noticed = examine(io.BytesIO(write(np.stack([source, -source]), RATE, container="wav", codec="pcm_f32le"))).noticed
    assert (noticed.channels_why, noticed.scaled_db) == ("cancel", 12.0)

"""Speex by its own encoder: as long as what went in, and where it was. (No Python package writes it.)"""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from s2s.audio import decode, examine, excerpt
from tests.support.lag import found_at, level_db, speechlike

Speexenc = Callable[..., bytes]
BANDS = [(8_000, "--narrowband"), (16_000, "--wideband"), (32_000, "--ultra-wideband")]


@pytest.fixture
def speexenc(tmp_path: Path) -> Speexenc:
    def encode(samples: np.ndarray, rate: int, *options: str) -> bytes:
        """`(n,)` or `(channels, n)` to Ogg Speex."""
        with wave.open(str(tmp_path / "a.wav"), "wb") as file:
            file.setparams((samples.ndim, 2, rate, 0, "NONE", ""))
            file.writeframes(np.rint(samples.T * 32767).astype("<i2").tobytes())
        line = ["speexenc", "--quiet", "--quality", "10", *options, "a.wav", "a.spx"]
        subprocess.run(line, cwd=tmp_path, check=True, capture_output=True)
        return (tmp_path / "a.spx").read_bytes()

    return encode


def samples_of(content: bytes, rate: int) -> np.ndarray:
    return np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=rate)))


@pytest.mark.parametrize(("rate", "band"), BANDS)
@pytest.mark.parametrize("frames", [1, 3, 10])
@pytest.mark.parametrize("seconds", [0.5, 3.0, 3.0077])
def test_it_is_as_long_as_what_went_in_and_where_it_was(speexenc, rate, band, frames, seconds):
    source = speechlike(round(rate * seconds), rate)
    content = speexenc(source, rate, band, "--nframes", str(frames))
    found = examine(io.BytesIO(content))
    assert (found.codec, found.sample_rate_hz) == ("speex", rate)
    # Where the last frame is full, what the decoder is late by never comes; speexdec's is as short.
    assert 0 <= len(source) - found.samples <= (rate / 200 if seconds == 3.0077 else 0)
    samples = samples_of(content, rate)
    lag, alike = found_at(samples, source)
    assert lag in (-1, 0)  # the delay is no whole number of samples
    assert alike > 0.75  # libav's decoder; speexdec reaches .8 to .95
    assert level_db(samples) == pytest.approx(level_db(source), abs=0.5)


def test_stereo(speexenc):
    source = speechlike(16_000 * 2, 16_000)
    content = speexenc(np.stack([source, source]), 16_000, "--wideband")
    assert (examine(io.BytesIO(content)).channels, examine(io.BytesIO(content)).samples) == (2, 32_000)
    assert found_at(samples_of(content, 16_000), source)[0] in (-1, 0)


@pytest.mark.parametrize("start_s", [0.1, 1.7, 3.2, 4.4])
def test_a_passage_is_where_it_should_be(speexenc, start_s):
    content = speexenc(speechlike(16_000 * 5, 16_000), 16_000, "--wideband")
    with wave.open(io.BytesIO(excerpt(io.BytesIO(content), start_s, 0.5))) as file:
        found = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    begin = round(16_000 * start_s)
    assert found_at(found, samples_of(content, 16_000)[begin : begin + 8000])[0] == 0


def test_a_chain_of_different_bands(speexenc):
    content = b"".join(speexenc(speechlike(rate * 2, rate), rate, band) for rate, band in BANDS)
    samples = samples_of(content, 16_000)
    assert len(samples) == 3 * 2 * 16_000
    assert found_at(samples[32_000:64_000], speechlike(32_000, 16_000))[0] in (-1, 0)

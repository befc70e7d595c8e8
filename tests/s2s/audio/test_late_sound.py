"""Films whose sound begins behind what libav looks through before it says what is in them (5 MB)."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import AudioError, Limits, decode, examine
from s2s.audio.opening import Input
from s2s.audio.reading import Recording
from tests.support.lag import found_at, speechlike

RATE = 44_100
FRAMES_A_SECOND = 25
PICTURES = 40  # of noise, a quarter of a megabyte each


def film(container: str, video: str, audio: str, sound: NDArray[np.float32] | None, begins_s: float = 1.2) -> bytes:
    """Pictures from the start, sound from `begins_s` on."""
    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as output:
        pictures = output.add_stream(video, rate=FRAMES_A_SECOND, options={"qmin": "2", "qmax": "2"})
        pictures.width, pictures.height, pictures.pix_fmt, pictures.bit_rate = 640, 480, "yuv420p", 50_000_000
        track = output.add_stream(audio, rate=RATE, layout="mono") if sound is not None else None
        random = np.random.default_rng(1)
        for _ in range(PICTURES):
            noise = random.integers(0, 256, (480, 640, 3), np.uint8)
            output.mux(pictures.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        output.mux(pictures.encode(None))
        if track is not None and sound is not None:
            context = track.codec_context
            whole = av.AudioFrame.from_ndarray(sound[None], format="flt", layout="mono")
            whole.sample_rate = RATE
            size = context.frame_size
            resampler = av.AudioResampler(context.format, "mono", RATE, size)
            written = round(begins_s * RATE)
            for frame in [*resampler.resample(whole), *resampler.resample(None)]:
                frame.pts, frame.time_base = written, Fraction(1, RATE)
                written += frame.samples
                output.mux(track.encode(frame))
            output.mux(track.encode(None))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [("mpegts", "mpeg2video", "mp2"), ("mpeg", "mpeg2video", "mp2"), ("flv", "flv1", "libmp3lame")],
)
def test_sound_that_begins_far_into_a_film_is_found(container, video, audio):
    sound = speechlike(RATE * 2, RATE)
    content = film(container, video, audio, sound)
    with av.open(io.BytesIO(content)) as probed:
        assert not any(stream.codec_context.sample_rate for stream in probed.streams.audio)
    found = examine(io.BytesIO(content))
    assert (found.sample_rate_hz, found.channels) == (RATE, 1)
    samples = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE)))
    _lag, alike = found_at(samples, sound)
    assert alike > 0.95


def test_a_large_film_without_sound_says_so():
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(film("mpeg", "mpeg2video", "", None)))
    assert caught.value.code == "no_audio"


def test_pictures_are_left_out_of_a_film_that_can_be_searched(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(film("mp4", "mpeg4", "aac", speechlike(RATE * 2, RATE), begins_s=0))
    read = 0

    class Counting(Input):
        def read(self, size: int) -> bytes:
            nonlocal read
            data = super().read(size)
            read += len(data)
            return data

    with path.open("rb") as file:
        recording = Recording(Counting(file.fileno(), lambda: None), Limits(), None)
        read = 0
        assert sum(map(len, recording.blocks(RATE))) >= 2 * RATE
    assert read < path.stat().st_size / 3

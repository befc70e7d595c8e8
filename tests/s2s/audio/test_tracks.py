"""Of several sound tracks the one is read that players take, or the one that somebody chose."""

from __future__ import annotations

import io
import wave
from fractions import Fraction

import av
import numpy as np
import pytest

from s2s.audio import decode, examine, excerpt, measure_loudness
from s2s.audio.noticed import Track

RATE = 48_000
TONES_HZ = (440.0, 1000.0, 2500.0)


def film(
    defaults: tuple[bool, ...],
    *,
    container: str = "mp4",
    bitrates: tuple[int, ...] = (48_000, 192_000, 192_000),
    languages: tuple[str, ...] = ("eng", "ger", "und"),
    titles: tuple[str, ...] = ("", "", ""),
) -> io.BytesIO:
    """Three seconds with a track of each tone, as many as `defaults`; of the second one the file knows most bits."""
    content = io.BytesIO()
    with av.open(content, "w", format=container) as output:
        streams = []
        for number, is_default in enumerate(defaults):
            stream = output.add_stream("aac", rate=RATE, layout="stereo" if number else "mono")
            stream.bit_rate = bitrates[number]
            stream.disposition = av.stream.Disposition.default if is_default else av.stream.Disposition(0)
            stream.metadata["language"] = languages[number]
            if titles[number]:
                stream.metadata["title"] = titles[number]
            streams.append(stream)
        for start in range(0, 3 * RATE, 1024):
            for number, stream in enumerate(streams):
                tone = 0.4 * np.sin(2 * np.pi * TONES_HZ[number] * (start + np.arange(1024)) / RATE)
                planes = np.stack([tone] * (2 if number else 1)).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(planes, "fltp", "stereo" if number else "mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    return content


def hz(samples: np.ndarray, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * rate / len(samples))


@pytest.mark.parametrize(
    ("defaults", "container", "right"),
    [
        ((True, True), "mp4", 0),
        ((True, False), "mp4", 0),
        ((False, True), "mp4", 1),
        ((False, False), "mp4", 0),
        ((False, True, True), "matroska", 1),
        ((False, False), "mpegts", 0),
    ],
)
def test_the_first_default_one_is_read_else_the_first(defaults: tuple[bool, ...], container: str, right: int) -> None:
    content = film(defaults, container=container)
    found = examine(content)
    assert found.noticed.track == right
    assert [track.index for track in found.noticed.tracks] == list(range(len(defaults)))
    assert hz(np.concatenate(list(decode(content, sample_rate_hz=RATE))), RATE) == pytest.approx(TONES_HZ[right], abs=2)


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_whatever_reads_it_reads_the_one_that_was_chosen(chosen: int) -> None:
    content = film((True, True, False), bitrates=(48_000, 96_000, 96_000))
    found = examine(content, track=chosen)
    assert found.noticed.track == chosen
    assert found.channels == (2 if chosen else 1)
    samples = np.concatenate(list(decode(content, sample_rate_hz=RATE, track=chosen)))
    assert hz(samples, RATE) == pytest.approx(TONES_HZ[chosen], abs=2)
    assert 20 * np.log10(np.sqrt(np.mean(samples**2)) / (0.4 / np.sqrt(2))) == pytest.approx(0, abs=1)
    with wave.open(io.BytesIO(excerpt(content, 1.0, 1.0, track=chosen))) as file:
        passage = np.frombuffer(file.readframes(RATE), "<i2") / 32768
    assert hz(passage, RATE) == pytest.approx(TONES_HZ[chosen], abs=2)
    assert measure_loudness(content, track=chosen) is not None


def test_tracks_say_what_they_are() -> None:
    titles = ("", "Director\u2019s\tcommentary " + 100 * "x", "")
    found = examine(film((True, False, False), container="matroska", titles=titles)).noticed
    assert found.tracks == (
        Track(0, "eng", "", 1),
        Track(1, "ger", ("Director\u2019s commentary " + 100 * "x")[:80], 2),
        Track(2, "", "", 2),
    )


def test_one_track_is_nothing_to_speak_of() -> None:
    assert not examine(film((True,)), track=0).noticed

"""The middle of an MP3, which says nothing of where that lies, is found without reading what lies before."""

from __future__ import annotations

import io
from typing import BinaryIO

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import examine, stretch
from tests.support.lag import speechlike

RATE, SECONDS = 44_100, 100
Samples = NDArray[np.float32]


def mp3(*, channels: int = 1, steady: bool = True, tagged: bool = False, rate: int = RATE) -> bytes:
    sound = np.resize(speechlike(20 * rate, rate), SECONDS * rate).astype(np.float32)
    planes = np.stack([sound, 0.7 * np.roll(sound, 20)][:channels])
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp3", options={"write_xing": "1" if tagged else "0"}) as output:
        stream = output.add_stream("libmp3lame", rate=rate, layout="mono" if channels == 1 else "stereo")
        if steady:
            stream.bit_rate = 96_000
        else:
            stream.options = {"q": "4"}
        frame = av.AudioFrame.from_ndarray(planes, "fltp", "mono" if channels == 1 else "stereo")
        frame.sample_rate = rate
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return sink.getvalue()


def joined() -> bytes:
    return mp3(tagged=True) + mp3(steady=False)


def damaged() -> bytes:
    content = bytearray(mp3())
    content[400_000:403_000] = bytes(3000)
    return bytes(content)


def part(file: BinaryIO, at: float, places: object = ()) -> Samples:
    return np.concatenate([np.zeros(0, np.float32), *stretch(file, at, 2 * RATE, sample_rate_hz=RATE, places=places)])  # type: ignore[arg-type]


KINDS = {
    "steady": mp3,
    "tagged": lambda: mp3(tagged=True),
    "varying": lambda: mp3(steady=False, tagged=True),
    "stereo": lambda: mp3(channels=2),
    "joined": joined,
    "damaged": damaged,
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_same_to_the_bit(kind: str) -> None:
    file = io.BytesIO(KINDS[kind]())
    found = examine(file)
    assert len(found.places) == int(found.duration_s // 30)
    for at in (0.1, 29.9, 30.1, 30.5, 61.7, found.duration_s - 3):
        assert np.array_equal(part(file, at, found.places), part(file, at)), at


def test_what_lies_before_is_not_read() -> None:
    content = mp3()
    found, whole = examine(io.BytesIO(content)), part(io.BytesIO(content), 95.0)
    (*_, (last, *_times)) = found.places
    hidden = io.BytesIO(content[:100_000] + bytes(last - 100_000) + content[last:])
    assert np.array_equal(part(hidden, 95.0, found.places), whole)
    assert not np.array_equal(part(hidden, 95.0), whole)


def test_of_an_hour_as_well() -> None:
    """Its places are more than a job has room for."""
    content = mp3(rate=16_000)
    file = io.BytesIO(36 * content)
    found = examine(file)
    assert len(found.places) > 110
    for at in (2.0, 1790.3, 3580.2):
        heard = part(file, at, found.places)
        assert len(heard) == 2 * RATE
        assert np.array_equal(heard, part(file, at))


def test_places_of_another_recording_are_none() -> None:
    file = io.BytesIO(mp3())
    places = [(byte + 7, *times) for byte, *times in examine(file).places]
    assert np.array_equal(part(file, 61.7, places), part(file, 61.7))


def test_what_has_an_index_needs_none() -> None:
    sink = io.BytesIO()
    with av.open(sink, "w", format="flac") as output:
        stream = output.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 70 * RATE), np.int16) + 9, "s16", "mono")
        frame.sample_rate = RATE
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert examine(sink).places == ()

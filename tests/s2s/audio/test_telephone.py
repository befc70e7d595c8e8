"""Codecs of the telephone, which send next to nothing while nobody speaks."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from s2s.audio import decode, examine
from tests.support.lag import found_at, level_db, speechlike

RATE = 8000
FRAME = 160
LOOK_AHEAD = 40  # 3GPP TS 26.090, 4.4: the encoder hears 5 ms of the next frame


def amr_with_pauses(samples: np.ndarray, container: str) -> bytes:
    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as output:
        stream = output.add_stream("libopencore_amrnb", rate=RATE, layout="mono", options={"dtx": "1"})
        stream.bit_rate = 12_200
        for begin in range(0, len(samples), FRAME):
            piece = np.rint(samples[None, begin : begin + FRAME] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, begin, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return sink.getvalue()


# libav's writer of 3GP cuts 50 samples off the beginning.
@pytest.mark.parametrize(("container", "late"), [("amr", LOOK_AHEAD), ("3gp", LOOK_AHEAD - 50)])
def test_pauses_in_amr_narrow_band_last_as_long_as_they_did(container, late):
    words, pause = speechlike(RATE * 3, RATE), np.zeros(RATE * 6, np.float32)
    content = amr_with_pauses(np.concatenate([words, pause, words]), container)
    assert len(content) < 0.7 * 12 * 50 * 32  # most frames of the pause weren't sent
    found = examine(io.BytesIO(content))
    assert (found.codec, found.sample_rate_hz) == ("amr_nb", RATE)
    assert found.duration_s == pytest.approx(12, abs=0.021)
    samples = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE)))
    for begins_s in (0, 9):
        lag, alike = found_at(samples[begins_s * RATE : (begins_s + 3) * RATE], words)
        assert lag == late
        assert alike > 0.7
    assert level_db(samples[4 * RATE : 9 * RATE]) < level_db(words) - 30


def test_pauses_in_amr_wide_band_last_as_long_as_they_did():
    random = np.random.default_rng(1)

    def frame(kind: int, size: int) -> bytes:  # RFC 4867, 5.3
        return bytes([kind << 3 | 4]) + random.integers(0, 256, size, np.uint8).tobytes()

    def speech(frames: int) -> bytes:
        return b"".join(frame(0, 17) for _ in range(frames))

    pause = b"".join(frame(15, 0) if index % 8 else frame(9, 5) for index in range(200))
    found = examine(io.BytesIO(b"#!AMR-WB\n" + speech(50) + pause + speech(50)))
    assert (found.codec, found.sample_rate_hz, found.duration_s) == ("amr_wb", 16_000, 6.0)

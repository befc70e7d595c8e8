"""What Chromium's MediaRecorder (156) is known to leave in front of a recording, or to cut off."""

from __future__ import annotations

import io

import numpy as np
import pytest

from s2s.audio import decode, examine
from tests.support.lag import found_at, speechlike

RATE = 48_000
PRESKIP = 312  # of libopus: what it looks ahead


@pytest.fixture(scope="module")
def source():
    return speechlike(3 * RATE, RATE)


def chromiums_webm(write, source) -> bytes:
    """As it writes it: the delay is forgotten, in the codec's header and in the track's."""
    data = write(source, RATE, container="webm", codec="libopus").replace(b"ENCODER", b"WRITTEN")  # a tag of its own
    head = data.index(b"OpusHead") + 10
    data = data[:head] + bytes(2) + data[head + 2 :]
    delay = data.index(bytes.fromhex("56aa")) + 3
    data = data[:delay] + bytes(data[delay - 1] & 0x7F) + data[delay + (data[delay - 1] & 0x7F) :]
    app = data.index(bytes.fromhex("4d80")) + 2
    length = data[app] & 0x7F
    return data[: app + 1] + b"Chrome".ljust(length, b"\0") + data[app + 1 + length :]


def chromiums_mp4(write, source, preskip: int = 3840) -> bytes:
    """In fragments without an edit list, with 80 ms to be read ahead given as the delay."""
    fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    data = bytearray(write(source, RATE, container="mp4", codec="libopus", options=fragments))
    brand = data.index(b"mp41")
    data[brand - 4 : brand] = b"vp09"
    head = data.index(b"dOps") + 6
    assert int.from_bytes(data[head : head + 2]) == PRESKIP
    data[head : head + 2] = preskip.to_bytes(2)
    return bytes(data)


@pytest.mark.parametrize("recorded", [chromiums_webm, chromiums_mp4])
def test_nothing_is_late_and_nothing_cut(write, source, recorded):
    content = recorded(write, source)
    samples = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE)))
    assert len(samples) == examine(io.BytesIO(content)).samples
    lag, alike = found_at(samples, source)
    assert lag == 0
    assert alike > 0.98
    beginning = slice(0, round(0.08 * RATE))
    assert found_at(samples[beginning], source[beginning])[1] > 0.95
    noticed = examine(io.BytesIO(content)).noticed
    assert (noticed.lead_s, noticed.gaps) == (0, 0)
    assert noticed.is_own == (recorded is chromiums_mp4)  # whoever reads it as it is cuts it


def test_who_writes_the_true_delay_is_believed(write, source):
    content = chromiums_mp4(write, source, preskip=PRESKIP)
    samples = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE)))
    assert found_at(samples, source)[0] in (0, PRESKIP)

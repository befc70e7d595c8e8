"""An MP4 that can't be read says whether its end didn't arrive, or was never written."""

from __future__ import annotations

import io
import struct

import pytest

from s2s.audio import AudioError, examine


def refused(content: bytes) -> AudioError:
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content))
    return caught.value


@pytest.fixture(scope="module", params=["mp4", "ipod", "mov"])
def recording(request, write, a_tone) -> bytes:
    """With its index at the end, as cameras and phones write it."""
    return write(a_tone(3, 44100), 44100, container=request.param, codec="aac")


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_one_whose_end_did_not_arrive(recording, share):
    error = refused(recording[: int(share * len(recording))])
    assert error.code == "index_missing"
    assert str(error).startswith("This file is cut off: its end, where the index is, didn't arrive")


def test_one_whose_index_arrived_in_part(recording):
    assert refused(recording[: recording.rfind(b"moov") + 200]).code == "index_missing"


def test_one_that_ends_within_a_header(recording):
    assert refused(recording[: recording.rfind(b"moov") - 1]).code == "index_missing"


def test_one_that_was_never_finished(recording):
    before = recording[: recording.rfind(b"moov") - 4]
    assert refused(before).code == "unfinished"
    at = before.find(b"mdat") - 4
    assert refused(before[:at] + bytes(4) + before[at + 4 :]).code == "unfinished"


def test_an_old_film_without_a_brand():
    content = struct.pack(">I4sI4s", 8, b"wide", 5000, b"mdat") + bytes(900)
    assert refused(content).code == "index_missing"
    assert refused(b"\0\0\1\0ocean" + bytes(900)).code == "not_audio"

"""What was recorded live gets length and index, and keeps its packets; what players can search is left alone."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from s2s.audio import AudioError, searchable

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"}
LIVE = [
    pytest.param({"container": "webm", "codec": "libopus", "live": True}, id="webm"),
    pytest.param({"container": "matroska", "codec": "aac", "live": True}, id="matroska"),
    pytest.param({"container": "mp4", "codec": "aac", "options": FRAGMENTS}, id="mp4"),
]


def copy_of(content: bytes) -> bytes:
    copy = io.BytesIO()
    assert searchable(io.BytesIO(content), copy) == len(copy.getvalue())
    return copy.getvalue()


def packets(content: bytes) -> list[tuple[bytes, float]]:
    with av.open(io.BytesIO(content)) as container:
        return [(bytes(packet), float(packet.pts * packet.time_base)) for packet in container.demux() if packet.size]


def samples(content: bytes) -> np.ndarray:
    with av.open(io.BytesIO(content)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


@pytest.mark.parametrize("live", LIVE)
def test_the_copy_of_a_live_recording_has_length_and_index_and_the_same_packets(write, noise, live):
    content = write(noise(8 * 48000), 48000, **live)
    copy = copy_of(content)
    assert [data for data, _ in packets(copy)] == [data for data, _ in packets(content)]
    assert [time for _, time in packets(copy)] == pytest.approx([time for _, time in packets(content)], abs=0.001)
    assert np.array_equal(samples(copy), samples(content))
    with av.open(io.BytesIO(copy)) as container:
        assert container.duration / av.time_base == pytest.approx(8, abs=0.05)
        container.seek(int(5.5 * av.time_base))  # where it is asked for, not at its beginning
        assert next(container.decode(audio=0)).time == pytest.approx(5.5, abs=1.1)
    assert copy_of(copy) == b""  # nothing is left to do


def test_a_filmed_recording_keeps_its_picture(write, noise):
    copy = copy_of(write(noise(4 * 48000), 48000, container="matroska", codec="libopus", video_s=4, live=True))
    with av.open(io.BytesIO(copy)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("webm", "libopus"), ("mp4", "aac"), ("ogg", "libopus")]
)
def test_what_can_be_searched_is_left_alone(write, noise, container, codec):
    assert copy_of(write(noise(2 * 48000), 48000, container=container, codec=codec)) == b""


def test_what_is_no_recording_says_so():
    with pytest.raises(AudioError):
        searchable(io.BytesIO(b"These are words." * 99), io.BytesIO())


def test_a_damaged_one_breaks_no_decoder(write, noise):
    content = bytearray(write(noise(4 * 48000), 48000, container="webm", codec="libopus", live=True))
    rng = np.random.default_rng(7)
    for _ in range(30):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 40):
            damaged[place] = rng.integers(256)
        assert outcome(bytes(damaged)) in ("copied", "not_audio", "no_audio")


def outcome(content: bytes) -> str:
    try:
        searchable(io.BytesIO(content), io.BytesIO())
    except AudioError as error:
        return error.code
    return "copied"

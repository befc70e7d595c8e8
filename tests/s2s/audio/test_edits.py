"""An edit list says what is heard of a track: the beginning, the end, and what lies between, in any order."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.audio import AudioError, decode, examine, excerpt
from s2s.audio.edits import Edit, EditList, edit_list
from tests.support.lag import found_at, level_db, speechlike

RATE = 48_000
TICKS = 1000  # libav's writers count films in milliseconds


class File:
    """Bytes, as a recording that is read in a worker."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def peek(self, place: int, size: int) -> bytes:
        return self.content[place : place + size]


def cut(content: bytes, *edits: tuple[int, int], version: int = 0, rate: int = 1) -> bytes:
    """`content`, an MP4 with its index at its end, with other `edits` (ticks of the film, samples) in place of its."""
    data = bytearray(content)
    entry = struct.Struct(">Iihh" if version == 0 else ">Qqhh")
    listed = b"".join(entry.pack(length, media, rate, 0) for length, media in edits)
    box = struct.pack(">I4sB3xI", 16 + len(listed), b"elst", version, len(edits)) + listed
    at = data.rindex(b"elst") - 4
    (size,) = struct.unpack_from(">I", data, at)
    data[at : at + size] = box
    for name in (b"moov", b"trak", b"edts"):
        place = data.rindex(name) - 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(box) - size)
    return bytes(data)


@pytest.fixture(scope="module")
def source():
    return speechlike(4 * RATE, RATE)


@pytest.fixture(scope="module")
def aac(write, source):
    return write(source, RATE, container="ipod", codec="aac")


def read(content):
    found = examine(io.BytesIO(content))
    samples = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE)))
    assert len(samples) == found.samples
    return samples


def at(seconds):
    return round(seconds * RATE)


def is_source(samples, source, begin_s, end_s, from_s):
    """Whether it is `source` from `from_s` on that is heard between two moments, to the sample."""
    part, margin = samples[at(begin_s) : at(end_s)], min(at(from_s), 4800)
    lag, alike = found_at(source[at(from_s) - margin : at(from_s) + len(part) + 4800], part)
    return lag == margin and alike > 0.97


def test_silence_in_the_middle_is_silent(aac, source):
    samples = read(cut(aac, (1000, 1024), (1000, -1), (1000, 1024 + 3 * RATE)))
    assert len(samples) == 3 * RATE
    assert is_source(samples, source, 0, 1, 0)
    assert not samples[RATE : 2 * RATE].any()
    assert is_source(samples, source, 2, 3, 3)


def test_stretches_are_heard_in_the_order_of_the_list(aac, source):
    content = cut(aac, (500, -1), (1000, 1024 + 2 * RATE), (1500, 1024), (700, 1024 + 2 * RATE), version=1)
    samples = read(content)
    assert len(samples) == at(3.7)
    assert not samples[: at(0.5)].any()
    assert is_source(samples, source, 0.5, 1.5, 2)
    assert is_source(samples, source, 1.5, 3.0, 0)
    assert is_source(samples, source, 3.0, 3.7, 2)
    noticed = examine(io.BytesIO(content)).noticed
    assert (noticed.lead_s, noticed.stretches) == (0.5, 3)


@pytest.mark.parametrize("start_s", [0.1, 0.4, 1.1, 2.2, 2.75])
def test_a_passage_of_what_was_cut_is_what_lies_there(aac, start_s):
    content = cut(aac, (500, -1), (1000, 1024 + 2 * RATE), (1500, 1024), (700, 1024 + 2 * RATE))
    samples = read(content)
    part = np.frombuffer(excerpt(io.BytesIO(content), start_s, 0.9)[44:], "<i2") / 32768
    begin = at(start_s)
    assert len(part) == at(0.9)
    assert np.abs(part - samples[begin : begin + len(part)]).max() < 0.01


@pytest.mark.parametrize("end_ticks", [1999, 2001, 2010])
def test_an_end_within_a_packet_is_exact(aac, source, end_ticks):
    """As Apple's encoders write it: whole packets, and a list that says how much of the last is heard."""
    samples = read(cut(aac, (end_ticks, 1024)))
    assert len(samples) == end_ticks * RATE // 1000
    assert found_at(samples, source[: len(samples)])[0] == 0
    assert not examine(io.BytesIO(cut(aac, (end_ticks, 1024)))).noticed


def test_priming_as_apples_encoders_have_it_is_left_out(aac, source):
    samples = read(cut(aac, (3000, 2112)))
    assert len(samples) == 3 * RATE
    lag, _alike = found_at(samples, source[2112 - 1024 : 2112 - 1024 + 3 * RATE])
    assert lag == 0


@pytest.mark.parametrize("codec", ["pcm_s16le", "libopus"])
def test_other_codecs_are_cut_to_the_sample_too(write, source, codec):
    content = write(source, RATE, container="mov" if codec == "pcm_s16le" else "mp4", codec=codec)
    delay = 312 if codec == "libopus" else 0
    samples = read(cut(content, (1000, delay + RATE), (250, -1), (1000, delay + 3 * RATE - 100)))
    assert len(samples) == at(2.25)
    assert is_source(samples, source, 0, 1, 1)
    assert level_db(samples[RATE : at(1.25)]) < -100
    assert is_source(samples, source, 1.25, 2.25, 3 - 100 / RATE)


def test_a_still_that_lasts_is_silence(aac, source):
    """A rate of 0 dwells on one moment (ISO/IEC 14496-12, 8.6.6.3)."""
    still = bytearray(cut(aac, (1000, 1024), (1000, 1024), (1000, 1024 + RATE)))
    place = still.rindex(b"elst") + 12 + 12 + 8
    still[place : place + 2] = bytes(2)
    samples = read(bytes(still))
    assert is_source(samples, source, 0, 1, 0)
    assert not samples[RATE : 2 * RATE].any()
    assert is_source(samples, source, 2, 3, 1)


def test_more_edits_than_anybody_makes_are_no_list(aac):
    assert edit_list(File(cut(aac, *[(1, 1024)] * 4097)), 1) is None
    assert len(edit_list(File(cut(aac, *[(1, 1024)] * 4096)), 1).edits) == 4096


def test_a_list_is_read_as_it_stands(aac):
    found = edit_list(File(cut(aac, (250, -1), (1000, 1024), (0, 1024), (1000, 49_024), (500, -1))), 1)
    assert found == EditList((Edit(0.25, 1024 / RATE, 2.0),), 0.001)
    assert edit_list(File(cut(aac, (0, 1024))), 1) == EditList((Edit(0.0, 1024 / RATE, float("inf")),), 0.001)
    assert edit_list(File(cut(aac, (500, -1))), 1) is None
    assert edit_list(File(aac), 2) is None


def test_an_edit_of_hours_ends_with_the_sound(aac, source):
    samples = read(cut(aac, (1000, 1024), (4_000_000_000, 1024 + RATE)))
    assert len(samples) == pytest.approx(4 * RATE, abs=1024)
    with pytest.raises(AudioError, match="longer than"):
        read(cut(aac, (1000, 1024), (4_000_000_000, -1), (1000, 1024 + RATE)))


def test_stretches_that_are_not_there_are_no_recording(aac):
    with pytest.raises(AudioError) as caught:
        read(cut(aac, (1000, 90 * RATE), (1000, -1), (1000, 99 * RATE)))
    assert caught.value.code == "no_sound_length"


@given(st.integers(0, 1 << 32), st.binary(max_size=12), st.integers(0, 400))
def test_whatever_stands_there_ends(aac, place, junk, kept):
    data = bytearray(aac[aac.rindex(b"moov") - 4 :])
    data[place % len(data) : place % len(data) + len(junk)] = junk
    found = edit_list(File(bytes(data[: len(data) - kept])), 1)
    assert found is None or all(edit.length_s > 0 and edit.media_s >= 0 for edit in found.edits)

"""Ogg files of several links, one behind the other: all of them are heard, each in its place to the sample."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from s2s.audio import AudioError, Limits, decode, examine, excerpt, measure_loudness
from s2s.audio.ogg import LINKS_AT_MOST, links
from tests.support.lag import found_at, level_db, speechlike
from tests.support.tools import written_by

SECONDS = 1.5


def sound(rate: int, channels: int, seed: int) -> NDArray[np.float32]:
    """`(n,)` or `(channels, n)`, the same in each."""
    mono = speechlike(round(SECONDS * rate), rate, seed)
    return mono if channels == 1 else np.stack([mono] * channels)


def samples_of(content: bytes, rate: int) -> NDArray[np.float32]:
    return np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=rate)))


def passage(content: bytes, start_s: float, length_s: float) -> NDArray[np.float32]:
    with wave.open(io.BytesIO(excerpt(io.BytesIO(content), start_s, length_s))) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


@pytest.fixture(scope="module")
def link(write) -> Callable[..., bytes]:
    made: dict[tuple[object, ...], bytes] = {}

    def make(codec: str, rate: int, channels: int, seed: int = 1, serial: int | None = None) -> bytes:
        key = codec, rate, channels, seed, serial
        if key not in made:
            options = {"serial_offset": str(serial if serial is not None else 1000 * len(made) + 1)}
            made[key] = write(sound(rate, channels, seed), rate, container="ogg", codec=codec, options=options)
        return made[key]

    return make


@pytest.mark.parametrize(
    ("codec", "first", "second", "alike"),
    [
        ("libopus", (48_000, 1), (48_000, 1), 0.99),
        ("libopus", (48_000, 1), (48_000, 2), 0.99),
        ("libopus", (48_000, 2), (48_000, 1), 0.99),
        ("flac", (48_000, 1), (48_000, 1), 0.9999),
        ("flac", (48_000, 1), (48_000, 2), 0.9999),
        ("flac", (44_100, 1), (48_000, 1), 0.999),
        ("flac", (48_000, 2), (8_000, 1), 0.999),
        ("vorbis", (44_100, 2), (44_100, 2), 0.98),
        ("vorbis", (44_100, 2), (32_000, 2), 0.98),
    ],
)
def test_every_link_is_heard_where_it_lies(link, codec, first, second, alike):
    one, other = link(codec, *first), link(codec, *second, seed=2)
    rate = first[0]
    found = examine(io.BytesIO(one + other))
    assert (found.sample_rate_hz, found.channels) == first
    samples = samples_of(one + other, rate)
    assert found.samples == len(samples)
    length = len(samples_of(one, rate))
    assert length == pytest.approx(SECONDS * rate, abs=0.02 * rate * (codec == "vorbis"))  # libav's encoder fills up
    assert len(samples) == length + len(samples_of(other, rate))
    for seed, at in ((1, 0), (2, length)):
        source = speechlike(round(SECONDS * rate), rate, seed) if seed == 1 or second[0] == rate else None
        if source is None:  # as that link is when it is read alone
            source = samples_of(other, rate)
        lag, match = found_at(samples[at : at + round(SECONDS * rate)], source)
        assert lag == 0
        assert match > alike
        assert level_db(samples[at : at + len(source)]) == pytest.approx(level_db(source), abs=0.5)


@pytest.mark.parametrize("codec", ["libopus", "flac", "vorbis"])
def test_of_links_with_the_same_number_none_is_lost_or_late(link, codec):
    one = link(codec, 48_000, 2, serial=7)
    alone = samples_of(one, 48_000)
    assert np.array_equal(samples_of(one * 5, 48_000), np.tile(alone, 5))


@pytest.mark.parametrize("samples", [3000, 16_384, 16_541, 30_000])
def test_short_links_of_vorbis_are_as_long_as_what_went_in(samples):
    sounds = [speechlike(samples, 44_100, seed) for seed in (1, 2, 3)]
    content = b"".join(written_by("oggenc -Q in.wav -o out.ogg", sound, 44_100) for sound in sounds)
    heard = samples_of(content, 44_100)
    assert len(heard) == 3 * samples
    for index, sound in enumerate(sounds):
        lag, alike = found_at(heard[index * samples : (index + 1) * samples], sound)
        assert lag == 0
        assert alike > 0.98


def test_links_of_different_codecs(link):
    parts = [link("flac", 44_100, 1), link("libopus", 48_000, 1, seed=2), link("vorbis", 44_100, 2, seed=3)]
    lengths = [len(samples_of(part, 44_100)) for part in parts]
    assert examine(io.BytesIO(b"".join(parts))).samples == sum(lengths)


def test_between_links_of_one_sound_there_is_no_seam(write, noise):
    whole = noise(48_000 * 2)
    pieces = [write(part, 48_000, container="ogg", codec="flac") for part in np.split(whole, 16)]
    in_one = write(whole, 48_000, container="flac", codec="flac")
    assert np.array_equal(samples_of(b"".join(pieces), 16_000), samples_of(in_one, 16_000))


@pytest.mark.parametrize("codec", ["libopus", "flac", "vorbis"])
@pytest.mark.parametrize("start_s", [0.5, 1.2, 1.6, 2.0, 4.3])
def test_a_passage_is_cut_out_of_the_link_it_lies_in(link, codec, start_s):
    content = b"".join(link(codec, 48_000, channels, seed) for seed, channels in enumerate((2, 2, 2), 1))
    samples = samples_of(content, 48_000)
    begin = round(start_s * 48_000)
    found = passage(content, start_s, 0.5 if start_s > 4 else 1.0)
    assert len(found) == (24_000 if start_s > 4 else 48_000)
    begin = min(begin, len(samples) - len(found))
    assert np.abs(found - samples[begin : begin + len(found)]).max() < 0.001


@pytest.mark.parametrize("start_s", [4.2, 100.0])
def test_where_less_is_left_a_passage_is_the_end(link, start_s):
    content = b"".join(link("flac", 48_000, 1, seed) for seed in (1, 2, 3))
    assert np.abs(passage(content, start_s, 1.0) - samples_of(content, 48_000)[-48_000:]).max() < 0.0001


def test_the_loudness_is_that_of_all_links(write, a_tone):
    quiet, loud = (
        write(a_tone(2, 48_000, amplitude=level), 48_000, container="ogg", codec="flac") for level in (0.02, 0.5)
    )
    assert measure_loudness(io.BytesIO(quiet + loud)) > measure_loudness(io.BytesIO(quiet)) + 20


def test_the_limit_of_length_is_that_of_all_links(link):
    content = link("flac", 48_000, 1) * 3
    assert examine(io.BytesIO(content), limits=Limits(max_duration_s=4.5)).duration_s == 4.5
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content), limits=Limits(max_duration_s=4.4))
    assert caught.value.code == "too_long"


def test_what_stands_between_links_is_passed_over(link):
    one, other = link("flac", 48_000, 1), link("flac", 48_000, 2, seed=2)
    junk = np.random.default_rng(4).integers(0, 256, 5000, np.uint8).tobytes()
    assert examine(io.BytesIO(one + junk + other + junk)).samples == 2 * round(SECONDS * 48_000)


def test_a_link_without_sound_is_passed_over(link):
    one, other = link("flac", 48_000, 1), link("flac", 48_000, 2, seed=2)
    silent = one.replace(b"\x7fFLAC", b"\x7fNONE")
    headers_only = one[: one.index(b"OggS", one.index(b"OggS", 4) + 4)]
    content = one + silent + headers_only + other
    assert examine(io.BytesIO(content)).samples == 2 * round(SECONDS * 48_000)
    assert len(passage(content, 2.0, 0.5)) == 24_000


def test_a_chain_that_is_cut_off_gives_what_there_is(link):
    content = link("libopus", 48_000, 1) + link("libopus", 48_000, 2, seed=2)
    assert 1.6 < examine(io.BytesIO(content[:-50])).duration_s < 3


def two_streams(one: NDArray[np.float32], other: NDArray[np.float32]) -> bytes:
    """Multiplexed: pages of both in turn."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="ogg") as output:
        streams = [output.add_stream("flac", rate=48_000, layout="mono") for _ in (one, other)]
        for begin in range(0, len(one), 4800):
            for stream, samples in zip(streams, (one, other), strict=True):
                piece = np.rint(samples[None, begin : begin + 4800] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
                frame.sample_rate, frame.pts, frame.time_base = 48_000, begin, Fraction(1, 48_000)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    return sink.getvalue()


def test_several_streams_side_by_side_are_one_link(link):
    words = speechlike(144_000, 48_000)
    content = two_streams(words, speechlike(144_000, 48_000, 2))
    assert len(links(lambda at, size: content[at : at + size], len(content))) == 1
    found = samples_of(content, 48_000)
    assert (len(found), found_at(found, words)[0]) == (144_000, 0)
    chained = content + link("flac", 48_000, 1, seed=3)
    assert len(samples_of(chained, 48_000)) == 144_000 + round(SECONDS * 48_000)


class Counted:
    """Bytes, and how many of them were read in how many goes."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.bytes = self.calls = 0

    def read(self, at: int, size: int) -> bytes:
        data = self.content[at : at + size]
        self.bytes += len(data)
        self.calls += 1
        return data


def test_of_an_ordinary_file_little_but_the_headers_is_read(write, noise):
    source = Counted(write(noise(48_000 * 60), 48_000, container="ogg", codec="flac"))
    assert len(links(source.read, len(source.content))) == 1
    assert source.bytes < 0.1 * len(source.content)
    assert source.calls < source.content.count(b"OggS") + 20


def page(flags: int = 0, body: bytes = b"", *, segments: bytes | None = None) -> bytes:
    segments = bytes([len(body)]) if segments is None else segments
    return b"OggS\0" + struct.pack("<BqIIIB", flags, 0, 1, 0, 0, len(segments)) + segments + body


@pytest.mark.parametrize(
    "content",
    [
        page(2) + b"OggS\0" * 400_000,
        (page(2) + b"\xff") * 9_000 + bytes(1_000_000),
        page(2) + (page(segments=b"\xff" * 255)[:30] + b"\0") * 60_000,
        page(2) + b"OggS" * 500_000,
        page(2) + page() * 60_000,
    ],
)
def test_lying_pages_cost_no_more_than_their_bytes(content):
    source = Counted(content)
    links(source.read, len(content))
    assert source.bytes < 25 * len(content) + 200_000
    assert source.calls < len(content) / 5


def test_a_million_links_are_refused_with_a_sentence():
    content = (page(2, b"\x7fFLAC") + page()) * 1_000_000
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content))
    assert caught.value.code == "too_many_links"
    assert f"more than {LINKS_AT_MOST:,} recordings" in str(caught.value)


def test_thousands_of_links_without_sound_are_no_recording():
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO((page(2, b"\x7fFLAC") + page()) * 2_000))
    assert caught.value.code == "not_audio"


@given(
    changes=st.dictionaries(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=40), max_size=6),
    cut=st.integers(0, 1 << 20),
)
def test_a_damaged_chain_is_read_or_refused(link, changes, cut):
    content = bytearray(link("libopus", 48_000, 1) + link("libopus", 48_000, 2, seed=2))
    for place, data in changes.items():
        at = place % len(content)
        content[at : at + len(data)] = data
    damaged = io.BytesIO(bytes(content[: len(content) - cut % len(content)]))
    try:
        duration_s = examine(damaged).duration_s
    except AudioError as error:
        duration_s, code = 0.0, error.code
    else:
        code = ""
    assert duration_s <= 3.1
    assert code != "decoder_failed"

"""What is read without a decoder is what a decoder would have found, and nothing else is read that way."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from s2s.audio import AudioError, Examination, Limits, RawPcm, Stop, decode, examine
from s2s.audio.mixing import usual
from s2s.audio.plain import Plain

RATE = 8000
NOISE = np.random.default_rng(5).integers(-32768, 32768, RATE, np.int16).tobytes()
ONE_SIDE = np.stack([np.frombuffer(NOISE, np.int16) // 2, np.zeros(RATE, np.int16)], 1)


def chunk(name: bytes, body: bytes, length: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if length is None else length) + body + bytes(len(body) % 2)


def fmt(
    channels: int = 1, rate_hz: int = RATE, *, tag: int = 1, bits: int = 16, frame_bytes: int | None = None
) -> bytes:
    frame_bytes = channels * bits // 8 if frame_bytes is None else frame_bytes
    bytes_s = (rate_hz * frame_bytes) & 0xFFFFFFFF
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate_hz, bytes_s, frame_bytes, bits))


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


PLAIN = {
    "mono": riff(fmt(), chunk(b"data", NOISE)),
    "stereo": riff(fmt(2), chunk(b"data", NOISE)),
    "one side": riff(fmt(2), chunk(b"data", ONE_SIDE.tobytes())),
    "sides that cancel": riff(fmt(2), chunk(b"data", (ONE_SIDE - ONE_SIDE[:, ::-1]).tobytes())),
    "one sample": riff(fmt(), chunk(b"data", NOISE[:2])),
    "not a whole second": riff(fmt(), chunk(b"data", NOISE[:-1234])),
    "words before the samples": riff(fmt(), chunk(b"LIST", b"INFOINAM\x03\0\0\0abc"), chunk(b"data", NOISE)),
    "words of odd length": riff(chunk(b"bext", b"abc"), fmt(), chunk(b"data", NOISE)),
    "words behind the samples": riff(fmt(), chunk(b"data", NOISE), chunk(b"id3 ", b"ID3 and so on")),
}
OTHER = {
    "no length": riff(fmt(), chunk(b"data", NOISE, 0)),
    "the length of a pipe": riff(fmt(), chunk(b"data", NOISE, 0xFFFFFFFF)),
    "more than there is": riff(fmt(), chunk(b"data", NOISE, len(NOISE) + 2)),
    "half a sample": riff(fmt(), chunk(b"data", NOISE[:-1])),
    "float": riff(fmt(tag=3, bits=32), chunk(b"data", bytes(4000))),
    "8 bits": riff(fmt(bits=8), chunk(b"data", NOISE)),
    "24 bits": riff(fmt(bits=24), chunk(b"data", NOISE[:-1000])),
    "odd frames": riff(fmt(frame_bytes=4), chunk(b"data", NOISE)),
    "three channels": riff(fmt(3), chunk(b"data", NOISE[:6000])),
    "no channels": riff(fmt(0), chunk(b"data", NOISE)),
    "no rate": riff(fmt(1, 0), chunk(b"data", NOISE)),
    "two lots of samples": riff(fmt(), chunk(b"data", NOISE[:200]), chunk(b"data", NOISE)),
    "two lots with words between": riff(fmt(), chunk(b"data", NOISE), chunk(b"LIST", b"abc"), chunk(b"data", NOISE)),
    "samples before their format": riff(chunk(b"data", NOISE), fmt()),
    "two formats": riff(fmt(), fmt(2), chunk(b"data", NOISE)),
    "no samples": riff(fmt()),
    "big-endian": b"RIFX" + PLAIN["mono"][4:],
    "a million chunks": riff(*[chunk(b"JUNK", b"")] * 10_000, fmt(), chunk(b"data", NOISE)),
    "DTS": riff(fmt(2, 48_000), chunk(b"data", bytes(400) + b"\xff\x1f\x00\xe8" + NOISE)),
}


def found_in(content: bytes, limits: Limits | None = None, raw: RawPcm | None = None) -> Plain | None:
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return Plain.found_in(file.fileno(), limits or Limits(), raw)


def outcome(content: bytes, raw: RawPcm | None = None) -> Examination | str:
    try:
        return examine(io.BytesIO(content), raw=raw)
    except AudioError as error:
        return error.code


@pytest.fixture(scope="module")
def decoded() -> Callable[..., Examination | str]:
    """As `outcome`, by a decoder."""

    def by_decoder(content: bytes, raw: RawPcm | None = None) -> Examination | str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Plain, "found_in", lambda *_: None)
            return outcome(content, raw)

    return by_decoder


def assert_same(ours: Examination | str, theirs: Examination | str) -> None:
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
        return
    for name in ("container", "codec", "sample_rate_hz", "channels", "samples", "duration_s"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.level_dbfs == pytest.approx(theirs.level_dbfs, abs=0.001)
    assert ours.noticed == theirs.noticed
    assert_allclose(np.frombuffer(ours.peaks, np.uint8), np.frombuffer(theirs.peaks, np.uint8), rtol=0, atol=1)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_sound_is_found_as_a_decoder_finds_it(name, decoded):
    assert found_in(PLAIN[name]) is not None
    assert_same(outcome(PLAIN[name]), decoded(PLAIN[name]))


@pytest.mark.parametrize("name", OTHER)
def test_anything_unusual_is_left_to_a_decoder(name):
    assert found_in(OTHER[name]) is None


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp3", "libmp3lame"), ("mp2", "mp2"), ("adts", "aac"), ("ac3", "ac3"), ("eac3", "eac3"), ("latm", "aac")],
)
@pytest.mark.parametrize("before", [b"", bytes(64)])
def test_what_a_codec_hides_in_a_wav_is_left_to_a_decoder(write, a_tone, container, codec, before):
    hidden = write(np.tile(a_tone(2, 44_100), (2, 1)), 44_100, container=container, codec=codec)
    hidden = before + hidden[: len(hidden) // 4 * 4]
    assert found_in(riff(fmt(2, 44_100), chunk(b"data", hidden))) is None


def test_the_smallest_noise_is_plain():
    samples = np.random.default_rng(3).integers(-2, 3, 2000, np.int16)
    taken = [found_in(riff(fmt(), chunk(b"data", samples[at:].tobytes()))) for at in range(200)]
    assert all(taken)


@pytest.mark.parametrize("channels", [1, 2])
def test_headerless_sound_is_found_as_a_decoder_finds_it(channels, decoded):
    raw = RawPcm(RATE, channels)
    assert found_in(NOISE + b"\0", raw=raw) is not None
    assert_same(outcome(NOISE + b"\0", raw), decoded(NOISE + b"\0", raw))


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_duration_s=0.999),
        Limits(max_channels=0),
        Limits(min_sample_rate_hz=8001),
        Limits(max_sample_rate_hz=7999),
    ],
)
def test_what_is_beyond_a_limit_is_left_to_a_decoder(limits):
    assert found_in(PLAIN["mono"], limits) is None


def test_no_process_is_started_for_plain_sound(monkeypatch):
    monkeypatch.setattr("s2s.audio.sandbox.Worker", lambda *_: pytest.fail("a decoder was asked"))
    assert examine(io.BytesIO(PLAIN["mono"])).samples == RATE
    assert sum(map(len, decode(io.BytesIO(PLAIN["mono"]), sample_rate_hz=RATE))) == RATE


@pytest.mark.parametrize("rate_hz", [RATE, 44_100])
@pytest.mark.parametrize("name", ["mono", "stereo", "one sample"])
def test_its_samples_are_those_of_a_decoder(monkeypatch, name, rate_hz):
    content = riff(fmt(2 if name == "stereo" else 1), chunk(b"data", NOISE[:2] if name == "one sample" else 5 * NOISE))
    ours = list(decode(io.BytesIO(content), sample_rate_hz=rate_hz))
    monkeypatch.setattr(Plain, "found_in", lambda *_: None)
    theirs = list(decode(io.BytesIO(content), sample_rate_hz=rate_hz))
    assert_allclose(np.concatenate(ours), np.concatenate(theirs), rtol=0, atol=1e-6)


def test_reading_its_samples_can_be_stopped():
    stop = Stop()
    blocks = decode(io.BytesIO(riff(fmt(), chunk(b"data", 5 * NOISE))), sample_rate_hz=RATE, stop=stop)
    next(blocks)
    stop.stop()
    with pytest.raises(AudioError) as caught:
        next(blocks)
    assert caught.value.code == "decoder_lost"


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(PLAIN["stereo"])
    with path.open("r+b") as file:
        found = Plain.found_in(file.fileno(), Limits(), None)
        assert found is not None
        file.truncate(44 + 4 * 1000 + 3)
        assert sum(map(len, found.blocks(file.fileno(), usual(["FL", "FR"])))) == 1000


@settings(max_examples=settings.default.max_examples * 6 // 10)
@given(
    name=st.sampled_from(["mono", "stereo", "words before the samples"]),
    changes=st.dictionaries(st.integers(0, 63), st.binary(min_size=1, max_size=1), max_size=4),
    cut=st.integers(0, 200),
)
def test_a_header_that_was_tampered_with_is_read_as_a_decoder_reads_it_or_not_at_all(decoded, name, changes, cut):
    content = bytearray(PLAIN[name])
    for place, byte in changes.items():
        content[place : place + 1] = byte
    content = content[: len(content) - cut]
    if found_in(bytes(content)) is not None:
        assert_same(outcome(bytes(content)), decoded(bytes(content)))

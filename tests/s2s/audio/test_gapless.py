"""An MP3 whose first frame is written before its sound is known: the same file as one that was completed at the end."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s2s.audio import Encoder, decode, examine
from s2s.audio.gapless import _crc16, cut_mp3_head, left_out, with_more

KINDS = [(22_050, 32), (24_000, 48), (44_100, 128), (44_100, 192)]
LENGTHS = [1, 576, 1153, 44_100, 200_001]
# What nobody can know before: places to seek by, and checksums of what follows.
UNKNOWN = {*range(16, 116), 152, 153, 154, 155}


def encoded(samples: np.ndarray, rate_hz: int, kbps: int, *, foretold: bool, channels: int = 1) -> bytes:
    sink = None if foretold else io.BytesIO()
    length = len(samples) if foretold else None
    encoder = Encoder("mp3", rate_hz, kbps, input_rate_hz=rate_hz, sink=sink, length=length, channels=channels)
    planes = np.stack([samples] * channels)
    content = b"".join(encoder.write(planes[:, start : start + 5000]) for start in range(0, len(samples), 5000))
    content += encoder.finish()
    return content if sink is None else sink.getvalue()


def noise(length: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(bytes([length % 251]))).normal(0, 0.1, length).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("rate_hz", "kbps"), KINDS)
def test_it_is_the_file_that_is_completed_at_its_end(rate_hz: int, kbps: int, length: int, channels: int) -> None:
    sound = noise(length)
    ours = encoded(sound, rate_hz, kbps, foretold=True, channels=channels)
    theirs = encoded(sound, rate_hz, kbps, foretold=False, channels=channels)
    begin = theirs.index(b"Info")
    assert len(ours) == len(theirs)
    differs = {place - begin for place in range(len(ours)) if ours[place] != theirs[place]}
    assert differs <= UNKNOWN


def test_an_hour_costs_no_more_than_a_second_and_says_how_long_it_is() -> None:
    length = 3600 * 44_100 + 77
    head = Encoder("mp3", 44_100, 128, input_rate_hz=44_100, length=length).write(np.zeros(0, np.float32))
    frames, size = struct.unpack_from(">II", head, head.index(b"Info") + 8)
    assert 1105 <= frames * 1152 - length < 1105 + 2 * 1152
    assert size == pytest.approx((frames + 1) * 1152 * 128_000 / 8 / 44_100, abs=2 * 418)
    assert len(head) < 1024


def test_it_decodes_to_the_sample() -> None:
    sound = noise(100_001)
    content = encoded(sound, 44_100, 128, foretold=True)
    decoded = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=44_100)))
    assert len(decoded) == 100_001
    assert np.corrcoef(decoded, sound)[0, 1] > 0.5  # noise beyond what 128 kbit/s keep; a sample off it is .1


def test_another_length_than_was_foretold_is_an_error() -> None:
    encoder = Encoder("mp3", 44_100, 128, input_rate_hz=44_100, length=5000)
    encoder.write(noise(4999))
    with pytest.raises(ValueError, match="another length"):
        encoder.finish()


def test_its_checksum_is_libavs() -> None:
    """In stereo at 44.1 kHz: libav always takes 190 bytes, LAME those up to the checksum, which are fewer in mono."""
    theirs = encoded(noise(30_000), 44_100, 128, foretold=False, channels=2)
    begin = theirs.index(b"Info")
    assert _crc16(theirs[begin - 36 : begin + 154]) == int.from_bytes(theirs[begin + 154 : begin + 156])
    ours = encoded(noise(30_000), 44_100, 128, foretold=True, channels=2)
    assert _crc16(ours[begin - 36 : begin + 154]) == int.from_bytes(ours[begin + 154 : begin + 156])


@pytest.mark.parametrize("foretold", [True, False])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_what_is_cut_off_says_how_much_is_there_and_plays_to_its_end(share: float, foretold: bool) -> None:
    content = encoded(noise(40 * 22_050), 22_050, 32, foretold=foretold)
    size = int(share * len(content))
    cut = cut_mp3_head(content[:4096], size) + content[4096:size]
    assert len(cut) == size
    frames, said = struct.unpack_from(">II", cut, cut.index(b"Info") + 8)
    assert said == size - cut.index(b"\xff\xf3")
    assert frames * 576 / 22_050 == pytest.approx(40 * share, abs=0.1)
    found = examine(io.BytesIO(cut))
    assert found.duration_s == pytest.approx(40 * share, abs=0.1)


def test_a_whole_one_is_left_as_it_is_and_so_is_what_says_nothing() -> None:
    content = encoded(noise(30_000), 44_100, 128, foretold=False)
    assert cut_mp3_head(content[:4096], len(content)) == content[:4096]
    plain = content[content.index(b"Info") + 600 :]
    assert cut_mp3_head(plain, 100) == plain
    with pytest.raises(ValueError, match="without the frame"):
        with_more(plain, 1, 1)


@given(st.binary(max_size=400), st.integers(0, 2**40))
@example(b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", 5)
@example(b"ID3", 5)
@example(b"\xff\xfb\x90\x64Info" + b"\xff" * 200, 5)
@example(b"\xff\xfb\x90\x64Info\x00\x00\x00\x0f" + bytes(200), 5)
def test_whatever_an_endpoint_sends_stays_as_long_as_it_is(head: bytes, size: int) -> None:
    assert len(cut_mp3_head(head, size)) == len(head)


@given(st.integers(1, 10**9), st.sampled_from(KINDS))
def test_what_is_left_out_are_whole_patterns_and_never_the_end(length: int, kind: tuple[int, int]) -> None:
    rate_hz, kbps = kind
    samples = 1152 if rate_hz >= 32_000 else 576
    frame_bytes = Fraction(samples * kbps * 1000, 8 * rate_hz)
    out = left_out(length, samples, frame_bytes)
    assert (out * frame_bytes).denominator == 1
    assert min(length, 16 * samples) <= length - out * samples < (16 + 1 + frame_bytes.denominator) * samples

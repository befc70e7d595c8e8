"""PCM with fewer bits than room is read to the bit, whatever container says so and however many channels there are."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.audio import AudioError, decode, examine, excerpt
from tests.support.lag import found_at, level_db, speechlike
from tests.support.padded import FLOAT, PCM, caf, extensible, plain, rf64, riff, stored, w64

RATE = 48_000
SOUND = speechlike(RATE * 2, RATE)
RIGHT = [(24, 32), (20, 32), (16, 32), (12, 32), (20, 24), (18, 24), (12, 16), (10, 16)]


def right(valid: int) -> NDArray[np.float32]:
    return np.rint(SOUND * (2 ** (valid - 1) - 1)).astype(np.float32) / np.float32(2 ** (valid - 1))


def avi(write: Callable[..., bytes], valid: int, width: int) -> bytes:
    """libav's own, whose header then says fewer bits."""
    sound = np.frombuffer(stored(SOUND, valid, width), "<i4").astype(np.float64) / 2**31
    content = bytearray(write(sound.astype(np.float32), RATE, container="avi", codec="pcm_s32le", video_s=1))
    at = content.rindex(b"strf") + 8
    assert struct.unpack_from("<HH", content, at + 14)[0] == width
    content[at + 18 : at + 20] = struct.pack("<H", valid)
    return bytes(content)


def samples_of(content: bytes) -> NDArray[np.float32]:
    return np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE)))


def assert_right(content: bytes, valid: int) -> None:
    found = examine(io.BytesIO(content))
    assert (found.samples, found.sample_rate_hz) == (len(SOUND), RATE)
    assert found.level_dbfs == pytest.approx(level_db(SOUND), abs=0.05)
    assert np.array_equal(samples_of(content), right(valid))


@pytest.mark.parametrize(("valid", "width"), RIGHT)
def test_a_wav_with_fewer_bits_than_room_is_read_to_the_bit(valid, width):
    assert_right(riff(extensible(RATE, valid, width), stored(SOUND, valid, width)), valid)
    assert_right(riff(plain(RATE, valid, width), stored(SOUND, valid, width)), valid)


@pytest.mark.parametrize(("valid", "width"), RIGHT[:3])
def test_so_is_one_whose_header_takes_the_used_bits_for_the_width(valid, width):
    assert_right(riff(extensible(RATE, valid, width, bits=valid), stored(SOUND, valid, width)), valid)


@pytest.mark.parametrize(("valid", "width"), RIGHT[:5])
@pytest.mark.parametrize("name", [b"RF64", b"BW64"])
def test_so_is_one_of_more_than_four_gigabytes(valid, width, name):
    assert_right(rf64(extensible(RATE, valid, width), stored(SOUND, valid, width), name), valid)


@pytest.mark.parametrize(("valid", "width"), RIGHT[:5])
def test_so_is_a_wave64(valid, width):
    content = w64(extensible(RATE, valid, width), stored(SOUND, valid, width))
    assert np.array_equal(samples_of(content)[: len(SOUND)], right(valid))


@pytest.mark.parametrize(("valid", "width"), [*RIGHT[:3], (32, 32), (24, 24), (16, 16)])
def test_so_is_a_big_endian_wav_padded_or_not(valid, width):
    assert_right(riff(plain(RATE, valid, width, order=">"), stored(SOUND, valid, width, order=">"), ">"), valid)


def test_so_are_the_floats_of_a_big_endian_wav():
    fmt = struct.pack(">HHIIHH", FLOAT, 1, RATE, RATE * 4, 4, 32)
    assert np.array_equal(samples_of(riff(fmt, SOUND.astype(">f4").tobytes(), ">")), SOUND)


@pytest.mark.parametrize(("valid", "width"), RIGHT)
@pytest.mark.parametrize("order", ["<", ">"])
def test_so_is_a_caf(valid, width, order):
    assert_right(caf(SOUND, RATE, valid, width, order), valid)


@pytest.mark.parametrize("valid", [24, 16])
def test_so_is_the_sound_of_an_avi(write, valid):
    content = avi(write, valid, 32)
    assert np.abs(samples_of(content) - right(valid)).max() < 2**-22  # libav's encoder was given floats


@pytest.mark.parametrize("channels", [2, 3, 6, 8])
def test_so_is_one_of_many_channels(channels):
    content = riff(extensible(RATE, 24, 32, channels), stored(SOUND, 24, 32, channels))
    assert examine(io.BytesIO(content)).channels == channels
    samples = samples_of(content)
    lag, alike = found_at(samples, SOUND)
    assert (len(samples), lag) == (len(SOUND), 0)
    assert alike > 0.9999


@pytest.mark.parametrize("said", [0, 0xFFFFFFFF, 10_000_000])
def test_so_is_one_whose_length_is_not_so(said):
    samples = samples_of(riff(extensible(RATE, 20, 32), stored(SOUND, 20, 32), said=said))
    assert np.array_equal(samples, right(20))


def test_floats_of_whom_only_the_mantissa_is_counted():
    content = riff(extensible(RATE, 24, 32, tag=FLOAT), SOUND.astype("<f4").tobytes())
    assert np.array_equal(samples_of(content), SOUND)


def test_a_passage_of_it_is_where_it_should_be():
    passage = excerpt(io.BytesIO(riff(extensible(RATE, 24, 32), stored(SOUND, 24, 32))), 1.0, 0.5)
    samples = np.frombuffer(passage[-RATE:], "<i2") / 32768  # half a second of 16 bits
    assert np.abs(samples - right(24)[RATE : RATE + RATE // 2]).max() < 2**-15


def test_a_size_of_frames_that_the_rest_of_the_header_denies_is_not_believed():
    fmt = struct.pack("<HHIIHH", PCM, 1, RATE, RATE * 2, 4, 16)
    assert np.array_equal(samples_of(riff(fmt, stored(SOUND, 16, 16))), right(16))


@pytest.mark.parametrize(
    "content",
    [
        # Cool Edit's "32-bit 24.0 float": https://www.etcetera.co.uk/Support/syntrillium/32bit_supported_formats.shtml
        riff(plain(RATE, 24, 32), (SOUND * 2**23).astype("<f4").tobytes()),
        riff(extensible(RATE, 24, 64), stored(SOUND, 24, 64)),
        riff(extensible(RATE, 24, 40), stored(SOUND, 24, 40)),
    ],
)
def test_what_nobody_can_read_is_refused_and_never_noise(content):
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content))
    assert caught.value.code == "odd_samples"
    assert "24 are said to be used" in str(caught.value)

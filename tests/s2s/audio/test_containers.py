"""What phones, browsers, recorders and editors write is taken, and described by what decoding shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from s2s.audio import RawPcm, decode, examine

LOSSLESS = [
    ("wav", "pcm_s16le", 44100),
    ("wav", "pcm_s24le", 48000),
    ("wav", "pcm_f32le", 44100),
    ("wav", "pcm_u8", 8000),
    ("wav", "pcm_mulaw", 8000),
    ("aiff", "pcm_s16be", 44100),
    ("caf", "alac", 44100),
    ("au", "pcm_s16be", 22050),
    ("flac", "flac", 96000),
    ("ipod", "alac", 44100),
    ("tta", "tta", 44100),
    ("wv", "wavpack", 44100),
    ("matroska", "flac", 44100),
    ("mov", "pcm_s16le", 48000),
    ("avi", "pcm_s16le", 44100),
    ("voc", "pcm_s16le", 22050),
]
# What a codec adds or loses, in seconds, is a fact of the container: ENGINE figures and libav's own.
LOSSY = [
    ("w64", "pcm_s16le", 44100, 1e-4),  # the padding of its last chunk is read as samples
    ("mp3", "libmp3lame", 44100, 0.0),
    ("ogg", "libopus", 48000, 0.0),
    ("ogg", "vorbis", 44100, 0.02),
    ("webm", "libopus", 48000, 0.01),
    ("matroska", "vorbis", 44100, 0.05),
    ("ipod", "aac", 44100, 0.03),
    ("3gp", "libopencore_amrnb", 8000, 0.03),
    ("amr", "libopencore_amrnb", 8000, 0.03),
    ("adts", "aac", 44100, 0.06),
    ("mpegts", "aac", 44100, 0.06),
    ("flv", "libmp3lame", 44100, 0.06),
    ("asf", "wmav2", 44100, 0.1),
    ("ac3", "ac3", 48000, 0.06),
    ("eac3", "eac3", 48000, 0.06),
    ("mp2", "mp2", 44100, 0.06),
    ("avi", "adpcm_ms", 22050, 0.1),
]


def dominant_hz(source: io.BytesIO) -> float:
    samples = np.concatenate(list(decode(source, sample_rate_hz=16000)))
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * 16000 / len(samples))


@pytest.mark.parametrize(("container", "codec", "rate"), LOSSLESS)
def test_a_lossless_recording_has_exactly_its_samples(write, a_tone, container, codec, rate):
    source = io.BytesIO(write(a_tone(1.2345, rate), rate, container=container, codec=codec))
    found = examine(source)
    assert found.samples == round(1.2345 * rate)
    assert (found.sample_rate_hz, found.channels) == (rate, 1)
    assert found.duration_s == found.samples / rate
    assert found.level_dbfs == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.1)
    assert dominant_hz(source) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(("container", "codec", "rate", "slack_s"), LOSSY)
def test_a_lossy_recording_has_its_length_and_its_sound(write, a_tone, container, codec, rate, slack_s):
    samples = a_tone(1.5, rate)
    if codec == "vorbis":  # libav's own encoder knows stereo only
        samples = np.stack([samples, samples])
    source = io.BytesIO(write(samples, rate, container=container, codec=codec))
    found = examine(source)
    assert found.duration_s == pytest.approx(1.5, abs=slack_s + 1e-9)
    assert (found.sample_rate_hz, found.channels) == (rate, samples.ndim)
    assert found.level_dbfs == pytest.approx(-9, abs=2)
    assert dominant_hz(source) == pytest.approx(440, abs=2)


def test_the_sound_of_a_video_is_taken(write, a_tone):
    found = examine(
        io.BytesIO(write(a_tone(1, 44100), container="mp4", codec="aac", video_s=1)),
    )
    assert found.codec == "aac"
    assert found.duration_s == pytest.approx(1, abs=0.05)


def test_a_live_webm_without_length_or_index_is_taken(write, a_tone):
    content = write(a_tone(2, 48000), 48000, container="webm", codec="libopus", live=True)
    assert examine(io.BytesIO(content)).duration_s == pytest.approx(2, abs=0.01)


def test_a_wav_written_to_a_pipe_has_the_length_of_its_samples_not_of_its_header(write, a_tone):
    content = write(a_tone(1, 44100), container="wav", codec="pcm_s16le", live=True)
    assert content[4:8] == b"\xff\xff\xff\xff"
    assert examine(io.BytesIO(content)).samples == 44100


@pytest.mark.parametrize(("encoding", "codec"), [("s16le", "pcm_s16le"), ("ulaw", "pcm_mulaw"), ("alaw", "pcm_alaw")])
def test_headerless_samples_are_taken_when_told_what_they_are(encoding, codec):
    width = 2 if encoding == "s16le" else 1
    found = examine(io.BytesIO(bytes(8000 * width)), raw=RawPcm(8000, 1, encoding))
    assert (found.codec, found.samples, found.sample_rate_hz, found.channels) == (codec, 8000, 8000, 1)


def test_headerless_samples_come_back_bit_for_bit():
    samples = np.arange(-32768, 32768, 3, dtype="<i2")
    decoded = np.concatenate(list(decode(io.BytesIO(samples.tobytes()), sample_rate_hz=16000, raw=RawPcm())))
    assert np.array_equal(decoded * 32768, samples)


def test_several_headerless_channels_are_told_apart():
    interleaved = np.tile(np.array([16384, 0], "<i2"), 1000)
    decoded = np.concatenate(
        list(decode(io.BytesIO(interleaved.tobytes()), sample_rate_hz=16000, raw=RawPcm(16000, 2)))
    )
    assert len(decoded) == 1000
    assert decoded == pytest.approx(0.25)


def test_a_song_whose_tags_are_in_an_old_encoding_is_taken(write, a_tone):
    content = write(a_tone(1, 44100), container="wav", codec="pcm_s16le")
    tag = b"LIST\x10\x00\x00\x00INFOINAM\x04\x00\x00\x00\xe9t\xe9\x00"
    at = content.index(b"data")
    assert examine(io.BytesIO(content[:at] + tag + content[at:])).samples == 44100


def test_decoding_to_another_rate_gives_the_count_that_was_foretold(write, noise):
    source = io.BytesIO(write(noise(44123), 44100, container="flac", codec="flac"))
    for rate in (8000, 16000, 24000, 48000, 96000):
        assert sum(map(len, decode(source, sample_rate_hz=rate))) == round(44123 * rate / 44100)


def test_blocks_are_about_a_second(write, noise):
    source = io.BytesIO(write(noise(44100 * 5), 44100, container="mp3", codec="libmp3lame"))
    lengths = [len(block) for block in decode(source, sample_rate_hz=24000)]
    assert len(lengths) > 4
    assert max(lengths) < 1.2 * 24000


def test_a_file_is_read_from_its_start_and_its_position_left_alone(write, a_tone, tmp_path: Path):
    path = tmp_path / "tone.wav"
    path.write_bytes(write(a_tone(1, 44100), container="wav", codec="pcm_s16le"))
    with path.open("rb") as source:
        source.seek(777)
        assert examine(source).samples == 44100
        assert source.tell() == 777
        samples = decode(source, sample_rate_hz=44100)
        next(samples)
        assert source.tell() == 777
        samples.close()


def test_a_buffer_is_read_from_its_start_and_its_position_left_alone(write, a_tone):
    source = io.BytesIO(write(a_tone(1, 44100), container="wav", codec="pcm_s16le"))
    source.seek(99)
    assert examine(source).samples == 44100
    assert source.tell() == 99


def test_a_file_just_written_is_read_with_what_is_still_in_its_buffer(write, a_tone, tmp_path: Path):
    with (tmp_path / "tone.wav").open("w+b") as source:
        source.write(write(a_tone(0.05, 8000), 8000, container="wav", codec="pcm_s16le"))
        assert examine(source).samples == 400


def test_a_pipe_is_read_to_its_end(write, a_tone):
    class Trickle(io.RawIOBase):
        def __init__(self, content: bytes) -> None:
            self._content = io.BytesIO(content)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            data = self._content.read(min(len(buffer), 1000))
            buffer[: len(data)] = data
            return len(data)

    assert examine(Trickle(write(a_tone(1, 44100), container="wav", codec="pcm_s16le"))).samples == 44100


def test_two_readers_of_one_file_do_not_disturb_each_other(write, noise, tmp_path: Path):
    path = tmp_path / "noise.flac"
    path.write_bytes(write(noise(44100 * 3), container="flac", codec="flac"))
    with path.open("rb") as source:
        pairs = zip(decode(source, sample_rate_hz=44100), decode(source, sample_rate_hz=44100), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(("container", "codec"), [("wav", "pcm_s16le"), ("adts", "aac"), ("flac", "flac")])
@pytest.mark.parametrize("channels", [6, 8])
def test_surround_sound_is_mixed_whatever_way_its_channels_are_stored(write, a_tone, container, codec, channels):
    source = io.BytesIO(write(np.stack([a_tone(1, 48000)] * channels), 48000, container=container, codec=codec))
    found = examine(source)
    assert found.channels == channels
    assert found.level_dbfs == pytest.approx(-9, abs=1)
    assert dominant_hz(source) == pytest.approx(440, abs=2)


def test_stereo_is_mixed_without_a_change_of_level(write: Callable[..., bytes], a_tone):
    both = np.stack([a_tone(1, 44100, amplitude=0.9)] * 2)
    found = examine(io.BytesIO(write(both, container="wav", codec="pcm_f32le")))
    assert found.channels == 2
    assert max(found.peaks) / 255 == pytest.approx(0.9, abs=0.005)

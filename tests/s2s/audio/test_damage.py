"""A damaged recording gives what can be decoded, and a recording that changes inside stays one recording."""

from __future__ import annotations

import io

import numpy as np
import pytest

from s2s.audio import AudioError, decode, examine


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("mp3", "libmp3lame", 44100),
        ("wav", "pcm_s16le", 44100),
        ("flac", "flac", 44100),
        ("ogg", "libopus", 48000),
        ("adts", "aac", 44100),
        ("mpegts", "aac", 44100),
    ],
)
def test_a_truncated_recording_gives_what_is_there(write, noise, container, codec, rate):
    content = write(noise(4 * rate), rate, container=container, codec=codec)
    found = examine(io.BytesIO(content[: len(content) // 2]))
    assert 0.9 < found.duration_s < 3  # Ogg loses its last page, a second


def test_a_truncated_live_webm_gives_what_is_there(write, noise):
    content = write(noise(4 * 48000), 48000, container="webm", codec="libopus", live=True)
    assert 1 < examine(io.BytesIO(content[: len(content) // 2])).duration_s < 3


def test_a_phone_recording_cut_before_its_index_is_said_to_be(write, noise):
    content = write(noise(4 * 44100), container="ipod", codec="aac")
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content[: len(content) // 2]))
    assert caught.value.code == "index_missing"


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("adts", "aac"), ("flac", "flac"), ("ogg", "libopus")]
)
def test_rubbish_in_the_middle_is_left_out(write, noise, container, codec):
    content = bytearray(write(noise(6 * 48000), 48000, container=container, codec=codec))
    third = len(content) // 3
    content[third : third + 3000] = np.random.default_rng(3).bytes(3000)
    assert examine(io.BytesIO(bytes(content))).duration_s > 2


@pytest.mark.parametrize("seed", range(12))
def test_no_damage_brings_us_down(write, noise, seed):
    """Bits flipped all over, headers too: a length or one of our errors, never anything else."""
    kinds = [
        ("ipod", "aac"),
        ("matroska", "flac"),
        ("ogg", "libopus"),
        ("asf", "wmav2"),
        ("wv", "wavpack"),
        ("caf", "alac"),
    ]
    container, codec = kinds[seed % len(kinds)]
    content = bytearray(write(noise(48000), 48000, container=container, codec=codec))
    random = np.random.default_rng(seed)
    for position in random.integers(0, len(content), 60):
        content[position] ^= 1 << random.integers(8)
    try:
        outcome = "taken" if examine(io.BytesIO(bytes(content))).samples > 0 else "nothing in it"
    except AudioError as error:
        outcome = error.code
    limits = ("decoder_memory", "too_long")  # a length field may now ask for gigabytes
    named = ("unreadable", "protected", "index_missing", "unfinished", "cut_off")
    usual = ("taken", "not_audio", "no_audio", "no_sound_length", "too_many_channels", "bad_rate")
    assert outcome in {*usual, *named, *limits}


def test_a_change_of_rate_and_channels_inside_is_followed(write, a_tone):
    stereo = np.stack([a_tone(2, 44100)] * 2)
    content = (
        write(stereo, 44100, container="adts", codec="aac")
        + write(a_tone(2, 22050), 22050, container="adts", codec="aac")
        + write(a_tone(2, 48000), 48000, container="adts", codec="aac")
    )
    found = examine(io.BytesIO(content))
    assert (found.sample_rate_hz, found.channels) == (44100, 2)
    assert found.duration_s == pytest.approx(6, abs=0.3)
    samples = np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=16000)))
    for start_s in (0.5, 2.5, 4.5):
        second = samples[int(start_s * 16000) :][:16000]
        assert np.argmax(np.abs(np.fft.rfft(second))) == pytest.approx(440, abs=2)


def test_joined_mp3_files_are_one_recording(write, noise):
    content = b"".join(write(noise(44100), container="mp3", codec="libmp3lame") for _ in range(3))
    assert examine(io.BytesIO(content)).duration_s == pytest.approx(3, abs=0.3)


def test_what_is_no_number_is_silent(write, noise):
    samples = noise(44100)
    samples[100:200] = np.nan
    samples[300:400] = np.inf
    samples[500:600] = 1e30
    # The encoder's own converter would tidy up: write the samples as they are.
    content = bytearray(write(noise(44100), container="wav", codec="pcm_f32le"))
    content[-4 * 44100 :] = samples.tobytes()
    decoded = np.concatenate(list(decode(io.BytesIO(bytes(content)), sample_rate_hz=44100)))
    assert np.isfinite(decoded).all()
    assert not decoded[100:200].any()
    assert np.abs(decoded).max() <= 16
    found = examine(io.BytesIO(bytes(content)))
    assert np.isfinite(found.level_dbfs)

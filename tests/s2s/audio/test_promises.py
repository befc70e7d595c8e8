"""A file of which only a part arrived says how much is missing; one that promised nothing says nothing."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest

from s2s.audio import AudioError, examine

SECONDS, RATE_HZ = 15.6, 44100
FAST = {"moov_size": "50000"}  # room for the index in front
# Whose headers say before the sound how much there is.
PROMISING: dict[str, dict[str, Any]] = {
    "WAV": {"container": "wav", "codec": "pcm_s24le"},
    "ADPCM in WAV": {"container": "wav", "codec": "adpcm_ima_wav"},
    "RF64": {"container": "wav", "codec": "pcm_s16le", "options": {"rf64": "always"}},
    "Wave64": {"container": "w64", "codec": "pcm_s16le"},
    "AIFF": {"container": "aiff", "codec": "pcm_s16be"},
    "CAF": {"container": "caf", "codec": "pcm_s16le"},
    "AU": {"container": "au", "codec": "pcm_s16be"},
    "FLAC": {"container": "flac", "codec": "flac"},
    "MP3": {"container": "mp3", "codec": "libmp3lame"},
    "WavPack": {"container": "wv", "codec": "wavpack"},
    "TTA": {"container": "tta", "codec": "tta"},
    "M4A": {"container": "ipod", "codec": "aac", "options": FAST},
    "MOV with PCM": {"container": "mov", "codec": "pcm_s16le", "options": FAST},
    "MP4 with a video": {"container": "mp4", "codec": "aac", "options": FAST, "video_s": SECONDS},
    "MP4 in one fragment": {"container": "mp4", "codec": "aac", "options": {"movflags": "frag_keyframe+empty_moov"}},
    "MKV": {"container": "matroska", "codec": "libopus"},
    "WebM": {"container": "webm", "codec": "libopus"},
    "MKV with a video": {"container": "matroska", "codec": "aac", "video_s": SECONDS},
    "AVI": {"container": "avi", "codec": "libmp3lame"},
    "WMA": {"container": "asf", "codec": "wmav2"},
}
# Those that were written to something that can't be rewound.
LIVE: dict[str, dict[str, Any]] = {
    "WAV": {"container": "wav", "codec": "pcm_s24le"},
    "AU": {"container": "au", "codec": "pcm_s16be"},
    "CAF": {"container": "caf", "codec": "pcm_s16le"},
    "FLAC": {"container": "flac", "codec": "flac"},
    "MP3": {"container": "mp3", "codec": "libmp3lame"},
    "WavPack": {"container": "wv", "codec": "wavpack"},
    "MKV": {"container": "matroska", "codec": "libopus"},
    "WebM": {"container": "webm", "codec": "libopus"},
    "AVI": {"container": "avi", "codec": "libmp3lame"},
    "WMA": {"container": "asf", "codec": "wmav2"},
    "Ogg": {"container": "ogg", "codec": "libopus"},
    "ADTS": {"container": "adts", "codec": "aac"},
    "TS": {"container": "mpegts", "codec": "aac"},
}


@pytest.fixture(scope="module")
def made(write, a_tone):
    sound = a_tone(SECONDS, 48000)[: int(SECONDS * RATE_HZ)]
    kept: dict[str, bytes] = {}  # several tests look at each

    def made(**how: Any) -> bytes:
        if (said := repr(how)) not in kept:
            kept[said] = write(sound, 48000 if how["codec"] == "libopus" else RATE_HZ, **how)
        return kept[said]

    return made


def promised(content: bytes) -> tuple[float, float | None]:
    found = examine(io.BytesIO(content))
    return found.duration_s, found.noticed.promised_s


@pytest.mark.parametrize("kind", PROMISING)
def test_of_a_part_the_length_of_the_whole_is_said(made, kind):
    content = made(**PROMISING[kind])
    whole_s, nothing_s = promised(content)
    assert nothing_s is None
    part_s, promised_s = promised(content[: int(0.6 * len(content))])
    assert part_s < 0.75 * whole_s
    assert promised_s == pytest.approx(whole_s, abs=0.1)


@pytest.mark.parametrize("kind", LIVE)
def test_what_was_written_live_promises_nothing(made, kind):
    content = made(**LIVE[kind], live=True)
    assert promised(content)[1] is None
    assert promised(content[: int(0.6 * len(content))])[1] is None


def wav(data_bytes: int, said: int) -> bytes:
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
    sound = b"\1\2" * (data_bytes // 2)
    return b"RIFF" + struct.pack("<I", said) + b"WAVE" + fmt + b"data" + struct.pack("<I", said) + sound


@pytest.mark.parametrize("said", [0, 0xFFFFFFFF, 0xFFFFFF00, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0x7F000000])
def test_a_length_that_nobody_knew_is_none(said):
    """As FFmpeg, SoX, arecord and voice services stream a WAV."""
    assert promised(wav(64000, said)) == (2.0, None)


@pytest.mark.parametrize("missing_s", [0.0, 0.4, 0.6])
def test_less_than_half_a_second_is_not_worth_a_word(missing_s):
    said = promised(wav(64000, 64000 + int(32000 * missing_s)))[1]
    assert said == (pytest.approx(2.0 + missing_s) if missing_s > 0.5 else None)


def test_less_than_a_hundredth_is_not_worth_a_word():
    assert promised(wav(32000 * 200, 32000 * 201))[1] is None
    assert promised(wav(32000 * 200, 32000 * 203))[1] == pytest.approx(203)


def test_a_sound_that_ends_before_its_picture_is_whole(write, a_tone):
    for container in ("mp4", "matroska", "avi", "asf"):
        content = write(a_tone(3, RATE_HZ), RATE_HZ, container=container, codec="libmp3lame", video_s=9)
        assert promised(content)[1] is None


def test_an_mp3_that_was_cut_shorter_by_an_editor_says_how_many_bytes_it_has(made):
    """One whose first frame still counts the frames of another: it isn't cut off, whatever that says."""
    content = bytearray(made(container="mp3", codec="libmp3lame"))
    at = content.find(b"Info") + 8
    (frames,) = struct.unpack_from(">I", content, at)
    struct.pack_into(">I", content, at, 2 * frames)
    assert promised(bytes(content))[1] is None


@pytest.mark.parametrize("duration", ["inf", "1e300:00:00", "nan", "99:99:1e9"])
def test_a_length_beyond_belief_is_none(made, duration):
    content = made(container="matroska", codec="libopus")
    at = content.find(b"00:00:15.")
    changed = content[:at] + duration.encode().ljust(18, b"\0") + content[at + 18 :]
    said = promised(changed[: int(0.6 * len(changed))])[1]
    assert said is None or said < 20


def test_nothing_of_the_sound_has_arrived(made):
    content = made(container="ipod", codec="aac", options=FAST)
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content[: content.find(b"mdat") + 20]))
    assert caught.value.code == "cut_off"


@pytest.mark.parametrize("kind", PROMISING)
def test_a_header_that_lies_brings_nothing_down(made, kind):
    """Bytes of headers and indices are changed: a length that can be told, or one of our errors for people."""
    content = made(**PROMISING[kind])
    random = np.random.default_rng(11)
    for _ in range(12):
        damaged = bytearray(content[: int(0.6 * len(content))])
        for place in random.integers(0, 400, 8):
            damaged[place] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.integers(256)])
        try:
            (found_s, whole_s), code = promised(bytes(damaged)), ""
        except AudioError as error:
            (found_s, whole_s), code = (0.0, None), error.code
        assert code != "decoder_failed"
        assert whole_s is None or found_s < whole_s < 1e6

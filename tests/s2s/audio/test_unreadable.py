"""What we can't read, or may not, is named by what it is, from our own table and never from the file's words."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pytest

from s2s.audio import AudioError, examine
from s2s.audio.errors import CODES
from s2s.audio.mistakes import FOREIGN, HEAD_BYTES, mistaken
from s2s.audio.names import NAMES

EXPORT = (
    ", which we can't read. "
    "Open it in the program that made it, or in one that plays it, and export its sound as WAV, MP3 or M4A."
)


def refusal(content: bytes) -> AudioError:
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content))
    return caught.value


def film(codec: str, size: tuple[int, int], pixels: str, bit_rate: int) -> bytes:
    """A tenth of a second of MXF, as editors export it: a picture beside PCM."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="mxf") as output:
        picture = output.add_stream(codec, rate=25)
        (picture.width, picture.height), picture.pix_fmt, picture.bit_rate = size, pixels, bit_rate
        sound = output.add_stream("pcm_s16le", rate=48000, layout="mono")
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8), format="rgb24")
            frame.pts = number
            output.mux(picture.encode(frame))
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = 48000, 1920 * number, Fraction(1, 48000)
            output.mux(sound.encode(block))
        output.mux(picture.encode(None))
        output.mux(sound.encode(None))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("codec", "size", "pixels", "bit_rate", "name"),
    [
        ("dnxhd", (1920, 1080), "yuv422p", 120_000_000, "MXF with DNxHD"),
        ("mpeg2video", (320, 240), "yuv420p", 1_000_000, "MXF with MPEG-2"),
    ],
)
def test_an_mxf_is_named_with_its_picture(codec, size, pixels, bit_rate, name):
    error = refusal(film(codec, size, pixels, bit_rate))
    assert (error.code, str(error)) == ("unreadable", f"This file is {name}{EXPORT}")


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [
        ("nut", "pcm_s16le", "NUT"),
        ("ircam", "pcm_s16le", "IRCAM"),
        ("matroska", "pcm_s16le", None),
        ("mov", "adpcm_ima_qt", None),
    ],
)
def test_a_container_is_named(write, a_tone, container, codec, name):
    content = write(a_tone(1, 48000), 48000, container=container, codec=codec)
    if name is None:
        assert examine(io.BytesIO(content)).samples
    else:
        assert str(refusal(content)) == f"This file is {name}{EXPORT}"


@pytest.mark.parametrize(("tag", "name"), [(0x42, "G.723.1"), (0x270, "ATRAC"), (0x83, "G.729"), (0x166, "XMA")])
def test_a_wav_is_named_with_its_format_tag(write, a_tone, tag, name):
    content = bytearray(write(a_tone(1, 8000), 8000, container="wav", codec="pcm_alaw"))
    content[20:22] = tag.to_bytes(2, "little")
    assert str(refusal(bytes(content))) == f"This file is WAV with {name}{EXPORT}"


@pytest.fixture(scope="module")
def m4a(write, a_tone) -> Callable[..., bytes]:
    """An M4A whose sound is said to be something else: of another codec there is no AAC header besides."""
    content = write(a_tone(1, 44100), 44100, container="ipod", codec="aac")

    def made(entry: bytes, *, is_aac: bool = True) -> bytes:
        changed = content.replace(b"mp4a" + bytes(7) + b"\1", entry + bytes(7) + b"\1")
        assert changed != content
        return changed if is_aac else changed.replace(b"esds", b"xxxx")

    return made


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (b"ac-4", "AC-4"),
        (b"mha1", "MPEG-H 3D Audio"),
        (b"mhm1", "MPEG-H 3D Audio"),
        (b"dtsx", "DTS:X"),
        (b"iamf", "IAMF (immersive audio)"),
        (b"z\0<>", "a kind of sound that we don't know"),
    ],
)
def test_sound_that_libav_does_not_know_is_named_by_its_sample_entry(m4a, entry, name):
    assert str(refusal(m4a(entry, is_aac=False))) == f"This file is MP4 or MOV with {name}{EXPORT}"


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (b"drms", "an M4P of the iTunes Store"),
        (b"aavd", "an Audible AAX"),
        (b"enca", "MP4 or MOV with copy protection (DRM)"),
    ],
)
def test_what_is_encrypted_is_not_decoded(m4a, entry, name):
    """Its packets would be noise, or break off: libav goes by the header behind."""
    error = refusal(m4a(entry))
    assert error.code == "protected"
    assert str(error).startswith(f"This recording is encrypted: {name}. ")


@pytest.mark.parametrize(
    ("codec_id", "name"),
    [
        (b"A_TRUEHD", "TrueHD"),
        (b"A_MLP\0\0\0", "MLP"),
        (b"A_REAL/1", "RealAudio"),
        (b"A_AC4\0\0\0", "AC-4"),
        (b"A_<b>\0\0\0", "a kind of sound that we don't know"),
    ],
)
def test_sound_in_a_matroska_is_named_by_its_codec_id(write, a_tone, codec_id, name):
    content = write(np.stack([a_tone(1, 48000)] * 2), 48000, container="matroska", codec="vorbis")
    assert b"A_VORBIS" in content
    assert str(refusal(content.replace(b"A_VORBIS", codec_id))) == f"This file is MKV or WebM with {name}{EXPORT}"


def test_an_encrypted_webm(write, a_tone):
    content = write(a_tone(1, 48000), 48000, container="webm", codec="libopus")
    at = content.index(bytes.fromhex("56aa"))  # CodecDelay and SeekPreRoll make room
    assert content[at + 6 : at + 8] == bytes.fromhex("56bb")
    encodings = bytes.fromhex("6d8086 624083 503580") + bytes.fromhex("ec82 0000")
    assert str(refusal(content[:at] + encodings + content[at + 13 :])).startswith(
        "This recording is encrypted: MKV or WebM with copy protection (DRM). "
    )


def test_an_encrypted_wma(write, a_tone):
    content = write(a_tone(1, 44100), 44100, container="asf", codec="wmav2")
    at = content.index(bytes.fromhex("4052d1861d31d011a3a400a0c90348f6"))  # the list of codecs makes room
    size = int.from_bytes(content[at + 16 : at + 24], "little")
    encryption = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + content[at + 16 : at + 24] + bytes(size - 24)
    changed = content[:at] + encryption + content[at + size :]
    assert "Windows Media with copy protection (DRM)" in str(refusal(changed))


@pytest.mark.parametrize("name", FOREIGN)
def test_every_foreign_container_is_told_by_its_first_bytes(name):
    for marks in FOREIGN[name]:
        head = bytearray(HEAD_BYTES)
        for place, mark in marks:
            head[place : place + len(mark)] = mark
        assert mistaken(bytes(head)) == name
        error = refusal(bytes(head))
        assert error.code == ("protected" if name == "aa" else "unreadable")
        assert NAMES[name] in str(error)


def test_words_that_begin_like_one_are_text():
    assert mistaken(b"FWS and CWS are kinds of Flash.\n") == "text"
    assert mistaken(b"RKA7 was read aloud in spring.\n") == "text"


@pytest.mark.parametrize("code", ["unreadable", "protected"])
def test_a_name_that_is_not_in_our_table_is_no_word_of_ours(code):
    assert code in CODES
    for facts in ({"container": "<b>"}, {"container": "wav", "codec": "<b>"}, {"kind": "<b>"}, {}):
        assert "<" not in str(AudioError(code, **facts))

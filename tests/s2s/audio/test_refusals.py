"""What cannot be converted is refused with a code and a sentence, and nothing that a file names is opened."""

from __future__ import annotations

import io
import pickle
import socket
import struct
from pathlib import Path

import numpy as np
import pytest

from s2s.audio import AudioError, Limits, RawPcm, decode, examine
from s2s.audio.errors import CODES
from s2s.audio.mistakes import HEAD_BYTES, mistaken
from tests.support.no_recordings import NO_RECORDINGS


def refusal(content: bytes | io.BytesIO, **how) -> AudioError:
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    with pytest.raises(AudioError) as caught:
        examine(source, **how)
    assert str(caught.value).endswith(".")
    assert "{" not in str(caught.value)
    return caught.value


def wav_header(rate: int, channels: int, data_bytes: int) -> bytes:
    block = 2 * channels
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, (rate * block) & 0xFFFFFFFF, block, 16)
    return b"RIFF" + struct.pack("<I", 36 + data_bytes) + b"WAVE" + fmt + b"data" + struct.pack("<I", data_bytes)


def test_an_empty_file():
    assert refusal(b"").code == "empty"


def test_an_empty_file_on_disk(tmp_path: Path):
    (tmp_path / "a.mp3").touch()
    with (tmp_path / "a.mp3").open("rb") as source:
        assert refusal(source).code == "empty"


def test_a_text_named_mp3(tmp_path: Path):
    path = tmp_path / "song.mp3"
    path.write_text("Dear sirs, please find my recording attached.\n" * 200)
    with path.open("rb") as source:
        assert refusal(source).code == "text"


@pytest.mark.parametrize("content", [b"\0", b"\0" * 100_000, b"RIFF", b"OggS", b"ID3\x04\0\0\0\0\x0f\x7f", b"fLaC"])
def test_a_scrap(content):
    assert refusal(content).code in {"not_audio", "no_sound_length"}


def test_random_bytes():
    assert refusal(np.random.default_rng(1).bytes(50_000)).code == "not_audio"


@pytest.mark.parametrize(("container", "codec"), [("nut", "pcm_s16le"), ("ircam", "pcm_s16le"), ("nut", "mp3")])
def test_a_container_that_we_do_not_mean_to_take(write, a_tone, container, codec):
    assert refusal(write(a_tone(1, 44100), container=container, codec=codec)).code == "unreadable"


def test_a_header_without_samples():
    assert refusal(wav_header(44100, 1, 0)).code == "no_sound_length"


def test_a_header_that_promises_more_than_there_is():
    found = examine(io.BytesIO(wav_header(44100, 1, 2_000_000_000) + bytes(2 * 1000)))
    assert found.samples == 1000


@pytest.mark.parametrize("name", NO_RECORDINGS)
def test_what_is_no_recording_is_named(name):
    code, content = NO_RECORDINGS[name]
    assert refusal(content).code == code


def test_nothing_that_begins_as_a_recording_does_is_mistaken(write, a_tone):
    for container, codec in [("mp4", "aac"), ("webm", "libopus"), ("wav", "pcm_s16le"), ("mp3", "libmp3lame")]:
        assert not mistaken(write(a_tone(1, 48000), 48000, container=container, codec=codec)[:HEAD_BYTES])
    for head in (b"RIFF", b"OggS", b"#!AMR\n", b"ID3\4\0\0\0\0\x0f\x7f", b"\0\0\1\0ftypisom" + bytes(300)):
        assert not mistaken(head)


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi", "mpegts"])
def test_a_video_without_sound(write, container):
    assert refusal(write(None, container=container, video_s=1)).code == "no_audio"


def test_ten_channels(write, noise):
    content = write(np.stack([noise(5000)] * 10), container="wav", codec="pcm_s16le")
    error = refusal(content)
    assert error.code == "too_many_channels"
    assert "10 channels" in str(error)
    assert examine(io.BytesIO(content), limits=Limits(max_channels=10)).channels == 10


@pytest.mark.parametrize("rate", [1, 3999, 384_001, 2_000_000_000])
def test_an_absurd_rate(rate):
    assert refusal(wav_header(rate, 1, 2000) + bytes(2000)).code == "bad_rate"


def test_six_hours_of_silence_in_a_small_file_are_too_long(silence_of_hours: Path):
    assert silence_of_hours.stat().st_size < 1_000_000
    with silence_of_hours.open("rb") as source:
        error = refusal(source)
    assert error.code == "too_long"
    assert "6 hours" in str(error)


def test_what_is_longer_than_the_limit_is_given_up_to_the_limit(write, noise):
    source = io.BytesIO(write(noise(16000 * 5), 16000, container="flac", codec="flac"))
    blocks = []
    with pytest.raises(AudioError) as caught:
        blocks.extend(decode(source, sample_rate_hz=16000, limits=Limits(max_duration_s=3)))
    assert caught.value.code == "too_long"
    assert 0 < sum(map(len, blocks)) <= 3 * 16000


def test_what_is_exactly_as_long_as_the_limit_is_taken_and_what_is_a_little_longer_is_not(write, noise):
    content = write(noise(16000 * 3), 16000, container="flac", codec="flac")
    assert examine(io.BytesIO(content), limits=Limits(max_duration_s=3)).samples == 48000
    with pytest.raises(AudioError) as caught:
        examine(io.BytesIO(content), limits=Limits(max_duration_s=2.99))
    assert caught.value.code == "too_long"


@pytest.fixture
def target(tmp_path: Path):
    """A real recording on disk, and a port on which somebody listens: neither may be touched."""
    path = tmp_path / "private.wav"
    path.write_bytes(wav_header(8000, 1, 16000) + bytes(16000))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield path, listener


PLAYLISTS = {
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n",
    "HLS master": '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="{url}"\n',
    "concat script": "ffconcat version 1.0\nfile '{url}'\nduration 1\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
    "DASH": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" '
        'bandwidth="1"><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>'
    ),
    "M3U": "#EXTM3U\n{url}\n",
    "metadata": ";FFMETADATA1\ntitle={url}\n",
    "smooth streaming": '<?xml version="1.0"?><SmoothStreamingMedia Url="{url}"></SmoothStreamingMedia>',
}


@pytest.mark.parametrize("scheme", ["path", "file:", "http", "concat:", "subfile"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_opens_nothing(target, kind, scheme):
    path, listener = target
    port = listener.getsockname()[1]
    url = {
        "path": str(path),
        "file:": f"file:{path}",
        "http": f"http://127.0.0.1:{port}/a.ts",
        "concat:": f"concat:{path}|{path}",
        "subfile": f"subfile,,start,0,end,100,,:{path}",
    }[scheme]
    assert refusal(PLAYLISTS[kind].format(url=url, port=port).encode()).code == "text"
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_sentence_and_survives_a_queue(code):
    error = pickle.loads(pickle.dumps(AudioError(code, channels=9, max_channels=8)))  # noqa: S301 - our own
    assert error.code == code
    assert str(error).endswith(".")
    assert "{" not in str(error)


def test_headerless_bytes_of_an_absurd_rate():
    assert refusal(bytes(1000), raw=RawPcm(sample_rate_hz=1)).code == "bad_rate"

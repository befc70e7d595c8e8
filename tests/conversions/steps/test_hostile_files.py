"""What people upload that is no recording, or a strange one: each ends ready, or failed with a sentence. Never sent
where it can't be converted, and nothing left but what was uploaded."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage

from conversions import actions
from conversions.files import durable, inventory
from conversions.models import Conversion
from tests.conversions.conftest import Submit, work_all
from tests.s2s.audio.conftest import tone
from tests.s2s.audio.test_refusals import PLAYLISTS, wav_header
from tests.support.sound import wav
from tests.support.written import write_recording

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

SPEECH = Path(__file__).parents[2] / "data" / "speech"


def half(name: str) -> bytes:
    data = (SPEECH / name).read_bytes()
    return data[: len(data) // 2]


def zip_bomb() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.wav", bytes(50_000_000))
    return sink.getvalue()


REFUSED = {
    "text named mp3": (lambda: b"Dear sirs, please find my recording attached.\n" * 200, "text"),
    "picture": ((Path(__file__).parents[3] / "docs" / "images" / "studio.png").read_bytes, "picture"),
    "video without sound": (lambda: write_recording(None, container="mp4", video_s=1), "no_audio"),
    "ten channels": (
        lambda: write_recording(np.zeros((10, 8000)), 8000, container="wav", codec="pcm_s16le"),
        "too_many_channels",
    ),
    "absurd rate": (lambda: wav_header(1, 1, 2000) + bytes(2000), "bad_rate"),
    "zip bomb": (zip_bomb, "archive"),
    "silence": (lambda: wav_header(16000, 1, 32000) + bytes(32000), "silent"),
    "compressed silence": (
        lambda: write_recording(np.zeros(8000 * 20), 8000, container="flac", codec="flac"),
        "silent",
    ),
    "page": (lambda: b"<!doctype html><script>alert(1)</script>" * 100, "text"),
    "m4a without its end": (lambda: half("phone_note.m4a"), "index_missing"),
    "six hours of silence": (
        lambda: write_recording(np.zeros(8000 * 120), 8000, container="flac", codec="flac"),
        "too_long",
    ),
    **{
        f"playlist, {kind}": (lambda text=text: text.format(url="file:///etc/passwd", port=1).encode(), "text")
        for kind, text in PLAYLISTS.items()
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_converted_fails_with_a_sentence_and_is_never_sent(
    name: str, submit: Submit, scripted, settings, cast
) -> None:
    settings.MAX_DURATION_S = 60.0  # the same refusal as for six hours, without decoding them
    make, code = REFUSED[name]
    conversion = submit(data=make())
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == "failed", name
    assert conversion.error_code == (code or conversion.error_code)
    assert conversion.error.endswith(".")
    assert "/" not in conversion.error
    assert not conversion.retryable
    assert [request for request in scripted.requests if request.method == "POST"] == []
    assert default_storage.listdir(f"{durable.ROOT}/{conversion.pk}")[1] == ["source"]
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []
    actions.purge(conversion, cast.alice)
    assert list(inventory.stored_conversions()) == []


TAKEN = {
    "mp3 that breaks off": (lambda: half("interview.mp3"), 3.0),
    "wav that breaks off": (lambda: wav(2.0)[:32044], 1.0),
    "header that lies about its size": (lambda: wav_header(16000, 1, 10**9) + wav(1.0)[44:], 1.0),
    "all but silence": (lambda: wav_header(16000, 1, 32000) + b"\1\0\0\0" * 8000, 1.0),
    "mp3 that is a page too": (lambda: (SPEECH / "interview.mp3").read_bytes() + b"<script>alert(1)</script>", 6.0),
    "live webm without length": (
        lambda: write_recording(tone(1.0, 48000), 48000, container="webm", codec="libopus", live=True),
        1.0,
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_strange_but_has_sound_is_converted_as_far_as_it_goes(name: str, submit: Submit) -> None:
    make, seconds = TAKEN[name]
    conversion = submit(data=make())
    work_all()
    conversion.refresh_from_db()
    assert conversion.error == ""
    assert conversion.status == Conversion.Status.READY
    assert conversion.source_duration_s == pytest.approx(seconds, abs=0.1)

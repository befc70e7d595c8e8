"""What happens when the engine itself fails, or loses its server."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from s2s.audio import decode as decode_really
from s2s.engine import listings, speech
from s2s.engine.app import App
from s2s.engine.concurrency import Slots
from s2s.engine.exchange import Request, Response
from tests.s2s.engine.conftest import NO_VOICES, SPEECH, EngineProcess

NORA = "TimbreNora0000000001"


class NoLine:
    """A request's body, from a client that stays."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)

    def read(self, size: int) -> bytes:
        return self._body.read(size)

    def check(self) -> None:
        pass


def ask(method: str, path: str, body: bytes = b"", content_type: str = "") -> Response:
    """A request without a server."""
    headers = {"content-length": str(len(body)), "content-type": content_type}
    return App(Slots(None, 1), NO_VOICES).answer(Request(method, path, "", headers, "http", NoLine(body)))


def form(audio: bytes) -> tuple[bytes, str]:
    head = b'--b\r\nContent-Disposition: form-data; name="audio"\r\n\r\n'
    return head + audio + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def test_a_bug_is_an_error_without_its_traceback(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def fail() -> None:
        raise RuntimeError("secret cause")

    monkeypatch.setattr(listings, "models", fail)
    answer = ask("GET", "/v1/models")
    body = b"".join(answer.body)
    assert answer.status_code == 500
    assert json.loads(body)["detail"]["status"] == "internal_error"
    assert b"secret" not in body
    assert "secret cause" in caplog.text


def test_a_listener_who_leaves_ends_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    def decode(*arguments: Any, **options: Any) -> Any:
        try:
            yield from real(*arguments, **options)
        finally:
            closed.append(True)

    real = decode_really
    monkeypatch.setattr(speech, "decode", decode)
    body, content_type = form((SPEECH / "man_librivox.flac").read_bytes())
    answer = ask("POST", f"/v1/voice-changer/{NORA}/stream", body, content_type).body
    next(iter(answer))
    answer.close()  # type: ignore[attr-defined]
    assert closed == [True]


def test_no_worker_outlives_a_killed_server() -> None:
    engine = EngineProcess(workers=2)
    workers = engine.workers()
    assert len(workers) >= 2
    engine.kill()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and any(alive(pid) for pid in workers):
        time.sleep(0.1)
    assert not any(alive(pid) for pid in workers)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_arithmetic_is_told_to_use_one_thread_before_it_is_loaded() -> None:
    code = "import os, sys, s2s.engine.__main__; print(os.environ['OPENBLAS_NUM_THREADS'], 'numpy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["1", "False"]


@pytest.mark.parametrize("limit", [1_000, 60_000])
def test_a_full_disk_is_a_refusal_in_the_contracts_words(limit: int) -> None:
    """A limit on the size of files stands for a full disk: of 1 kB for the upload, of 60 kB for what is decoded."""
    audio = (SPEECH / "phone_note.m4a").read_bytes()
    assert 1_000 < len(audio) < 60_000
    engine = EngineProcess()
    try:
        for pid in engine.workers():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        address = f"{engine.url}/v1/speech-to-speech/{NORA}"
        refused = httpx.post(address, files={"audio": audio}, timeout=60)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        assert refused.json()["detail"]["status"] == "insufficient_storage"
        for pid in engine.workers():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert httpx.post(address, files={"audio": audio}, timeout=60).status_code == 200
    finally:
        engine.stop()

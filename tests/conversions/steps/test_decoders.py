"""A codec that crashes, hangs or eats memory fails one conversion with a sentence: the next one works, and nothing is
left but what was uploaded."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.db import connection

from conversions import actions
from conversions.files import durable, inventory
from conversions.models import Conversion
from conversions.sound import reading
from s2s.audio import AudioError, Limits
from tests.conversions.conftest import Submit, work_all
from tests.s2s.audio import conftest as audio
from tests.s2s.audio.conftest import Decoders, tone
from tests.support.cast import Cast
from tests.support.sound import lengthless, wav
from tests.support.written import write_recording

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

decoders, silence_of_hours = audio.decoders, audio.silence_of_hours
Fails = Callable[[Conversion, str], None]


@pytest.fixture
def fails(submit: Submit, cast: Cast, settings: Any, scripted: Any, monkeypatch: pytest.MonkeyPatch) -> Fails:
    def fails(conversion: Conversion, code: str) -> None:
        conversion.refresh_from_db()
        assert (conversion.status, conversion.error_code, conversion.error) == ("failed", code, str(AudioError(code)))
        assert [request for request in scripted.requests if request.method == "POST"] == []
        assert default_storage.listdir(f"{durable.ROOT}/{conversion.pk}")[1] == ["source"]
        assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []
        actions.purge(conversion, cast.alice)
        assert list(inventory.stored_conversions()) == []
        monkeypatch.undo()
        following = submit(data=lengthless(wav()))
        work_all()
        following.refresh_from_db()
        assert following.status == Conversion.Status.READY

    return fails


def limited(monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
    monkeypatch.setattr(reading, "limits", lambda: limits)


def meets(decoders: Decoders, fate: signal.Signals) -> int:
    """What waits is worked on, and its decoder meets that; the decoder's pid."""

    def work() -> None:
        work_all()
        connection.close()

    with ThreadPoolExecutor(1) as worker:
        done = worker.submit(work)
        assert decoders.wait_until(lambda: decoders.workers() or done.done())
        (pid,) = decoders.workers()
        os.kill(pid, fate)
        done.result()
    return pid


@pytest.mark.parametrize("fate", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash(submit: Submit, fails: Fails, decoders: Decoders, silence_of_hours: Path, fate: Any) -> None:
    conversion = submit(data=silence_of_hours.read_bytes())
    meets(decoders, fate)
    fails(conversion, "decoder_failed")


def test_one_that_hangs(
    submit: Submit, fails: Fails, decoders: Decoders, silence_of_hours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, Limits(idle_s=1.0))
    conversion = submit(data=silence_of_hours.read_bytes())
    pid = meets(decoders, signal.SIGSTOP)
    fails(conversion, "decoder_timeout")
    assert decoders.wait_until(lambda: not decoders.alive(pid))


def test_one_that_computes_for_ever(
    submit: Submit, fails: Fails, silence_of_hours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, Limits(cpu_s=1))
    conversion = submit(data=silence_of_hours.read_bytes())
    work_all()
    fails(conversion, "decoder_timeout")


def test_one_that_eats_memory(submit: Submit, fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, Limits(memory_bytes=1 << 24))
    wide = np.tile(tone(1.0, 96_000), (8, 1))
    conversion = submit(data=write_recording(wide, 96_000, container="wav", codec="pcm_s16le", layout="7.1"))
    work_all()
    fails(conversion, "decoder_memory")

"""What the tests of conversions share: the cast, a real Redis, a scripted endpoint and a voice of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.test import Client

from conversions import actions
from conversions.ground.clock import db_now
from conversions.ground.connections import redis
from conversions.models import Conversion, Step
from conversions.queue import claim as claiming
from conversions.queue import failures, leases
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep import sweeper
from conversions.upkeep.worker import work
from s2s.audio import decode
from s2s.contract import ConvertParameters
from s2s_site.celery import app
from s2s_site.environment import broker_url
from teams.models import User
from tests.conversions.pieces import RATE, SPEAKS, Samples
from tests.support.cast import Cast, make_cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.product import wait_for
from tests.support.redis import running_redis
from tests.support.sound import wav
from tests.support.written import write_recording
from voices.models import Endpoint, Voice

SPEECH = Path(__file__).resolve().parents[1] / "data" / "speech"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with running_redis() as url:
        app.conf.broker_url = broker_url(url)
        yield url


@pytest.fixture(autouse=True)
def _place(redis_url: str, settings: Any, tmp_path: Path) -> None:
    """Every test has folders of its own, on one filesystem as in the product."""
    settings.REDIS_URL = redis_url
    redis().delete("timbre:note:sweep")  # another test's: of long ago, all leases since then would be spared
    media, uploads = tmp_path / "media", tmp_path / "uploads"
    media.mkdir()
    uploads.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(uploads)
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(media)}}
    }


@pytest.fixture(autouse=True)
def _long_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """None runs out because a test was slow; where one is to run out, it is moved into the past.

    LEASE_SECONDS stays short: it also says how soon the keeper renews a lease and hears that it is lost.
    """
    for module in (claiming, leases):
        monkeypatch.setattr(module, "lease_until", lambda now: now + timedelta(minutes=10))


@pytest.fixture(autouse=True)
def _late_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """None begins because a test was slow; where one is to begin, its time is moved."""
    monkeypatch.setattr(failures, "BACKOFF_FIRST_S", 60.0)


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def endpoint(db: None, scripted: ScriptedEndpoint) -> Endpoint:
    return Endpoint.objects.create(
        key="test", name="Testers", base_url=scripted.url, slots=2, billed=False, zero_retention=True
    )


@pytest.fixture
def voice(endpoint: Endpoint) -> Voice:
    return Voice.objects.create(endpoint=endpoint, voice_id="nora", name="Nora")


def upload(data: bytes | None = None, name: str = "harbour news.wav") -> TemporaryUploadedFile:
    """A complete upload as Django's handler leaves it: a file on the media's disk."""
    data = wav() if data is None else data
    file = TemporaryUploadedFile(name, "audio/wav", len(data), None)
    file.write(data)
    file.seek(0)
    return file


Submit = Callable[..., Conversion]


@pytest.fixture
def submit(cast: Cast, voice: Voice) -> Submit:
    def submit(user: Any = None, data: bytes | None = None, **parameters: Any) -> Conversion:
        who = user or cast.alice
        team = cast.other_team if who == cast.mallory else cast.team
        given = {"output_format": "wav_16000", **parameters}
        file = upload(data)
        try:
            return actions.submit(who, team, file, voice, actions.Order(ConvertParameters(**given)))
        finally:
            file.close()  # as the end of a request does

    return submit


@pytest.fixture(scope="session")
def speech() -> Samples:
    """Half a minute of two people, at `RATE`: longer than an endpoint of `ten_seconds` takes at once."""
    taken = []
    for name in ("man_librivox.flac", "woman_prompts.flac"):
        with (SPEECH / name).open("rb") as file:
            taken += list(decode(file, sample_rate_hz=RATE))
    return np.resize(np.concatenate(taken), 30 * RATE)


@pytest.fixture
def ten_seconds(endpoint: Endpoint, scripted: ScriptedEndpoint) -> Endpoint:
    """An endpoint that takes ten seconds at once."""
    endpoint.max_seconds = 10.0
    endpoint.save()
    scripted.script(default=SPEAKS)
    return endpoint


@pytest.fixture
def ready(submit: Submit) -> Conversion:
    conversion = submit()
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    return conversion


@pytest.fixture(scope="session")
def live() -> bytes:
    """Four seconds as a browser records them: WebM without length and cues."""
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 4 * 48000)
    return write_recording(noise, 48000, container="webm", codec="libopus", live=True)


def client_of(user: User | None = None) -> Client:
    """Someone's browser, or a stranger's."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def root(db: None) -> User:
    """Who runs the site."""
    return User.objects.create_superuser("root@example.com", "password")


@pytest.fixture
def admin(root: User) -> Client:
    """Their browser."""
    return client_of(root)


def work_until_done(*conversions: Conversion) -> None:
    """As time passes: what waits for a later moment is due at once. At most until all are finished."""
    for _ in range(30):
        Step.objects.filter(status=Step.Status.WAITING).update(not_before=db_now())
        work_all()
        for conversion in conversions:
            conversion.refresh_from_db()
        if all(conversion.finished for conversion in conversions):
            return
    raise AssertionError("they do not come to an end")


def work_all() -> int:
    """Does everything that may start now, as the workers of both lanes would. Returns how many steps it did."""
    done = 0
    while True:
        found = claim(Lane.CPU) or claim(Lane.CALLS)
        if found is None:
            return done
        work(found)
        done += 1


def run_out(conversion: Conversion) -> None:
    """The lease of its call runs out. Whoever holds that is a thread of this process and renews it at any moment, also
    in the one before the sweeper looks."""

    def found() -> bool:
        steps = Step.objects.filter(conversion=conversion, kind=Step.Kind.CONVERT, status=Step.Status.RUNNING)
        return steps.update(lease_until=db_now() - timedelta(seconds=1)) == 1 and sweeper.recover() == 1

    wait_for(found, "its lease has run out")


def work_one(*lanes: Lane) -> None:
    """One step of each of them in turn, every time one that may start."""
    for lane in lanes:
        found = claim(lane)
        assert found is not None
        work(found)


def done(conversion: Conversion) -> Conversion:
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY, conversion.error
    return conversion


def calls_of_retry(conversion: Conversion, by: User, scripted: ScriptedEndpoint) -> int:
    """How often the endpoint is asked until one that failed is ready."""
    before = scripted.calls
    assert actions.retry(conversion, by)
    done(conversion)
    return scripted.calls - before

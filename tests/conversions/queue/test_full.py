"""Redis refuses to write, a disk is full, the database takes nothing: workers wait and go on by themselves, it is said
once, and no recording has an attempt less for it."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from redis import Redis

from conversions.ground.clock import db_now
from conversions.models import Call, Conversion, Step
from conversions.pages.progress import progress_of, with_progress
from conversions.upkeep import sweeper
from tests.conversions.conftest import Submit, work_all, work_until_done
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.product import wait_for
from tests.support.worker import Worker
from voices.models import Endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

REFUSED = "Redis takes no bells and no signs of life"
TAKEN = "Redis takes bells again"
# Less than a recording, and than what a database writes, and more than the log of a worker.
SMALL = 20_000


def too_few_replicas(redis: Redis, folder: Path, *, on: bool) -> None:
    redis.config_set("min-replicas-to-write", int(on))


def no_memory(redis: Redis, folder: Path, *, on: bool) -> None:
    redis.config_set("maxmemory", int(on))


def full_disk(redis: Redis, folder: Path, *, on: bool) -> None:
    """Its snapshot can't be written, so it refuses (MISCONF), even a PING."""
    redis.config_set("save", "3600 1" if on else "")
    if on:
        (folder / "taken").mkdir(exist_ok=True)
        redis.config_set("dir", str(folder))
        redis.config_set("dbfilename", "taken")
        redis.bgsave()
        wait_for(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err", "it couldn't save")


Refusal = Callable[..., None]
# One after the other, by the same workers: to start them is most of what these tests take.
REFUSALS: list[Refusal] = [too_few_replicas, no_memory, full_disk]


@contextmanager
def refusing(redis_url: str, folder: Path, refusal: Refusal) -> Iterator[None]:
    with Redis.from_url(redis_url) as redis:
        refusal(redis, folder, on=True)
        try:
            yield
        finally:
            refusal(redis, folder, on=False)


@pytest.fixture
def redis(redis_url: str) -> str:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    return redis_url


def become_ready(*conversions: Conversion) -> None:
    """As beat rings: what waits for a later moment is due at once."""

    def are_ready() -> bool:
        Step.objects.filter(status=Step.Status.WAITING).update(not_before=db_now())
        sweeper.ring_for_waiting()
        ready = Conversion.objects.filter(pk__in=[each.pk for each in conversions], status=Conversion.Status.READY)
        return ready.count() == len(conversions)

    wait_for(are_ready, "they are ready", 60)
    steps = Step.objects.filter(conversion__in=conversions)
    assert set(steps.values_list("attempt", flat=True)) == {1}


def refused(worker: Worker, since: int = 0) -> bool:
    assert worker.process.poll() is None, worker.output()
    return REFUSED in worker.output()[since:]


@pytest.mark.one_database
def test_workers_wait_for_a_redis_that_refuses(submit: Submit, redis: str, tmp_path: Path) -> None:
    with Worker("cpu", redis, tmp_path) as cpu, Worker("calls", redis, tmp_path) as calls:
        for refusal in REFUSALS:
            workers = [(worker, len(worker.output())) for worker in (cpu, calls)]
            with refusing(redis, tmp_path, refusal):
                conversion = submit()
                for worker, since in workers:
                    wait_for(lambda each=(worker, since): refused(*each), f"it has noticed {refusal.__name__}")
            become_ready(conversion)
            for worker, since in workers:
                wait_for(lambda each=(worker, since): TAKEN in each[0].output()[each[1] :], "it has said so")
                assert worker.process.poll() is None
                assert worker.output()[since:].count(REFUSED) == 1, refusal.__name__
                assert "Unrecoverable" not in worker.output()
                assert "Traceback" not in worker.output()


@pytest.mark.one_database
def test_a_worker_that_starts_meanwhile_waits_too(submit: Submit, redis: str, tmp_path: Path) -> None:
    with Worker("calls", redis, tmp_path):
        for refusal in REFUSALS:
            starting = Worker("cpu", redis, tmp_path, node=refusal.__name__)
            with ExitStack() as stack:
                with refusing(redis, tmp_path, refusal):
                    starting.launch()
                    stack.push(starting)
                    wait_for(lambda worker=starting: refused(worker), f"it has noticed {refusal.__name__}", 60)
                become_ready(submit())
                assert starting.output().count(REFUSED) == 1
                assert "Traceback" not in starting.output()


def test_a_page_says_that_redis_refuses(redis: str, tmp_path: Path, db: None) -> None:
    with refusing(redis, tmp_path, too_few_replicas):
        checks = Client().get("/readyz").json()["checks"]
    assert checks["redis"] == "Redis refuses to write: is its disk or its memory full?"
    assert Client().get("/readyz").json()["checks"]["redis"] == "ok"


@contextmanager
def no_room(worker: Worker) -> Iterator[None]:
    """No file of its process may grow: neither a recording, nor one of SQLite's."""
    pid = worker.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (SMALL, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def full_database(worker: Worker) -> Iterator[None]:
    """PostgreSQL says what it says of a full disk; SQLite finds one."""
    if connection.vendor == "sqlite":
        with no_room(worker):
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
            "'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON conversions_step EXECUTE FUNCTION full_disk()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION full_disk CASCADE")


@pytest.mark.parametrize("full", [no_room, full_database])
def test_an_answer_that_comes_to_a_full_disk_uses_up_no_attempt(
    submit: Submit, scripted: ScriptedEndpoint, redis: str, tmp_path: Path, full: Callable[[Worker], Iterator[None]]
) -> None:
    scripted.script(Behaviour(hold=True))
    with Worker("cpu", redis, tmp_path), Worker("calls", redis, tmp_path) as calls:
        conversion = submit()
        wait_for(lambda: scripted.held == 1, "its call is under way", 30)
        with full(calls):  # type: ignore[attr-defined]
            scripted.release()
            wait_for(lambda: took_nothing(conversion, calls), "it doesn't fit")
        become_ready(conversion)
        assert calls.process.poll() is None
        assert calls.output().count("the database takes nothing") <= 1
        assert "unforeseen" not in calls.output()


def took_nothing(conversion: Conversion, worker: Worker) -> bool:
    said = "the database takes nothing" in worker.output()
    return said or Step.objects.filter(conversion=conversion, kind="convert", status="waiting").exists()


def test_nothing_is_sent_while_its_answer_would_not_fit(
    cast: Cast, submit: Submit, endpoint: Endpoint, scripted: ScriptedEndpoint
) -> None:
    conversion = submit()
    work_all_but_the_call(conversion)
    length_s = Step.objects.get(kind="convert").seconds
    Step.objects.update(seconds=1e12)  # of more sound than any disk holds
    for _ in range(4):
        Step.objects.update(not_before=db_now())
        assert work_all() == 1
    progress = progress_of(with_progress(Conversion.objects.filter(pk=conversion.pk)).get())
    assert progress.aside.startswith("The storage of recordings does not answer.")
    assert (scripted.calls, Call.objects.count()) == (0, 0)
    Step.objects.update(seconds=length_s)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    assert conversion.steps.get(kind=Step.Kind.CONVERT).attempt == 1


def work_all_but_the_call(conversion: Conversion) -> None:
    Endpoint.objects.update(paused=True)
    work_all()
    Endpoint.objects.update(paused=False)
    assert conversion.steps.get(kind=Step.Kind.CONVERT).status == Step.Status.WAITING

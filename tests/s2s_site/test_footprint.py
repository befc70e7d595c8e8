"""What the processes load that nobody has asked for anything yet, and what they share of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.s2s.engine.conftest import EngineProcess, children
from tests.support.product import CHECKOUT, wait_for
from tests.support.redis import running_redis
from tests.support.worker import Worker

# What computes, and SDKs.
HEAVY = {"av", "boto3", "elevenlabs", "numpy", "scipy"}
WEB = """
import s2s_site.wsgi
"""
# What a page asks a worker's process for, an e-mail's address say, brings the pages.
PAGES = """
from django.urls import reverse
reverse("admin:conversions_conversion_changelist")
"""
WORKER = """
import celery.bin.worker
import s2s_site.run_celery as program
celery.bin.worker.worker.main = lambda arguments, obj: obj.app.loader.import_default_modules()
program.main("worker", [])
"""
BEAT = """
import celery.bin.beat
import s2s_site.run_celery as program
from celery.utils.imports import symbol_by_name
celery.bin.beat.beat.main = lambda arguments, obj: symbol_by_name(obj.app.conf.beat_scheduler)
program.main("beat", [])
"""

ZYGOTE = """
from s2s_site.supervisor import zygote
zygote.load()
"""


def loaded(started: str) -> set[str]:
    """The modules of a process that has started so."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "s2s_site.settings"}
    code = f"{started}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("started", [WEB, WORKER, BEAT, ZYGOTE], ids=["web", "worker", "beat", "zygote"])
def test_what_computes_is_not_loaded_by_processes_that_do_not(started: str) -> None:
    """numpy and libav take 34 MB and a third of a second, in each of them."""
    assert not HEAVY & {name.partition(".")[0] for name in loaded(started)}


# As Celery's worker says once all is loaded.
INIT = """
from celery.signals import worker_init
worker_init.send(type("Worker", (), {"pool_cls": "threads"}))
"""


@pytest.mark.parametrize("started", [WEB, WORKER + INIT, BEAT, ZYGOTE], ids=["web", "worker", "beat", "zygote"])
def test_garbage_is_collected_once_all_is_loaded(started: str) -> None:
    told = "import gc, sys; sys.modules[f'collects: {gc.isenabled()}'.replace(' ', '')] = gc"
    assert "collects:True" in loaded(f"{started}\n{told}")


@pytest.mark.parametrize("started", [WORKER, ZYGOTE], ids=["worker", "zygote"])
def test_a_worker_loads_no_pages_and_no_terminal(started: str) -> None:
    found = loaded(started)
    assert {"conversions.tasks", "voices.tasks"} <= found
    assert not {"s2s_site.urls", "conversions.urls", "conversions.views", "prompt_toolkit"} & found
    assert not {"conversions.admin", "teams.admin", "voices.admin", "allauth.account.admin"} & found


def test_a_worker_that_needs_an_address_has_all_of_them() -> None:
    assert "conversions.admin" in loaded(WORKER + PAGES)


def test_beat_loads_nothing_of_what_it_rings_for() -> None:
    found = loaded(BEAT)
    assert "s2s_site.beat" in found
    assert not {"conversions.models", "conversions.tasks", "django.contrib.admin", "prompt_toolkit"} & found
    assert not {"django.template", "django.http", "django.views.debug"} & found


def kilobytes(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(count) for name, count in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}


def share_of_its_own(pid: int) -> float:
    """How much of the memory that a process has written to is nobody else's."""
    memory = kilobytes(pid)
    return memory["Private_Dirty"] / memory["Anonymous"]


@pytest.mark.django_db(transaction=True)
def test_the_processes_of_the_cpu_worker_share_what_it_has_loaded(tmp_path: Path) -> None:
    """Garbage collection that looked through it would write into every page."""
    with running_redis() as redis, Worker("cpu", redis, tmp_path) as worker:
        (process,) = children(worker.process.pid)
        assert share_of_its_own(process) < 0.4


def test_the_processes_of_the_engine_share_what_it_has_loaded() -> None:
    engine = EngineProcess(workers=2)
    try:
        wait_for(lambda: len(engine.workers()) == 2, "both are there")
        assert [pid for pid in engine.workers() if share_of_its_own(pid) >= 0.4] == []
    finally:
        engine.stop()

"""The Celery application, and what its worker processes do when they start, live and stop."""

from __future__ import annotations

import gc
import mimetypes
import os
import sys
from typing import Any

from celery import Celery
from celery.signals import (
    task_postrun,
    worker_before_create_process,
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)

from s2s import loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "s2s_site.settings")

app = Celery("timbre", task_cls="s2s_site.consumer:Bell")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery would close every connection before and after each bell: see `leave_connections`.
app.add_defaults(lambda: {"CELERY_DB_REUSE_MAX": sys.maxsize})
app.autodiscover_tasks()
app.steps["consumer"].add("s2s_site.consumer:SignsOfLife")


@worker_shutting_down.connect
def stop_claiming(**kwargs: object) -> None:
    from conversions.upkeep import draining

    draining.stop()


@worker_init.connect
def end_loading(**kwargs: object) -> None:
    gc.enable()  # see run_celery.py


@task_postrun.connect
def leave_connections(**kwargs: object) -> None:
    from conversions.ground.connections import rest

    rest()


@worker_init.connect
def share_with_what_is_forked(sender: Any, **kwargs: object) -> None:
    from conversions.upkeep import draining

    draining.share()
    if "prefork" in str(sender.pool_cls):
        from conversions.queue.reserve import places

        places.share(sender.concurrency)


@worker_before_create_process.connect
def share_memory(**kwargs: object) -> None:
    """What is loaded before the fork is there once, as long as garbage collection doesn't write into it."""
    import s2s.audio.plain  # noqa: F401 - it brings numpy

    loaded.keep()


@worker_process_init.connect
def die_with_worker(**kwargs: object) -> None:
    """A cpu process ends with the worker that has forked it."""
    from s2s.orphan import exit_with_parent

    exit_with_parent()
    _see_stop_through(main=False)
    _warm_up()


@worker_ready.connect
def prepare_main_process(sender: Any, **kwargs: object) -> None:
    from s2s_site import alive

    _see_stop_through(main=True)
    if "prefork" not in str(sender.controller.pool_cls):
        _warm_up()
    alive.say(sender.hostname)


def _see_stop_through(*, main: bool) -> None:
    from conversions.upkeep import draining

    draining.watch(main=main)


def _warm_up() -> None:
    """Starts the decoder before the first recording comes, reads the types of files, which every hand would read that
    sends one of the first, and keeps garbage collection away from what stays."""
    from s2s.audio import warm_up

    warm_up()
    mimetypes.init()
    loaded.keep()

"""The Celery application, and what its worker processes do when they start, live and stop."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import (
    heartbeat_sent,
    worker_before_create_process,
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "s2s_site.settings")

app = Celery("timbre")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_shutting_down.connect
def stop_claiming(**kwargs: Any) -> None:
    from conversions.upkeep import draining

    draining.stop()


@worker_init.connect
def share_places(sender: Any, **kwargs: Any) -> None:
    if "prefork" in str(sender.pool_cls):
        from conversions.queue.places import places

        places.share(sender.concurrency)


@worker_before_create_process.connect
def share_memory(**kwargs: Any) -> None:
    """What is loaded before the fork is there once, as long as garbage collection doesn't write into it."""
    import s2s.audio.plain  # noqa: F401 - it brings numpy

    gc.collect()
    gc.freeze()


@worker_process_init.connect
def die_with_worker(**kwargs: Any) -> None:
    """A cpu process ends with the worker that has forked it."""
    from s2s.orphan import exit_with_parent

    exit_with_parent()
    _see_stop_through(main=False)
    _warm_up()


@worker_ready.connect
def prepare_main_process(sender: Any, **kwargs: Any) -> None:
    _see_stop_through(main=True)
    if "prefork" not in str(sender.controller.pool_cls):
        _warm_up()


def _see_stop_through(*, main: bool) -> None:
    from conversions.upkeep import draining

    draining.watch(main=main)


def _warm_up() -> None:
    """Starts the decoder before the first recording comes, and keeps garbage collection away from what stays."""
    from s2s.audio import warm_up

    warm_up()
    gc.collect()
    gc.freeze()


@worker_ready.connect
@heartbeat_sent.connect
def say_alive(sender: Any = None, **kwargs: Any) -> None:
    from s2s_site import alive

    hostname = getattr(sender, "hostname", None) or getattr(getattr(sender, "eventer", None), "hostname", "")
    alive.say(str(hostname).partition("@")[0])

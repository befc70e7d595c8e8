"""Bells: messages that say "there may be work". Losing one delays, ringing twice does nothing."""

from __future__ import annotations

import logging
from enum import StrEnum

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from conversions.ground.trouble import Spell

logger = logging.getLogger(__name__)
_spell = Spell(logger, "Redis takes no bells, the sweeper will ring", "Redis takes bells again")


class Lane(StrEnum):
    """Which workers do a step: those that wait for endpoints, or those that compute."""

    CALLS = "calls"
    CPU = "cpu"

    @property
    def task(self) -> str:
        """By its name: what a bell wakes stands above the queue."""
        return f"conversions.tasks.work_{self}"


def ring(lane: Lane, times: int = 1) -> None:
    """Wakes up to `times` workers. A bell that fails is never shown, and logged once until one rings again: the
    sweeper rings anyway."""
    _send(lane.task, times)


def ring_on_commit(lane: Lane) -> None:
    transaction.on_commit(lambda: ring(lane), robust=True)


def ring_for_voices() -> None:
    """Wakes a worker for voices that are to be made or removed."""
    _send("conversions.tasks.work_voices", 1)


def _send(task: str, times: int) -> None:
    try:
        for _ in range(times):
            current_app.send_task(task)  # without an end: clocks of two machines may be minutes apart
    except (OperationalError, RedisError, OSError) as error:
        _spell.met(error)
    else:
        _spell.over()

"""Celery's beat, with two manners more: when Redis is away it says so once, and when nobody takes its bells it rings no
further ones on top."""

from __future__ import annotations

import logging
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry
from django.conf import settings
from redis.exceptions import RedisError

from conversions.ground.connections import redis

logger = logging.getLogger(__name__)


class Scheduler(PersistentScheduler):
    _away = False

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        try:
            if not self._nobody_answers():
                self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:  # whatever it is, the next turn tries again
            if not self._away:
                logger.warning("beat can't ring until Redis is back: %s", error)
            self._away = True
        else:
            if self._away:
                logger.warning("beat rings again")
            self._away = False

    def _nobody_answers(self) -> bool:
        """As many bells hang there as two rounds of the whole schedule bring."""
        try:
            return int(redis().llen(settings.CELERY_TASK_DEFAULT_QUEUE)) >= 2 * len(self.schedule)
        except RedisError as error:
            raise ConnectionError(str(error)) from error

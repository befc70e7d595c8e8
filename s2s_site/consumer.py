"""How Celery hears bells: patient with a Redis that is there and refuses to write, as on a full disk. It asks again
every two seconds, and says so once.

Such a refusal is an error of the channel. Celery ends a worker for one, unless `broker_channel_error_retry` is set;
then it asks again at once, for ever, with several lines each time.
"""

from __future__ import annotations

import time
from typing import Any

from celery import Task, bootsteps
from celery.worker.consumer import Consumer as CeleryConsumer
from celery.worker.request import Request
from celery.worker.state import maybe_shutdown
from redis.exceptions import ResponseError

from s2s_site import alive

_PAUSE_S = 2.0
_MOST_PAUSE_S = 10
_LOOK_S = 0.2


class Consumer(CeleryConsumer):
    def ensure_connected(self, conn: Any) -> Any:
        """For ever, as the settings say, and at the start too; whatever keeps it away."""

        def say(exc: Exception, _interval_s: float) -> None:
            alive.spell.met(exc)

        connected = conn.ensure_connection(
            say, None, interval_start=1, interval_step=1, interval_max=_MOST_PAUSE_S, callback=maybe_shutdown
        )
        self.first_connection_attempt = False
        return connected

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        if not self._refuses(exc):
            super().on_connection_error_before_connected(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        super().on_connection_error_after_connected(exc)
        self._refuses(exc)

    def _refuses(self, exc: Exception) -> bool:
        """Waits if so. A worker that is told to stop waits no longer."""
        # From connecting it comes wrapped: a Redis that can't save its data refuses even a PING.
        if not isinstance(exc, ResponseError) and not isinstance(exc.__cause__, ResponseError):
            return False
        alive.spell.met(exc)
        ends = time.monotonic() + _PAUSE_S
        while time.monotonic() < ends:
            maybe_shutdown()
            time.sleep(_LOOK_S)
        return True


class Heard(Request):
    """A bell is gone when it is heard. On Redis kombu would say so to the server all the same, of each
    (`findings/kombu-redis-no-ack.sh`), by a client that it makes for that, while the bell's work begins."""

    def acknowledge(self) -> None:
        self.acknowledged = True


class Bell(Task):  # type: ignore[type-arg]
    Request = "s2s_site.consumer:Heard"


class SignsOfLife(bootsteps.StartStopStep):
    """In place of Celery's heartbeats: those are published from the worker's loop and, without Redis, again and again
    without a word, deaf to a request to stop."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        self._timer = consumer.timer.call_repeatedly(alive.EVERY_S, alive.say, (consumer.hostname,))

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

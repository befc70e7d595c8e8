"""What the log says of what isn't our fault, such as a database, Redis or disk that is away, or a request that breaks
the rules: one line each time, not a page of code."""

from __future__ import annotations

import logging

from django.core.exceptions import SuspiciousOperation

# Each second of a Redis that refuses to write; `alive` says it once.
_SAID_ALREADY = "maybe_refresh_binding_expiry"
# Celery's advice about a setting that s2s_site/settings.py has decided, at every loss of Redis.
_DECIDED = "worker_cancel_long_running_tasks_on_connection_loss"


class OneLine(logging.Filter):
    """Leaves the traceback away where it would tell of other people's libraries alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "py.warnings" and _DECIDED in record.getMessage():
            return False
        if record.name == "kombu.transport.redis" and record.getMessage().startswith(_SAID_ALREADY):
            return False
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and (is_away(error) or isinstance(error, SuspiciousOperation)):
            said = " ".join(str(error).split())
            message = " ".join(record.getMessage().split())
            record.msg = message if said and said in message else f"{message}: {type(error).__name__}: {said}"
            record.args, record.exc_info, record.exc_text = None, None, None
        elif record.name.startswith("celery.worker.consumer"):
            record.msg, record.args = " ".join(record.getMessage().split()), None
        return True


def is_away(error: BaseException) -> bool:
    """Whether something that the product needs isn't there."""
    from django.db import InterfaceError, OperationalError
    from kombu.exceptions import OperationalError as BrokerError
    from redis.exceptions import RedisError

    from conversions.files.storages import StorageError
    from conversions.ground.trouble import PLACES_ERRORS

    if isinstance(error, OSError) and error.errno in PLACES_ERRORS:
        return True
    return isinstance(
        error, OperationalError | InterfaceError | BrokerError | RedisError | StorageError | ConnectionError
    )

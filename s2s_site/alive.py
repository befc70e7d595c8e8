"""Signs of life: every worker leaves one in Redis each few seconds; /readyz looks for them."""

from __future__ import annotations

import logging

from redis.exceptions import RedisError

from conversions.ground.connections import redis
from conversions.ground.trouble import Spell

logger = logging.getLogger(__name__)

_PREFIX = "timbre:alive:"
EVERY_S = 2.0
# Three missed ones and some patience for a busy machine.
_EXPIRES_S = 15
# Of this process, for which Redis does nothing meanwhile; its consumer may be the first to meet it.
spell = Spell(logger, "Redis takes no bells and no signs of life, it is waited for", "Redis takes bells again")


def say(hostname: str) -> None:
    """Called in a worker's main process; `hostname` is Celery's name for it: what is before the @, e.g. `calls`, says
    which it is."""
    node = hostname.partition("@")[0]
    try:
        redis().set(f"{_PREFIX}{node}", 1, ex=_EXPIRES_S)
    except RedisError as error:
        spell.met(error)
    else:
        spell.over()


def living() -> set[str]:
    """The nodes that gave a sign of life lately. Raises RedisError."""
    found = redis().scan_iter(f"{_PREFIX}*")
    return {key.decode().removeprefix(_PREFIX) for key in found}

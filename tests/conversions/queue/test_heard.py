"""What a bell costs besides its work."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from conversions.models import Conversion
from tests.conversions.conftest import Submit
from tests.support.product import wait_for
from tests.support.worker import Worker


@pytest.mark.one_database
@pytest.mark.django_db(transaction=True)
def test_nothing_is_said_to_redis_of_a_bell_that_was_heard(submit: Submit, redis_url: str, tmp_path: Path) -> None:
    def are_ready() -> bool:
        return Conversion.objects.filter(status=Conversion.Status.READY).count() == 3

    with Redis.from_url(redis_url) as redis:
        redis.config_resetstat()
        with Worker("cpu", redis_url, tmp_path), Worker("calls", redis_url, tmp_path):
            for _ in range(3):
                submit()
            wait_for(are_ready, "each has rung")
        commands = redis.info("commandstats")
    assert commands["cmdstat_lpush"]["calls"] >= 6
    assert not {"cmdstat_zrem", "cmdstat_hdel"} & commands.keys()

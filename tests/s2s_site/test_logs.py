"""What the log says of an error: one line of what is no fault of ours, everything of one that is."""

from __future__ import annotations

import errno
import io
import logging
import sys

import pytest
from django.core.exceptions import TooManyFilesSent
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from conversions.files.storages import StorageError
from s2s_site.logs import OneLine


def logged(error: Exception, message: str = "sweep failed") -> str:
    sink = io.StringIO()
    handler = logging.StreamHandler(sink)
    handler.addFilter(OneLine())
    logger = logging.Logger("ours")
    logger.addHandler(handler)
    try:
        raise error
    except Exception:
        logger.error(message, exc_info=sys.exc_info())
    return sink.getvalue()


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("connection\n\tfailed"),
        RedisConnectionError("connection failed"),
        StorageError("connection failed"),
        OSError(errno.ENOSPC, "connection failed"),
        ConnectionRefusedError(errno.ECONNREFUSED, "connection failed"),
        TooManyFilesSent("connection failed"),
    ],
)
def test_what_is_away_or_breaks_the_rules_is_one_line(error: Exception) -> None:
    (line,) = logged(error).splitlines()
    assert line.startswith(f"sweep failed: {type(error).__name__}: ")
    assert line.endswith("connection failed")


def test_what_the_message_says_already_is_not_said_twice() -> None:
    assert logged(RedisConnectionError("gone"), "no bell: gone") == "no bell: gone\n"


@pytest.mark.parametrize("error", [ValueError("ours"), FileNotFoundError(errno.ENOENT, "ours")])
def test_a_fault_of_ours_keeps_its_traceback(error: Exception) -> None:
    assert "Traceback" in logged(error)
    assert "test_logs.py" in logged(error)

"""A machine whose clock is wrong: Python imports this before anything else where the folder is on PYTHONPATH.

CLOCK_SKEW says whose clock and by how many seconds, as `calls@=300 beat=-300`: the first word that stands in the
command line counts. `time.time` and `datetime.now` are what a program reads its wall clock with; the monotonic clock,
and the clocks of the database and of Redis, are left as they are.
"""

import datetime
import os
import sys
import time


def _skew_s() -> float:
    command = " ".join(sys.orig_argv)
    for entry in os.environ.get("CLOCK_SKEW", "").split():
        word, _, seconds = entry.partition("=")
        if word in command:
            return float(seconds)
    return 0.0


def _shift(seconds: float) -> None:
    real_time, real_time_ns, real = time.time, time.time_ns, datetime.datetime

    class Kind(type(real)):
        def __instancecheck__(cls, instance):
            return isinstance(instance, real)

        def __subclasscheck__(cls, subclass):
            return issubclass(subclass, real)

    class Skewed(real, metaclass=Kind):
        @classmethod
        def now(cls, tz=None):
            return real.now(tz) + datetime.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls):
            return real.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=seconds)

        @classmethod
        def today(cls):
            return cls.now()

    time.time = lambda: real_time() + seconds
    time.time_ns = lambda: real_time_ns() + round(seconds * 1e9)
    datetime.datetime = Skewed


if _skew_s():
    _shift(_skew_s())

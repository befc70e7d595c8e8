"""The corpus itself: made once for all tests."""

from __future__ import annotations

from functools import cache

from tests.recordings.kinds import Kind
from tests.support.lag import speechlike
from tests.support.written import Samples

SECONDS = 1.5
ODD = 13  # no codec's frame ends where the source does


@cache
def source(rate_hz: int) -> Samples:
    return speechlike(round(SECONDS * rate_hz) + ODD, rate_hz)


@cache
def content(kind: Kind) -> bytes:
    return kind.make(source(kind.rate_hz), kind.rate_hz)

"""A worker of processes shares their places before it forks them; one of threads has none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.product import CHECKOUT

MAKE = """
import sys
from s2s_site.celery import app
from conversions.queue.reserve import places
app.Worker(pool=sys.argv[1], concurrency=3)
print(places._file is not None, places._count)
"""


@pytest.mark.parametrize(("pool", "shared"), [("prefork", "True 2"), ("threads", "False 0")])
def test_they_are_shared_before_the_processes_are_forked(pool: str, shared: str) -> None:
    made = subprocess.run([sys.executable, "-c", MAKE, pool], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert made.stdout.splitlines()[-1] == shared

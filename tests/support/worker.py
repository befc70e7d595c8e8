"""A Celery worker as the product starts it, on the database, the Redis and the folders of the test that runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from django.db import connection
from redis import Redis

from s2s_site.supervisor.processes import COMMANDS
from tests.support.product import CHECKOUT, wait_for


def database_url() -> str:
    """The test's own database, for other processes."""
    place = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{place['NAME']}"
    user = f"{place['USER']}:{quote(place['PASSWORD'])}"
    return f"postgres://{user}@{place['HOST']}:{place['PORT']}/{place['NAME']}"


class Worker:
    """`lane` is calls or cpu; `node` is the name under which it gives signs of life, for a second one of a lane."""

    def __init__(self, lane: str, redis_url: str, folder: Path, node: str = "", **environment: str) -> None:
        self.node = node or lane
        self._redis_url = redis_url
        line = COMMANDS[lane].format(port=os.getpid(), calls_threads=4, cpu_processes=1)
        self._command = line.replace(f"-n {lane}@", f"-n {self.node}@").split()
        self._environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "s2s_site.settings",
            "DATABASE_URL": database_url(),
            "REDIS_URL": redis_url,
            "DATA_DIR": str(folder),
            "LEASE_SECONDS": "120",  # nothing here may wait for a lease to run out
            "DRAIN_SECONDS": "1",
            "CALLS_CONCURRENCY": "4",
            "LOOKUP_SECONDS": "0.1,0.2",
            "PYTHONWARNINGS": "ignore",
            **environment,
        }
        self.output_path = folder / f"{self.node}.txt"

    def __enter__(self) -> Self:
        with Redis.from_url(self._redis_url) as redis:
            redis.delete(f"timbre:alive:{self.node}")
            self.launch()
            wait_for(lambda: redis.exists(f"timbre:alive:{self.node}"), self._why_not, 60)
        return self

    def launch(self) -> None:
        """Without waiting until it is ready."""
        with self.output_path.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self._command],
                env=self._environment,
                cwd=CHECKOUT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        if kind is not None:
            sys.stderr.write(f"---- output of {self.node} ----\n{self.output()}\n")

    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    def terminate(self, patience_s: float = 60.0) -> float:
        """TERM, and how many seconds it took to end."""
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(patience_s) == 0, self.output()
        return time.monotonic() - began

    def _why_not(self) -> str:
        return f"{self.node} is ready:\n{self.output()}"

"""A real Redis for tests that ring bells: the binary that bin/start would take, on a socket of its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis

from s2s_site.supervisor.redis_server import find_program


@contextlib.contextmanager
def running_redis() -> Iterator[str]:
    """Its URL, as REDIS_URL is written."""
    with tempfile.TemporaryDirectory(prefix="timbre-redis-") as folder:
        path = Path(folder) / "redis.sock"
        command = [
            find_program(Path(folder)),
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--dir",
            folder,
            "--save",
            "",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while not _answers(path):
                assert process.poll() is None, "redis-server ended at once"
                time.sleep(0.02)
            yield f"unix://{path}?db=0"
        finally:
            process.kill()
            process.wait()


def _answers(path: Path) -> bool:
    """Its socket is there a moment before it listens."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as end:
        return end.connect_ex(str(path)) == 0


def listeners(url: str) -> int:
    """How many workers listen to commands. One that is told to stop claims nothing more, then falls deaf, then ends
    what it has begun."""
    with Redis.from_url(url) as redis:
        return sum(client["cmd"] == "psubscribe" for client in redis.client_list())

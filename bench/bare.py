"""The product's web server around nothing: reads a request's body and writes it down, as `bench/upload` needs it.

A WSGI application of a few lines, under the command with which `bin/start` runs the product's own. It writes as much at
once as the product does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx

from bench.measure import CHECKOUT
from bench.plain import Plain
from bin.groups import free_port
from s2s_site.supervisor.processes import COMMANDS

_BLOCK = 512 * 1024
_PATIENCE_S = 30.0


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    read = environ["wsgi.input"].read
    with Path(os.environ["BARE_FILE"]).open("wb", buffering=0) as file:
        while block := read(_BLOCK):
            file.write(block)
        os.fsync(file.fileno())
    start_response("204 No Content", [])
    return []


@contextlib.contextmanager
def bare_server(folder: Path) -> Iterator[Plain]:
    port = free_port()
    line = COMMANDS["web"].format(host="127.0.0.1", port=port, web_drain_s=1)
    words = line.replace("s2s_site.wsgi:application", "bench.bare:application").split()
    path = folder / "bare"
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=CHECKOUT,
        env=os.environ | {"BARE_FILE": str(path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        give_up_at = time.monotonic() + _PATIENCE_S
        while True:
            try:
                httpx.post(url, trust_env=False)
                break
            except httpx.TransportError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.1)
        yield Plain(url, process.pid, path)
    finally:
        process.terminate()
        process.wait()

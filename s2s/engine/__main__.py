"""Serve the local engine: `python -m s2s.engine [--host 127.0.0.1] [--port 8801] [--workers N] [--concurrency N]`.

Environment: ENGINE_HOST, ENGINE_PORT, ENGINE_WORKERS, ENGINE_CONCURRENCY (defaults of the options), ENGINE_API_KEY
(asked for in `xi-api-key` when set), ENGINE_MAX_BYTES (largest upload, 2 GiB), DATA_DIR (its folder `engine/` holds
what the workers share, and the voices that were added; without it, a temporary one).
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from pathlib import Path

# Before numpy is imported, here and in the workers: linear algebra on several threads would fight with
# the processes next door for the same cores.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from granian import Granian
from granian.constants import HTTPModes, Interfaces

_MOST_CONCURRENT = 1000


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="timbre-slots-") as own:
        data_dir = os.environ.get("DATA_DIR")
        shared = Path(data_dir).expanduser().absolute() / "engine" if data_dir else Path(own)
        # Workers are other processes: what they need to know travels in their environment.
        os.environ["ENGINE_SHARED_DIR"] = str(shared)
        os.environ["ENGINE_CONCURRENCY"] = str(arguments.concurrency)
        logging.basicConfig(level=logging.INFO, format="[%(levelname)s] %(name)s: %(message)s")
        from s2s.engine import worker

        worker.rehearse()
        Granian(
            "s2s.engine",
            address=arguments.host,
            port=arguments.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,  # a stream that breaks off cuts its connection, which must be its own
            workers=arguments.workers,
            websockets=False,
            respawn_failed_workers=True,
        ).serve(target_loader=worker.application, wrap_loader=False)


def _arguments() -> argparse.Namespace:
    given = os.environ.get
    cores = _cores()
    parser = argparse.ArgumentParser(prog="python -m s2s.engine", description="The local speech-to-speech engine.")
    parser.add_argument("--host", default=given("ENGINE_HOST") or "127.0.0.1")
    parser.add_argument("--port", type=int, default=int(given("ENGINE_PORT") or 8801))
    parser.add_argument("--workers", type=int, default=int(given("ENGINE_WORKERS") or cores), help="one per core")
    parser.add_argument(
        "--concurrency",
        type=int,
        default=int(given("ENGINE_CONCURRENCY") or 2 * cores),
        help="requests at work in all workers together, before 429; two per core",
    )
    arguments = parser.parse_args()
    if not 1 <= arguments.concurrency <= _MOST_CONCURRENT:
        parser.error(f"--concurrency must be 1 to {_MOST_CONCURRENT}")
    return arguments


def _cores() -> int:
    """Those this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    main()

"""The table of what runs: one line a process, the same lines that docs and containers use.

`{...}` is filled in by `table()`; `python` is the interpreter of this environment, the others its modules.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from s2s_site.supervisor.config import Config

_CELERY = "s2s_site.run_celery"
_WORKER = "--loglevel WARNING --without-gossip --without-mingle --without-heartbeat"

# In the order in which they start. The port in a node name keeps two copies on one machine apart.
COMMANDS = {
    "engine": "python -m s2s.engine --host 127.0.0.1 --port {engine_port}",
    "calls": f"{_CELERY} worker -Q calls,sweep -n calls@%h-{{port}} -P threads -c {{calls_threads}} {_WORKER}",
    "cpu": f"{_CELERY} worker -Q cpu -n cpu@%h-{{port}} -P prefork -c {{cpu_processes}} {_WORKER}",
    "beat": f"{_CELERY} beat -s {{beat_schedule}} --loglevel WARNING",
    # 128 threads, because a slow upload holds one (8 stalled uploads stopped a site of 8 threads). The backlog also
    # bounds open connections, which idle browsers keep. The buffer is what a large upload is read into at once; others
    # begin with 8 KB. No --respawn: a dead worker ends Granian, we start it again.
    "web": (
        "granian --interface wsgi s2s_site.wsgi:application --host {host} --port {port} --workers 1 "
        "--blocking-threads 128 --backlog 2048 --http 1 --no-ws --log-level warning "
        "--http1-buffer-size 1048576 --workers-kill-timeout {web_drain_s}"
    ),
}
# First to last; what stands in one group stops together.
STOP_ORDER = (("web",), ("beat",), ("calls", "cpu"), ("engine",), ("decoders", "redis", "zygote"))
# What the zygote has loaded the most of.
FORKED = ("calls", "cpu", "beat", "web")
# The sweep queue shares the threads of the calls: a sweep must not wait until a long call has ended.
_SWEEP_THREADS = 4
_WEB_DRAIN_S = 8
_GRACE_S = 5.0

# Lines that every start or stop prints and nobody can act on.
_HARMLESS = {
    "redis": re.compile(
        r"oO0Oo|Configuration loaded|version=|Server initialized|overcommit|Transparent Huge|TCP backlog|monotonic"
        r"|Ready to accept|Received SIGTERM|User requested shutdown|ready to exit|Removing the unix socket|Running mode"
    ),
    "engine": re.compile(r"^\[INFO\]|Configuration allows spawning up to"),
    # The supervisor itself asks /readyz until it is answered; whoever else asks reads the reason there.
    "web": re.compile(r"Configuration allows spawning up to|Service Unavailable: \S*/readyz"),
    "calls": re.compile(r"^worker: "),
    "cpu": re.compile(r"^worker: "),
}


@dataclass(frozen=True)
class Process:
    """One process of the product: how it is started and how long its stop may take."""

    name: str
    command: tuple[str, ...]
    grace_s: float = _GRACE_S
    harmless: re.Pattern[str] | None = None
    # Called before a start with the number of quick failures in a row: removes what may have caused them.
    repair: Callable[[int], str | None] | None = None


def table(config: Config, engine_port: int | None) -> list[Process]:
    """Every process but Redis, in the order in which they start; no engine if another one is used."""
    beat_schedule = config.data_dir / "beat-schedule"
    values = {
        "python": sys.executable,
        "host": config.host,
        "port": config.port,
        "engine_port": engine_port,
        "calls_threads": config.calls_threads + _SWEEP_THREADS,
        "cpu_processes": config.cpu_processes,
        "beat_schedule": beat_schedule,
        "web_drain_s": _WEB_DRAIN_S,
    }
    grace = {"web": _WEB_DRAIN_S + 2.0, "calls": config.drain_s + _GRACE_S, "cpu": config.drain_s + _GRACE_S}
    return [
        Process(
            name=name,
            command=_command(line, values),
            grace_s=grace.get(name, _GRACE_S),
            harmless=_HARMLESS.get(name),
            repair=_forget_schedule(beat_schedule) if name == "beat" else None,
        )
        for name, line in COMMANDS.items()
        if name != "engine" or engine_port is not None
    ]


def redis_process(command: tuple[str, ...], repair: Callable[[int], str | None]) -> Process:
    return Process(name="redis", command=command, harmless=_HARMLESS["redis"], repair=repair)


def zygote_process() -> Process:
    return Process("zygote", (sys.executable, "-m", "s2s_site.supervisor.zygote"))


def decoders_process(socket_path: Path) -> Process:
    """The fork server that engine, calls, cpu and web share; in containers each has its own. It takes no signal, so
    that a service that is stopped as a whole decodes to the end what it may: it is killed."""
    return Process("decoders", (sys.executable, "-m", "s2s.audio.shared", str(socket_path)), grace_s=0.0)


def _command(line: str, values: dict[str, object]) -> tuple[str, ...]:
    program, *arguments = line.split()
    # Modules, not the scripts beside python: those carry the path of the checkout at the time it was installed.
    start = [sys.executable] if program == "python" else [sys.executable, "-m", program]
    return (*start, *(argument.format_map(values) for argument in arguments))


def _forget_schedule(path: Path) -> Callable[[int], str | None]:
    """A crash can leave the schedule file unreadable. It only says when beat last rang; without it, it rings again."""

    def repair(quick_failures: int) -> str | None:
        if quick_failures == 0:
            return None
        for file in path.parent.glob(path.name + "*"):
            file.unlink(missing_ok=True)
        return None

    return repair

"""What the environment chose, read once and checked; a wrong value is a sentence, not a traceback."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from s2s_site.supervisor.errors import CannotStart

CHECKOUT = Path(__file__).resolve().parents[2]
LONGEST_PAUSE_S = 30.0  # before a process that keeps ending is started again
EVERY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - recognised, not bound


@dataclass(frozen=True)
class Config:
    """The choices of one installation."""

    host: str
    port: int
    data_dir: Path
    redis_url: str
    engine_url: str
    cpu_processes: int
    calls_threads: int
    drain_s: float
    longest_pause_s: float
    password_is_given: bool
    environment: Mapping[str, str]

    @property
    def is_public(self) -> bool:
        return self.host not in {"127.0.0.1", "localhost", "::1"}

    @property
    def local_url(self) -> str:
        """Where this machine itself reaches the site."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return site_url(host, self.port)

    @property
    def shown_url(self) -> str:
        """What a person types into a browser, on another machine too if the site can be reached from there."""
        return site_url(outward_address(), self.port) if self.host in EVERY_ADDRESS else self.local_url


def read_config(environment: Mapping[str, str]) -> Config:
    chosen = {name: value.strip() for name, value in environment.items() if value.strip()}
    return Config(
        host=chosen.get("HOST", "127.0.0.1").strip("[]"),
        port=_whole_number(chosen, "PORT", 8000, at_least=1, at_most=65535),
        data_dir=Path(chosen.get("DATA_DIR", str(CHECKOUT / "data"))).expanduser().absolute(),
        redis_url=_secret(chosen, "REDIS_URL"),
        engine_url=chosen.get("ENGINE_URL", "").rstrip("/"),
        cpu_processes=_whole_number(chosen, "CPU_PROCESSES", usable_cores(), at_least=1, at_most=512),
        calls_threads=_whole_number(chosen, "CALLS_CONCURRENCY", 32, at_least=1, at_most=1000),
        drain_s=_seconds(chosen, "DRAIN_SECONDS", 20.0),
        longest_pause_s=_seconds(chosen, "RESTART_PAUSE_SECONDS", LONGEST_PAUSE_S),
        password_is_given=bool(chosen.get("ADMIN_PASSWORD") or chosen.get("ADMIN_PASSWORD_FILE")),
        environment=dict(environment),
    )


def site_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def outward_address() -> str:
    """The address by which this machine reaches others, else its name. Connecting UDP sends nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation: never a real machine
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()


def usable_cores() -> int:
    """Cores that this process may use: a container's share, not the whole machine."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        return os.cpu_count() or 1


def _secret(chosen: Mapping[str, str], name: str) -> str:
    path = chosen.get(f"{name}_FILE")
    if not path:
        return chosen.get(name, "")
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise CannotStart(f"{name}_FILE names {path}, which can't be read ({error.strerror}).") from error


def _whole_number(chosen: Mapping[str, str], name: str, default: int, *, at_least: int, at_most: int) -> int:
    text = chosen.get(name, str(default))
    if text.isascii() and text.isdigit() and at_least <= int(text) <= at_most:
        return int(text)
    raise CannotStart(f"{name} is {text!r}, but must be a whole number from {at_least} to {at_most}.")


def _seconds(chosen: Mapping[str, str], name: str, default: float) -> float:
    text = chosen.get(name, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if 0 <= seconds < float("inf"):
        return seconds
    raise CannotStart(f"{name} is {text!r}, but must be a number of seconds.")

"""The real product for tests of whole paths: its supervisor and every process, in a data folder of its own.

    with Product(tmp_path / "data") as product:
        httpx.get(product.url)

On another database: `Product(folder, {"DATABASE_URL": url})`. Intervals are short, so that what takes minutes in
production takes seconds here. Linux only: it reads /proc.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from bin.groups import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
# Nothing is wrong because a machine with more to do takes longer; a test that waits in vain has failed anyway.
PATIENCE_S = 60.0

# Settings of the person who runs the tests must not reach the product under test.
_OURS = re.compile(
    r"^(HOST|PORT|DATA_DIR|DATABASE_URL|REDIS_URL|ENGINE_URL|ELEVENLABS_.*|ADMIN_.*|SECRET_KEY|BASE_URL|DJANGO_.*"
    r"|LEASE_SECONDS|SWEEP_SECONDS|DRAIN_SECONDS|RESTART_PAUSE_SECONDS|CI|PYTEST_.*)(_FILE)?$"
)
SHORT_INTERVALS = {
    "LEASE_SECONDS": "2",
    "SWEEP_SECONDS": "1",
    "LOOKUP_SECONDS": "0.2,1",
    "DRAIN_SECONDS": "3",
    "CPU_PROCESSES": "1",
    "ENGINE_WORKERS": "1",
    "CALLS_CONCURRENCY": "8",
}


class Product:
    """One copy of Timbre. As a context manager it is started, and in the end nothing of it runs any more."""

    alive: ClassVar[list[Product]] = []  # tests/conftest.py shows the output of these when a test fails

    def __init__(
        self,
        data_dir: Path,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        output_path: Path | None = None,
        checkout: Path = CHECKOUT,
    ) -> None:
        """`output_path` is for a data folder on a disk that the test fills: else what it says then is lost."""
        self.data_dir = data_dir
        self._checkout = checkout
        self.port = port or free_port()
        self.admin_email = "alice@example.com"
        self._given_password = "a long password for tests"
        self.env = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
        self.env |= SHORT_INTERVALS | {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATA_DIR": str(data_dir),
            "ADMIN_EMAIL": self.admin_email,
            "ADMIN_PASSWORD": self._given_password,
            "PYTHONPATH": str(checkout),
        }
        self.env |= environment or {}
        self.output_path = output_path or data_dir.with_name(f"{data_dir.name}.output.txt")
        self.supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        Product.alive.append(self)
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What a stop does is for tests of their own; here nobody needs to wait for it.
        try:
            self.kill_all()
        finally:
            Product.alive.remove(self)
            if kind is not None:
                sys.stderr.write(f"---- output of the product ----\n{self.output()}\n")

    # ---- what it is ----

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_password(self) -> str:
        """The one that was given, else the one that the first start printed."""
        if self.env.get("ADMIN_PASSWORD"):
            return self.env["ADMIN_PASSWORD"]
        printed = re.search(r"with the password (\S+) \(shown only now\)", self.output())
        assert printed, "no password was printed"
        return printed.group(1)

    def output(self) -> str:
        """Everything that it printed since the first start, both streams."""
        return self.output_path.read_text(errors="replace") if self.output_path.exists() else ""

    def status(self) -> dict[str, Any]:
        """DATA_DIR/supervisor.json, {} while there is none."""
        try:
            status: dict[str, Any] = json.loads((self.data_dir / "supervisor.json").read_text())
        except FileNotFoundError:
            return {}
        return status

    def pid(self, name: str) -> int:
        """The main process of one child: redis, engine, calls, cpu, beat or web. 0 while it doesn't run."""
        return int(self.status().get("processes", {}).get(name, {}).get("pid") or 0)

    def restarts(self, name: str) -> int:
        return int(self.status()["processes"][name]["restarts"])

    def pids(self) -> dict[str, list[int]]:
        """Every child by name: its main process first, then what that one started (pool processes, decoders)."""
        parents = _parents()
        mains = {name: self.pid(name) for name in self.status().get("processes", {})}
        return {name: [pid, *_descendants(pid, parents)] for name, pid in mains.items() if pid}

    def left_over(self) -> list[int]:
        """Every process anywhere that carries our DATA_DIR in its environment; zombies carry none."""
        mark = b"DATA_DIR=" + os.fsencode(self.data_dir) + b"\0"
        found = []
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue  # it ended while we looked, or isn't ours to see
        return found

    # ---- what can be done to it ----

    def start(self, *, wait: bool = True) -> None:
        # After a kill it still says what ran before.
        (self.data_dir / "supervisor.json").unlink(missing_ok=True)
        with self.output_path.open("ab") as output:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "s2s_site.supervisor"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self._checkout,
                start_new_session=True,
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        supervisor = self.supervisor
        assert supervisor is not None

        def ready() -> bool:
            assert supervisor.poll() is None, f"the product did not start:\n{self.output()}"
            status = self.status()  # may still be the one of a copy that was killed
            return status.get("pid") == supervisor.pid and bool(status.get("ready"))

        wait_for(ready, "the product is ready", timeout_s)

    def wait_until_up(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Until /readyz says that everything answers, also after a child was killed."""

        def up() -> bool:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:  # noqa: S310 - loopback
                    return bool(answer.status == 200)
            except OSError:
                return False

        wait_for(up, "/readyz answers 200", timeout_s)

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to the main process of one child; its pid."""
        pid = self.pid(name)
        assert pid, f"{name} does not run"
        os.kill(pid, number)
        return pid

    @contextlib.contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Inside, nothing of these children runs (SIGSTOP); afterwards they go on as if no time had passed. None of
        them is stopped while it keeps all others from writing to SQLite."""
        pids = [pid for name in names for pid in self.pids()[name]]
        try:
            _signal(pids, signal.SIGSTOP)
            while not self._others_may_write():
                _signal(pids, signal.SIGCONT)
                time.sleep(0.05)
                _signal(pids, signal.SIGSTOP)
            yield
        finally:
            _signal(pids, signal.SIGCONT)

    def _others_may_write(self) -> bool:
        path = self.data_dir / "timbre.sqlite3"
        if not path.exists():
            return True  # it has another database
        with contextlib.closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return False
        return True

    def environment_inside(self) -> dict[str, str]:
        """What a process needs to be one of the product: its database, its files and its Redis."""
        return self.env | {
            "REDIS_URL": self.env.get("REDIS_URL", f"unix://{self.data_dir}/redis/redis.sock?db=0"),
            "DJANGO_SETTINGS_MODULE": "s2s_site.settings",
        }

    def kill_all(self) -> None:
        """SIGKILL for everything at once, the supervisor first, as in a power cut."""
        if self.supervisor is not None and self.supervisor.poll() is None:
            self.supervisor.kill()
        for pid in self.left_over():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.supervisor is not None:
            self.supervisor.wait(timeout=STOP_TIMEOUT_S)
        wait_for(lambda: not self.left_over(), "everything is gone")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop, as Ctrl-C or an init system does; its exit code."""
        if self.supervisor is None:
            return 0
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(number)
        return self.supervisor.wait(timeout=STOP_TIMEOUT_S)

    def restart(self) -> None:
        """Stop (if it still runs) and start again on the same data and port."""
        self.stop()
        self.start()


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # killed while it was stopped
            os.kill(pid, number)


def wait_for(condition: Callable[[], object], what: str | Callable[[], str], timeout_s: float = PATIENCE_S) -> None:
    """Look ten times a second until the condition holds; an AssertionError names what never came."""
    give_up_at = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= give_up_at:
            raise AssertionError(f"waited {timeout_s:g} s in vain until: {what if isinstance(what, str) else what()}")
        time.sleep(0.1)


def _parents() -> dict[int, int]:
    """Every running process and its parent."""
    parents = {}
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split() if folder.name.isdigit() else []
        except OSError:
            continue
        if fields and fields[0] != "Z":
            parents[int(folder.name)] = int(fields[1])
    return parents


def _descendants(pid: int, parents: Mapping[int, int]) -> list[int]:
    children = [child for child, parent in parents.items() if parent == pid]
    return children + [deeper for child in children for deeper in _descendants(child, parents)]

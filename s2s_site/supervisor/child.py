"""One process under supervision: started, watched, started again after a pause, stopped with all it started."""

from __future__ import annotations

import collections
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Protocol

from s2s import orphan
from s2s_site.supervisor.config import CHECKOUT, LONGEST_PAUSE_S
from s2s_site.supervisor.output import Output
from s2s_site.supervisor.processes import Process

FIRST_PAUSE_S = 0.5
STEADY_S = 30.0  # a process that ran this long starts again with the first pause
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Run(Protocol):
    """What is used of a started process: subprocess.Popen, or what the zygote forked (`forked.py`)."""

    pid: int
    returncode: int | None
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    def poll(self) -> int | None: ...
    def wait(self) -> int: ...
    def kill(self) -> None: ...


class Spawn(Protocol):
    def __call__(self, command: tuple[str, ...], environment: Mapping[str, str], *, stderr: int) -> Run: ...


def spawn(
    command: tuple[str, ...], environment: Mapping[str, str], *, stderr: int, pass_fds: Collection[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a command that dies with us, in a session of its own: a terminal's Ctrl-C reaches only the supervisor,
    and everything it starts can be ended through its group. Only to be called from the main thread (see orphan.py).
    """
    tied = (sys.executable, "-I", "-S", str(Path(orphan.__file__).resolve()), str(os.getpid()), *command)
    return subprocess.Popen(
        tied,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=dict(environment),
        cwd=CHECKOUT,
        start_new_session=True,
        pass_fds=pass_fds,
    )


class Child:
    """A process of the table and its present run."""

    def __init__(
        self,
        process: Process,
        environment: Mapping[str, str],
        output: Output,
        start: Spawn = spawn,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self.process = process
        self.name = process.name
        self.pid: int | None = None
        self.started_at = 0.0  # wall clock, for the status file
        self.restarts = -1
        self.last_lines: collections.deque[str] = collections.deque(maxlen=5)
        self._environment = environment
        self._output = output
        self._spawn = start
        self._longest_pause_s = longest_pause_s
        self._run: Run | None = None
        self._quick_failures = 0
        self._start_due = 0.0  # monotonic
        self._run_began = 0.0

    @property
    def is_running(self) -> bool:
        return self._run is not None

    def start(self) -> None:
        """Start it now; if even that fails, it is tried again like after a death."""
        self._run_began = time.monotonic()
        self.restarts += 1
        try:
            said = self.process.repair(self._quick_failures) if self.process.repair else None
            if said:
                self._output.say(said)
            self._run = self._spawn(self.process.command, self._environment, stderr=subprocess.STDOUT)
        except OSError as error:
            self._plan_restart(f"can't be started ({error.strerror})")
            return
        self.pid = self._run.pid
        self.started_at = time.time()
        assert self._run.stdout is not None
        threading.Thread(target=self._forward, args=(self._run.stdout,), daemon=True).start()

    def watch(self) -> bool:
        """Notice a death and start again when it is time; True if anything changed."""
        if self.is_running:
            how = self.reap()
            if how is None:
                return False
            self._plan_restart(f"stopped ({how})")
            return True
        if time.monotonic() >= self._start_due:
            self.start()
            return True
        return False

    def seconds_until_start(self) -> float | None:
        return None if self.is_running else max(0.0, self._start_due - time.monotonic())

    def reap(self) -> str | None:
        """How it ended, or None while it runs. What it left behind in its group is killed first."""
        if self._run is None:
            return "not running"
        if not _has_ended(self._run):
            return None
        self.kill()
        code = self._run.wait()
        self._run = None
        self.pid = None
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def terminate(self) -> None:
        """Ask it to end; it tells its own workers itself."""
        if self._run is not None:
            os.kill(self._run.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End its whole group at once. It isn't reaped yet, so its number can't belong to anybody else."""
        if self._run is not None:
            try:
                os.killpg(self._run.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                os.kill(self._run.pid, signal.SIGKILL)

    def _plan_restart(self, what: str) -> None:
        ran_s = time.monotonic() - self._run_began
        self._quick_failures = 1 if ran_s >= STEADY_S else self._quick_failures + 1
        pause_s = min(FIRST_PAUSE_S * 2 ** (self._quick_failures - 1), self._longest_pause_s)
        self._start_due = time.monotonic() + pause_s
        self._output.say(f"{self.name} {what}; starting it again in {pause_s:g} s")

    def _forward(self, stream: IO[bytes]) -> None:
        with stream:
            while data := stream.readline(16 * 1024):
                # Names of uploads may appear in logs: no control sequence of theirs reaches the terminal.
                line = _CONTROL.sub("?", data.decode(errors="replace").rstrip())
                if line and not (self.process.harmless and self.process.harmless.search(line)):
                    self.last_lines.append(line)
                    self._output.child_line(self.name, line)


def _has_ended(run: Run) -> bool:
    """Whether it ended, without reaping it where the system can tell: until then its group number stays ours."""
    if not hasattr(os, "waitid"):
        return run.poll() is not None
    # Popen's own poll(), terminate() and kill() reap, which is why they aren't used.
    return os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

"""The supervisor's side of the zygote: it orders processes there, and starts them the plain way where that can't be."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from typing import IO

from s2s_site.supervisor.child import Child, Run, spawn
from s2s_site.supervisor.errors import Interrupted
from s2s_site.supervisor.output import Output
from s2s_site.supervisor.processes import Process
from s2s_site.supervisor.signals import Signals
from s2s_site.supervisor.zygote import MOST_BYTES, PID_BYTES, Order

_LOOK_S = 0.2
_PATIENCE_S = 30.0  # it loads for a second, on a machine with nothing else to do


class Forked:
    """A process that the zygote forked for us, with what we use of subprocess.Popen."""

    def __init__(self, pid: int, stdout: IO[bytes], stderr: IO[bytes] | None) -> None:
        self.pid = pid
        self.stdout: IO[bytes] | None = stdout
        self.stderr = stderr
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        code = self._reap(0)
        assert code is not None
        return code

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class Zygote(Child):
    """The zygote as a child. One that ends is started again; whom it forked don't mind."""

    def __init__(
        self,
        process: Process,
        environment: Mapping[str, str],
        output: Output,
        signals: Signals,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        super().__init__(process, environment, output, self._spawn_itself)
        self._signals = signals
        self._patience_s = patience_s
        self._line: socket.socket | None = None

    def spawn(self, command: tuple[str, ...], environment: Mapping[str, str], *, stderr: int) -> Run:
        """As `child.spawn` does, for `python -m ...`: forked where the zygote answers. Raises Interrupted when somebody
        asks to stop before it does."""
        _python, _m, module, *arguments = command
        order: Order = {"module": module, "arguments": arguments, "environment": dict(environment)}
        return self._fork(json.dumps(order).encode(), stderr) or spawn(command, environment, stderr=stderr)

    def _fork(self, order: bytes, stderr: int) -> Forked | None:
        line = self._line
        if line is None or not self.is_running or len(order) > MOST_BYTES:
            return None
        with contextlib.ExitStack() as theirs:
            stdout, told = _pipe(theirs)
            errors, told_errors = (None, told) if stderr == subprocess.STDOUT else _pipe(theirs)
            awaited, word = _pipe(theirs)
            theirs.enter_context(awaited)
            try:
                socket.send_fds(line, [order], [told.fileno(), told_errors.fileno(), awaited.fileno()])
                pid = self._answer(line)
            except OSError:
                pid = 0  # it has died
            if pid:
                os.write(word.fileno(), b"\1")
        if pid:
            return Forked(pid, stdout, errors)
        for reader in filter(None, (stdout, errors)):
            reader.close()
        return None

    def _answer(self, line: socket.socket) -> int:
        """The process that it forked, 0 for none. Hanging, it is killed, so that nobody waits twice."""
        give_up_at = time.monotonic() + self._patience_s
        while not select.select([line], [], [], _LOOK_S)[0]:
            if self._signals.stop_requests:
                raise Interrupted
            if time.monotonic() > give_up_at:
                self.kill()
                return 0
        return int.from_bytes(line.recv(PID_BYTES), "big")

    def _spawn_itself(self, command: tuple[str, ...], environment: Mapping[str, str], *, stderr: int) -> Run:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            run = spawn((*command, str(theirs.fileno())), environment, stderr=stderr, pass_fds=(theirs.fileno(),))
        if self._line is not None:
            self._line.close()
        self._line = ours
        return run


def _pipe(theirs: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """Its end for reading, and the other one, which closes with `theirs`."""
    reader, writer = os.pipe()
    return os.fdopen(reader, "rb"), theirs.enter_context(os.fdopen(writer, "wb"))

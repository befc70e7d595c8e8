"""Our side of the processes that decode: start them, hand them a recording, read what they say, end them.

They are forked by a fork server (`forkserver`): the one that DECODERS_SOCKET names (`shared`), or where there is none
one of our own, started at `warm_up()` or at the first recording. Safe to use from many threads; after a fork the child
process gets a line, or a server, of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from s2s.audio import wire
from s2s.audio.errors import CODES, AudioError
from s2s.closing import Closing

logger = logging.getLogger(__name__)

_IMPORT_ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE_S: Final = 10.0
# A shared fork server that has died is started again by who started it.
_AWAY_S: Final = 3.0
_LOOK_S: Final = 0.05
# For glibc: blocks of a second come and go; memory that went back to the kernel each time would be cleared each time.
_ALLOCATION: Final = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 24),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 25),
}
# What Python needs to start. Above all no secrets: they have no business next to a stranger's bytes.
_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "TZ")


def command(fd: int) -> list[str]:
    """What becomes the fork server of the socket `fd`, within `environment()`."""
    return [sys.executable, "-P", "-m", "s2s.audio.forkserver", str(fd)]


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(_IMPORT_ROOT), *(entry for entry in sys.path if entry)])
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Threads of the linear algebra library would only take address space from the workers' limit.
    return kept | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", **_ALLOCATION}


class _Server:
    """The line to a fork server: the shared one, or our own and its process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._line = _shared() or self._own()
        self._line.settimeout(_PATIENCE_S)

    def _own(self) -> socket.socket:
        line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment(),
            )
        return line

    @property
    def running(self) -> bool:
        """Of a shared one it shows when something is sent."""
        return self._process is None or self._process.poll() is None

    def submit(self, job: bytes, fds: list[int]) -> None:
        """Raises OSError if the server is gone."""
        socket.send_fds(self._line, [job], fds)

    def close(self) -> None:
        """Cut the line; the server ends our workers, and itself if it was ours."""
        self._line.close()
        if self._process is None:
            return
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def disown(self) -> None:
        """In a forked child: let go of what belongs to the parent, so that the server notices when *that* ends."""
        self._line.close()
        if self._process is not None:
            self._process.returncode = 0


def _shared() -> socket.socket | None:
    """A line to the fork server of the product; None where there is none, or it stays away."""
    path = os.environ.get("DECODERS_SOCKET")
    give_up_at = time.monotonic() + _AWAY_S
    while path:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(path)
        except OSError:
            line.close()
        else:
            return line
        if time.monotonic() > give_up_at:
            logger.warning("The decoders' fork server stays away; this process starts one of its own.")
            return None
        time.sleep(_LOOK_S)
    return None


class _Pool:
    """The one server of this process, started when needed and again if it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self.workers: weakref.WeakSet[Worker] = weakref.WeakSet()

    def start(self) -> None:
        with self._lock:
            self._running()

    def submit(self, job: bytes, fds: list[int]) -> None:
        with self._lock:
            try:
                self._running().submit(job, fds)
            except OSError:  # it died between our looking and our sending; a second time it is an error
                self._stop()
                self._running().submit(job, fds)

    def stop(self) -> None:
        with self._lock:
            self._stop()

    def after_fork(self) -> None:
        self._lock = threading.Lock()  # its holder, if any, was a thread that we do not have
        server, self._server = self._server, None
        if server is not None:
            server.disown()
        for worker in list(self.workers):
            worker.close()

    def _running(self) -> _Server:
        if self._server is not None and not self._server.running:
            logger.warning("The decoders' fork server died and is started again.")
            self._stop()
        if self._server is None:
            self._server = _Server()
        return self._server

    def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


_pool = _Pool()
atexit.register(_pool.stop)
os.register_at_fork(after_in_child=_pool.after_fork)


def warm_up() -> None:
    """Start the decoders' fork server, so that the first recording does not wait for it. Returns at once."""
    _pool.start()


class Stop:
    """Hand it to what decodes; `stop()`, from any thread, ends that at once, or as soon as it begins.

    It raises `AudioError` (decoder_lost) then: the recording is not at fault.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._worker: Worker | None = None

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.cut()

    @property
    def stopped(self) -> bool:
        return self._stopped

    @contextlib.contextmanager
    def ending(self, worker: Worker) -> Iterator[None]:
        """Inside, it is that worker which `stop` ends."""
        with self._lock:
            self._worker = worker
            if self._stopped:
                worker.cut()
        try:
            yield
        finally:
            with self._lock:
                self._worker = None


class Worker(Closing):
    """One job in one process. Closing it, or leaving its `with` block, ends that process."""

    _is_cut = False

    def __init__(self, job: Mapping[str, object], input_fd: int, idle_s: float, *more_fds: int) -> None:
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            self._line, their_line = socket.socketpair()
            ours.callback(self._line.close)
            theirs.callback(their_line.close)
            fate, their_fate = os.pipe()
            self._fate = open(fate, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed by close()
            ours.callback(self._fate.close)
            theirs.callback(os.close, their_fate)
            self._line.settimeout(idle_s)
            _pool.submit(wire.pack_job(job), [their_line.fileno(), their_fate, input_fd, *more_fds])
            self._resources = ours.pop_all()
        _pool.workers.add(self)

    def close(self) -> None:
        """End the process, wherever it is. Twice does nothing."""
        self._resources.close()

    def cut(self) -> None:
        """Wakes who waits for it, which closing doesn't: decoder_lost is raised there, and ends the process."""
        self._is_cut = True
        with contextlib.suppress(OSError):  # it has ended
            self._line.shutdown(socket.SHUT_RDWR)

    def blocks(self) -> Iterator[bytes]:
        """The job's blocks, float32 samples as bytes.

        Raises `AudioError` with what the worker found wrong with the recording, or decoder_failed,
        decoder_timeout, decoder_memory and decoder_lost (the only one worth a second try) for what became of it.
        """
        while True:
            kind, payload = self._message()
            if kind == wire.BLOCK:
                yield payload
            elif kind == wire.RESULT:
                self._result = payload
                return
            elif kind == wire.FAILURE:
                raise _as_error(payload)

    def result(self) -> dict[str, Any]:
        """The job's result, after the last of its blocks. Raises as `blocks` does."""
        for _ in self.blocks():
            pass
        return self.last_word()

    def last_word(self) -> dict[str, Any]:
        """The job's result, once `blocks` has ended."""
        return dict(json.loads(self._result))

    def _message(self) -> tuple[bytes, bytes]:
        try:
            kind, length = wire.HEADER.unpack(self._exactly(wire.HEADER.size))
            if length > wire.MAX_MESSAGE_BYTES:
                raise AudioError("decoder_failed")
            return kind, self._exactly(length)
        except TimeoutError as error:
            logger.warning("A decoder gave no sign of life for %s s and was ended.", self._line.gettimeout())
            raise AudioError("decoder_timeout") from error
        except (EOFError, ConnectionError) as error:
            raise self._death() from error

    def _exactly(self, size: int) -> bytes:
        message = bytearray(size)
        rest = memoryview(message)
        while rest:
            taken = self._line.recv_into(rest)
            if taken == 0:
                raise EOFError("the worker ended before its job did")
            rest = rest[taken:]
        return bytes(message)

    def _death(self) -> AudioError:
        """Why the worker ended without a last word: the fork server tells, or is dead itself; or we cut it off."""
        if self._is_cut:
            return AudioError("decoder_lost")
        fate = self._fate.read(wire.FATE.size) or b""
        exit_code = wire.FATE.unpack(fate)[0] if len(fate) == wire.FATE.size else None
        logger.warning("A decoder ended before its job did (exit code %s).", exit_code)
        if exit_code is None:
            return AudioError("decoder_lost")
        return AudioError("decoder_timeout" if exit_code == -signal.SIGXCPU else "decoder_failed")


def _as_error(payload: bytes) -> AudioError:
    failure = json.loads(payload)
    if failure["cause"]:
        logger.error("A decoder failed: %s", failure["cause"])
    code = failure["code"] if failure["code"] in CODES else "decoder_failed"
    return AudioError(code, **failure["facts"])

"""The process that every decoding process is forked from: `python -m s2s.audio.forkserver FD`.

Starting Python with numpy and libav takes a third of a second of CPU; a fork of one that has them takes a few
milliseconds. It never touches a recording itself. It ends, and ends its workers, when its line to the parent is cut,
which the kernel does however the parent ends. A worker whose reader went away is killed at once.

Where there was a job there will be others: when there is nothing to do, one worker is forked ahead and rehearses with a
sound of our own. The pages that a fork must copy or map again, which take a worker longer than a short recording does,
are its own by the time it is needed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Final, NoReturn

import av.logging

# PyAV imports these when it first meets such a stream, and a worker can no longer open them.
import av.subtitles.stream
import av.video.stream

from s2s.audio import child, wire

_QUIET_MS: Final = 500  # not between the answers of one wave


class ForkServer:
    """Reads jobs from `line`, gives each a worker of its own, and tells how each one ended."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._spare: _Spare | None = None
        self._wants_spare = False  # after each job, until one was made
        self._fates: dict[int, int] = {}  # worker's pid by the descriptor where its fate is told
        self._ended, ended_writer = socket.socketpair()
        self._ended.setblocking(False)
        ended_writer.setblocking(False)
        self._ended_writer = ended_writer
        signal.set_wakeup_fd(ended_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._poll = select.poll()
        self._poll.register(line, select.POLLIN)
        self._poll.register(self._ended, select.POLLIN)

    def serve(self) -> None:
        """Until the parent is gone."""
        try:
            while self._turn():
                pass
        finally:
            signal.set_wakeup_fd(-1)
            for pid in self._fates.values():
                _kill(pid)
            if self._spare is not None:
                _kill(self._spare.pid)

    def _turn(self) -> bool:
        ready = {fd for fd, _event in self._poll.poll(_QUIET_MS if self._wants_spare else None)}
        if not ready:
            self._fork_spare()
        # In this order, so that a descriptor's number never means an older worker's.
        for fate_fd in ready & self._fates.keys():
            # Nobody listens any more. The worker has not been reaped, so the process id is still its own.
            self._poll.unregister(fate_fd)
            _kill(self._fates[fate_fd])
        if self._ended.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                self._ended.recv(4096)
            self._reap()
        if self._line.fileno() in ready:
            return self._take_job()
        return True

    def _take_job(self) -> bool:
        text, fds = _receive(self._line, 3)
        if not text:
            return False
        if len(fds) == 3:
            self._start_worker(text, *fds)
        else:  # out of descriptors: the parent sees its line closed
            for fd in fds:
                os.close(fd)
        return True

    def _start_worker(self, text: bytes, line_fd: int, fate_fd: int, input_fd: int) -> None:
        self._wants_spare = True
        try:
            pid = self._hand_to_spare(text, line_fd, input_fd) or os.fork()
        except OSError:
            os.close(fate_fd)
        else:
            if pid == 0:
                os.close(fate_fd)
                self._become_worker(text, line_fd, input_fd)
            self._fates[fate_fd] = pid
            self._poll.register(fate_fd, 0)  # only that the other end was closed
        finally:
            os.close(line_fd)
            os.close(input_fd)

    def _become_worker(self, text: bytes, line_fd: int, input_fd: int) -> NoReturn:
        try:
            self._leave_server()
            child.run(wire.unpack_job(text), socket.socket(fileno=line_fd), input_fd)
        finally:
            os._exit(1)

    def _leave_server(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for inherited in (self._line, self._ended, self._ended_writer):
            inherited.close()
        for fate_fd in self._fates:
            os.close(fate_fd)
        if self._spare is not None:
            self._spare.line.close()
        silence = os.open(os.devnull, os.O_RDWR)
        os.dup2(silence, 2)  # a hostile file shall not write our log
        os.close(silence)

    def _fork_spare(self) -> None:
        self._wants_spare = False
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                return
            if pid == 0:
                ours.close()
                self._become_spare(theirs)
        self._spare = _Spare(pid, ours)

    def _become_spare(self, line: socket.socket) -> NoReturn:
        try:
            self._leave_server()
            child.rehearse()
            with line:
                text, (line_fd, input_fd) = _receive(line, 2)
            child.run(wire.unpack_job(text), socket.socket(fileno=line_fd), input_fd)
        finally:
            os._exit(1)

    def _hand_to_spare(self, text: bytes, line_fd: int, input_fd: int) -> int | None:
        """Its process id; None when there is none, or it has died."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        with spare.line:
            try:
                socket.send_fds(spare.line, [text], [line_fd, input_fd])
            except OSError:
                return None
        return spare.pid

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if self._spare is not None and self._spare.pid == pid:
                    self._spare.line.close()
                    self._spare = None
                self._tell_fate(pid, os.waitstatus_to_exitcode(status))

    def _tell_fate(self, pid: int, exit_code: int) -> None:
        fate_fd = next((fd for fd, worker in self._fates.items() if worker == pid), None)
        if fate_fd is None:
            return
        del self._fates[fate_fd]
        with contextlib.suppress(KeyError):
            self._poll.unregister(fate_fd)
        with contextlib.suppress(OSError):
            os.write(fate_fd, wire.FATE.pack(exit_code))
        os.close(fate_fd)


@dataclass(frozen=True, slots=True)
class _Spare:
    """A worker that has no job yet, and the line on which it waits for one. It ends when that is cut."""

    pid: int
    line: socket.socket


def _receive(line: socket.socket, most_fds: int) -> tuple[bytes, list[int]]:
    """A job and its descriptors; empty when the line was cut."""
    text, fds, _flags, _address = socket.recv_fds(line, wire.JOB_BYTES, most_fds)
    while text and len(text) < wire.JOB_BYTES:
        text += line.recv(wire.JOB_BYTES - len(text))
    return text, fds


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Serve on the socket whose number is the only argument."""
    # The one who stops our parent waits for its work to be done; ours is part of that.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    av.logging.set_level(None)
    gc.collect()
    gc.freeze()  # shared with the workers, never looked at again
    ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()

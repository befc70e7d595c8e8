"""The process that every decoding process is forked from: `python -m s2s.audio.forkserver FD`.

Starting Python with numpy and libav takes a third of a second of CPU; a fork of one that has them takes a few
milliseconds. It never touches a recording itself. It ends, and ends its workers, when its line to the parent is cut,
which the kernel does however the parent ends. A worker whose reader went away is killed at once.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from typing import NoReturn

import av.logging

# PyAV imports these when it first meets such a stream, and a worker can no longer open them.
import av.subtitles.stream
import av.video.stream

from s2s.audio import child, wire


class ForkServer:
    """Reads jobs from `line`, forks a worker for each, and tells how each one ended."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
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

    def _turn(self) -> bool:
        ready = {fd for fd, _event in self._poll.poll()}
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
        text, fds, _flags, _address = socket.recv_fds(self._line, wire.JOB_BYTES, 3)
        if not text:
            return False
        while len(text) < wire.JOB_BYTES:
            text += self._line.recv(wire.JOB_BYTES - len(text))
        if len(fds) == 3:
            self._start_worker(text, *fds)
        else:  # out of descriptors: the parent sees its line closed
            for fd in fds:
                os.close(fd)
        return True

    def _start_worker(self, text: bytes, line_fd: int, fate_fd: int, input_fd: int) -> None:
        try:
            pid = os.fork()
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
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for inherited in (self._line, self._ended, self._ended_writer):
                inherited.close()
            for fate_fd in self._fates:
                os.close(fate_fd)
            silence = os.open(os.devnull, os.O_RDWR)
            os.dup2(silence, 2)  # a hostile file shall not write our log
            os.close(silence)
            child.run(wire.unpack_job(text), socket.socket(fileno=line_fd), input_fd)
        finally:
            os._exit(1)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
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

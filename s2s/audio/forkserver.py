"""The process that every decoding process is forked from: `python -m s2s.audio.forkserver FD`.

Starting Python with numpy and libav takes a third of a second of CPU; a fork of one that has them takes a few
milliseconds. It never touches a recording itself. The socket is a line to the one process that it works for: when that
is cut, which the kernel does however the other ends, it ends, and ends its workers. Or the socket listens (`shared`),
and whoever connects has a line. A worker whose reader went away is killed at once.

None is forked ahead: to have the pages ready that a fork must copy or map again saves a recording 7 of 15 ms, and takes
as much memory as the fork server and half as much processor time again.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
from typing import Final, NoReturn

import av.logging

# PyAV imports these when it first meets such a stream, and a worker can no longer open them.
import av.subtitles.codeccontext
import av.subtitles.stream
import av.video.codeccontext
import av.video.stream

from s2s import loaded
from s2s.audio import child, wire

# Of a job: results, fate, input, and of a film its new sound.
_FDS: Final = (3, 4)


class ForkServer:
    """Reads jobs from its lines, gives each a worker of its own, and tells how each one ended."""

    def __init__(self, own: socket.socket) -> None:
        """`own` listens, or is the only line."""
        self._listener = own if own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) else None
        self._lines: dict[int, socket.socket] = {}
        self._fates: dict[int, int] = {}  # worker's pid by the descriptor where its fate is told
        self._ended, ended_writer = socket.socketpair()
        self._ended.setblocking(False)
        ended_writer.setblocking(False)
        self._ended_writer = ended_writer
        signal.set_wakeup_fd(ended_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._poll = select.poll()
        self._poll.register(self._ended, select.POLLIN)
        if self._listener is None:
            self._add_line(own)
        else:
            self._poll.register(self._listener, select.POLLIN)

    def serve(self) -> None:
        """Until nobody is left who could have work."""
        try:
            while self._listener is not None or self._lines:
                self._turn()
        finally:
            signal.set_wakeup_fd(-1)
            for pid in self._fates.values():
                _kill(pid)

    def _turn(self) -> None:
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
        for fd in ready & self._lines.keys():
            self._take_job(self._lines[fd])
        if self._listener is not None and self._listener.fileno() in ready:
            with contextlib.suppress(OSError):  # who wanted to connect has left
                self._add_line(self._listener.accept()[0])

    def _add_line(self, line: socket.socket) -> None:
        self._lines[line.fileno()] = line
        self._poll.register(line, select.POLLIN)

    def _take_job(self, line: socket.socket) -> None:
        text, fds = _receive(line)
        if len(fds) in _FDS and len(text) == wire.JOB_BYTES:
            self._start_worker(text, *fds)
            return
        for fd in fds:  # out of descriptors: who asks sees its own closed
            os.close(fd)
        if len(text) < wire.JOB_BYTES:
            self._poll.unregister(line)
            del self._lines[line.fileno()]
            line.close()

    def _start_worker(self, text: bytes, line_fd: int, fate_fd: int, *input_fds: int) -> None:
        try:
            pid = os.fork()
        except OSError:
            os.close(fate_fd)
        else:
            if pid == 0:
                os.close(fate_fd)
                self._become_worker(text, line_fd, *input_fds)
            self._fates[fate_fd] = pid
            self._poll.register(fate_fd, 0)  # only that the other end was closed
        finally:
            for fd in (line_fd, *input_fds):
                os.close(fd)

    def _become_worker(self, text: bytes, line_fd: int, *input_fds: int) -> NoReturn:
        try:
            self._leave_server()
            child.run(wire.unpack_job(text), socket.socket(fileno=line_fd), *input_fds)
        finally:
            os._exit(1)

    def _leave_server(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for inherited in (*self._lines.values(), self._listener, self._ended, self._ended_writer):
            if inherited is not None:
                inherited.close()
        for fate_fd in self._fates:
            os.close(fate_fd)
        silence = os.open(os.devnull, os.O_RDWR)
        os.dup2(silence, 2)  # a hostile file shall not write our log
        os.close(silence)

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


def _receive(line: socket.socket) -> tuple[bytes, list[int]]:
    """A job and its descriptors; not all of it when the line was cut."""
    text = b""
    fds: list[int] = []
    with contextlib.suppress(ConnectionError):
        text, fds, _flags, _address = socket.recv_fds(line, wire.JOB_BYTES, max(_FDS))
        while len(text) < wire.JOB_BYTES and (more := line.recv(wire.JOB_BYTES - len(text))):
            text += more
    return text, fds


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Serve on the socket whose number is the only argument."""
    # Who stops those that we work for waits for their work to be done; ours is part of that.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    av.logging.set_level(None)
    loaded.keep()
    ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()

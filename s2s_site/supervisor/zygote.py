"""The process that web, calls, cpu and beat are forked from: `python -m s2s_site.supervisor.zygote FD`.

It has loaded what they all need (a zygote, as Android and Chromium call theirs). To load that takes each a second of
processor time and 60 MB, a fork some hundredths and a third of that (bench/idle). It serves nobody, has one thread, and
opens neither database nor Redis, of which no two processes may have the same end.

FD is a socket (SOCK_SEQPACKET) whose other end the supervisor has (`forked.py`). Each message is an `Order` with three
descriptors: what becomes stdout and stderr, and where who was forked reads the word to begin. The answer is a process
id, 0 where nothing could be forked. Who was forked is a child of the supervisor, which adopts orphans
(PR_SET_CHILD_SUBREAPER, prctl(2)), and ends with it. It begins when the supervisor has heard of it: should the zygote
be killed before it answers, the supervisor starts another in its place, and there mustn't be two.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import socket
import sys
import time
from typing import TypedDict

from s2s.orphan import die_with_parent

MOST_BYTES = 128 * 1024
PID_BYTES = 8
_LOOK_S = 0.0005
# Beside our apps and their tasks. Without pages and checks, numpy and libav, which one of them needs or none.
_LOADED = (
    "celery.apps.worker",
    "celery.bin.beat",
    "celery.bin.worker",
    "celery.concurrency.prefork",
    "celery.concurrency.thread",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "granian.cli",
    "httpcore",
    "kombu.transport.redis",
)


class Order(TypedDict):
    """A module that becomes the program, its arguments, and its whole environment."""

    module: str
    arguments: list[str]
    environment: dict[str, str]


def main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    supervisor = os.getppid()
    try:
        load()
    except Exception:
        # It says nothing: what is started without it fails of the same, and says so as it always did.
        os._exit(1)
    order = _serve(line, supervisor)
    # Here is who was forked.
    sys.argv = [order["module"], *order["arguments"]]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def load() -> None:
    gc.disable()  # while all is loaded, of which nearly everything stays
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
    import django

    from s2s import loaded
    from s2s_site.celery import app

    django.setup(set_prefix=False)
    app.loader.import_default_modules()
    for name in _LOADED:
        importlib.import_module(name)
    gc.enable()
    loaded.keep()


def _serve(line: socket.socket, supervisor: int) -> Order:
    """Forks for whoever orders; returns in the processes that were forked, and in them alone."""
    while True:
        text, fds, _flags, _address = socket.recv_fds(line, MOST_BYTES, 3)
        if not text:
            os._exit(0)  # the supervisor is gone
        told, teller = os.pipe()
        middle = os.fork()
        if middle == 0 and _is_last(teller):
            os.close(told)
            line.close()
            order: Order = json.loads(text)
            _become(order, fds, supervisor)
            return order
        for fd in (*fds, teller):
            os.close(fd)
        os.waitpid(middle, 0)  # from here on who was forked is the supervisor's
        with os.fdopen(told, "rb") as answer:
            line.send(answer.read().rjust(PID_BYTES, b"\0"))


def _is_last(teller: int) -> bool:
    """Forks once more and ends, which makes the last one an orphan; true in that one, the leader of a session."""
    middle = os.getpid()
    with contextlib.suppress(OSError):  # too many processes: nobody tells anything
        if os.fork() == 0:
            os.setsid()
            os.write(teller, os.getpid().to_bytes(PID_BYTES, "big"))
            os.close(teller)
            while os.getppid() == middle:
                time.sleep(_LOOK_S)
            return True
    os._exit(0)


def _become(order: Order, fds: list[int], supervisor: int) -> None:
    die_with_parent(supervisor)
    *outputs, word = fds
    if not os.read(word, 1):
        os._exit(0)  # nobody knows of it
    os.close(word)
    for fd, place in zip((os.open(os.devnull, os.O_RDONLY), *outputs), (0, 1, 2), strict=True):
        os.dup2(fd, place)
        os.close(fd)
    os.environ.clear()
    os.environ.update(order["environment"])


if __name__ == "__main__":
    main()

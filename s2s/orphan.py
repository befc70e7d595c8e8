"""No process outlives the one that started it, even when that one is killed with SIGKILL.

Two uses. As a program, `python orphan.py <pid of the starter> command ...` ties the process to its starter and
becomes the command: so the supervisor starts its children (a `preexec_fn` is unsafe beside threads). As a module,
`exit_with_parent()` is called by workers whose parent isn't the supervisor: Granian's worker, Celery's pool processes.
It imports nothing of ours, because it also runs without the site's packages.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.5
_watched_pid: int | None = None


def exit_with_parent(parent_pid: int | None = None) -> None:
    """End this process as soon as its parent has died; `parent_pid`, when known, closes the race at the start.

    On Linux the kernel kills it. PR_SET_PDEATHSIG fires when the *thread* that created the process ends: Granian and
    Celery's pool create theirs from the main thread. Elsewhere, and as a second net, a thread looks twice a second.
    """
    global _watched_pid  # noqa: PLW0603 - a fork inherits it with another pid, which must watch its own parent
    if _watched_pid == os.getpid():
        return
    _watched_pid = os.getpid()
    parent = _creator_pid() if parent_pid is None else parent_pid
    die_with_parent(parent)
    threading.Thread(target=_watch, args=(parent,), name="exit-with-parent", daemon=True).start()


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL at the parent's death; end at once if it has died already."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent has died; whether the system can do that."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1) == 0


def _prctl(option: int, value: int) -> int:
    """prctl(2), Linux's; -1 elsewhere."""
    if sys.platform != "linux":
        return -1
    code: int = ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    return code


def _creator_pid() -> int:
    """Who created this process, also when that one has died since: pools note it at the fork."""
    creator = multiprocessing.parent_process()  # Granian's worker
    if creator is not None and creator.pid is not None:
        return creator.pid
    billiard = sys.modules.get("billiard.process")  # Celery's pool
    noted = getattr(billiard.current_process(), "_parent_pid", None) if billiard else None
    return noted if isinstance(noted, int) else os.getppid()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)


def main(arguments: list[str]) -> None:
    die_with_parent(int(arguments[0]))
    try:
        os.execvp(arguments[1], arguments[1:])  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"{arguments[1]} can't be started: {error.strerror}\n")
        os._exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])

"""What a worker does when it is told to stop.

No claims from then on. What runs may end within DRAIN_SECONDS; then calls are ended, and every step that is still ours
is given back under its lease, so that another worker takes it at once instead of after the lease. A call that may have
been billed stays an open question in the ledger. The process ends at the latest GRACE_S after DRAIN_SECONDS: its
supervisor's patience is longer than that (s2s_site/supervisor/processes.py, STOP_GRACE of docker-compose.yml).
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import threading
import time
from collections import Counter

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from conversions.queue.bells import Lane, ring
from conversions.queue.claim import LeaseLostError
from conversions.queue.handback import hand_back
from conversions.queue.leases import Lease, keeper

logger = logging.getLogger(__name__)

# What calls that were ended get to write down what became of them.
GRACE_S = 2.0
_LOOK_S = 0.2
# When it was told, on the machine's monotonic clock; shared with the processes that a prefork worker has forked: its
# main process alone hears of the shutdown.
_told = mmap.mmap(-1, 8)


def share() -> None:
    """In a worker's main process, before it forks others: what is told is this worker's alone, also where it was forked
    itself from a process that had this module."""
    global _told  # noqa: PLW0603 - one worker a process
    _told = mmap.mmap(-1, 8)


def stop() -> None:
    """Called in a signal handler, so it does no more than leave a word; `watch` reads it."""
    if not stopping():
        _told[:] = struct.pack("d", time.monotonic())


def stopping() -> bool:
    return _told_at() > 0


def watch(*, main: bool) -> None:
    """Starts the thread that sees the stop through. Once in every process of a worker; `main` ends it."""
    threading.Thread(target=_watch, args=(main,), name="draining", daemon=True).start()


def _told_at() -> float:
    at: float = struct.unpack("d", _told[:])[0]
    return at


def _watch(main: bool) -> None:
    while not stopping():
        time.sleep(_LOOK_S)
    drained_at = _told_at() + settings.DRAIN_SECONDS
    # Usually all work ends before, and Celery ends the process.
    time.sleep(max(0.0, drained_at - time.monotonic()))
    while time.monotonic() < drained_at + GRACE_S:
        end_work()
        time.sleep(_LOOK_S)
    end_work(patient=False)
    if main:
        # A thread that can't be woken (a name being resolved, a storage that hangs) would keep Celery waiting.
        logger.warning("ends with work that could not be stopped")
        os._exit(0)


def end_work(*, patient: bool = True) -> None:
    """Stops what runs in this process and gives it back; those with a call to end give it back themselves if
    `patient`, because a complete answer may just be on its way to the disk."""
    given: Counter[Lane] = Counter()
    for lease in keeper.held():
        if lease.lost or (lease.interrupt() and patient):
            continue
        lease.lose()
        if _given_back(lease):
            given[lease.claim.lane] += 1
    for lane, count in given.items():
        ring(lane, count)


def _given_back(lease: Lease) -> bool:
    try:
        close_old_connections()
        hand_back(lease.claim)
    except LeaseLostError:
        return False  # it has just ended
    except (DatabaseError, OSError) as error:
        logger.warning("step %s waits until its lease has run out: %s", lease.claim.step_id, error)
        return False
    finally:
        connection.close()
    return True

"""Keeps the leases of this process alive while it works, and tells a worker that it has lost its own."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import close_old_connections, connection

from conversions.ground.clock import db_now
from conversions.ground.connections import written_in_turn
from conversions.models import Step
from conversions.queue.claim import Claim, LeaseLostError, lease_until

logger = logging.getLogger(__name__)


class Lease:
    """A held lease. What goes on under it can be stopped from another thread, for two reasons.

    Lost: somebody else has the step, or it was cancelled. Interrupted: this worker ends; the lease is still ours, and
    the step is to be given back under it.
    """

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.token = claim.token
        self._lock = threading.Lock()
        self._lost = False
        self._interrupted = False
        self._stop_work: Callable[[], object] | None = None

    @property
    def lost(self) -> bool:
        return self._lost

    @property
    def interrupted(self) -> bool:
        return self._interrupted

    def check(self) -> None:
        """Raises LeaseLostError when the lease is gone: call it between units of work."""
        if self.lost:
            raise LeaseLostError

    @contextlib.contextmanager
    def stopping(self, stop_work: Callable[[], object]) -> Iterator[None]:
        """Inside, `stop_work` ends what is going on: it is called from another thread, and may be called twice."""
        with self._lock:
            self._stop_work = stop_work
            too_late = self._lost or self._interrupted
        if too_late:
            stop_work()
        try:
            yield
        finally:
            with self._lock:
                self._stop_work = None

    def lose(self) -> None:
        self._stop(lost=True)

    def interrupt(self) -> bool:
        """Returns whether there was something to stop, whose thread then gives the step back itself."""
        return self._stop(lost=False)

    def _stop(self, *, lost: bool) -> bool:
        with self._lock:
            if lost:
                self._lost = True
            else:
                self._interrupted = True
            stop_work = self._stop_work
        if stop_work is not None:
            stop_work()
        return stop_work is not None


class LeaseKeeper:
    """One thread of a process that renews all its leases with one UPDATE, three times in a lease."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leases: dict[uuid.UUID, Lease] = {}
        self._pid = 0
        self._wake = threading.Event()

    @contextlib.contextmanager
    def hold(self, claim: Claim) -> Iterator[Lease]:
        lease = Lease(claim)
        with self._lock:
            self._leases[claim.token] = lease
            self._ensure_thread()
        try:
            yield lease
        finally:
            with self._lock:
                self._leases.pop(claim.token, None)

    def held(self) -> list[Lease]:
        """Every lease that this process holds now."""
        with self._lock:
            return list(self._leases.values())

    def _ensure_thread(self) -> None:
        if self._pid != os.getpid():  # also after a fork, which leaves threads behind
            self._pid = os.getpid()
            threading.Thread(target=self._run, name="lease-keeper", daemon=True).start()

    def _run(self) -> None:
        while not self._wake.wait(settings.LEASE_SECONDS / 3):
            with self._lock:
                held = dict(self._leases)
            if not held:
                continue
            try:
                close_old_connections()
                self._renew(held)
            except Exception:
                # The leases run on; if the database stays away they expire and the work is done again.
                logger.exception("leases could not be renewed")
            finally:
                connection.close()

    def _renew(self, held: dict[uuid.UUID, Lease]) -> None:
        steps = Step.objects.filter(lease_token__in=held, status=Step.Status.RUNNING)
        with written_in_turn():  # at SQLite's lock, threads that write one after the other would let it wait too long
            steps.update(lease_until=lease_until(db_now()))
        alive = set(steps.values_list("lease_token", flat=True))
        for token, lease in held.items():
            # A lease that was given back since `held` was copied isn't lost: nobody listens to it any more.
            if token not in alive:
                lease.lose()


keeper = LeaseKeeper()

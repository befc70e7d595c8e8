"""What a worker does when a bell rings: claim, work, look again; until nothing is left or it is told to stop."""

from __future__ import annotations

import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, connection

from conversions.ground.connections import give_back
from conversions.ground.trouble import Spell, is_of_database
from conversions.queue import failures
from conversions.queue.bells import Lane, ring
from conversions.queue.claim import Claim, LeaseLostError, claim
from conversions.queue.handback import hand_back
from conversions.queue.leases import Lease, keeper
from conversions.queue.reserve import places
from conversions.steps import STEPS
from conversions.upkeep import draining
from s2s.audio import AudioError
from s2s.client import Aborted, Unclear

logger = logging.getLogger(__name__)
_spell = Spell(logger, "the database takes nothing, work waits for it", "the database takes work again")
REFUSED_PAUSE_S = 1.0

# Fewer than the pool has threads, so that sweeps are never kept waiting by long calls.
_hands = threading.BoundedSemaphore(settings.CALLS_CONCURRENCY)
# They would wait for each other at the endpoint's row anyway.
_claiming = threading.Lock()


def drain(lane: Lane) -> None:
    """Works on `lane` until nothing may start."""
    if not _hands.acquire(blocking=False):
        return  # every hand is busy, and looks again before it rests
    try:
        while (found := _next(lane)) is not None:
            if not found.is_long:
                places.leave()
            work(found)
        _spell.over()
    except DatabaseError as error:
        if not is_of_database(error):
            raise
        _spell.met(error)  # the sweeper rings until it takes something again
    finally:
        places.leave()
        try:
            give_back()
        finally:
            _hands.release()


def _next(lane: Lane) -> Claim | None:
    if not _claiming.acquire(blocking=False):
        give_back()  # nobody waits for the others with a connection in the hand that they need
        _claiming.acquire()
    try:
        return None if draining.stopping() else claim(lane, may_be_long=places.take())
    finally:
        _claiming.release()


def work(claim: Claim) -> None:
    """One step under its lease. Never raises what the failure policy knows."""
    try:
        with keeper.hold(claim) as lease:
            try:
                STEPS[claim.kind](claim, lease)
            except LeaseLostError:
                raise
            except Exception as error:
                lease.check()
                _settle(error, claim, lease)
    except LeaseLostError:
        logger.info("step %s is no longer ours (attempt %s)", claim.step_id, claim.attempt)


def _settle(error: Exception, claim: Claim, lease: Lease) -> None:
    is_our_doing = isinstance(error, Aborted | Unclear) or (
        isinstance(error, AudioError) and error.code == "decoder_lost"
    )
    if lease.interrupted and is_our_doing:
        # We ended the call or the decoder ourselves: no failure of anybody's, so another worker goes on at once.
        hand_back(claim)
        ring(claim.lane)
    else:
        _apply_patiently(error, claim)


def _apply_patiently(error: Exception, claim: Claim) -> None:
    """Where the database takes nothing, nobody else could take the step up either, and a lease that runs out would
    count as an attempt. Raises LeaseLostError."""
    verdict = None
    while True:
        try:
            verdict = verdict or failures.judge(error, claim)
            failures.apply(verdict, claim)
            return
        except DatabaseError as refusal:
            if not is_of_database(refusal) or draining.stopping():
                raise
            _spell.met(refusal)
        connection.close()
        time.sleep(REFUSED_PAUSE_S)

"""What a worker does when the bell for voices rings: takes up what is due, one after the other."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError

from conversions.ground.connections import give_back
from conversions.ground.trouble import Spell, is_of_database
from conversions.queue import enrolments
from conversions.queue.bells import ring_for_voices
from conversions.queue.claim import LeaseLostError
from conversions.steps import enrol
from conversions.upkeep import draining

logger = logging.getLogger(__name__)
_spell = Spell(logger, "the database takes nothing, voices wait for it", "the database takes voices again")

# An endpoint that is slow keeps one, and the next voice has the other.
_hands = threading.BoundedSemaphore(2)


def drain() -> None:
    """Works until nothing is due."""
    if not _hands.acquire(blocking=False):
        return
    try:
        while not draining.stopping() and (enrolment := enrolments.claim()) is not None:
            try:
                enrol.work(enrolment)
            except LeaseLostError:
                logger.info("voice %s is no longer what was begun", enrolment.pk)
                enrolments.leave(enrolment)
        _spell.over()
    except DatabaseError as error:
        if not is_of_database(error):
            raise
        _spell.met(error)
    finally:
        try:
            give_back()
        finally:
            _hands.release()


def ring_for_due() -> None:
    """Of the sweep: a bell may have been lost, an endpoint is back, or a worker has vanished."""
    if enrolments.due().exists():
        ring_for_voices()

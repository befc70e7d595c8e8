"""How much of a long step is done, and what of it can be heard, noted now and then for who watches."""

from __future__ import annotations

import time
from typing import Final

from django.db import DatabaseError, close_old_connections

from conversions.ground.connections import give_back, written_in_turn
from conversions.models import Step
from conversions.queue.claim import Claim

NOTE_EVERY_S: Final = 5.0


class Share:
    """Of a `whole`, in whatever it is counted."""

    def __init__(self, claim: Claim, whole: int) -> None:
        self._claim = claim
        self._whole = max(1, whole)
        self._done = 0
        self._noted_at = time.monotonic()

    def add(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._noted_at < NOTE_EVERY_S:
            return
        note(self._claim, share=min(self._done / self._whole, 1.0))
        self._noted_at = time.monotonic()


def note(claim: Claim, **fields: object) -> None:
    """Of its step, as long as that is ours. That it can't be said ends no work."""
    try:
        with written_in_turn():
            Step.objects.filter(pk=claim.step_id, lease_token=claim.token).update(**fields)
    except DatabaseError:
        close_old_connections()
    give_back()

"""A step that its worker can't finish goes back into the queue, or has its result."""

from __future__ import annotations

import logging
from contextlib import suppress

from django.conf import settings
from django.utils.translation import gettext as _

from conversions.files import beginnings, durable
from conversions.ground.clock import db_now
from conversions.models import Call, Event, Failure, Step, log
from conversions.queue import calls, outcomes
from conversions.queue.claim import Claim

logger = logging.getLogger(__name__)


def hand_back(claim: Claim, *, if_expired: bool = False) -> None:
    """What becomes of a step that its worker can't finish. Raises LeaseLostError if it isn't held so.

    A stored result is adopted, everything else waits again. A call that was sent to an endpoint that bills is an open
    question from then on: the next worker searches the endpoint's history instead of calling (steps/reconcile).

    `if_expired`: its worker has vanished, if it hasn't renewed the lease by now. Where that has happened too often
    (whatever is done for it ends its worker, and all that goes on in there) the step fails.
    """
    result = durable.find_result(claim.conversion_id, claim.step_id) if claim.endpoint_id is not None else None
    if result is not None:
        calls.record_result(claim, result, kind=Event.Kind.ADOPTED)
    else:
        _give_up(claim, if_expired=if_expired)
    if claim.kind is Step.Kind.CONVERT and claim.is_long:
        with suppress(OSError):  # the next attempt clears it away too
            beginnings.forget(durable.result_key(claim.conversion_id, claim.step_id, claim.attempt, claim.token))


def _give_up(claim: Claim, *, if_expired: bool) -> None:
    sent = Call.objects.filter(token=claim.token, outcome=Call.Outcome.SENT)
    hopeless = _hopeless(claim) if if_expired else None
    status = Step.Status.FAILED if hopeless else Step.Status.WAITING
    with outcomes.ended(claim, status, if_expired=if_expired, not_before=db_now()) as conversion:
        lost: dict[str, object] = {"outcome": Call.Outcome.UNCLEAR, "error": "its worker vanished"}
        if not claim.billed:
            lost["credits"] = 0
        sent.update(**lost)
        log(conversion, Event.Kind.INTERRUPTED, attempt=claim.attempt, piece=outcomes.piece_of(claim))
        if hopeless is not None:
            outcomes.failed(claim, conversion, hopeless)
    logger.warning("step %s lost its worker, it is %s", claim.step_id, status)


def _hopeless(claim: Claim) -> Failure | None:
    if claim.attempt < settings.MAX_ATTEMPTS:
        return None
    words = _("Its worker stopped in the middle, and we tried %d times. Your recording is safe; press Retry to go on.")
    return Failure("worker_lost", words % claim.attempt)

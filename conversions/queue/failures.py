"""The failure policy: what an error of a step means for it, and what becomes of it.

| what happened                                  | what follows                                            |
|------------------------------------------------|---------------------------------------------------------|
| 429, 500, 503 before any body                  | tried again by itself, with back-off and jitter         |
| the answer was lost, endpoint doesn't bill     | tried again by itself; a long recording once            |
| it took too long (see `limits.py`)             | the same as below where it bills; else failed, with     |
|                                                | words: work is never begun again for being long         |
| its answer has no end (see `limits.py`)        | the same                                                |
| the answer was lost, endpoint bills            | its history is searched; else unclear: a person decides |
| key refused, credits used up                   | its endpoint pauses, it waits; not an attempt           |
| 429, as many requests as the endpoint takes    | fewer slots, tried again; not an attempt                |
| no connection                                  | tried again by itself; not an attempt                   |
| its endpoint is silent (see voices/breaker.py) | it waits until that is over; what was sent is an attempt|
| request refused                                | failed, with words                                      |
| the recording can't be converted               | failed, with words                                      |
| the storage of files is away, a disk is full   | it waits until that is over; not an attempt             |
| the database is away or full                   | it waits until that is over; not an attempt             |
| anything unforeseen                            | tried again a few times, then failed                    |

Which status is which of the errors: `s2s/client/statuses.py`.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground.trouble import is_full, is_of_database
from conversions.models import Failure, Step
from conversions.queue import gate, limits, outcomes
from conversions.queue.claim import Claim
from s2s.audio import AudioError
from s2s.client import AccountProblem, Busy, EndpointError, NotSent, Unclear

logger = logging.getLogger(__name__)

BACKOFF_FIRST_S = 1.0
BACKOFF_MOST_S = 120.0
UNFORESEEN_ATTEMPTS = 3
# Of a long recording whose answer was lost: each has taken as long as the recording, and its endpoint away from others.
LONG_ATTEMPTS = 2
STORAGE_LOOK_S = 15.0
ROOM_BYTES = 1 << 20  # a disk that is as good as full still takes a few bytes


class StepError(Exception):
    """A step found that it can't be done, or not yet; the sentence is for people."""

    def __init__(
        self,
        code: str,
        words: str,
        *,
        retry_after_s: float | None = None,
        status: Step.Status = Step.Status.FAILED,
        counted: bool = True,
    ) -> None:
        super().__init__(words)
        self.failure = Failure(code, words)
        self.retry_after_s = retry_after_s
        self.status = status
        self.counted = counted  # as an attempt


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry_after_s` None: the step ends as `status`.

    `with_endpoint`: where all recordings of the endpoint wait, this one waits with them. `counted`: as an attempt,
    which whatever was really sent is, whoever is to blame. `error` is what was judged.
    """

    failure: Failure
    retry_after_s: float | None = None
    status: Step.Status = Step.Status.FAILED
    with_endpoint: bool = False
    counted: bool = True
    error: Exception | None = None


def backoff_s(attempt: int) -> float:
    """Doubles from one second to two minutes, jittered on its upper half (AWS, "Exponential Backoff And Jitter")."""
    return _jittered(min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2 ** min(attempt - 1, 10)))


def _jittered(most_s: float) -> float:
    return most_s / 2 + random.uniform(0, most_s / 2)  # noqa: S311


def judge(error: Exception, claim: Claim) -> Verdict:
    """What follows from `error` in a step. Changes nothing."""
    place = _place_error(error, billed=claim.billed)
    if is_of_database(error):
        verdict = _away("database_away", _("The database takes nothing at the moment."))
    elif is_full(place) or (place is not None and not durable.are_there(ROOM_BYTES)):
        verdict = _storage_away()
    else:
        verdict = _judged(error, claim)
    return replace(verdict, error=error)


def _place_error(error: Exception, *, billed: bool) -> OSError | None:
    """Also what a step says of a missing file: where the storage is away, all of them are missing. And of an answer
    that could not be kept, unless somebody paid for it: then it is looked for."""
    is_told = isinstance(error, StepError) or (isinstance(error, Unclear) and error.code == "not_stored" and not billed)
    cause = error.__cause__ if is_told else error
    return cause if isinstance(cause, OSError) else None


def _storage_away() -> Verdict:
    return _away("storage_away", _("The storage of recordings does not answer."))


def _away(code: str, words: str) -> Verdict:
    return Verdict(Failure(code, words), retry_after_s=_jittered(STORAGE_LOOK_S), counted=False)


def _judged(error: Exception, claim: Claim) -> Verdict:
    match error:
        case StepError():
            return Verdict(error.failure, error.retry_after_s, error.status, counted=error.counted)
        case AudioError(code="decoder_lost"):
            return _again(error, claim, None, most=UNFORESEEN_ATTEMPTS)
        case AudioError():
            return Verdict(Failure(error.code, str(error)))
        case NotSent() | AccountProblem() | Busy(kind="too_many_concurrent_requests"):
            return _not_counted(error, claim)
        case Busy():
            return _again(error, claim, error.retry_after_s)
        case Unclear(code="deadline" | "read_timeout" | "too_large") if not claim.billed:
            return Verdict(Failure(error.code or "", limits.words(error)))
        case Unclear() if not claim.billed:
            return _again(error, claim, None, most=LONG_ATTEMPTS if claim.is_long else None)
        case Unclear():
            # The call stays an open question in the ledger; the next claim looks for its answer (steps/reconcile).
            words = _("The answer of the endpoint was lost. Its history is searched before anything is sent again.")
            return Verdict(Failure("lost", words), retry_after_s=settings.LOOKUP_SECONDS[0])
        case EndpointError():
            words = _(
                "%(problem)s Your recording is safe. Choose another voice or other settings, or ask your admin."
            ) % {"problem": error}
            return Verdict(Failure(error.code or "rejected", words))
        case _:
            logger.error("step %s failed unforeseen", claim.step_id, exc_info=error)
            return _again(error, claim, None, most=UNFORESEEN_ATTEMPTS)


def _again(error: Exception, claim: Claim, retry_after_s: float | None, *, most: int | None = None) -> Verdict:
    code = (error.code or "busy") if isinstance(error, EndpointError) else "unforeseen"
    if claim.attempt >= (most or settings.MAX_ATTEMPTS):
        problem = error.happened if isinstance(error, EndpointError) else _("Something unforeseen went wrong here.")
        words = _("%(problem)s We tried %(count)d times. Your recording is safe; press Retry to go on.") % {
            "problem": problem,
            "count": claim.attempt,
        }
        return Verdict(Failure(code, words))
    # Where it is tried again without asking anybody, nothing is billed.
    words = error.happened if isinstance(error, EndpointError) else _("Something went wrong here; it is tried again.")
    delay_s = max(retry_after_s or 0, backoff_s(claim.attempt))
    return Verdict(Failure(code, words), retry_after_s=delay_s, with_endpoint=True)


def _not_counted(error: EndpointError, claim: Claim) -> Verdict:
    """Nothing was converted, and that is not for the recording to answer for."""
    delay_s = max(error.retry_after_s or 0, backoff_s(claim.attempt))
    return Verdict(Failure(error.code or "busy", str(error)), delay_s, with_endpoint=True, counted=False)


def apply(verdict: Verdict, claim: Claim) -> None:
    """Writes the verdict, the endpoint's health first: or the step would be claimed again in between.

    Raises LeaseLostError when the step is not ours any more.
    """
    hold = gate.failed(claim, verdict.error) if verdict.error is not None else None
    if verdict.retry_after_s is None:
        outcomes.fail(claim, verdict.failure, status=verdict.status)
    elif hold is not None and verdict.with_endpoint:
        delay_s = max(hold.delay_s, verdict.retry_after_s)
        outcomes.wait_again(claim, delay_s, hold.failure, counted=verdict.counted)
    else:
        outcomes.wait_again(claim, verdict.retry_after_s, verdict.failure, counted=verdict.counted)

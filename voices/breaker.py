"""When an endpoint is paused by its own answers, and how it comes back.

    open --- STRIKES failures in a row ---> silent  \\
    open --- key or account refused ------> account  } --- a good look ---> trial --- a good answer ---> open

Of a recording that was sent only the first failure in a row is a strike: one that breaks the endpoint again and again
says something about itself, and keeps nobody else back. A connection that doesn't come about has nothing to do with
the recording, so each counts.

While it is paused nothing is sent there. `probes.py` looks at it, which costs nothing; after a good look one recording
is let through, because an endpoint may list its voices and still fail at converting. Every change is a conditional
UPDATE on the database's clock, so any number of workers may bring the same news at once. A good answer writes nothing
but, every few seconds, its time.
"""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from enum import Enum

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat, Now

from s2s.client import Aborted, AccountProblem, Busy, EndpointError, NotSent, Rejected, Unclear
from s2s.client.said import one_line
from voices.models import Endpoint

logger = logging.getLogger(__name__)

STRIKES = 5
RECORDING_CHARACTERS = 40
LOOK_FIRST_S = 5.0
# Somebody has to act on an account: it is looked at less often.
LOOK_MOST_S = {Endpoint.PauseCode.SILENT: 120.0, Endpoint.PauseCode.ACCOUNT: 300.0}
# How long a trial is waited for before the endpoint is looked at again, and another recording let through: its worker
# may have died, or it is a long one.
TRIAL_PATIENCE = timedelta(seconds=120)
GOOD_EVERY = timedelta(seconds=3)

_CREDITS = frozenset({"quota_exceeded", "insufficient_credits", "payment_required"})
_KEY = frozenset({"invalid_api_key", "missing_permissions"})
# Calls that we ended ourselves, or that our own disk did, tell nothing about the endpoint.
_OUR_OWN = frozenset({"aborted", "source", "pool_timeout"})

_OPEN: dict[str, object] = {
    "pause_code": "",
    "pause_reason": "",
    "pause_words": "",
    "paused_at": None,
    "probe_at": None,
    "probes": 0,
    "trial": False,
    "strikes": 0,
    "struck_by": "",
}


class Sign(Enum):
    """What a failed call says about its endpoint, besides what it means for its recording."""

    STRIKE = "strike"  # it was silent or broken
    ACCOUNT = "account"  # it refused all that we send
    CROWDED = "crowded"  # it has as many of our requests as it takes


def sign_of(error: EndpointError) -> Sign | None:
    if error.code in _OUR_OWN:
        return None
    match error:
        case AccountProblem():
            return Sign.ACCOUNT
        case Busy(kind="too_many_concurrent_requests"):
            return Sign.CROWDED
        case Busy(status_code=429):
            return None  # it answers, only not now
        case NotSent() | Busy() | Unclear():
            return Sign.STRIKE
    return None


def takes_work() -> Q:
    """Endpoints that may be given a recording now. See `Endpoint.held`."""
    rested = Q(rest_until=None) | Q(rest_until__lte=Now())
    return Q(paused=False) & (Q(pause_code="") | Q(trial=True)) & rested


# ---- what calls tell ----


def is_told_something(*, trial: bool) -> Q:
    """Endpoints to which a good answer is news: `went_well` does nothing to the others."""
    return Q(strikes__gt=0) | _reopens(trial) | Q(last_good_at=None) | Q(last_good_at__lt=Now() - GOOD_EVERY)


def went_well(endpoint_id: int, *, trial: bool = False) -> bool:
    """A call was answered. True if that opened the endpoint again."""
    this = Endpoint.objects.filter(pk=endpoint_id)
    if not this.filter(is_told_something(trial=trial)).exists():
        return False
    this.update(last_good_at=Now(), strikes=0, struck_by="")
    return _open(this.filter(_reopens(trial)))


def _reopens(trial: bool) -> Q:
    # A call that was sent before the account was refused says nothing about it now.
    return ~Q(pause_code="") if trial else Q(pause_code=Endpoint.PauseCode.SILENT)


def failed(endpoint_id: int, error: EndpointError, recording: str, *, trial: bool = False) -> None:
    """A call failed. `recording`: whose, in up to `RECORDING_CHARACTERS` without a space; the same of all its takes.

    `trial`: it was the one that was let through while the endpoint is paused.
    """
    this = Endpoint.objects.filter(pk=endpoint_id)
    sign = sign_of(error)
    if sign is Sign.STRIKE:
        _strike(endpoint_id, error, recording)
    elif sign is Sign.ACCOUNT:
        pause_for_account(endpoint_id, error)
    if not trial:
        return
    if isinstance(error, Rejected):
        _open(this)  # it is about this recording alone: the endpoint works
    elif isinstance(error, Aborted) or error.code in _OUR_OWN:
        trial_came_to_nothing(endpoint_id)
    else:
        look_later(endpoint_id)


def _strike(endpoint_id: int, error: EndpointError, recording: str) -> None:
    healthy = Endpoint.objects.filter(pk=endpoint_id, pause_code="")
    if isinstance(error, NotSent):
        healthy.update(strikes=F("strikes") + 1)
    else:
        name = f"{recording} "
        others = healthy.filter(strikes__lt=STRIKES).exclude(struck_by__contains=name)
        others.update(strikes=F("strikes") + 1, struck_by=Concat("struck_by", Value(name)))
    silent = Endpoint.PauseCode.SILENT
    _pause(healthy.filter(strikes__gte=STRIKES), silent, "", error)


def pause_for_account(endpoint_id: int, error: EndpointError) -> None:
    this, code = Endpoint.objects.filter(pk=endpoint_id), Endpoint.PauseCode.ACCOUNT
    reason = _reason(error)
    if not _pause(this.exclude(pause_code=code), code, reason, error):
        # A new key may bring another reason: an account without credits.
        this.filter(pause_code=code).exclude(pause_reason=reason).update(
            pause_reason=reason, pause_words=technical(error)
        )


def _pause(endpoints: QuerySet[Endpoint], code: Endpoint.PauseCode, reason: str, error: EndpointError) -> bool:
    paused = endpoints.update(
        pause_code=code,
        pause_reason=reason,
        pause_words=technical(error),
        paused_at=Now(),
        probe_at=Now() + look_after(code, 0),
        probes=0,
        trial=False,
        strikes=0,
        struck_by="",
    )
    if paused:
        logger.warning("an endpoint is paused (%s): %s", code, technical(error))
    return bool(paused)


def _reason(error: EndpointError) -> Endpoint.PauseReason:
    if error.code in _CREDITS:
        return Endpoint.PauseReason.CREDITS
    if error.code in _KEY or error.status_code == 401:
        return Endpoint.PauseReason.KEY
    return Endpoint.PauseReason.CREDITS if error.status_code == 402 else Endpoint.PauseReason.OTHER


def technical(error: EndpointError) -> str:
    """For the admin: what the endpoint said. "401 invalid_api_key: Invalid API key." """
    head = " ".join(str(part) for part in (error.status_code, error.code) if part)
    return one_line(": ".join(part for part in (head, error.message) if part) or error.happened, 300)


# ---- the way back ----


def resume(endpoint_id: int) -> bool:
    """An admin says that it works again."""
    return _open(Endpoint.objects.filter(pk=endpoint_id))


def _open(endpoints: QuerySet[Endpoint]) -> bool:
    opened = bool(endpoints.exclude(pause_code="").update(**_OPEN))
    if opened:
        logger.warning("an endpoint takes recordings again")
    return opened


def seen_well(endpoint_id: int) -> None:
    """It answered a question that costs nothing. That it has credits is not seen by that: it is asked at once."""
    this = Endpoint.objects.filter(pk=endpoint_id)
    this.filter(pause_reason=Endpoint.PauseReason.CREDITS).update(probe_at=Now())
    this.filter(trial=False).exclude(pause_code="").exclude(pause_reason=Endpoint.PauseReason.CREDITS).update(
        trial=True
    )


def offer_trial(endpoint_id: int) -> None:
    """It looks well: the next recording that waits for it may try."""
    Endpoint.objects.filter(pk=endpoint_id, trial=False).exclude(pause_code="").update(trial=True)


def trial_taken(endpoint_id: int) -> None:
    """Within the transaction that gives a recording to a paused endpoint and holds its row."""
    Endpoint.objects.filter(pk=endpoint_id).update(trial=False, probe_at=Now() + TRIAL_PATIENCE)


def trial_came_to_nothing(endpoint_id: int) -> None:
    """What was let through never reached the endpoint: let another one through."""
    offer_trial(endpoint_id)


def look_later(endpoint_id: int) -> None:
    """The trial failed: the next look comes later than the last one did."""
    for code, probes in Endpoint.objects.filter(pk=endpoint_id).values_list("pause_code", "probes"):
        if code:
            after = look_after(Endpoint.PauseCode(code), probes)
            Endpoint.objects.filter(pk=endpoint_id, pause_code=code).update(trial=False, probe_at=Now() + after)


def look_now(endpoints: QuerySet[Endpoint]) -> None:
    """Something may have changed, such as a key."""
    endpoints.exclude(pause_code="").update(probe_at=Now())


def look_after(code: Endpoint.PauseCode, probes: int) -> timedelta:
    """Doubles from five seconds with each look that found nothing good, jittered on its upper half."""
    top_s = min(LOOK_MOST_S[code], LOOK_FIRST_S * 2 ** min(probes, 10))
    return timedelta(seconds=top_s / 2 + random.uniform(0, top_s / 2))  # noqa: S311

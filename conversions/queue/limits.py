"""How long a call may take, how long its endpoint may say nothing meanwhile, and how much it may send.

Two limits of time, because an endpoint of the contract may be silent until it is finished: silence alone says little,
and one that sends byte after byte for ever is never silent. They grow with the recording, but for how long a call that
bills may take. A host that has vanished is found by TCP (`s2s/client/abort.py`), long before any.
"""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from conversions.models import Conversion
from conversions.queue.claim import Claim
from conversions.words.lengths import asked_speed
from s2s.client import EndpointError, Timeouts, said


def timeouts(claim: Claim) -> Timeouts:
    """Of the call. What is billed has a deadline that doesn't grow: its answer is searched for by it."""
    longer_s = settings.CALL_TIMES_LENGTH * claim.seconds
    deadline_s = settings.CALL_DEADLINE_S + (0.0 if claim.billed else longer_s)
    return Timeouts(read_s=min(settings.CALL_SILENCE_S + longer_s, deadline_s), total_s=deadline_s)


def most_bytes(seconds: float, conversion: Conversion) -> int:
    """Of what an endpoint says became of so much of it."""
    return said.most_bytes(seconds / asked_speed(conversion))


def words(error: EndpointError) -> str:
    """Why a call came to one of the limits, for who can't set it and for who can."""
    if error.code == "too_large":
        return _(
            "%(problem)s Nothing of it is kept. Your recording is safe. Ask your admin to look at the endpoint, or "
            "choose a voice of another one."
        ) % {"problem": error.happened}
    setting = "CALL_DEADLINE_S" if error.code == "deadline" else "CALL_SILENCE_S"
    return _(
        "%(problem)s It isn't begun again by itself, because it would take as long again. Your recording is safe. "
        "Ask your admin to look at the endpoint or to give it more time (%(setting)s, CALL_TIMES_LENGTH), then press "
        "Retry; or use a shorter recording."
    ) % {"problem": error.happened, "setting": setting}

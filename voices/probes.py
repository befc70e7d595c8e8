"""Looks at paused endpoints now and then: by questions that cost nothing, less and less often."""

from __future__ import annotations

import logging

from django.db import connection
from django.db.models.functions import Now

from s2s.client import AccountProblem, EndpointError, Rejected
from voices import breaker, slots
from voices.clients import client_for
from voices.models import Endpoint

logger = logging.getLogger(__name__)

DEADLINE_S = 10.0
_MOST_PROBES = 100  # counted no further: the back-off has long reached its end


def watch() -> None:
    """What beat rings for every few seconds. Safe when two run at once."""
    slots.widen_due()
    for endpoint in Endpoint.objects.exclude(pause_code="").filter(probe_at__lte=Now()):
        if _claim(endpoint):
            look(endpoint)


def _claim(endpoint: Endpoint) -> bool:
    """Moves the next look ahead before this one; of two that want to look, one does."""
    probes = min(endpoint.probes + 1, _MOST_PROBES)
    after = breaker.look_after(Endpoint.PauseCode(endpoint.pause_code), probes)
    mine = Endpoint.objects.filter(pk=endpoint.pk, pause_code=endpoint.pause_code, probe_at__lte=Now())
    return mine.update(probe_at=Now() + after, probes=probes) == 1


def look(endpoint: Endpoint) -> None:
    """Offers a trial if the endpoint answers as it should, and withdraws an offer that nobody took if it doesn't."""
    try:
        well = _answers_well(endpoint)
    except EndpointError as error:
        logger.info("endpoint %s is not well yet: %s", endpoint.key, breaker.technical(error))
        if isinstance(error, AccountProblem):
            breaker.pause_for_account(endpoint.pk, error)
        well = False
    if well:
        breaker.offer_trial(endpoint.pk)
    else:
        Endpoint.objects.filter(pk=endpoint.pk).update(trial=False)


def _answers_well(endpoint: Endpoint) -> bool:
    """Raises an EndpointError."""
    client = client_for(endpoint)
    connection.close()  # never held over a call
    if endpoint.pause_reason == Endpoint.PauseReason.CREDITS:
        try:
            return client.subscription(retries=0, deadline_s=DEADLINE_S).characters_left > 0
        except (AccountProblem, Rejected):
            # A key may convert and not be allowed to read this: only a recording can tell then.
            logger.info("endpoint %s does not tell its credits", endpoint.key)
    client.ping(deadline_s=DEADLINE_S)
    return True

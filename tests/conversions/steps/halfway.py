"""A call whose answer has come half: the rest waits until the endpoint is released."""

from __future__ import annotations

import threading
from dataclasses import replace

from django.db import connections

from conversions.models import Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from tests.conversions.pieces import SPEAKS
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.product import wait_for

HALF = replace(SPEAKS, most_s=None, hold_body=True)


def begin(scripted: ScriptedEndpoint) -> threading.Thread:
    """Its worker, which ends once `scripted` is released."""
    read = claim(Lane.CPU)
    if read is not None:
        work(read)
    found = claim(Lane.CALLS)
    assert found is not None

    def as_a_worker() -> None:
        work(found)
        connections.close_all()

    worker = threading.Thread(target=as_a_worker)
    worker.start()
    wait_for(lambda: scripted.held == 1, "half of the answer is there")
    return worker


def step_of(conversion: Conversion) -> Step:
    """That of its call."""
    return conversion.steps.get(kind=Step.Kind.CONVERT)

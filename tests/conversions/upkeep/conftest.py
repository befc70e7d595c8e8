"""A step whose worker is gone, and a lease that has run out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversions.ground.clock import db_now
from conversions.models import Step
from conversions.queue.bells import Lane
from conversions.queue.claim import Claim, claim
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit


@pytest.fixture
def claimed(submit: Submit) -> Claim:
    """A convert step whose worker vanishes right after claiming it."""
    submit()
    work(claim(Lane.CPU))
    found = claim(Lane.CALLS)
    assert found is not None
    return found


def expire(claim: Claim) -> None:
    Step.objects.filter(pk=claim.step_id).update(lease_until=db_now() - timedelta(seconds=1))

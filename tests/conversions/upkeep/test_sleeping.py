"""A machine that slept, or that stood still: whose leases ran out meanwhile, and who is alive all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from conversions.ground import notes
from conversions.ground.clock import db_now
from conversions.models import Step
from conversions.queue.claim import Claim
from conversions.queue.leases import Lease, keeper
from conversions.upkeep import sweeper, vitals
from tests.conversions.upkeep.conftest import expire

pytestmark = pytest.mark.django_db(transaction=True)


def swept(seconds_ago: float) -> None:
    notes.write("sweep", {"at": (db_now() - timedelta(seconds=seconds_ago)).isoformat()})


def test_a_lease_that_ran_out_while_nobody_swept_has_time_to_be_renewed(
    claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine slept for a minute, and its worker with it."""
    swept(60)
    expire(claimed)
    assert sweeper.recover() == 0
    vitals.note_sweep()
    assert sweeper.recover() == 0  # the next sweep comes before the worker's third of a lease is over
    vitals.note_sweep()
    keeper._renew({claimed.token: Lease(claimed)})
    later = db_now() + timedelta(seconds=settings.LEASE_SECONDS / 2 + 1)
    monkeypatch.setattr(sweeper, "db_now", lambda: later)
    assert sweeper.recover() == 0
    monkeypatch.undo()
    expire(claimed)  # this time while somebody swept
    swept(1)
    assert sweeper.recover() == 1


def test_a_worker_that_does_not_come_back_from_it_is_lost_half_a_lease_later(
    claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept(60)
    expire(claimed)
    assert sweeper.recover() == 0
    vitals.note_sweep()
    later = db_now() + timedelta(seconds=settings.LEASE_SECONDS / 2 + 1)
    monkeypatch.setattr(sweeper, "db_now", lambda: later)
    notes.write("sweep", {**notes.read("sweep")[0], "at": later.isoformat()})
    assert sweeper.recover() == 1


def test_sweeps_that_are_always_late_keep_nothing_for_ever(claimed: Claim) -> None:
    swept(60)
    expire(claimed)
    vitals.note_sweep()
    Step.objects.filter(pk=claimed.step_id).update(lease_until=db_now() - timedelta(seconds=70))
    swept(60)
    assert sweeper.recover() == 1

"""Celery's entry points. A task carries no id: it is a bell, the database knows what there is to do."""

from __future__ import annotations

from celery import shared_task

from conversions.queue.bells import Lane
from conversions.upkeep import alarms, enrolling, housekeeping, mailing, retention, sweeper, vitals, worker


@shared_task
def work_calls() -> None:
    worker.drain(Lane.CALLS)


@shared_task
def work_cpu() -> None:
    worker.drain(Lane.CPU)


@shared_task
def work_voices() -> None:
    enrolling.drain()


def watch() -> None:
    """Raises the alarms that are due, then leaves the note by which others see that somebody sweeps."""
    alarms.watch(vitals.vitals())
    vitals.note_sweep()


SWEEP = (
    sweeper.recover,
    sweeper.close_lost_calls,
    retention.erase_due,
    retention.erase_deleted,
    retention.forget_recordings,
    sweeper.ring_for_waiting,
    enrolling.ring_for_due,
    watch,
)


@shared_task
def sweep() -> None:
    sweeper.sweep(SWEEP)


@shared_task
def housekeep() -> None:
    housekeeping.housekeep()


@shared_task
def tell() -> None:
    mailing.tell()

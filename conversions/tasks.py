"""Celery's entry points. A task carries no id: it is a bell, the database knows what there is to do."""

from __future__ import annotations

from celery import shared_task

from conversions.queue.bells import Lane
from conversions.upkeep import housekeeping, mailing, sweeper, worker


@shared_task
def work_calls() -> None:
    worker.drain(Lane.CALLS)


@shared_task
def work_cpu() -> None:
    worker.drain(Lane.CPU)


@shared_task
def sweep() -> None:
    sweeper.sweep()


@shared_task
def housekeep() -> None:
    housekeeping.housekeep()


@shared_task
def tell() -> None:
    mailing.tell()

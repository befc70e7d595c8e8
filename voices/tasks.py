"""Celery's entry points for the catalogue and for paused endpoints."""

from __future__ import annotations

from celery import shared_task

from voices import catalogue, probes


@shared_task
def sync_catalogues() -> None:
    catalogue.sync_due()


@shared_task
def watch_endpoints() -> None:
    probes.watch()

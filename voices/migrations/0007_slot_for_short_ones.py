"""The local engine still gets a long recording for every core, now that one slot is kept for short ones."""

from __future__ import annotations

import os

from django.db import migrations


def _slots(apps, before, now):
    """What an admin has set stays: only what the first start wrote is changed."""
    endpoints = apps.get_model("voices", "Endpoint").objects.filter(key="local", billed=False)
    endpoints.filter(slots=before).update(slots=now)


def add(apps, schema_editor):
    cores = os.cpu_count() or 1
    _slots(apps, cores, cores + 1)


def take_away(apps, schema_editor):
    cores = os.cpu_count() or 1
    _slots(apps, cores + 1, cores)


class Migration(migrations.Migration):
    dependencies = [("voices", "0006_what_models_heed")]

    operations = [migrations.RunPython(add, take_away)]

"""A long recording's call stands behind its own person's short ones, and leaves a free endpoint's last slot to them."""

from __future__ import annotations

from django.db import migrations, models

NORMAL, LONG, LONG_S = 0, 1, 60.0


def mark(apps, schema_editor):
    steps = apps.get_model("conversions", "Step").objects.filter(kind="convert", priority=NORMAL)
    steps.filter(conversion__source_duration_s__gt=LONG_S).update(priority=LONG)


def unmark(apps, schema_editor):
    apps.get_model("conversions", "Step").objects.filter(priority=LONG).update(priority=NORMAL)


class Migration(migrations.Migration):
    dependencies = [("conversions", "0012_player")]

    operations = [
        migrations.RemoveIndex(model_name="step", name="queue_line"),
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                fields=["endpoint", "priority", "id"], condition=models.Q(status="waiting"), name="queue_line"
            ),
        ),
        migrations.RunPython(mark, unmark),
    ]

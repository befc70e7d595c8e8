"""A batch keeps the order in which its recordings were chosen."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversions", "0009_believable_credits")]

    operations = [
        migrations.AddField(
            model_name="conversion",
            name="batch_place",
            field=models.PositiveIntegerField(default=0),
        ),
    ]

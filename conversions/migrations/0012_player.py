"""A recording that players can't search has a copy that they can."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversions", "0011_people_go")]

    operations = [
        migrations.AddField(
            model_name="conversion",
            name="player",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="conversion",
            name="player_bytes",
            field=models.BigIntegerField(default=0),
        ),
    ]

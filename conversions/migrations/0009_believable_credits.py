"""Calls whose answer named a cost that no sum bears, such as `inf`: they get what was estimated, as those that named
none. Of PostgreSQL NaN is the greatest number."""

from django.db import migrations
from django.db.models import Q

MOST_CREDITS = 1e12


def estimate(apps, schema_editor):
    calls = apps.get_model("conversions", "Call").objects.using(schema_editor.connection.alias)
    odd = calls.filter(Q(credits__lt=0) | Q(credits__gt=MOST_CREDITS)).select_related("endpoint")
    for call in list(odd.only("seconds", "endpoint__billed", "endpoint__credits_per_minute")):
        a_minute = call.endpoint.credits_per_minute if call.endpoint.billed else 0
        calls.filter(pk=call.pk).update(credits=a_minute * call.seconds / 60)


class Migration(migrations.Migration):
    dependencies = [("conversions", "0008_passing_events"), ("voices", "0004_catalogue")]
    operations = [migrations.RunPython(estimate, migrations.RunPython.noop)]

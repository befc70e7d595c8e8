from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversions", "0006_studio")]
    operations = [
        migrations.RemoveField("conversion", "source_sha256"),
        migrations.AddField("conversion", "source_checksum", models.CharField(blank=True, max_length=32)),
    ]

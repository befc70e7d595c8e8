from django.db import migrations


def remove_noise(apps, schema_editor):
    """The local engine can now, and says itself whether it does here. Nobody else has said of how strongly."""
    apps.get_model("voices", "Endpoint").objects.filter(key="local").update(removes_noise=True)
    for model in apps.get_model("voices", "VoiceModel").objects.all():
        model.without_effect = sorted({*model.without_effect, "noise_reduction_db"})
        model.save(update_fields=["without_effect"])


class Migration(migrations.Migration):

    dependencies = [
        ('voices', '0002_refused_formats'),
    ]

    operations = [
        migrations.RunPython(remove_noise, migrations.RunPython.noop, elidable=True),
    ]

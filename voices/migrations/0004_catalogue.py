from django.db import migrations, models

import voices.models


def say_why_voices_are_hidden(apps, schema_editor):
    """What an admin had hidden was shown again by the next sync: those that are hidden have vanished."""
    apps.get_model('voices', 'Voice').objects.filter(hidden=True).update(vanished=True)


class Migration(migrations.Migration):

    dependencies = [
        ('voices', '0003_studio'),
    ]

    operations = [
        migrations.AddField(
            model_name='endpoint',
            name='syncing_until',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='keyless',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='voice',
            name='vanished',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.RunPython(say_why_voices_are_hidden, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name='voice',
            name='hidden',
            field=models.BooleanField(default=False, help_text='It is not offered.', verbose_name='hidden'),
        ),
        migrations.AlterField(
            model_name='endpoint',
            name='base_url',
            field=models.CharField(help_text='Without /v1. Each start sets those of the local engine and of ElevenLabs as the environment says.', max_length=300, validators=[voices.models.validate_address], verbose_name='address'),
        ),
    ]

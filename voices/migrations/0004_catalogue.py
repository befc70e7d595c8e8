from django.db import migrations, models

import voices.models


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
        migrations.AlterField(
            model_name='endpoint',
            name='base_url',
            field=models.CharField(help_text='Without /v1.', max_length=300, validators=[voices.models.validate_address], verbose_name='address'),
        ),
    ]

"""The journal names the version of the rep's own settings, too, where they took part."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connector", "0013_organisation_access"),
    ]

    operations = [
        migrations.AddField(
            model_name="journalentry",
            name="rep_settings_version",
            field=models.PositiveIntegerField(null=True),
        ),
    ]

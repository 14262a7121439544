"""Outlook beside Gmail; an own OAuth client may be limited to one organisation."""

from django.db import migrations, models

PROVIDERS = [("gmail", "Gmail"), ("outlook", "Outlook")]


class Migration(migrations.Migration):
    dependencies = [
        ("connector", "0008_journal_of_users"),
    ]

    operations = [
        migrations.AlterField(
            model_name="mailbox",
            name="provider",
            field=models.CharField(choices=PROVIDERS, max_length=20),
        ),
        migrations.AlterField(
            model_name="oauthapp",
            name="provider",
            field=models.CharField(choices=PROVIDERS, max_length=20),
        ),
        migrations.AddField(
            model_name="oauthapp",
            name="tenant",
            field=models.CharField(blank=True, default="", max_length=255),
            preserve_default=False,
        ),
    ]

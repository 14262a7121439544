"""How far the set-up has come; an account that had mailboxes before counts as set up."""

from datetime import UTC, datetime

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

STEPS = ["security", "access", "provider", "outbound", "inbound", "advanced", "done"]


def complete_accounts_at_work(apps, schema_editor):
    mailboxes = apps.get_model("connector", "Mailbox").objects
    for account in mailboxes.order_by().values_list("account", flat=True).distinct():
        providers = sorted(set(mailboxes.filter(account=account).values_list("provider", flat=True)))
        apps.get_model("connector", "SetUp").objects.create(
            account_id=account,
            steps=STEPS,
            providers=providers,
            prepared=providers,
            completed_at=datetime.now(UTC),
        )


class Migration(migrations.Migration):
    dependencies = [
        ("connector", "0006_lead_audit"),
        ("organisations", "0004_same_account"),
    ]

    operations = [
        migrations.AddField(
            model_name="oauthapp",
            name="tested_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="area",
            field=models.CharField(
                choices=[
                    ("settings", "Settings"),
                    ("rep_settings", "A rep's own settings"),
                    ("sync_switch", "Sync for all users"),
                    ("mailbox", "Mailbox"),
                    ("retention", "Retention"),
                    ("access", "Access"),
                    ("people", "People"),
                    ("provider", "Provider"),
                    ("set_up", "Set-up"),
                    ("leads", "Leads"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="SetUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "steps",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                    ),
                ),
                (
                    "providers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                    ),
                ),
                (
                    "prepared",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, size=None
                    ),
                ),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="set_up",
                        to="organisations.account",
                    ),
                ),
            ],
        ),
        migrations.RunPython(complete_accounts_at_work, migrations.RunPython.noop),
    ]

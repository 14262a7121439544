"""API tokens are an area of the audit trail."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connector", "0010_destination_audit"),
    ]

    operations = [
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
                    ("destinations", "Destinations"),
                    ("api_tokens", "API tokens"),
                ],
                max_length=20,
            ),
        ),
    ]

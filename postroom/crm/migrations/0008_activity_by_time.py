"""The mail of a whole account by time, as the API lists it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0007_lean_references")]

    operations = [
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(fields=["account", "-happened_at", "-id"], name="activity_by_time"),
        ),
    ]

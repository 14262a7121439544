from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organisations", "0004_same_account")]

    operations = [
        migrations.AddField(
            "user", "language", models.CharField(blank=True, default="", max_length=10), False
        )
    ]

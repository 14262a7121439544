"""Drop what the other references of a row imply, as each costs a check at commit: see decision 7."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connector", "0011_api_audit"),
        ("organisations", "0005_language"),
    ]

    operations = [
        migrations.AlterField(
            model_name="journalentry",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="processedmail",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="processedmail",
            name="mailbox",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="connector.mailbox",
            ),
        ),
    ]

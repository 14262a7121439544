"""Drop what the other references of a row imply, as each costs a check at commit: see decision 7."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0006_merged_addresses_and_previews"),
        ("organisations", "0005_language"),
    ]

    operations = [
        migrations.AlterField(
            model_name="activity",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="activity",
            name="lead",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="activities",
                to="crm.lead",
            ),
        ),
        migrations.AlterField(
            model_name="attachment",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="lead",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="organisations.account"
            ),
        ),
        migrations.AlterField(
            model_name="leadaddress",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="messagebody",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="messagecopy",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="storedmessage",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="organisations.account"
            ),
        ),
    ]

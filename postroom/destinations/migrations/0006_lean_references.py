"""Drop what the reference to the destination implies, and index the log of one lead; see decision 7."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("destinations", "0005_maybe_sent"),
        ("organisations", "0006_shared_cache"),
    ]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="destination",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="destinations.destination",
            ),
        ),
        migrations.AlterField(
            model_name="deliveryattempt",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="deliveryattempt",
            name="delivery",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tries",
                to="destinations.delivery",
            ),
        ),
        migrations.AlterField(
            model_name="remoteactivity",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="remoteactivity",
            name="destination",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="destinations.destination",
            ),
        ),
        migrations.AlterField(
            model_name="remotelead",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="organisations.account",
            ),
        ),
        migrations.AlterField(
            model_name="remotelead",
            name="destination",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="destinations.destination",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["account", "destination", "lead_id", "-created_at", "-id"], name="delivery_by_lead"
            ),
        ),
    ]

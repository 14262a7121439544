"""Mailboxes that an administrator connects by what the organisation gave; references as in 0002."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

REFERENCES = [
    ("connector_organisationaccess", "granted_by_id", "organisations_user"),
    ("connector_connectrun", "by_id", "organisations_user"),
    ("connector_connectitem", "run_id", "connector_connectrun"),
    ("connector_connectitem", "user_id", "organisations_user"),
    ("connector_mailbox", "connected_by_id", "organisations_user"),
]


def _add(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_account"
    return migrations.RunSQL(
        f"alter table {table} add constraint {name} foreign key (account_id, {column})"
        f" references {target} (account_id, id) deferrable initially deferred",
        f"alter table {table} drop constraint {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("connector", "0012_lean_references"),
        ("organisations", "0005_language"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ConnectItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.CharField(max_length=320)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("connected", "Connected"),
                            ("refused", "Refused"),
                            ("removing", "Being removed"),
                            ("removed", "Removed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="ConnectRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider",
                    models.CharField(choices=[("gmail", "Gmail"), ("outlook", "Outlook")], max_length=20),
                ),
                ("import_days", models.PositiveIntegerField(default=0)),
                ("by_name", models.CharField(max_length=320)),
                ("begun_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="OrganisationAccess",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider",
                    models.CharField(choices=[("gmail", "Gmail"), ("outlook", "Outlook")], max_length=20),
                ),
                ("sealed_key", models.BinaryField(blank=True, default=bytes)),
                ("name", models.CharField(max_length=255)),
                ("name_id", models.CharField(max_length=255)),
                ("granted_at", models.DateTimeField(auto_now_add=True)),
                ("granted_by_name", models.CharField(max_length=320)),
                ("tested_at", models.DateTimeField(blank=True, null=True)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name="mailbox",
            name="by_organisation",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="mailbox",
            name="connected_by",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="mailbox",
            name="connected_by_name",
            field=models.CharField(blank=True, max_length=320),
        ),
        migrations.AddConstraint(
            model_name="mailbox",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("by_organisation", False),
                    models.Q(("connected_by_name", ""), _negated=True),
                    _connector="OR",
                ),
                name="who_connected_is_named",
            ),
        ),
        migrations.AddField(
            model_name="connectitem",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="organisations.account"
            ),
        ),
        migrations.AddField(
            model_name="connectitem",
            name="user",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="connectrun",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="organisations.account"),
        ),
        migrations.AddField(
            model_name="connectrun",
            name="by",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="connectitem",
            name="run",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to="connector.connectrun",
            ),
        ),
        migrations.AddField(
            model_name="organisationaccess",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="organisations.account"),
        ),
        migrations.AddField(
            model_name="organisationaccess",
            name="granted_by",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="connectrun",
            constraint=models.UniqueConstraint(fields=("account", "id"), name="run_in_account"),
        ),
        migrations.AddConstraint(
            model_name="connectitem",
            constraint=models.UniqueConstraint(fields=("account", "run", "user"), name="one_item_a_user"),
        ),
        migrations.AddConstraint(
            model_name="organisationaccess",
            constraint=models.UniqueConstraint(fields=("account", "provider"), name="one_access_a_provider"),
        ),
        *(_add(*reference) for reference in REFERENCES),
    ]

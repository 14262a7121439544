"""As in crm: references are by account and id together."""

from django.db import migrations

REFERENCES = [
    ("destinations_destination", "created_by_id", "organisations_user", "set null (created_by_id)"),
    ("destinations_remotelead", "destination_id", "destinations_destination", "cascade"),
    ("destinations_delivery", "destination_id", "destinations_destination", "cascade"),
    ("destinations_deliveryattempt", "delivery_id", "destinations_delivery", "cascade"),
]


def _add(table: str, column: str, target: str, on_delete: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_account"
    return migrations.RunSQL(
        f"alter table {table} add constraint {name} foreign key (account_id, {column})"
        f" references {target} (account_id, id) on delete {on_delete} deferrable initially deferred",
        f"alter table {table} drop constraint {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("destinations", "0001_initial"),
        ("organisations", "0001_initial"),
    ]

    operations = [_add(*reference) for reference in REFERENCES]

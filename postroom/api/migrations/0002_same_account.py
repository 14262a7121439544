"""As in crm: references are by account and id together; and a token goes with its answers."""

from django.db import migrations

REFERENCES = [
    ("api_apitoken", "user_id", "organisations_user"),
    ("api_keptanswer", "token_id", "api_apitoken"),
]


def _add(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_account"
    return migrations.RunSQL(
        f"alter table {table} add constraint {name} foreign key (account_id, {column})"
        f" references {target} (account_id, id) on delete cascade deferrable initially deferred",
        f"alter table {table} drop constraint {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_initial"),
        ("organisations", "0005_language"),
    ]

    operations = [_add(*reference) for reference in REFERENCES]

"""No row can refer to another account's: references are by account and id together."""

from django.db import migrations

REFERENCES = [
    ("crm_lead", "owner_id", "organisations_user"),
    ("crm_messagebody", "message_id", "crm_storedmessage"),
    ("crm_messagecopy", "message_id", "crm_storedmessage"),
    ("crm_messagecopy", "user_id", "organisations_user"),
    ("crm_attachment", "message_id", "crm_storedmessage"),
    ("crm_activity", "lead_id", "crm_lead"),
    ("crm_activity", "message_id", "crm_storedmessage"),
]


def _add(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_account"
    return migrations.RunSQL(
        f"alter table {table} add constraint {name} foreign key (account_id, {column})"
        f" references {target} (account_id, id) deferrable initially deferred",
        f"alter table {table} drop constraint {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]

    operations = [_add(*reference) for reference in REFERENCES]

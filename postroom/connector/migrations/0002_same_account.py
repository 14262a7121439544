"""As in crm: references are by account and id together."""

from django.db import migrations

REFERENCES = [
    ("connector_mailbox", "user_id", "organisations_user"),
    ("connector_settingsversion", "saved_by_id", "organisations_user"),
    ("connector_grant", "mailbox_id", "connector_mailbox"),
    ("connector_processedmail", "mailbox_id", "connector_mailbox"),
    ("connector_processedmail", "message_id", "crm_storedmessage"),
    ("connector_journalentry", "mailbox_id", "connector_mailbox"),
    ("connector_journalentry", "user_id", "organisations_user"),
    ("connector_journalentry", "lead_id", "crm_lead"),
    ("connector_journalentry", "message_id", "crm_storedmessage"),
]


def _add(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_account"
    return migrations.RunSQL(
        f"alter table {table} add constraint {name} foreign key (account_id, {column})"
        f" references {target} (account_id, id) deferrable initially deferred",
        f"alter table {table} drop constraint {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("connector", "0001_initial"), ("crm", "0002_same_account")]

    operations = [_add(*reference) for reference in REFERENCES]

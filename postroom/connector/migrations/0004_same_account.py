"""References by account and id together, as before; and the word to every process when settings change."""

from django.db import migrations

REFERENCES = [
    ("connector_repsettingsversion", "user_id", "organisations_user"),
    ("connector_repsettingsversion", "saved_by_id", "organisations_user"),
    ("connector_auditentry", "by_id", "organisations_user"),
    ("connector_auditentry", "about_id", "organisations_user"),
]

_TELL = """
create function connector_tell_settings() returns trigger language plpgsql as $$
begin
    perform pg_notify('postroom_settings', new.account_id::text);
    return null;
end $$;

create trigger settings_told after insert on connector_settingsversion
    for each row execute function connector_tell_settings();
create trigger rep_settings_told after insert on connector_repsettingsversion
    for each row execute function connector_tell_settings();
"""
_HUSH = """
drop trigger rep_settings_told on connector_repsettingsversion;
drop trigger settings_told on connector_settingsversion;
drop function connector_tell_settings();
"""


def _add(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_account"
    return migrations.RunSQL(
        f"alter table {table} add constraint {name} foreign key (account_id, {column})"
        f" references {target} (account_id, id) deferrable initially deferred",
        f"alter table {table} drop constraint {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("connector", "0003_audit_and_rep_settings"), ("crm", "0004_lead_addresses")]

    operations = [*(_add(*reference) for reference in REFERENCES), migrations.RunSQL(_TELL, _HUSH)]

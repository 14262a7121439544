"""References by account and id, an address trigger that spares merged addresses, and previews of old mail."""

from django.db import migrations

from postroom.crm.previews import preview

REFERENCES = [
    ("crm_leadaddress", "merge_id", "crm_leadmerge"),
    ("crm_leadmerge", "by_id", "organisations_user"),
    ("crm_leadimport", "by_id", "organisations_user"),
    ("crm_erasure", "by_id", "organisations_user"),
    ("crm_mailremoval", "user_id", "organisations_user"),
]

_KEEP = """
create or replace function crm_lead_keep_address() returns trigger language plpgsql as $$
begin
    if new.email_key = '' then
        delete from crm_leadaddress
        where account_id = new.account_id and lead_id = new.id and field = 'email' {only_own};
    else
        insert into crm_leadaddress (account_id, lead_id, field, key)
        values (new.account_id, new.id, 'email', new.email_key)
        on conflict (account_id, lead_id, field) {where_own} do update set key = excluded.key;
    end if;
    return null;
end $$;
"""
_SPARING = _KEEP.format(only_own="and merge_id is null", where_own="where merge_id is null")
_BEFORE = _KEEP.format(only_own="", where_own="")
BATCH = 500


def _add(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_account"
    return migrations.RunSQL(
        f"alter table {table} add constraint {name} foreign key (account_id, {column})"
        f" references {target} (account_id, id) deferrable initially deferred",
        f"alter table {table} drop constraint {name}",
    )


def fill_previews(apps, schema_editor):
    bodies = apps.get_model("crm", "MessageBody").objects.filter(preview="").order_by("pk")
    last = 0
    while batch := list(bodies.filter(pk__gt=last)[:BATCH]):
        for body in batch:
            body.preview = preview(body.text, body.html)
        bodies.model.objects.bulk_update(batch, ["preview"])
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("crm", "0005_lead_work"), ("organisations", "0002_retention_days")]

    operations = [
        *(_add(*reference) for reference in REFERENCES),
        migrations.RunSQL(_SPARING, _BEFORE),
        migrations.RunPython(fill_previews, migrations.RunPython.noop, elidable=True),
    ]

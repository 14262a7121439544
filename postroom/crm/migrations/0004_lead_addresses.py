"""The address index: filled from the leads there are, and kept by a trigger from then on."""

from django.db import migrations

_KEEP = """
create function crm_lead_keep_address() returns trigger language plpgsql as $$
begin
    if new.email_key = '' then
        delete from crm_leadaddress
        where account_id = new.account_id and lead_id = new.id and field = 'email';
    else
        insert into crm_leadaddress (account_id, lead_id, field, key)
        values (new.account_id, new.id, 'email', new.email_key)
        on conflict (account_id, lead_id, field) do update set key = excluded.key;
    end if;
    return null;
end $$;

create trigger lead_address_of_new after insert on crm_lead
    for each row when (new.email_key <> '') execute function crm_lead_keep_address();
create trigger lead_address_of_changed after update of email_key on crm_lead
    for each row when (new.email_key is distinct from old.email_key) execute function crm_lead_keep_address();
"""
_DROP = """
drop trigger lead_address_of_changed on crm_lead;
drop trigger lead_address_of_new on crm_lead;
drop function crm_lead_keep_address();
"""
_FILL = """
insert into crm_leadaddress (account_id, lead_id, field, key)
select account_id, id, 'email', email_key from crm_lead where email_key <> ''
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0003_lead_fields")]

    operations = [
        migrations.RunSQL(
            "alter table crm_leadaddress add constraint crm_leadaddress_lead_id_same_account"
            " foreign key (account_id, lead_id) references crm_lead (account_id, id)"
            " on delete cascade deferrable initially deferred",
            "alter table crm_leadaddress drop constraint crm_leadaddress_lead_id_same_account",
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.RunSQL(_KEEP, _DROP),
    ]

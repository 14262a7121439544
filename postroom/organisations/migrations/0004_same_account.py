"""As in crm: references are by account and id together."""

from django.db import migrations

_NAME = "organisations_accessrule_field_id_same_account"


class Migration(migrations.Migration):
    dependencies = [("organisations", "0003_people_and_access")]

    operations = [
        migrations.RunSQL(
            f"alter table organisations_accessrule add constraint {_NAME} foreign key (account_id, field_id)"
            " references organisations_userfield (account_id, id) deferrable initially deferred",
            f"alter table organisations_accessrule drop constraint {_NAME}",
        )
    ]

"""A mailbox is removed at once, however many rows name it: they are cleared by a job afterwards."""

import django.db.models.deletion
from django.db import migrations, models


def _unbound(table: str) -> migrations.RunSQL:
    name = f"{table}_mailbox_id_same_account"
    return migrations.RunSQL(
        f"alter table {table} drop constraint {name}",
        f"alter table {table} add constraint {name} foreign key (account_id, mailbox_id)"
        " references connector_mailbox (account_id, id) deferrable initially deferred",
    )


class Migration(migrations.Migration):
    dependencies = [("connector", "0014_rep_version_in_journal")]

    operations = [
        _unbound("connector_journalentry"),
        _unbound("connector_processedmail"),
        migrations.AlterField(
            model_name="journalentry",
            name="mailbox",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="connector.mailbox",
            ),
        ),
        migrations.AlterField(
            model_name="processedmail",
            name="mailbox",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="connector.mailbox",
            ),
        ),
    ]

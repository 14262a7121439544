"""An answer that shows a lead goes with it."""

import django.db.models.deletion
from django.db import migrations, models

_NAME = "api_keptanswer_lead_id_same_account"


class Migration(migrations.Migration):
    dependencies = [("api", "0002_same_account"), ("crm", "0007_lean_references")]

    operations = [
        migrations.AddField(
            model_name="keptanswer",
            name="lead",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to="crm.lead",
            ),
        ),
        migrations.RunSQL(
            f"alter table api_keptanswer add constraint {_NAME} foreign key (account_id, lead_id)"
            " references crm_lead (account_id, id) on delete cascade deferrable initially deferred",
            f"alter table api_keptanswer drop constraint {_NAME}",
        ),
    ]

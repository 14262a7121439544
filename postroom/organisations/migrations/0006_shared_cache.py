from django.db import migrations


class Migration(migrations.Migration):
    """The table of Django's database cache. What is in it may be lost with a crash, so it is not logged."""

    dependencies = [("organisations", "0005_language")]

    operations = [
        migrations.RunSQL(
            """
            create unlogged table if not exists shared_cache (
                cache_key varchar(255) primary key, value text not null, expires timestamptz not null
            );
            create index if not exists shared_cache_expires on shared_cache (expires);
            """,
            "drop table if exists shared_cache",
        )
    ]

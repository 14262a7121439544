"""Creating and updating the tables, by one process at a time however many machines start at once."""

from django.core.management import call_command
from django.db import connection

LOCK = 0x706F7374726F6F6D
"""Key of an advisory lock of PostgreSQL's: "postroom"."""


def migrate(verbosity: int) -> None:
    """Apply what is missing; waits where another process is at it, and then finds nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [LOCK])
    try:
        call_command("migrate", verbosity=verbosity, interactive=False)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s)", [LOCK])

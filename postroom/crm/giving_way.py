"""Doing a transaction again that had to give way.

Everything takes its rows in one order (see ``sync.commit``), but an address that two make a lead of at the
same moment is waited for out of turn. PostgreSQL then breaks one of the two off, and nothing of it is done.
"""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError
from psycopg import errors as postgres

Result = TypeVar("Result")

ATTEMPTS = 4


def again_if_broken_off(work: Callable[[], Result]) -> Result:
    """Do ``work``, a whole transaction, and do it again where it gave way to another."""
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except OperationalError as error:
            if not isinstance(error.__cause__, postgres.DeadlockDetected):
                raise
    return work()

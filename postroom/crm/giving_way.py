"""Doing a transaction again that had to give way.

Everything takes its rows in one order (see ``sync.commit``), but an address that two make a lead of at the
same moment is waited for out of turn. PostgreSQL then breaks one of the two off, and nothing of it is done.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, OperationalError
from psycopg import errors as postgres

Result = TypeVar("Result")

log = logging.getLogger(__name__)

ATTEMPTS = 4
DEADLOCK = (postgres.DeadlockDetected,)


def again_if_broken_off(
    work: Callable[[], Result], reasons: tuple[type[Exception], ...] = DEADLOCK
) -> Result:
    """Do ``work``, a whole transaction, and do it again where it gave way for one of the ``reasons``."""
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except (OperationalError, IntegrityError) as error:
            if not isinstance(error.__cause__, reasons):
                raise
            log.info("A transaction gave way to another; trying again.")
    return work()

"""Switching the sync of a whole account off and on again (R-051).

Whether it is off stands in ``SyncStop``; ``Mailbox.objects.syncing`` leaves out the mailboxes of an
account with an open stop. Beginning a stop also raises every mailbox's epoch in the same transaction,
so that nothing under way can write.
"""

from datetime import UTC, datetime
from enum import StrEnum

from django.db.models import F

from postroom.connector.models import Mailbox, SyncStop
from postroom.errors import AccountRefused
from postroom.organisations.models import Account


class SyncSwitchedOff(AccountRefused):
    """Sync is switched off for all users at the moment, so no mailbox can be connected."""

    code = "sync_switched_off"


class Missed(StrEnum):
    """What becomes of mail that came while the sync was off."""

    CATCH_UP = "catch_up"
    SKIP = "skip"


def is_stopped(account_id: int) -> bool:
    return SyncStop.objects.filter(account_id=account_id, ended_at=None).exists()


def begin_stop(account: Account) -> None:
    """Stop every mailbox of the account; the caller holds the account's row.

    The epochs are raised in order of id: a commit holds one mailbox only, so none can deadlock.
    """
    SyncStop.objects.create(account=account, began_at=datetime.now(UTC))
    mailboxes = Mailbox.objects.of(account).order_by("pk")
    ids = list(mailboxes.select_for_update(no_key=True).values_list("pk", flat=True))
    Mailbox.objects.of(account).filter(pk__in=ids).update(epoch=F("epoch") + 1)


def end_stop(account: Account, missed: Missed) -> None:
    """Let the mailboxes go on from their cursors, at once."""
    now = datetime.now(UTC)
    SyncStop.objects.filter(account=account, ended_at=None).update(
        ended_at=now, skips_missed=missed is Missed.SKIP
    )
    Mailbox.objects.of(account).syncing().update(next_sync_at=now)


def missed_times(account_id: int) -> list[tuple[datetime, datetime]]:
    """From when to when mail came that the administrator chose to skip."""
    stops = SyncStop.objects.filter(account_id=account_id, skips_missed=True, ended_at__isnull=False)
    return [(stop.began_at, stop.ended_at) for stop in stops if stop.ended_at]

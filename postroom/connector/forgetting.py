"""Taking a rep's synced mail back out of the CRM, when they remove their mailbox and want that (R-063).

The rep's copies go. A mail that no colleague has goes whole; one that a colleague has too stays, shown as
theirs. What is deleted here cannot be brought back.
"""

from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from postroom.connector.models import JournalEntry
from postroom.crm.deleting import delete_messages, note_newest
from postroom.crm.models import Activity, ActivityKind, MailRemoval, MessageCopy, StoredMessage
from postroom.organisations.models import User

BATCH = 200
"""Mails handled in one transaction."""


def begin_removal(user: User) -> MailRemoval | None:
    """Note that all that was synced from the user's mailbox so far shall go; None where there is nothing."""
    copies = MessageCopy.objects.filter(account=user.account, user=user)
    last, total = copies.aggregate(last=Max("pk"))["last"], copies.count()
    if last is None:
        return None
    return MailRemoval.objects.create(account=user.account, user=user, last_copy=last, total=total)


def current_removal(user: User) -> MailRemoval | None:
    return MailRemoval.objects.filter(account=user.account, user=user, done_at=None).order_by("pk").first()


def run_removal(pk: int) -> None:
    """Do all of it; goes on where it broke off."""
    while _take_batch(pk):
        pass


@transaction.atomic
def _take_batch(pk: int) -> bool:
    """Take some mails away; False where none are left."""
    removal = MailRemoval.objects.select_for_update().filter(pk=pk, done_at=None).first()
    if removal is None:
        return False
    mine = MessageCopy.objects.filter(
        account_id=removal.account_id, user_id=removal.user_id, pk__lte=removal.last_copy
    )
    ids = list(mine.order_by("message_id").values_list("message_id", flat=True)[:BATCH])
    if not ids:
        removal.done, removal.done_at = removal.total, datetime.now(UTC)
        removal.save(update_fields=["done", "done_at"])
        return False
    _forget(removal, ids)
    removal.done = min(removal.done + len(ids), removal.total)
    removal.save(update_fields=["done"])
    return True


def _forget(removal: MailRemoval, ids: list[int]) -> None:
    account = removal.account_id
    # Messages before leads, in order of id, as a commit of the sync takes them.
    messages = StoredMessage.objects.filter(account_id=account, pk__in=ids).order_by("pk")
    held = list(messages.select_for_update().values_list("pk", flat=True))
    MessageCopy.objects.filter(account_id=account, user_id=removal.user_id, message__in=held).delete()
    copies = MessageCopy.objects.filter(account_id=account, message=OuterRef("message"))
    activities = Activity.objects.filter(account_id=account, message__in=held)
    leads = set(activities.values_list("lead_id", flat=True))
    alone = StoredMessage.objects.filter(
        ~Exists(MessageCopy.objects.filter(account_id=account, message=OuterRef("pk"))),
        account_id=account,
        pk__in=held,
    )
    gone = list(alone.values_list("pk", flat=True))
    JournalEntry.objects.filter(account_id=account, message__in=gone).update(subject="", counterpart="")
    delete_messages(account, gone)
    activities.filter(~Exists(copies.filter(sent=True)), kind=ActivityKind.SENT).update(
        kind=ActivityKind.RECEIVED
    )
    note_newest(account, sorted(leads))

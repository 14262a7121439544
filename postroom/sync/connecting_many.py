"""An administrator connects mailboxes for many users at once: one job a user, each with its own result.

What is to be done stands in ``ConnectItem``; a job that is lost or comes twice does no harm. The rules are
those of a rep's own connecting, and the same code keeps them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from postroom.connector import mailboxes
from postroom.connector.audit import record
from postroom.connector.models import AuditArea, ConnectItem, ConnectRun, ItemState, Mailbox, Provider
from postroom.errors import PostroomError, Throttled, Unavailable
from postroom.organisations.models import User
from postroom.sync import connecting
from postroom.sync.jobs import connect_user, disconnect_user

OPEN = (ItemState.WAITING, ItemState.REFUSED)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A user whose mailbox is to be connected."""

    user: User
    address: str


@transaction.atomic
def begin_run(by: User, provider: Provider, chosen: Sequence[Chosen], import_days: int) -> ConnectRun:
    """Note what is to be connected, and queue it."""
    run = ConnectRun.objects.create(
        account=by.account, provider=provider, import_days=import_days, by=by, by_name=by.name or by.email
    )
    ConnectItem.objects.bulk_create(
        ConnectItem(account=by.account, run=run, user=one.user, address=one.address) for one in chosen
    )
    users = "1 user" if len(chosen) == 1 else f"{len(chosen)} users"
    record(by.account, by, AuditArea.MAILBOX, f"Began to connect the {provider.label} mailboxes of {users}.")
    _queue(run)
    return run


@transaction.atomic
def try_again(run: ConnectRun) -> int:
    """Queue what was refused, and what still waits; returns how many these are."""
    ConnectItem.objects.filter(account=run.account, run=run, state=ItemState.REFUSED).update(
        state=ItemState.WAITING, reason=""
    )
    return _queue(run)


@transaction.atomic
def undo(run: ConnectRun, by: User, *, deletes_mail: bool) -> int:
    """Queue the removal of every mailbox that the run connected (R-074); returns how many these are.

    What still waits is not connected any more.
    """
    items = ConnectItem.objects.filter(account=run.account, run=run)
    items.filter(state=ItemState.WAITING).update(state=ItemState.REMOVED)
    connected = items.filter(state__in=(ItemState.CONNECTED, ItemState.REMOVING)).order_by("pk")
    ids = list(connected.select_for_update(of=("self",)).values_list("pk", flat=True))
    items.filter(pk__in=ids).update(state=ItemState.REMOVING)
    for pk in ids:
        disconnect_user.defer(item_id=pk, user_id=by.pk, deletes_mail=deletes_mail)
    return len(ids)


def connect_item(pk: int, *, last: bool = False) -> None:
    """Connect one user's mailbox, or note why not; ``last``: not to be tried again by itself.

    Raises ``Throttled`` and ``Unavailable`` before that.
    """
    found = ConnectItem.objects.select_related("run__by", "run__account", "user__account")
    item = found.filter(pk=pk, state=ItemState.WAITING).first()
    if item is None:
        return
    try:
        _connect(item)
    except (Throttled, Unavailable) as error:
        if not last:
            raise
        _settle(item, ItemState.REFUSED, str(error))
    except PostroomError as error:
        _settle(item, ItemState.REFUSED, str(error))


def disconnect_item(pk: int, by_id: int, *, deletes_mail: bool) -> None:
    """Remove the mailbox that the item connected, unless it is another by now."""
    found = ConnectItem.objects.select_related("run", "user__account")
    item = found.filter(pk=pk, state=ItemState.REMOVING).first()
    if item is None:
        return
    by = User.objects.of(item.user.account).get(pk=by_id)
    mailbox = mailboxes.own_mailbox(item.user)
    is_ours = mailbox is None or _is_of(mailbox, item)
    if mailbox and is_ours:
        connecting.remove(mailbox, by)
    if deletes_mail and is_ours:
        connecting.remove_mail(item.user, by)
    _settle(item, ItemState.REMOVED)


def _connect(item: ConnectItem) -> None:
    if item.run.by is None or not item.run.by.is_active or not item.run.by.is_administrator:
        raise WhoAskedIsGone
    mailbox = mailboxes.own_mailbox(item.user)
    if mailbox is None or not _is_of(mailbox, item):
        days, provider = item.run.import_days, Provider(item.run.provider)
        mailbox = connecting.connect_for(item.user, provider, item.address, item.run.by, days)
    if not _settle(item, ItemState.CONNECTED):
        # It was taken back meanwhile.
        connecting.remove(mailbox, item.run.by)


def _is_of(mailbox: Mailbox, item: ConnectItem) -> bool:
    """Whether it is the one that this very run connected."""
    return (
        mailbox.by_organisation
        and mailbox.provider == item.run.provider
        and mailbox.connected_by_id == item.run.by_id
        and mailbox.connected_at >= item.run.begun_at
    )


def _settle(item: ConnectItem, state: ItemState, reason: str = "") -> bool:
    """Note the result; false where someone changed the item meanwhile."""
    found = ConnectItem.objects.filter(account_id=item.account_id, pk=item.pk, state=item.state)
    return bool(found.update(state=state, reason=reason.replace("\x00", "")[:2000]))


def _queue(run: ConnectRun) -> int:
    waiting = ConnectItem.objects.filter(account=run.account, run=run, state=ItemState.WAITING)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for pk in ids:
        connect_user.defer(item_id=pk)
    return len(ids)


class WhoAskedIsGone(PostroomError):
    """The administrator who asked for this is none any more. Choose the user again."""

    code = "who_asked_is_gone"

"""What happens to a mailbox: connect, activate, pause, resume, remove; and who may have it.

Every change of state is one UPDATE that names the states it starts from and raises the epoch: a pass
already under way can no longer write (R-051, R-062), and of two changes at once the later sees the
earlier. What someone does to another's mailbox is in the audit trail.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.shortcuts import get_object_or_404

from postroom.connector.access import refuse_without_access
from postroom.connector.audit import record
from postroom.connector.grants import save_grant
from postroom.connector.jobs import sweep_soon
from postroom.connector.models import SYNCING, AuditArea, Mailbox, MailboxState, Provider
from postroom.connector.stops import SyncSwitchedOff, is_stopped
from postroom.errors import AccountRefused
from postroom.mail.addresses import make_address
from postroom.mail.message import Address
from postroom.organisations.access import visible_users
from postroom.organisations.finding import words_of
from postroom.organisations.models import Account, User
from postroom.providers.base import Consent, Cursor

PAUSABLE = SYNCING
CONNECTED_FOR = (
    "Your administrator connected this mailbox for you, so there is nothing to sign in to. They are told when"
    " Postroom cannot read it."
)
DEACTIVATABLE = (*SYNCING, MailboxState.CONNECTED, MailboxState.PAUSED, MailboxState.RECONNECT)


def visible_mailboxes(viewer: User) -> QuerySet[Mailbox]:
    """The mailboxes that the viewer may see (R-075)."""
    mailboxes = Mailbox.objects.of(viewer.account)
    return mailboxes if viewer.is_administrator else mailboxes.filter(user__in=visible_users(viewer))


def mailboxes_matching(mailboxes: QuerySet[Mailbox], text: str) -> QuerySet[Mailbox]:
    """Those of which the user's name or an address holds every word of ``text``; all where there is none."""
    for word in words_of(text):
        mailboxes = mailboxes.filter(
            Q(user__name__icontains=word) | Q(user__email__icontains=word) | Q(address__icontains=word)
        )
    return mailboxes


def managed_mailboxes(viewer: User) -> QuerySet[Mailbox]:
    """The mailboxes that the viewer may deactivate, activate and remove (R-073, R-074).

    Administrators manage all; managers those of their team, but not their own: what an administrator
    deactivated is not theirs to activate. Reps manage none.
    """
    if viewer.is_administrator:
        return visible_mailboxes(viewer)
    team = visible_mailboxes(viewer).exclude(user=viewer)
    return team if viewer.is_manager else team.none()


def own_mailbox(user: User) -> Mailbox | None:
    return Mailbox.objects.of(user.account).filter(user=user).first()


def get_own_mailbox(user: User) -> Mailbox:
    """The user's own mailbox, or a 404."""
    return get_object_or_404(Mailbox, account=user.account, user=user)


def connect(user: User, provider: Provider, consent: Consent) -> Mailbox:
    """Keep a consent: a new mailbox to activate, or an existing one that syncs again with no gap.

    Raises ``AccountRefused`` where the address does not belong to the account or is another rep's,
    ``MayNotConnect`` and ``SyncSwitchedOff``.
    """
    address = checked_address(user, consent.address)
    refuse_connected_for(user)
    mailbox = own_mailbox(user)
    if mailbox and (mailbox.provider, mailbox.address_key) != (provider, address.key):
        raise AccountRefused(
            f"{mailbox.address} is connected already. Remove it first to connect {address.address}."
        )
    with _nobody_elses(address), transaction.atomic():
        refuse_without_access(user)
        refuse_while_stopped(user.account)
        return _reconnected(mailbox, consent) if mailbox else _created(user, provider, consent)


def connect_for(user: User, provider: Provider, given: str, by: User) -> Mailbox:
    """Keep a mailbox that the organisation opened to Postroom, to be activated; ``given`` is its address.

    Raises as ``connect``, and ``AccountRefused`` where the user has a mailbox already.
    """
    address = checked_address(user, given)
    with _nobody_elses(address), transaction.atomic():
        refuse_without_access(user)
        refuse_while_stopped(user.account)
        if mailbox := own_mailbox(user):
            raise AccountRefused(f"{user} has connected {mailbox.address} already.")
        mailbox = Mailbox.objects.create(
            account=user.account,
            user=user,
            provider=provider,
            address=given,
            address_key=address.key,
            by_organisation=True,
            connected_by=by,
            connected_by_name=by.name or by.email,
        )
        _audit(mailbox, by, "Connected")
        return mailbox


def refuse_connected_for(user: User) -> None:
    """Raise ``AccountRefused`` where an administrator connected the user's mailbox."""
    if Mailbox.objects.of(user.account).filter(user=user, by_organisation=True).exists():
        raise AccountRefused(CONNECTED_FOR)


def checked_address(user: User, given: str) -> Address:
    """The address of a mailbox that the user may have. Raises ``AccountRefused`` for one that is foreign."""
    address = make_address(given)
    if address is None:
        raise AccountRefused(f"{given!r} is not a mail address.")
    domains = [domain.lower() for domain in user.account.domains]
    if domains and address.domain not in domains:
        raise AccountRefused(
            f"{address.address} does not belong to {user.account.name}, whose mail domain is"
            f" {' or '.join(domains)}. Use the work address."
        )
    return address


@contextmanager
def _nobody_elses(address: Address) -> Iterator[None]:
    """Raise ``AccountRefused`` where the constraints say that the address is a colleague's."""
    try:
        yield
    except IntegrityError as error:
        raise AccountRefused(f"{address.address} is connected by a colleague already.") from error


def _created(user: User, provider: Provider, consent: Consent) -> Mailbox:
    address = make_address(consent.address)
    mailbox = Mailbox.objects.create(
        account=user.account,
        user=user,
        provider=provider,
        address=consent.address,
        address_key=address.key if address else "",
    )
    save_grant(mailbox, consent.tokens)
    return mailbox


def refuse_while_stopped(account: Account) -> None:
    """Raise ``SyncSwitchedOff`` where it is (R-051); it cannot be switched before the transaction ends."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if is_stopped(account.pk):
        raise SyncSwitchedOff


def _reconnected(mailbox: Mailbox, consent: Consent) -> Mailbox:
    save_grant(mailbox, consent.tokens)
    _change(mailbox, [MailboxState.RECONNECT], _resumed_state(mailbox))
    return mailbox


def activate(
    mailbox: Mailbox,
    cursor: Cursor,
    aliases: tuple[str, ...],
    *,
    importing: bool,
    since: datetime | None = None,
) -> None:
    """Begin to sync from ``cursor``; does nothing to a mailbox that was activated before.

    ``since`` is how far back an import goes. Raises ``MayNotConnect`` and ``SyncSwitchedOff``.
    """
    keys = {address.key for address in map(make_address, aliases) if address}
    now = datetime.now(UTC)
    with transaction.atomic():
        refuse_without_access(mailbox.user)
        refuse_while_stopped(mailbox.account)
        Mailbox.objects.filter(
            pk=mailbox.pk, account=mailbox.account, state=MailboxState.CONNECTED, activated_at=None
        ).update(
            state=MailboxState.IMPORTING if importing else MailboxState.ACTIVE,
            epoch=F("epoch") + 1,
            cursor=cursor,
            aliases=sorted(keys - {mailbox.address_key}),
            activated_at=now,
            followed_at=since or now,
            next_sync_at=now,
        )
    mailbox.refresh_from_db()


@transaction.atomic
def pause(mailbox: Mailbox, by: User | None = None) -> None:
    """Stop writing at once; the connection is kept (R-062)."""
    if _change(mailbox, PAUSABLE, MailboxState.PAUSED):
        _audit(mailbox, by, "Paused")


@transaction.atomic
def resume(mailbox: Mailbox, by: User | None = None) -> None:
    """Go on from the cursor after ``pause``. Raises ``MayNotConnect`` (R-050)."""
    refuse_without_access(mailbox.user)
    if _change(mailbox, [MailboxState.PAUSED], _resumed_state(mailbox)):
        _audit(mailbox, by, "Resumed")


@transaction.atomic
def deactivate(mailbox: Mailbox, by: User) -> None:
    """An administrator stops the sync for the time being; only one activates it again (R-073)."""
    reason = f"Deactivated by {by} on {datetime.now(UTC):%-d %B %Y}."
    if _change(mailbox, DEACTIVATABLE, MailboxState.DEACTIVATED, reason):
        _audit(mailbox, by, "Deactivated")


@transaction.atomic
def reactivate(mailbox: Mailbox, by: User) -> None:
    """Go on from the cursor after ``deactivate``. Raises ``MayNotConnect`` (R-050)."""
    refuse_without_access(mailbox.user)
    if _change(mailbox, [MailboxState.DEACTIVATED], _resumed_state(mailbox)):
        _audit(mailbox, by, "Activated")


def lose_authorization(mailbox: Mailbox, reason: str) -> bool:
    """Note that the provider lets Postroom in no more; the sync waits for the rep (R-065).

    True where that is news: false for a mailbox that was paused, removed or reconnected since it was read.
    """
    return _change(mailbox, SYNCING, MailboxState.RECONNECT, reason, epoch=mailbox.epoch)


@transaction.atomic
def remove(mailbox: Mailbox, by: User | None = None) -> None:
    """Forget the tokens and the mailbox at once; activities stay (R-063). A job clears what names it.

    The row is taken first: a commit under way would else add rows that refer to a mailbox that is gone.
    """
    found = Mailbox.objects.filter(pk=mailbox.pk, account=mailbox.account)
    if found.select_for_update().first():
        _audit(mailbox, by, "Removed")
        sweep_soon(mailbox.account_id, mailbox.pk)
        found.delete()


def note_fault(mailbox: Mailbox, error: str, wait: timedelta | None = None) -> None:
    """Keep what went wrong for people to see, and put off the next pass.

    Does nothing to a mailbox that changed hands since it was read.
    """
    mailbox.failures += 1
    Mailbox.objects.filter(pk=mailbox.pk, account=mailbox.account, epoch=mailbox.epoch).update(
        failures=mailbox.failures,
        last_error=error.replace("\x00", "")[:1000],
        next_sync_at=datetime.now(UTC) + max(wait or timedelta(), mailbox.retry_delay()),
    )


def _resumed_state(mailbox: Mailbox) -> MailboxState:
    if mailbox.activated_at is None:
        return MailboxState.CONNECTED
    return MailboxState.IMPORTING if "listing" in (mailbox.cursor or {}) else MailboxState.ACTIVE


def _change(
    mailbox: Mailbox,
    from_: Collection[str],
    to: MailboxState,
    reason: str = "",
    epoch: int | None = None,
) -> bool:
    """Whether the mailbox was in one of the states, and of the epoch where one is given, and changed."""
    found = Mailbox.objects.filter(pk=mailbox.pk, account=mailbox.account, state__in=from_)
    changed = (found if epoch is None else found.filter(epoch=epoch)).update(
        state=to,
        state_reason=reason,
        epoch=F("epoch") + 1,
        failures=0,
        last_error="",
        next_sync_at=datetime.now(UTC),
    )
    with suppress(Mailbox.DoesNotExist):
        mailbox.refresh_from_db()
    return bool(changed)


def _audit(mailbox: Mailbox, by: User | None, done: str) -> None:
    """Note what someone did to another's mailbox."""
    if by and by.pk != mailbox.user_id:
        said = f"{done} the mailbox {mailbox.address}."
        record(mailbox.account, by, AuditArea.MAILBOX, said, about=mailbox.user)

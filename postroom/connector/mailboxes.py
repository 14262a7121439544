"""What happens to a mailbox: connect, activate, pause, resume, remove; and who may have it.

Every change of state is one UPDATE that also raises the epoch, so that a pass already under way can no
longer write (R-051, R-062).
"""

from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404

from postroom.connector.grants import save_grant
from postroom.connector.models import Mailbox, MailboxState, Provider
from postroom.errors import AccountRefused
from postroom.mail.addresses import make_address
from postroom.organisations.access import visible_users
from postroom.organisations.models import User
from postroom.providers.base import Consent, Cursor

PAUSABLE = (MailboxState.ACTIVE, MailboxState.IMPORTING)


def visible_mailboxes(viewer: User) -> QuerySet[Mailbox]:
    """The mailboxes that the viewer may see (R-075)."""
    return Mailbox.objects.of(viewer.account).filter(user__in=visible_users(viewer))


def own_mailbox(user: User) -> Mailbox | None:
    return Mailbox.objects.of(user.account).filter(user=user).first()


def get_own_mailbox(user: User) -> Mailbox:
    """The user's own mailbox, or a 404."""
    return get_object_or_404(Mailbox, account=user.account, user=user)


def connect(user: User, provider: Provider, consent: Consent) -> Mailbox:
    """Keep a consent: a new mailbox to activate, or an existing one that syncs again with no gap.

    Raises ``AccountRefused`` where the address does not belong to the account or is another rep's.
    """
    address = make_address(consent.address)
    if address is None:
        raise AccountRefused(f"{consent.address!r} is not a mail address.")
    domains = [domain.lower() for domain in user.account.domains]
    if domains and address.domain not in domains:
        raise AccountRefused(
            f"{address.address} does not belong to {user.account.name}, whose mail domain is"
            f" {' or '.join(domains)}. Sign in to Google with your work address."
        )
    mailbox = own_mailbox(user)
    if mailbox and (mailbox.provider, mailbox.address_key) != (provider, address.key):
        raise AccountRefused(
            f"{mailbox.address} is connected already. Remove it first to connect {address.address}."
        )
    try:
        with transaction.atomic():
            return _reconnected(mailbox, consent) if mailbox else _created(user, provider, consent)
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


def _reconnected(mailbox: Mailbox, consent: Consent) -> Mailbox:
    save_grant(mailbox, consent.tokens)
    if mailbox.state == MailboxState.RECONNECT:
        _change(mailbox, _resumed_state(mailbox))
    return mailbox


def activate(mailbox: Mailbox, cursor: Cursor, aliases: tuple[str, ...], *, importing: bool) -> None:
    """Begin to sync from ``cursor``; does nothing to a mailbox that was activated before."""
    keys = {address.key for address in map(make_address, aliases) if address}
    now = datetime.now(UTC)
    Mailbox.objects.filter(pk=mailbox.pk, account=mailbox.account, state=MailboxState.CONNECTED).update(
        state=MailboxState.IMPORTING if importing else MailboxState.ACTIVE,
        epoch=F("epoch") + 1,
        cursor=cursor,
        aliases=sorted(keys - {mailbox.address_key}),
        activated_at=now,
        next_sync_at=now,
    )
    mailbox.refresh_from_db()


def pause(mailbox: Mailbox) -> None:
    """Stop writing at once; the connection is kept (R-062)."""
    if mailbox.state in PAUSABLE:
        _change(mailbox, MailboxState.PAUSED)


def resume(mailbox: Mailbox) -> None:
    if mailbox.state == MailboxState.PAUSED:
        _change(mailbox, _resumed_state(mailbox))


def lose_authorization(mailbox: Mailbox, reason: str) -> None:
    """Note that the provider lets Postroom in no more; the sync waits for the rep (R-065)."""
    if mailbox.is_syncing:
        _change(mailbox, MailboxState.RECONNECT, reason)


def remove(mailbox: Mailbox) -> None:
    """Forget the tokens and the mailbox; activities stay (R-063)."""
    Mailbox.objects.filter(pk=mailbox.pk, account=mailbox.account).delete()


def note_fault(mailbox: Mailbox, error: str, wait: timedelta | None = None) -> None:
    """Keep what went wrong for people to see, and put off the next pass."""
    mailbox.failures += 1
    Mailbox.objects.filter(pk=mailbox.pk, account=mailbox.account, epoch=mailbox.epoch).update(
        failures=mailbox.failures,
        last_error=error[:1000],
        next_sync_at=datetime.now(UTC) + max(wait or timedelta(), mailbox.retry_delay()),
    )


def _resumed_state(mailbox: Mailbox) -> MailboxState:
    if mailbox.activated_at is None:
        return MailboxState.CONNECTED
    return MailboxState.IMPORTING if "listing" in (mailbox.cursor or {}) else MailboxState.ACTIVE


def _change(mailbox: Mailbox, state: MailboxState, reason: str = "") -> None:
    Mailbox.objects.filter(pk=mailbox.pk, account=mailbox.account).update(
        state=state,
        state_reason=reason,
        epoch=F("epoch") + 1,
        failures=0,
        last_error="",
        next_sync_at=datetime.now(UTC),
    )
    mailbox.refresh_from_db()

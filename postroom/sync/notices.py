"""What people are told by email: that a mailbox no longer lets Postroom in (R-065), that a destination takes
nothing any more (R-084), that they are invited.

One job a person, queued in the transaction that changes the mailbox's state: told for certain, and told
once for each time it happens, however many passes find out.
"""

import logging
from collections.abc import Mapping

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from postroom.connector import mailboxes
from postroom.connector.invitations import HOLDS_FOR, token_of
from postroom.connector.models import Mailbox, MailboxState
from postroom.connector.organisation_access import failure_is_news, opened_by
from postroom.destinations.models import Destination, DestinationState
from postroom.organisations.models import Account, Role, User

log = logging.getLogger(__name__)


@transaction.atomic
def lose_authorization(mailbox: Mailbox, reason: str) -> None:
    """Put the mailbox into the state *Reconnect needed* and have its rep and the administrators told."""
    # The jobs import the pass, and the pass this.
    from postroom.sync.jobs import tell_access_lost, tell_soon

    if not mailboxes.lose_authorization(mailbox, reason):
        return
    log.warning("Mailbox %s must be reconnected: %s", mailbox.pk, reason)
    if mailbox.by_organisation:
        # What one mailbox lost, all may have: the administrators hear of it once, and can mend it alone.
        if failure_is_news(mailbox.account_id, mailbox.provider):
            for user in _administrators(mailbox.account):
                tell_access_lost.defer(mailbox_id=mailbox.pk, user_id=user.pk)
        return
    for user in concerned(mailbox):
        tell_soon(mailbox, user)


def concerned(mailbox: Mailbox) -> list[User]:
    """The rep and every administrator of the account who can sign in."""
    own = User.objects.of(mailbox.account).filter(is_active=True, pk=mailbox.user_id)
    return list((own | _administrators(mailbox.account)).order_by("pk"))


def _administrators(account: Account) -> QuerySet[User]:
    return User.objects.of(account).filter(is_active=True, role=Role.ADMINISTRATOR)


def send_reconnect_notice(mailbox_id: int, user_id: int) -> None:
    """Tell one person, unless the mailbox was reconnected or removed in the meantime."""
    mailbox = Mailbox.objects.filter(pk=mailbox_id, state=MailboxState.RECONNECT).first()
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if mailbox is None or user is None:
        return
    shown = {
        "mailbox": mailbox,
        "user": user,
        "is_own": user.pk == mailbox.user_id,
        "url": settings.POSTROOM.public_url,
    }
    _send("notices/reconnect.txt", shown, user)


def send_access_notice(mailbox_id: int, user_id: int) -> None:
    """Tell an administrator that what the organisation gave does not open mailboxes; the first as example."""
    mailbox = Mailbox.objects.filter(pk=mailbox_id, state=MailboxState.RECONNECT).first()
    user = User.objects.filter(pk=user_id, is_active=True, role=Role.ADMINISTRATOR).first()
    if mailbox is None or user is None:
        return
    waiting = opened_by(mailbox.account, mailbox.provider).filter(state=MailboxState.RECONNECT)
    shown = {
        "mailbox": mailbox,
        "user": user,
        "number": waiting.count(),
        "url": f"{settings.POSTROOM.public_url}{reverse('bulk_connect')}",
    }
    _send("notices/access_lost.txt", shown, user)


def tell_of_trouble(destination: Destination) -> None:
    """Have the administrators told that a destination stopped, or has not worked for a while."""
    from postroom.sync.jobs import tell_destination

    log.warning("Destination %s needs attention: %s", destination.pk, destination.last_error)
    for user in _administrators(destination.account):
        tell_destination.defer(destination_id=destination.pk, user_id=user.pk)


def send_destination_notice(destination_id: int, user_id: int) -> None:
    """Tell an administrator, unless the destination works again or was removed in the meantime."""
    destination = Destination.objects.filter(pk=destination_id, removed_at=None).first()
    user = User.objects.filter(pk=user_id, is_active=True, role=Role.ADMINISTRATOR).first()
    if destination is None or user is None or destination.told_at is None:
        return
    shown = {
        "destination": destination,
        "user": user,
        "is_stopped": destination.state == DestinationState.STOPPED,
        "url": f"{settings.POSTROOM.public_url}{reverse('destination', args=[destination.pk])}",
    }
    _send("notices/destination.txt", shown, user)


def send_invitation(user_id: int) -> None:
    """Send the link by which to set a password, unless it was used or taken back in the meantime."""
    user = User.objects.filter(pk=user_id, is_active=False, invited_at__isnull=False).first()
    if user is None:
        return
    link = reverse("invitation", args=[token_of(user)])
    shown = {
        "user": user,
        "account": user.account,
        "url": f"{settings.POSTROOM.public_url}{link}",
        "days": HOLDS_FOR.days,
    }
    _send("notices/invitation.txt", shown, user)


def _send(template: str, shown: Mapping[str, object], to: User) -> None:
    """Send a template whose first line is the subject, in the language that the person chose."""
    with translation.override(to.language or settings.LANGUAGE_CODE):
        subject, _, body = render_to_string(template, dict(shown)).partition("\n")
    EmailMessage(subject.strip(), body.strip() + "\n", to=[to.email]).send()

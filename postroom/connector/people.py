"""Who a mailbox's mail is between: the rep's own addresses and the colleagues'."""

from collections.abc import Iterable

from postroom.connector.models import Mailbox
from postroom.mail.addresses import make_address
from postroom.organisations.models import User
from postroom.policy.decide import Rep


def rep_of(mailbox: Mailbox) -> Rep:
    """The rep as the policy sees it; two queries."""
    return _rep(mailbox.account_id, {mailbox.address_key, *mailbox.aliases})


def rep_of_user(user: User) -> Rep:
    """The rep that the user is, or would be on connecting the mailbox of the sign-in address."""
    mailbox = Mailbox.objects.of(user.account).filter(user=user).first()
    return rep_of(mailbox) if mailbox else _rep(user.account_id, _keys([user.email]))


def _rep(account_id: int, own: set[str]) -> Rep:
    colleagues = _keys(User.objects.filter(account_id=account_id).values_list("email", flat=True))
    others = Mailbox.objects.filter(account_id=account_id).values_list("address_key", "aliases")
    for key, aliases in others:
        colleagues.update([key, *aliases])
    return Rep(frozenset(own), frozenset(colleagues))


def _keys(emails: Iterable[str]) -> set[str]:
    return {address.key for address in map(make_address, emails) if address}

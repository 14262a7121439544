"""Who a mailbox's mail is between: the rep's own addresses and the colleagues'."""

from postroom.connector.models import Mailbox
from postroom.mail.addresses import make_address
from postroom.organisations.models import User
from postroom.policy.decide import Rep


def rep_of(mailbox: Mailbox) -> Rep:
    """The rep as the policy sees it; two queries."""
    colleagues = {
        address.key
        for address in map(
            make_address, User.objects.filter(account_id=mailbox.account_id).values_list("email", flat=True)
        )
        if address
    }
    others = Mailbox.objects.filter(account_id=mailbox.account_id).values_list("address_key", "aliases")
    for key, aliases in others:
        colleagues.update([key, *aliases])
    return Rep(frozenset({mailbox.address_key, *mailbox.aliases}), frozenset(colleagues))

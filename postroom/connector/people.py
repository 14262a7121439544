"""Who a mailbox's mail is between: the rep's own addresses and the colleagues'.

The colleagues of an account are held in memory, for they may be ten thousand and every batch of mail asks
for them. Whether they are still the same is asked of the database at most once a second, by a checksum.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from django.db.models import Count, F, Func, Sum, TextField, Value
from django.db.models.fields import BigIntegerField
from django.db.models.functions import Cast, Concat

from postroom.connector.models import Mailbox
from postroom.mail.addresses import make_address
from postroom.organisations.models import User
from postroom.policy.decide import Rep

TRUSTED_SECONDS = 1.0
"""How long after they were looked up the colleagues count as the same."""
MOST_ACCOUNTS = 100
"""Accounts whose colleagues are held; those asked for longest ago are dropped."""

Mark = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    colleagues: frozenset[str]
    mark: Mark
    looked_at: float


_held: OrderedDict[int, _Held] = OrderedDict()
_lock = threading.Lock()


def rep_of(mailbox: Mailbox) -> Rep:
    """The rep as the policy sees it; colleagues as of a second ago at the most."""
    return Rep(frozenset({mailbox.address_key, *mailbox.aliases}), colleagues_of(mailbox.account_id))


def rep_of_user(user: User) -> Rep:
    """The rep that the user is, or would be on connecting the mailbox of the sign-in address."""
    mailbox = Mailbox.objects.of(user.account).filter(user=user).first()
    return rep_of(mailbox) if mailbox else Rep(frozenset(_keys([user.email])), colleagues_of(user.account_id))


def colleagues_of(account_id: int) -> frozenset[str]:
    """Keys of every address of everyone in the account, none of whom becomes a lead (R-042)."""
    now = monotonic()
    with _lock:
        held = _held.get(account_id)
    if held and now - held.looked_at < TRUSTED_SECONDS:
        return held.colleagues
    # The mark is read first: who comes in between is seen with the next look.
    mark = _mark(account_id)
    colleagues = held.colleagues if held and held.mark == mark else _looked_up(account_id)
    with _lock:
        _held[account_id] = _Held(colleagues, mark, now)
        _held.move_to_end(account_id)
        while len(_held) > MOST_ACCOUNTS:
            _held.popitem(last=False)
    return colleagues


def _mark(account_id: int) -> Mark:
    """Differs once anyone, or any address of theirs, has come or gone."""
    users = User.objects.filter(account_id=account_id).aggregate(
        number=Count("pk"), sum=Sum(_hash(F("email")))
    )
    named = Concat("address_key", Value(" "), Cast("aliases", TextField()), output_field=TextField())
    mailboxes = Mailbox.objects.filter(account_id=account_id).aggregate(
        number=Count("pk"), sum=Sum(_hash(named))
    )
    return *users.values(), *mailboxes.values()


def _hash(text: object) -> Func:
    return Func(text, Value(0), function="hashtextextended", output_field=BigIntegerField())


def _looked_up(account_id: int) -> frozenset[str]:
    colleagues = _keys(User.objects.filter(account_id=account_id).values_list("email", flat=True))
    others = Mailbox.objects.filter(account_id=account_id).values_list("address_key", "aliases")
    for key, aliases in others:
        colleagues.update([key, *aliases])
    return frozenset(colleagues)


def _keys(emails: Iterable[str]) -> set[str]:
    return {address.key for address in map(make_address, emails) if address}

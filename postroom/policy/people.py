"""The people on a mail: who stands where, who is the rep's counterpart, whom a list covers."""

from collections.abc import Iterator, Sequence

from postroom.mail.message import Address, Direction, Message
from postroom.policy.decision import Rep
from postroom.policy.settings import Field


def counterparts(message: Message, direction: Direction, rep: Rep) -> dict[str, Address]:
    """Everyone on the mail but the rep, by key, in the order of the header fields and then of the keys.

    The author of a sent mail is the rep, under whatever address it was sent. Who stands on the mail
    more than once gets the first display name there is.
    """
    people: dict[str, Address] = {}
    for field in Field:
        if direction is Direction.SENT and field is Field.FROM:
            continue
        for address in sorted(addresses_in(message, field), key=_order):
            if not address.key or is_among(address, rep.own):
                continue
            if address.key not in people or (address.name and not people[address.key].name):
                people[address.key] = address
    return people


def addresses_in(message: Message, field: Field) -> Sequence[Address]:
    """The addresses that stand in one field of the mail."""
    match field:
        case Field.FROM:
            return (message.from_,) if message.from_ else ()
        case Field.TO:
            return message.to
        case Field.CC:
            return message.cc
        case Field.BCC:
            return message.bcc


def is_among(address: Address, keys: frozenset[str]) -> bool:
    """Whether it is one of these people.

    What follows a "+" in the local part is a label that the owner made up (RFC 5233), so
    ``rita+fair@northwind.example`` is Rita.
    """
    local, _, domain = address.key.rpartition("@")
    return address.key in keys or f"{local.partition('+')[0]}@{domain}" in keys


def is_listed(address: Address, entries: frozenset[str]) -> bool:
    """Whether an entry covers the address."""
    return bool(listing(address, entries))


def listing(address: Address, entries: frozenset[str]) -> str:
    """The entry that covers an address: itself, its domain or a domain above that; "" for none (R-036)."""
    return next((name for name in _names(address) if name in entries), "")


def _names(address: Address) -> Iterator[str]:
    """What an entry may call an address: its key, its domain, and every domain above."""
    yield address.key
    domain = address.domain
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def _order(address: Address) -> tuple[str, str, str]:
    """The same whatever order the sender's program wrote them in."""
    return address.key, address.name, address.address

"""Mails, people and settings for the tests of the policy."""

from dataclasses import replace
from datetime import UTC, datetime

from postroom.mail.addresses import make_address
from postroom.mail.message import Address, Direction, Message
from postroom.policy.decide import decide
from postroom.policy.decision import Decision, KnownLead, Rep, Rule
from postroom.policy.settings import Behaviour, Settings

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
REP = Rep(
    frozenset({"rita@northwind.example", "sales@northwind.example"}), frozenset({"sam@northwind.example"})
)


def person(address: str, name: str = "") -> Address:
    made = make_address(address, name)
    assert made is not None
    return made


def people(addresses) -> tuple[Address, ...]:
    return tuple(each if isinstance(each, Address) else person(each) for each in addresses)


def mail(
    *,
    from_: str | Address | None = "carol@customer.example",
    to=("rita@northwind.example",),
    cc=(),
    bcc=(),
    subject: str = "",
    text: str = "",
    html: str = "",
    headers: dict[str, str] | None = None,
) -> Message:
    return Message(
        id="1",
        thread="",
        message_id="m@x",
        date=NOON,
        received_at=NOON,
        subject=subject,
        text=text,
        html=html,
        from_=people([from_])[0] if from_ else None,
        to=people(to),
        cc=people(cc),
        bcc=people(bcc),
        headers={name: (value,) for name, value in (headers or {}).items()},
    )


def sent(*to: str | Address, **fields) -> Message:
    return mail(from_="rita@northwind.example", to=to, **fields)


def inbound(**changes) -> Settings:
    return replace(Settings(), inbound=replace(Settings().inbound, **changes))


def outbound(**changes) -> Settings:
    return replace(Settings(), outbound=replace(Settings().outbound, **changes))


def with_keywords(*keywords: str, **changes) -> Settings:
    return inbound(behaviour=Behaviour.KEYWORDS, keywords=frozenset(keywords), **changes)


def leads(*addresses: str) -> dict[str, list[KnownLead]]:
    return {address: [KnownLead(number)] for number, address in enumerate(addresses, 1)}


def received(message: Message, settings: Settings, known=None) -> Decision:
    return decide(message, RECEIVED, REP, settings, known or {})


def rule(message: Message, direction: Direction, settings: Settings, known=None) -> Rule:
    return decide(message, direction, REP, settings, known or {}).rule


CAROL = leads("carol@customer.example")
"""Carol, who writes ``mail()``, is lead 1."""

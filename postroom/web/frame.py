"""What the frame around every page knows: what the viewer may do, and what they should be told.

One query for the account's side of it, one for the viewer's own mailbox.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONObject

from postroom.connector.mailboxes import own_mailbox
from postroom.connector.models import Mailbox, MailboxState, SetUp, SyncStop
from postroom.destinations.managing import failing_destinations
from postroom.organisations.access import DEFAULT_ROLES, is_granted
from postroom.organisations.models import AccessMode, AccessRule, Account, Purpose, User, UserField


@dataclass(frozen=True, slots=True)
class Frame:
    """For ``base.html``, ``nav.html`` and ``notices.html``."""

    mailbox: Mailbox | None
    """The viewer's own."""
    may_configure: bool
    may_connect: bool
    sees_team: bool
    """Whether the viewer has more to see than themselves (R-075)."""
    is_set_up: bool
    is_stopped: bool
    reconnects: int
    """Mailboxes of the account that wait for their users to reconnect, for an administrator; else 0."""
    lacks_access: bool
    """Whether mailboxes that an administrator connected cannot be read, for an administrator."""
    failing: Sequence[Mapping[str, Any]]
    """``pk``, ``name`` and ``state`` of destinations that do not work, for whoever configures; else none."""


def frame_of(user: User) -> Frame:
    mailbox = own_mailbox(user)
    facts = _facts(user.account_id)
    rules = {purpose: _rule(purpose, facts["rules"]) for purpose in Purpose}
    reconnects = facts["reconnects"] if user.is_administrator else 0
    waits = mailbox and mailbox.state == MailboxState.RECONNECT and not mailbox.by_organisation
    if user.is_administrator and waits:
        reconnects -= 1
    configures = user.is_administrator or is_granted(rules[Purpose.CONFIGURE], user)
    return Frame(
        mailbox=mailbox,
        may_configure=configures,
        may_connect=is_granted(rules[Purpose.CONNECT], user),
        sees_team=user.is_administrator or user.is_manager,
        is_set_up=facts["is_set_up"],
        is_stopped=facts["is_stopped"],
        reconnects=reconnects,
        lacks_access=user.is_administrator and facts["lacks_access"],
        failing=facts["failing"] if configures else [],
    )


def _facts(account_id: int) -> dict[str, Any]:
    here = OuterRef("pk")
    lost = Mailbox.objects.filter(account=here, state=MailboxState.RECONNECT).order_by()
    waiting = lost.filter(by_organisation=False)
    rules = AccessRule.objects.filter(account=here)
    failing = failing_destinations(datetime.now(UTC)).filter(account=here).order_by("name")
    return cast(
        "dict[str, Any]",
        Account.objects.filter(pk=account_id)
        .values(
            is_stopped=Exists(SyncStop.objects.filter(account=here, ended_at=None)),
            is_set_up=Exists(SetUp.objects.filter(account=here, completed_at__isnull=False)),
            lacks_access=Exists(lost.filter(by_organisation=True)),
            reconnects=Coalesce(Subquery(waiting.values("account").annotate(n=Count("pk")).values("n")), 0),
            failing=ArraySubquery(failing.values(it=JSONObject(pk="pk", name="name", state="state"))),
            rules=ArraySubquery(
                rules.values(
                    rule=JSONObject(purpose="purpose", mode="mode", roles="roles", field="field__name")
                )
            ),
        )
        .get(),
    )


def _rule(purpose: Purpose, saved: list[dict[str, Any]]) -> AccessRule:
    for rule in saved:
        if rule["purpose"] == purpose:
            field = UserField(name=rule["field"]) if rule["field"] else None
            return AccessRule(purpose=purpose, mode=rule["mode"], roles=rule["roles"], field=field)
    return AccessRule(purpose=purpose, mode=AccessMode.ROLE, roles=list(DEFAULT_ROLES[purpose]))

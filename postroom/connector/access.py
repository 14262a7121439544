"""Changing who may configure and who may connect (R-012, R-050), and what that means for mailboxes.

A mailbox whose rep may connect no more is paused in the same transaction, and says why. Each change is in
the audit trail.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F
from django.utils import translation

from postroom.connector.audit import record
from postroom.connector.models import SYNCING, AuditArea, AuditEntry, Mailbox, MailboxState
from postroom.errors import AccountRefused, PostroomError
from postroom.organisations.access import access_rule, connecting_users, may_connect
from postroom.organisations.models import AccessMode, AccessRule, Account, Purpose, Role, User, UserField


class AccessRefused(PostroomError):
    """This rule cannot be saved."""

    code = "access_refused"


class MayNotConnect(AccountRefused):
    """This user may not connect a mailbox at present. An administrator decides who may."""

    code = "may_not_connect"


@transaction.atomic
def save_access_rule(
    account: Account,
    purpose: Purpose,
    mode: AccessMode,
    *,
    roles: Collection[str] = (),
    field: UserField | None = None,
    by: User | None,
) -> int:
    """Put a rule in force and return how many mailboxes were paused by it.

    ``roles`` count in mode ``ROLE`` and ``field`` in mode ``FIELD``; the other is forgotten. Raises
    ``AccessRefused``.
    """
    hold(account)
    now, rule = access_rule(account, purpose), _made(account, purpose, mode, roles, field)
    before, after = _data(now), _data(rule)
    if before == after:
        return 0
    values = {"mode": rule.mode, "roles": rule.roles, "field": rule.field}
    AccessRule.objects.update_or_create(account=account, purpose=purpose, defaults=values)
    said = f"Changed who may {_WHAT[purpose]}: {in_words(rule)}."
    record(account, by, AuditArea.ACCESS, said, before=before, after=after)
    return pause_without_access(account, by) if purpose is Purpose.CONNECT else 0


def in_words(rule: AccessRule) -> str:
    """Whom the rule names, as the end of an English sentence, such as the audit trail keeps."""
    if rule.mode == AccessMode.FIELD:
        return f"users whose field {rule.field} is Yes"
    with translation.override("en"):
        named = ", ".join(str(Role(role).label) for role in Role.values if role in rule.roles)
    return named or "administrators only"


def hold(account: Account) -> None:
    """Take the account's row: changes of people, access and the sync switch come one after the other."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def refuse_without_access(user: User) -> None:
    """Raise ``MayNotConnect`` where the user may not; it cannot change before the transaction ends."""
    hold(user.account)
    if not may_connect(User.objects.select_related("account").get(pk=user.pk)):
        raise MayNotConnect


def pause_without_access(account: Account, by: User | None) -> int:
    """Pause what syncs without the right to, and return how many mailboxes that were.

    The caller holds the account's row. Epochs are raised in order of id, as in ``stops.begin_stop``.
    """
    lost = (
        Mailbox.objects.of(account)
        .filter(state__in=SYNCING)
        .exclude(user__in=connecting_users(account))
        .order_by("pk")
        .select_related("user")
    )
    mailboxes = list(lost.select_for_update(no_key=True, of=("self",)))
    when = f"{datetime.now(UTC):%-d %B %Y}"
    who = f" (changed by {by})" if by else ""
    for active, why in ((True, "may not connect a mailbox any more"), (False, "was deactivated")):
        gone = [mailbox for mailbox in mailboxes if mailbox.user.is_active is active]
        _pause(account, gone, f"Paused on {when}, for its user {why}{who}. {_LATER}", by)
    return len(mailboxes)


_WHAT = {Purpose.CONFIGURE: "configure the connector", Purpose.CONNECT: "connect a mailbox"}
_LATER = "Once that is changed back, the sync can be resumed and goes on from where it stopped."


def _pause(account: Account, mailboxes: Collection[Mailbox], reason: str, by: User | None) -> None:
    Mailbox.objects.of(account).filter(pk__in=[mailbox.pk for mailbox in mailboxes]).update(
        state=MailboxState.PAUSED,
        state_reason=reason,
        epoch=F("epoch") + 1,
        failures=0,
        last_error="",
    )
    AuditEntry.objects.bulk_create(
        AuditEntry(
            account=account,
            by=by,
            by_name=(by.name or by.email) if by else "Postroom",
            area=AuditArea.MAILBOX,
            about_id=mailbox.user_id,
            said=f"Paused the mailbox {mailbox.address}: its user may not connect one any more.",
        )
        for mailbox in mailboxes
    )


def _made(
    account: Account, purpose: Purpose, mode: AccessMode, roles: Collection[str], field: UserField | None
) -> AccessRule:
    """The rule as a value. Raises ``AccessRefused`` where it is none."""
    if mode is AccessMode.FIELD:
        if field is None or field.account_id != account.pk:
            raise AccessRefused("Choose one of the user fields.")
        return AccessRule(account=account, purpose=purpose, mode=mode, field=field)
    if unknown := set(roles) - set(Role.values):
        raise AccessRefused(f"There is no role {', '.join(sorted(unknown))}.")
    if purpose is Purpose.CONNECT and not roles:
        raise AccessRefused("Choose at least one role; to stop everyone, switch the sync off instead.")
    named = [role for role in Role.values if role in roles]
    return AccessRule(account=account, purpose=purpose, mode=mode, roles=named)


def _data(rule: AccessRule) -> dict[str, object]:
    return {
        "mode": str(rule.mode),
        "roles": list(rule.roles),
        "field": rule.field.name if rule.field else "",
    }

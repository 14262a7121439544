"""The one transaction in which a batch of mail becomes activities, and the cursor moves on.

It is fenced: it first takes the mailbox's row, and only if the mailbox is still in the epoch and at the
cursor that the pass read. So a paused mailbox cannot write afterwards, of two passes at once only one
writes, and a crash repeats work without doubling or losing any (R-007).

Commits of several mailboxes share leads and messages. They take rows in one order, so that none waits
for another in a circle: mailbox, lead sources by name, new leads by address, messages by identity and
then by id, existing leads by id.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DataError, connection, transaction
from django.db.models import F
from psycopg import errors as postgres

from postroom.connector.models import SYNCING, JournalEntry, Mailbox, MailboxState, Outcome, ProcessedMail
from postroom.crm.bulk import insert_rows
from postroom.crm.capture import NewLead, capture_leads
from postroom.crm.giving_way import DEADLOCK, again_if_broken_off
from postroom.crm.models import (
    Activity,
    ActivityKind,
    Attachment,
    Lead,
    LeadAddress,
    MessageBody,
    MessageCopy,
    StoredMessage,
)
from postroom.crm.previews import preview
from postroom.crm.retention import claim
from postroom.errors import PostroomError
from postroom.mail.message import Address, Direction
from postroom.policy.decide import Match, Rep, Rule
from postroom.policy.people import is_among
from postroom.policy.settings import Detail
from postroom.providers.base import Cursor
from postroom.sync.filing import Filing, set_aside

log = logging.getLogger(__name__)


class Fenced(PostroomError):
    """The mailbox was paused, removed or taken over meanwhile; this pass stops."""


class LeadsChanged(PostroomError):
    """A lead was deleted or merged while the mail was judged; judge it again."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where the cursor goes with a commit."""

    cursor: Cursor
    caught_up: bool
    """Whether nothing is left to read for now."""
    importing: bool
    estimate: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit wrote."""

    synced: int
    skipped: int


def commit(mailbox: Mailbox, rep: Rep, filings: Sequence[Filing], step: Step | None) -> Committed:
    """Write a batch, and move the cursor where a ``step`` is given.

    Raises ``Fenced`` and ``LeadsChanged``; nothing is written then. A mail whose values PostgreSQL
    refuses is set aside, and the rest is written.
    """
    done = again_if_broken_off(lambda: _commit_or_sift(mailbox, rep, filings, step), _GIVEN_WAY)
    _follow(mailbox, step)
    return done


_GIVEN_WAY = (
    *DEADLOCK,
    postgres.SerializationFailure,
    # What was looked up went meanwhile, such as a lead source that was merged into another.
    postgres.ForeignKeyViolation,
)


def _commit_or_sift(mailbox: Mailbox, rep: Rep, filings: Sequence[Filing], step: Step | None) -> Committed:
    try:
        return _commit(mailbox, rep, filings, step)
    except DataError:
        log.warning("A mail of mailbox %s does not fit the database; finding which.", mailbox.pk)
        return _commit(mailbox, rep, [_sifted(mailbox, rep, filing) for filing in filings], step)


def _sifted(mailbox: Mailbox, rep: Rep, filing: Filing) -> Filing:
    """The filing, or in its place a note that it cannot be stored."""
    try:
        with transaction.atomic():
            _take(mailbox)
            _write(mailbox, rep, _fresh(mailbox, [filing]))
            transaction.set_rollback(True)
    except DataError as error:
        reason = f"The database cannot hold this mail: {error}".partition("\n")[0]
        return set_aside(filing.provider_id, filing.direction, reason, filing.decision.settings_version)
    return filing


@transaction.atomic
def _commit(mailbox: Mailbox, rep: Rep, filings: Sequence[Filing], step: Step | None) -> Committed:
    _leave_to_the_disk()
    _take(mailbox)
    fresh = _fresh(mailbox, filings)
    _write(mailbox, rep, fresh)
    synced = sum(filing.syncs for filing in fresh)
    _advance(mailbox, step, synced, len(fresh) - synced)
    return Committed(synced, len(fresh) - synced)


def _leave_to_the_disk() -> None:
    """Have the commit not wait for the disk: what a crash of the server takes, it takes with the cursor.

    Later transactions that do wait, as those of jobs and deliveries, make it durable before them; see
    decision 7, and "Asynchronous Commit" of PostgreSQL's documentation.
    """
    with connection.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")


def _fresh(mailbox: Mailbox, filings: Sequence[Filing]) -> list[Filing]:
    """Those not written before, each once."""
    unique = {filing.provider_id: filing for filing in filings}
    done = processed_ids(mailbox, list(unique))
    return [filing for filing in unique.values() if filing.provider_id not in done]


def processed_ids(mailbox: Mailbox, ids: Sequence[str]) -> set[str]:
    """Which of these mails were decided before."""
    rows = ProcessedMail.objects.filter(
        account_id=mailbox.account_id, mailbox_id=mailbox.pk, provider_id__in=ids
    )
    return set(rows.values_list("provider_id", flat=True))


def _take(mailbox: Mailbox) -> None:
    """Lock the mailbox's row, if it is still as the pass knows it."""
    held = (
        Mailbox.objects.select_for_update(no_key=True)
        .filter(
            pk=mailbox.pk,
            account_id=mailbox.account_id,
            epoch=mailbox.epoch,
            state__in=SYNCING,
            cursor=mailbox.cursor,
        )
        .values_list("pk", flat=True)
    )
    if not held:
        raise Fenced


def _advance(mailbox: Mailbox, step: Step | None, synced: int, skipped: int) -> None:
    now = datetime.now(UTC)
    changes: dict[str, object] = {
        "synced_count": F("synced_count") + synced,
        "skipped_count": F("skipped_count") + skipped,
        "last_sync_at": now,
    }
    if mailbox.state == MailboxState.IMPORTING:
        changes["import_done"] = F("import_done") + synced + skipped
    if step:
        # A fault is over once the cursor moves, not when some mails beside it could be written.
        changes |= {
            "cursor": step.cursor,
            "state": _state_after(mailbox, step),
            "next_sync_at": now + timedelta(seconds=settings.POSTROOM.poll_seconds if step.caught_up else 0),
            "failures": 0,
            "last_error": "",
        }
        if step.caught_up:
            changes["followed_at"] = now
        if step.importing and step.estimate is not None:
            changes["import_total"] = step.estimate
    Mailbox.objects.filter(pk=mailbox.pk, account_id=mailbox.account_id).update(**changes)


def _state_after(mailbox: Mailbox, step: Step) -> MailboxState:
    goes_on = step.importing and mailbox.state == MailboxState.IMPORTING
    return MailboxState.IMPORTING if goes_on else MailboxState.ACTIVE


def _follow(mailbox: Mailbox, step: Step | None) -> None:
    """Let the pass's own view of the mailbox follow what is now committed."""
    if step:
        mailbox.state = _state_after(mailbox, step)
        mailbox.cursor = step.cursor
        mailbox.failures = 0
        mailbox.followed_at = datetime.now(UTC) if step.caught_up else mailbox.followed_at


def _write(mailbox: Mailbox, rep: Rep, filings: Sequence[Filing]) -> None:
    account = mailbox.account_id
    syncing = [filing for filing in filings if filing.syncs and filing.message]
    leads, captured = _leads(account, syncing)
    messages = _messages(mailbox, rep, syncing)
    _activities(account, syncing, leads, messages)
    insert_rows(
        ProcessedMail(
            account_id=account,
            mailbox_id=mailbox.pk,
            provider_id=filing.provider_id,
            message_id=messages[filing.identity].pk if filing.syncs else None,
        )
        for filing in filings
        # A mail that is gone may come back: out of the trash, it is to be decided then.
        if filing.decision.rule is not Rule.GONE
    )
    insert_rows(_journal(mailbox, filings, leads, captured, messages))


def _leads(account: int, filings: Iterable[Filing]) -> tuple[dict[str, int], set[str]]:
    """Lead ids by ``Address.key`` for who is captured, and the keys of those leads that are new."""
    people = [
        _new_lead(match, filing.decision.lead_source)
        for filing in filings
        for match in filing.decision.matches
        if match.lead is None
    ]
    captured = capture_leads(account, people)
    keys = {person.key for person in people}
    made = Lead.objects.filter(account_id=account, email_key__in=keys).values_list("email_key", "pk")
    leads = dict(made)
    merged = LeadAddress.objects.filter(account_id=account, key__in=captured, merge__isnull=False)
    if len(leads) < len(keys) or (captured and merged.exists()):
        raise LeadsChanged
    return leads, captured


def _new_lead(match: Match, source: str) -> NewLead:
    address = match.address
    return NewLead(address.key, address.address, match.first_name, match.last_name, source)


def _messages(mailbox: Mailbox, rep: Rep, filings: Sequence[Filing]) -> dict[str, StoredMessage]:
    """The stored messages by identity, with body, attachments and this rep's copy."""
    account = mailbox.account_id
    copies = sorted(filings, key=lambda filing: filing.identity)
    messages = _stored(account, copies)
    insert_rows(
        MessageCopy(
            account_id=account,
            message=messages[filing.identity],
            user_id=mailbox.user_id,
            sent=_is_ours(filing, rep),
        )
        for filing in copies
    )
    lasting = [filing for filing in copies if messages[filing.identity].content_deleted_at is None]
    insert_rows(
        MessageBody(
            account_id=account,
            message=messages[filing.identity],
            text=filing.message.text,
            html=filing.message.html,
            preview=preview(filing.message.text, filing.message.html),
        )
        for filing in lasting
        if filing.message and Detail.BODY in filing.decision.details
    )
    _attach(account, lasting, messages)
    return messages


_MAY_LACK = ("subject", "cc", "bcc")
"""What another copy of a message may have where one has none."""
_GROWING = (*_MAY_LACK, "details")


def _stored(account: int, copies: Sequence[Filing]) -> dict[str, StoredMessage]:
    """The messages by identity, each stored once, and locked: their other copies wait their turn (R-006)."""
    rows = [_message_row(account, filing) for filing in copies]
    identities = {row.identity for row in rows}
    insert_rows(rows)
    found = StoredMessage.objects.filter(account_id=account, identity__in=identities).order_by("pk")
    used = found.only("identity", "happened_at", "content_deleted_at", *_GROWING)
    messages = {message.identity: message for message in used.select_for_update(no_key=True)}
    grown = [messages[row.identity] for row in rows if _grows(messages[row.identity], row)]
    StoredMessage.objects.bulk_update(grown, _GROWING)
    return messages


def _grows(message: StoredMessage, copy: StoredMessage) -> bool:
    """Take over what this copy adds: the Bcc that only the sender has, or a detail not captured before."""
    added = False
    for field in _MAY_LACK:
        if getattr(copy, field) and not getattr(message, field):
            setattr(message, field, getattr(copy, field))
            added = True
    if not set(copy.details) <= set(message.details):
        message.details = sorted({*message.details, *copy.details})
        added = True
    return added


def _attach(account: int, copies: Sequence[Filing], messages: dict[str, StoredMessage]) -> None:
    """Note the attachments of those messages that have none yet, from one copy each."""
    first = {filing.identity: filing for filing in reversed(copies) if filing.attachments}
    if not first:
        return
    there = Attachment.objects.filter(account_id=account, message__in=messages.values())
    whole = set(there.values_list("message_id", flat=True))
    rows = [
        row
        for identity, filing in sorted(first.items())
        if messages[identity].pk not in whole
        for row in _attachment_rows(account, messages[identity], filing)
    ]
    insert_rows(rows)
    claim(account, {row.blob for row in rows if row.blob})


def _is_ours(filing: Filing, rep: Rep) -> bool:
    """Whether someone of the account sent the mail, which makes it *Email Sent* on every lead (R-006)."""
    author = filing.message.from_ if filing.message else None
    if filing.direction is Direction.SENT:
        return True
    return bool(author) and (is_among(author, rep.own) or is_among(author, rep.colleagues))


def _message_row(account: int, filing: Filing) -> StoredMessage:
    message, details = filing.message, filing.decision.details
    if message is None:
        raise AssertionError("A mail that syncs has been read.")
    return StoredMessage(
        account_id=account,
        identity=filing.identity,
        message_id=message.message_id,
        conversation=filing.conversation,
        happened_at=message.received_at,
        subject=message.subject if Detail.SUBJECT in details else "",
        from_address=message.from_.address if message.from_ else "",
        from_name=message.from_.name if message.from_ else "",
        to=_people(message.to),
        cc=_people(message.cc) if Detail.CC in details else [],
        bcc=_people(message.bcc) if Detail.BCC in details else [],
        details=sorted(details),
    )


def _people(addresses: Iterable[Address]) -> list[list[str]]:
    return [[address.address, address.name] for address in addresses]


def _attachment_rows(account: int, message: StoredMessage, filing: Filing) -> Iterable[Attachment]:
    for kept in filing.attachments:
        yield Attachment(
            account_id=account,
            message=message,
            part=kept.attachment.part,
            filename=kept.attachment.filename,
            content_type=kept.attachment.content_type[:255],
            size=kept.blob.size if kept.blob else kept.attachment.size,
            inline=kept.attachment.inline,
            content_id=kept.attachment.content_id,
            blob=kept.blob.sha256 if kept.blob else "",
            reason=kept.reason,
        )


def _activities(
    account: int, filings: Sequence[Filing], leads: dict[str, int], messages: dict[str, StoredMessage]
) -> None:
    """One activity on each matched lead; *Email Sent* wherever any copy of the mail was sent."""
    ours = set(
        MessageCopy.objects.filter(account_id=account, message__in=messages.values(), sent=True).values_list(
            "message_id", flat=True
        )
    )
    rows = [
        Activity(
            account_id=account,
            lead_id=_lead_id(match, leads),
            message=message,
            kind=ActivityKind.SENT if message.pk in ours else ActivityKind.RECEIVED,
            happened_at=message.happened_at,
        )
        for filing in filings
        for message in [messages[filing.identity]]
        for match in filing.decision.matches
    ]
    _touch(account, rows)
    insert_rows(rows)
    # No other commit touches these meanwhile: whoever adds a copy or an activity holds the message.
    Activity.objects.filter(account_id=account, message__in=ours, kind=ActivityKind.RECEIVED).update(
        kind=ActivityKind.SENT
    )


def _lead_id(match: Match, leads: dict[str, int]) -> int:
    return match.lead if match.lead is not None else leads[match.address.key]


_TOUCH = """
    update crm_lead set last_activity_at = greatest(last_activity_at, new.at)
    from unnest(%s::bigint[], %s::timestamptz[]) as new(id, at)
    where crm_lead.account_id = %s and crm_lead.id = new.id
"""


def _touch(account: int, activities: Sequence[Activity]) -> None:
    """Note the newest activity on each lead; locks the leads in order of id, so that none deadlock."""
    newest = {
        activity.lead_id: activity.happened_at
        for activity in sorted(activities, key=lambda each: each.happened_at)
    }
    leads = Lead.objects.filter(account_id=account, pk__in=newest).order_by("pk")
    if len(leads.select_for_update(no_key=True).values_list("pk", flat=True)) < len(newest):
        raise LeadsChanged
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [list(newest), list(newest.values()), account])


def _journal(
    mailbox: Mailbox,
    filings: Iterable[Filing],
    leads: dict[str, int],
    captured: set[str],
    messages: dict[str, StoredMessage],
) -> Iterable[JournalEntry]:
    """A row for each mail and lead; of skipped mail the rule, never the content (R-072)."""
    for filing in filings:
        if not filing.syncs:
            yield _journal_row(mailbox, filing)
            continue
        for nth, match in enumerate(filing.decision.matches):
            row = _journal_row(mailbox, filing)
            row.nth = nth
            row.counterpart = match.address.address
            row.lead_id = _lead_id(match, leads)
            row.captured = match.lead is None and match.address.key in captured
            captured.discard(match.address.key)
            row.message = messages[filing.identity]
            yield row


def _journal_row(mailbox: Mailbox, filing: Filing) -> JournalEntry:
    message, decision = filing.message, filing.decision
    shows_subject = filing.outcome == Outcome.SYNCED and Detail.SUBJECT in decision.details
    return JournalEntry(
        account_id=mailbox.account_id,
        mailbox_id=mailbox.pk,
        user_id=mailbox.user_id,
        provider_id=filing.provider_id,
        direction=filing.direction or "",
        happened_at=message.received_at if message else None,
        outcome=filing.outcome,
        rule=decision.rule,
        reason=decision.reason,
        setting=decision.setting[:80],
        settings_version=decision.settings_version,
        rep_settings_version=decision.rep_settings_version or None,
        subject=message.subject if message and shows_subject else "",
    )

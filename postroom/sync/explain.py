"""Why a mail is synced or not: the same decision as in a pass, told for a mail in a file.

Nothing is written. What it tells quotes the mail, so it is for whoever holds the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from postroom.connector.models import Mailbox, MailboxState
from postroom.connector.people import rep_of_user
from postroom.connector.policies import effective_settings
from postroom.connector.stops import is_stopped
from postroom.crm.matching import leads_at
from postroom.errors import PostroomError
from postroom.mail.addresses import make_address
from postroom.mail.message import Direction, Message
from postroom.mail.mime import read_mime
from postroom.organisations.models import User
from postroom.policy.decide import Decision, Rep, counterparts, decide
from postroom.policy.explain import NAMES
from postroom.policy.explain import to_data as decision_data
from postroom.policy.kinds import capture_verdict
from postroom.policy.people import is_among
from postroom.policy.settings import Detail


class NoSuchRep(PostroomError):
    """Nobody here has this address."""

    code = "no_such_rep"


class UnreadableFile(PostroomError):
    """This file cannot be read as a mail."""

    code = "unreadable_file"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of one mail in one rep's mailbox."""

    rep: str
    """The rep's address."""
    direction: Direction
    message: Message
    decision: Decision
    attachments: tuple[tuple[str, str], ...]
    """(file name, why it would not be captured); "" for one that would."""
    notes: tuple[str, ...] = ()
    """What stands in the way apart from the policy, as sentences."""


def explain_file(path: Path, address: str) -> Explanation:
    """Explain the mail in a file. Raises ``UnreadableFile`` and ``NoSuchRep``."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}.") from error
    if not raw.strip():
        raise UnreadableFile(f"{path} is empty, and so is no mail.")
    return explain_mail(raw, find_rep(address))


def find_rep(address: str) -> User:
    """The user who signs in with the address, or whose mailbox has it. Raises ``NoSuchRep``."""
    made = make_address(address)
    user = User.objects.select_related("account").filter(email__iexact=address.strip()).first()
    if user is None and made:
        mailboxes = Mailbox.objects.select_related("user__account")
        found = mailboxes.filter(address_key=made.key) | mailboxes.filter(aliases__contains=[made.key])
        mailbox = found.order_by("pk").first()
        user = mailbox.user if mailbox else None
    if user is None:
        raise NoSuchRep(f"Nobody here has the address {address}.")
    return user


def explain_mail(raw: bytes, user: User) -> Explanation:
    """Decide on a mail as if it stood in the rep's mailbox now. Raises ``MessageError``."""
    message, rep = read_mime(raw, received_at=datetime.now(UTC)), rep_of_user(user)
    direction = _direction(message, rep)
    settings = effective_settings(user.account_id, user.pk)
    known = leads_at(user.account_id, counterparts(message, direction, rep).keys())
    decision = decide(message, direction, rep, settings, known)
    return Explanation(
        user.email, direction, message, decision, tuple(_attachments(message, decision)), tuple(_notes(user))
    )


def _direction(message: Message, rep: Rep) -> Direction:
    """A file does not tell its folder; what the rep wrote counts as sent."""
    by_rep = message.from_ and is_among(message.from_, rep.own)
    return Direction.SENT if by_rep else Direction.RECEIVED


def _attachments(message: Message, decision: Decision) -> Iterator[tuple[str, str]]:
    for attachment in message.attachments:
        name = attachment.filename or f"part {attachment.part}"
        if Detail.ATTACHMENTS not in decision.details:
            yield name, "Attachments are not captured."
        else:
            yield name, capture_verdict(attachment, attachment.content, decision.attachment_kinds)[1]


def _notes(user: User) -> Iterator[str]:
    mailbox = Mailbox.objects.of(user.account).filter(user=user).first()
    if mailbox is None:
        yield f"{user} has connected no mailbox, so nothing syncs yet."
    elif not mailbox.is_syncing:
        state = MailboxState(mailbox.state).label
        yield f"The mailbox {mailbox.address} does not sync at the moment: {state}."
    if is_stopped(user.account_id):
        yield "Sync is switched off for all users at the moment."


def to_data(explanation: Explanation) -> dict[str, object]:
    """The explanation as JSON."""
    return {
        "rep": explanation.rep,
        "direction": explanation.direction.value,
        "subject": explanation.message.subject,
        "decision": decision_data(explanation.decision),
        "attachments": [
            {"name": name, "captured": not reason, "reason": reason}
            for name, reason in explanation.attachments
        ],
        "notes": list(explanation.notes),
        "defects": list(explanation.message.defects),
    }


def shown(explanation: Explanation) -> RenderableType:
    """The explanation for a terminal."""
    decision = explanation.decision
    verdict = Text(
        "Synced" if decision.syncs else "Not synced", "bold green" if decision.syncs else "bold red"
    )
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(explanation):
        facts.add_row(Text(name, "dim"), Text(value))
    tested = Table(box=None, padding=(0, 1), show_header=False)
    for check in decision.tested:
        mark = Text("stop", "red") if check.stops else Text("ok", "green")
        words = Text(" ".join((check.reason, *check.lines)))
        tested.add_row(mark, Text(NAMES[check.rule]), words, Text(check.setting, "dim"))
    notes = [Text(note, "yellow") for note in explanation.notes]
    return Group(verdict, facts, Text("\nTested, in this order", "bold"), tested, *notes)


def _facts(explanation: Explanation) -> Iterator[tuple[str, str]]:
    decision = explanation.decision
    yield "Subject", explanation.message.subject or "(none)"
    yield "Mailbox", f"{explanation.rep}, {explanation.direction} mail"
    yield "Rule", f"{NAMES[decision.rule]} ({decision.rule})"
    yield "Reason", decision.reason
    yield "Setting", decision.setting or "(none decided)"
    yield "Version", f"{decision.settings_version or 'defaults'}"
    if decision.rep_settings_version:
        yield "Rep's version", f"{decision.rep_settings_version}, of the rep's own keywords and exclusions"
    for match in decision.matches:
        lead = f"lead {match.lead}, by {match.field}" if match.lead else "becomes a new lead"
        yield "Lead", f"{match.address.address}: {lead}"
    for name, reason in explanation.attachments:
        yield "Attachment", f"{name}: {reason or 'captured'}"

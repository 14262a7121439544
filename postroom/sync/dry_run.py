"""What a draft of the settings would do to the last days of a mailbox, beside those in force.

Mail is fetched, judged twice and let go of: nothing is stored, and attachments are not fetched. What the
result quotes of mails is for the person who asked, while they look at it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp

from postroom.connector.models import Mailbox
from postroom.connector.people import rep_of
from postroom.connector.policies import current_rep_settings, current_settings, joined
from postroom.crm.matching import leads_at
from postroom.errors import MessageError, MessageGone
from postroom.mail.message import Direction, Message
from postroom.policy.decide import Decision, Rep, Rule, counterparts, decide
from postroom.policy.settings import Settings
from postroom.providers.base import Change, MailSource
from postroom.sync.sources import open_source
from postroom.threads import in_thread

MOST_MAILS = 500
MOST_EXAMPLES = 20
LONGEST_SUBJECT = 200

Progress = Callable[[int, int], None]
"""Called with the mails judged so far and the mails expected in all, as far as the provider tells."""


@dataclass(frozen=True, slots=True)
class Example:
    """A mail that the draft treats otherwise."""

    subject: str
    counterpart: str
    direction: Direction
    received_at: datetime
    now: Decision
    then: Decision


@dataclass(slots=True)
class DryRun:
    """What was found."""

    judged: int = 0
    unread: int = 0
    """Mails that were gone or could not be read."""
    is_cut: bool = False
    """Whether there was more mail than was looked at."""
    now: Counter[Rule] = field(default_factory=Counter[Rule])
    then: Counter[Rule] = field(default_factory=Counter[Rule])
    changes: Counter[tuple[Rule, Rule]] = field(default_factory=Counter[tuple[Rule, Rule]])
    """Mails that come out otherwise, by rule now and then; equal rules where other leads or details do."""
    examples: list[Example] = field(default_factory=list[Example])

    @property
    def changed(self) -> int:
        return sum(self.changes.values())


@dataclass(frozen=True, slots=True)
class _Sides:
    """The two policies, and whose mail they judge."""

    rep: Rep
    now: Settings
    then: Settings


async def dry_run(
    mailbox: Mailbox,
    draft: Settings,
    days: int,
    session: aiohttp.ClientSession,
    progress: Progress | None = None,
    most: int = MOST_MAILS,
    direction: Direction | None = None,
) -> DryRun:
    """Judge up to ``most`` mails of the last days by the settings in force and by the draft.

    Of one ``direction``, where it is given: no other mail is fetched then. The rep's own settings count on
    both sides. Raises ``ProviderError``, ``Misconfigured``.
    """
    source = await open_source(mailbox, session)
    sides = await in_thread(_sides, mailbox, draft)
    since = datetime.now(UTC) - timedelta(days=days)
    found = DryRun()
    async with aclosing(_listed(source, since)) as pages:
        async for listed, expected in pages:
            changes = [change for change in listed if direction in (None, change.direction)]
            wanted = changes[: most - found.judged - found.unread]
            found.is_cut = len(wanted) < len(changes)
            for start in range(0, len(wanted), source.concurrency):
                some = wanted[start : start + source.concurrency]
                read = await asyncio.gather(*(_read(source, change) for change in some))
                await in_thread(_judge, mailbox.account_id, sides, list(zip(some, read, strict=True)), found)
                if progress:
                    progress(found.judged + found.unread, min(expected, most))
            if found.is_cut:
                break
    return found


def _sides(mailbox: Mailbox, draft: Settings) -> _Sides:
    own = current_rep_settings(mailbox.account_id, mailbox.user_id)
    now = current_settings(mailbox.account_id)
    return _Sides(rep_of(mailbox), joined(now, own), joined(draft, own))


async def _listed(source: MailSource, since: datetime) -> AsyncGenerator[tuple[Sequence[Change], int], None]:
    """The mail since then in pages, each mail once, with how many are expected so far."""
    seen, expected = set[str](), 0
    page = await source.changes(await source.start(since))
    while page.importing:
        fresh = [change for change in page.changes if change.id not in seen]
        seen.update(change.id for change in fresh)
        expected = max(expected, len(seen), page.estimate or 0)
        yield fresh, expected
        page = await source.changes(page.cursor)


async def _read(source: MailSource, change: Change) -> Message | None:
    try:
        return change.message or await source.message(change)
    except (MessageGone, MessageError):
        return None


def _judge(
    account_id: int, sides: _Sides, batch: Sequence[tuple[Change, Message | None]], found: DryRun
) -> None:
    mails = [(change.direction, message) for change, message in batch if message]
    keys = {key for way, message in mails for key in counterparts(message, way, sides.rep)}
    known = leads_at(account_id, keys)
    for direction, message in mails:
        now = decide(message, direction, sides.rep, sides.now, known)
        then = decide(message, direction, sides.rep, sides.then, known)
        _count(found, sides.rep, message, direction, now, then)
    found.unread += len(batch) - len(mails)


def _count(
    found: DryRun, rep: Rep, message: Message, direction: Direction, now: Decision, then: Decision
) -> None:
    found.judged += 1
    found.now[now.rule] += 1
    found.then[then.rule] += 1
    if _effect(now) == _effect(then):
        return
    found.changes[now.rule, then.rule] += 1
    if len(found.examples) < MOST_EXAMPLES:
        people = counterparts(message, direction, rep)
        counterpart = next((address.address for address in people.values()), "")
        subject = message.subject[:LONGEST_SUBJECT]
        found.examples.append(Example(subject, counterpart, direction, message.received_at, now, then))


def _effect(decision: Decision) -> tuple[object, ...]:
    """What a decision would write, or the rule that keeps it from writing."""
    leads = frozenset((match.lead, match.address.key) for match in decision.matches)
    made = any(match.lead is None for match in decision.matches)
    return decision.rule, leads, decision.details, decision.lead_source if made else ""

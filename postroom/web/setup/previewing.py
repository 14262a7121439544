"""Trying a draft of one direction on its mail of last week, before it is saved; nothing is stored.

It runs while the browser waits, over few mailboxes and mails: what it finds of mail that is in no CRM must
not come to lie in a table for another process to pick up. For the same reason a mail in somebody else's
mailbox that does not sync at present is shown without its subject and without the person. Only a few run
at once in a process, so that they never hold all of its threads.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore

import aiohttp
from asgiref.sync import async_to_sync
from django.utils.translation import gettext as _

from postroom.connector.mailboxes import visible_mailboxes
from postroom.connector.models import SYNCING, Mailbox
from postroom.connector.policies import current_settings
from postroom.errors import PostroomError
from postroom.mail.message import Direction
from postroom.organisations.models import User
from postroom.policy.decision import Rule
from postroom.policy.settings import Settings
from postroom.providers.http import open_session
from postroom.sync.dry_run import DryRun, Example, dry_run
from postroom.web.sentences import told
from postroom.web.setup.words import RULES, Text

DAYS = 7
MOST_MAILS = 100
"""Of one mailbox."""
MOST_MAILBOXES = 3
MOST_OFFERED = 50
MOST_EXAMPLES = 20
SECONDS = 40
MOST_AT_ONCE = 2
"""Previews that a process runs at the same time."""

_places = BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Shown:
    """An example as the viewer may see it."""

    example: Example
    mailbox: Mailbox
    subject: str
    counterpart: str
    is_hidden: bool


@dataclass(slots=True)
class Preview:
    """What came out, over all mailboxes that were looked at."""

    judged: int = 0
    unread: int = 0
    is_cut: bool = False
    now: Counter[Rule] = field(default_factory=Counter[Rule])
    then: Counter[Rule] = field(default_factory=Counter[Rule])
    changed: int = 0
    examples: list[Shown] = field(default_factory=list[Shown])
    mailboxes: list[Mailbox] = field(default_factory=list[Mailbox])
    problems: list[str] = field(default_factory=list[str])

    @property
    def rules(self) -> Sequence[tuple[Text, int, int]]:
        """(rule in words, mails now, mails then) of each that decided on a mail."""
        return [
            (words, self.now[rule], self.then[rule])
            for rule, words in RULES.items()
            if self.now[rule] or self.then[rule]
        ]

    @property
    def synced(self) -> tuple[int, int]:
        return self.now[Rule.SYNCED], self.then[Rule.SYNCED]


def offered_mailboxes(viewer: User) -> Sequence[Mailbox]:
    """Mailboxes that the viewer may look into: the own one first, then those that synced last."""
    syncing = visible_mailboxes(viewer).filter(state__in=SYNCING).select_related("user")
    found = list(syncing.order_by("-last_sync_at", "pk")[:MOST_OFFERED])
    return sorted(found, key=lambda mailbox: mailbox.user_id != viewer.pk)


def preview_draft(
    viewer: User, direction: Direction, applied: Callable[[Settings], Settings], chosen: str | None
) -> Preview:
    """Judge last week's mail of the direction by the draft, in the mailbox chosen or in the first few."""
    with _a_place() as is_free:
        if is_free:
            return _preview(viewer, direction, applied, chosen)
    busy = _("Others are trying settings just now, and only two can at once. Try again in a minute.")
    return Preview(problems=[busy])


@contextmanager
def _a_place() -> Iterator[bool]:
    """Whether there is one; it is given back at the end."""
    is_free = _places.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            _places.release()


def _preview(
    viewer: User, direction: Direction, applied: Callable[[Settings], Settings], chosen: str | None
) -> Preview:
    offered = offered_mailboxes(viewer)
    mailboxes = [mailbox for mailbox in offered if str(mailbox.pk) == chosen] or offered[:MOST_MAILBOXES]
    draft = applied(current_settings(viewer.account_id))
    found = Preview(mailboxes=list(mailboxes))
    for mailbox, result in zip(mailboxes, async_to_sync(_run)(mailboxes, draft, direction), strict=True):
        if isinstance(result, str):
            found.problems.append(f"{mailbox.address}: {result}")
        else:
            _add(found, result, mailbox, viewer)
    return found


async def _run(mailboxes: Sequence[Mailbox], draft: Settings, direction: Direction) -> list[DryRun | str]:
    async with open_session() as session:
        runs = (_one(mailbox, draft, direction, session) for mailbox in mailboxes)
        return list(await asyncio.gather(*runs))


async def _one(
    mailbox: Mailbox, draft: Settings, direction: Direction, session: aiohttp.ClientSession
) -> DryRun | str:
    """What was found, or a sentence on why nothing was."""
    try:
        async with asyncio.timeout(SECONDS):
            return await dry_run(mailbox, draft, DAYS, session, most=MOST_MAILS, direction=direction)
    except TimeoutError:
        return _("The provider answers too slowly just now. Try again in a moment.")
    except PostroomError as error:
        return told(error)


def _add(found: Preview, result: DryRun, mailbox: Mailbox, viewer: User) -> None:
    found.judged += result.judged
    found.unread += result.unread
    found.is_cut |= result.is_cut
    found.now.update(result.now)
    found.then.update(result.then)
    found.changed += result.changed
    room = MOST_EXAMPLES - len(found.examples)
    found.examples.extend(_shown(example, mailbox, viewer) for example in result.examples[:room])


def _shown(example: Example, mailbox: Mailbox, viewer: User) -> Shown:
    if example.now.syncs or mailbox.user_id == viewer.pk:
        return Shown(example, mailbox, example.subject, example.counterpart, is_hidden=False)
    domain = example.counterpart.rpartition("@")[2]
    return Shown(example, mailbox, "", f"…@{domain}" if domain else "", is_hidden=True)

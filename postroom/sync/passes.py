"""A pass: read a mailbox's changes page by page, judge each mail, commit, until nothing is left.

Bytes come last: mail that the direction alone rules out is not fetched, attachments are fetched only for
mail that syncs, and only where the policy captures them.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp

from postroom.connector import mailboxes
from postroom.connector.models import JournalEntry, Mailbox, Outcome, ProcessedMail
from postroom.connector.people import rep_of
from postroom.connector.policies import current_settings
from postroom.crm.models import Attachment, Lead, StoredMessage
from postroom.errors import (
    AuthorizationLost,
    CursorExpired,
    MessageError,
    MessageGone,
    PostroomError,
    ProviderError,
    Throttled,
)
from postroom.mail.message import Attachment as MailAttachment
from postroom.mail.message import Direction, Message
from postroom.policy.decide import Decision, KnownLead, Rep, Rule, counterparts, decide, judge_unread
from postroom.policy.identity import conversation, identity
from postroom.policy.settings import Detail, Settings
from postroom.providers.base import Change, MailSource, Page
from postroom.providers.http import patiently
from postroom.sync.commit import Committed, Fenced, LeadsChanged, Step, commit, processed_ids
from postroom.sync.filing import Filing, Kept, set_aside, skipped
from postroom.sync.sources import open_source
from postroom.threads import in_thread
from postroom.vault.blobs import Blob, BlobStore

log = logging.getLogger(__name__)

BATCH_MAILS = 50
BATCH_BYTES = 8 * 1024 * 1024
"""A batch is committed when it has this many mails or this much text, so that memory stays bounded."""
PAGES_A_PASS = 20
"""After these the mailbox queues up again, so that a long import does not keep others waiting."""
FAILURES_A_MAIL_MAY_CAUSE = 8
"""Failed passes in a row, some 20 minutes, after which a mail that the provider cannot hand out is set
aside."""
RECOVERY_MARGIN = timedelta(days=1)
"""How far before the last sync a listing starts after the provider has forgotten the cursor."""


@dataclass(slots=True)
class Report:
    """What a pass came to."""

    synced: int = 0
    skipped: int = 0
    unfinished: bool = False
    """Whether more is waiting and the mailbox should be taken up again at once."""

    def add(self, committed: Committed) -> None:
        self.synced += committed.synced
        self.skipped += committed.skipped


@dataclass(frozen=True, slots=True)
class Read:
    """A change with its mail, or with why there is none."""

    change: Change
    message: Message | None = None
    filing: Filing | None = None

    @property
    def weight(self) -> int:
        return len(self.message.text) + len(self.message.html) if self.message else 0


async def run_pass(mailbox_id: int, session: aiohttp.ClientSession, blobs: BlobStore) -> Report:
    """Sync one mailbox as far as it goes; faults are noted on the mailbox and never raised.

    Database faults are raised: they are the worker's to wait out, not the mailbox's.
    """
    return await _guarded(mailbox_id, session, blobs, Pass.run)


async def replay_set_aside(mailbox_id: int, session: aiohttp.ClientSession, blobs: BlobStore) -> Report:
    """Fetch and decide the mailbox's set-aside mails once more."""

    async def again(one: Pass) -> None:
        await one.again(await in_thread(_forget_set_aside, mailbox_id))

    return await _guarded(mailbox_id, session, blobs, again)


def _forget_set_aside(mailbox_id: int) -> list[Change]:
    """Open the set-aside mails for another decision.

    They are told by the journal, whose newest row on them says so: a replay that breaks off can be
    begun again.
    """
    newest = (
        JournalEntry.objects.filter(mailbox_id=mailbox_id)
        .order_by("provider_id", "-pk")
        .distinct("provider_id")
        .values_list("provider_id", "direction", "outcome")
    )
    found = [
        Change(pk, Direction(way)) for pk, way, outcome in newest if outcome == Outcome.SET_ASIDE and way
    ]
    ProcessedMail.objects.filter(
        mailbox_id=mailbox_id, provider_id__in=[change.id for change in found], message=None
    ).delete()
    return found


async def _guarded(
    mailbox_id: int,
    session: aiohttp.ClientSession,
    blobs: BlobStore,
    work: Callable[["Pass"], Awaitable[None]],
) -> Report:
    mailbox = await in_thread(_load, mailbox_id)
    report = Report()
    if mailbox is None:
        return report
    try:
        source = await open_source(mailbox, session)
        await work(Pass(mailbox, source, blobs, report))
    except Fenced:
        log.info("Mailbox %s changed hands during its pass.", mailbox_id)
    except AuthorizationLost as error:
        await in_thread(mailboxes.lose_authorization, mailbox, str(error))
    except Throttled as error:
        wait = timedelta(seconds=error.retry_after)
        await in_thread(mailboxes.note_fault, mailbox, str(error), wait)
    except PostroomError as error:
        log.warning("Mailbox %s: %s", mailbox_id, error)
        await in_thread(mailboxes.note_fault, mailbox, str(error))
    return report


def _load(mailbox_id: int) -> Mailbox | None:
    mailbox = Mailbox.objects.syncing().filter(pk=mailbox_id).select_related("account").first()
    if mailbox is None or current_settings(mailbox.account_id).sync_disabled:
        return None
    return mailbox


class Pass:
    """One run over one mailbox's changes."""

    def __init__(self, mailbox: Mailbox, source: MailSource, blobs: BlobStore, report: Report) -> None:
        self._mailbox = mailbox
        self._source = source
        self._blobs = blobs
        self._report = report
        self._commits: asyncio.Task[None] | None = None
        self._settings = Settings()
        self._rep = Rep(frozenset())

    async def run(self) -> None:
        self._rep = await in_thread(rep_of, self._mailbox)
        for _ in range(PAGES_A_PASS):
            page = await self._next_page()
            await self._take(page)
            if not page.more:
                return
        self._report.unfinished = True

    async def again(self, changes: Sequence[Change]) -> None:
        """Decide mails once more that were set aside; the cursor stays where it is."""
        self._rep = await in_thread(rep_of, self._mailbox)
        self._settings = await in_thread(current_settings, self._mailbox.account_id)
        async for read in self._read(changes):
            await self._hand_over([read], None)
        await self._settle()

    async def _next_page(self) -> Page:
        self._settings = await in_thread(current_settings, self._mailbox.account_id)
        try:
            return await self._source.changes(self._mailbox.cursor)
        except CursorExpired:
            log.info("Mailbox %s: the cursor expired; listing what came since.", self._mailbox.pk)
            seen = self._mailbox.last_sync_at or self._mailbox.activated_at or datetime.now(UTC)
            since = max(seen - RECOVERY_MARGIN, self._mailbox.activated_at or seen - RECOVERY_MARGIN)
            return Page((), await self._source.start(since), more=True)

    async def _take(self, page: Page) -> None:
        """Read, judge and commit a page; the last commit moves the cursor behind it."""
        pending: list[Read] = []
        try:
            async for read in self._read(await self._unprocessed(page.changes)):
                pending.append(read)
                if len(pending) >= BATCH_MAILS or sum(one.weight for one in pending) >= BATCH_BYTES:
                    await self._hand_over(pending, None)
                    pending = []
            step = Step(page.cursor, not page.more, "listing" in page.cursor, page.estimate)
            await self._hand_over(pending, step)
        except ProviderError:
            # What was read is kept: fetching it again would cost quota.
            await self._hand_over(pending, None)
            raise
        finally:
            await self._settle()

    async def _unprocessed(self, changes: Sequence[Change]) -> list[Change]:
        """The changes not decided before: replays and overlaps cost no fetch (R-007)."""
        if not changes:
            return []
        done = await in_thread(processed_ids, self._mailbox, [change.id for change in changes])
        return [change for change in changes if change.id not in done]

    async def _read(self, changes: Sequence[Change]) -> AsyncIterator[Read]:
        """The mails in order, a few of them on their way at a time."""
        waiting = iter(changes)
        under_way: list[asyncio.Task[Read]] = []
        try:
            for change in waiting:
                under_way.append(asyncio.create_task(self._read_one(change)))
                if len(under_way) >= self._source.concurrency:
                    yield await under_way.pop(0)
            while under_way:
                yield await under_way.pop(0)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _read_one(self, change: Change) -> Read:
        """One mail; a fault of its own is kept with it, so that the mailbox goes on."""
        version = self._settings.version
        unread = judge_unread(change.direction, self._settings)
        if unread:
            return Read(change, filing=skipped(change.id, change.direction, unread, None))
        try:
            return Read(change, await self._source.message(change))
        except MessageGone as error:
            gone = Decision(Rule.GONE, str(error), version)
            return Read(change, filing=skipped(change.id, change.direction, gone, None))
        except MessageError as error:
            return Read(change, filing=set_aside(change.id, change.direction, str(error), version))
        except (AuthorizationLost, Throttled):
            raise
        except ProviderError as error:
            if self._mailbox.failures < FAILURES_A_MAIL_MAY_CAUSE:
                raise
            log.warning("Mailbox %s: giving up on mail %s: %s", self._mailbox.pk, change.id, error)
            return Read(change, filing=set_aside(change.id, change.direction, str(error), version))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            # A fault in our own reading of it must cost one mail, not the mailbox; the trace is logged.
            log.exception("Mailbox %s: mail %s could not be read.", self._mailbox.pk, change.id)
            reason = f"Postroom failed to read this mail ({type(error).__name__}); the worker's log has more."
            return Read(change, filing=set_aside(change.id, change.direction, reason, version))

    async def _hand_over(self, batch: list[Read], step: Step | None) -> None:
        """Commit a batch while the next is being read; commits keep their order."""
        await self._settle()
        if not batch and not step:
            return
        self._commits = asyncio.create_task(self._file(batch, step))

    async def _settle(self) -> None:
        task, self._commits = self._commits, None
        if task:
            await task

    async def _file(self, batch: list[Read], step: Step | None) -> None:
        while True:
            try:
                filings = await self._judge(batch)
                self._report.add(await in_thread(commit, self._mailbox, self._rep, filings, step))
                return
            except LeadsChanged:
                log.info("Mailbox %s: leads changed meanwhile; judging again.", self._mailbox.pk)

    async def _judge(self, batch: Sequence[Read]) -> list[Filing]:
        messages = [read for read in batch if read.message]
        known = await in_thread(_known, self._mailbox, self._rep, messages) if messages else Known({}, set())
        return [read.filing or await self._judge_one(read, known) for read in batch]

    async def _judge_one(self, read: Read, known: "Known") -> Filing:
        message, direction = read.message, read.change.direction
        if message is None:
            raise AssertionError("A mail is either read or filed already.")
        decision = decide(message, direction, self._rep, self._settings, known.leads)
        if not decision.syncs:
            return skipped(read.change.id, direction, decision, message)
        key = mail_identity(self._mailbox, message)
        filing = Filing(
            read.change.id,
            direction,
            decision,
            Outcome.SYNCED,
            message,
            key,
            conversation(message, key),
        )
        if Detail.ATTACHMENTS not in decision.details or key in known.complete:
            return filing
        kept = [await self._keep(message, attachment) for attachment in message.attachments]
        return replace(filing, attachments=tuple(kept))

    async def _keep(self, message: Message, attachment: MailAttachment) -> Kept:
        """Stream an attachment into the blob store; from its beginning again where it breaks off."""

        async def store() -> Blob:
            chunks = self._source.content(message, attachment)
            return await self._blobs.put(self._mailbox.account_id, chunks)

        try:
            return Kept(attachment, await patiently(store))
        except MessageGone:
            return Kept(attachment, None, "The mail was deleted before the attachment could be read.")


@dataclass(frozen=True, slots=True)
class Known:
    """What the database holds of a batch's people and mails."""

    leads: dict[str, list[KnownLead]]
    """By ``Address.key``."""
    complete: set[str]
    """Identities of mails whose attachments are stored already."""


def _known(mailbox: Mailbox, rep: Rep, batch: Sequence[Read]) -> Known:
    keys = {
        key
        for read in batch
        if read.message
        for key in counterparts(read.message, read.change.direction, rep)
    }
    leads: dict[str, list[KnownLead]] = defaultdict(list)
    found = Lead.objects.filter(account_id=mailbox.account_id, email_key__in=keys)
    for key, pk in found.values_list("email_key", "pk"):
        leads[key].append(KnownLead(pk))
    return Known(leads, _complete(mailbox, [read.message for read in batch if read.message]))


def _complete(mailbox: Mailbox, messages: Iterable[Message]) -> set[str]:
    identities = [mail_identity(mailbox, message) for message in messages if message.attachments]
    if not identities:
        return set()
    stored = StoredMessage.objects.filter(account_id=mailbox.account_id, identity__in=identities)
    with_parts = Attachment.objects.filter(account_id=mailbox.account_id, message__in=stored)
    return set(stored.filter(pk__in=with_parts.values("message_id")).values_list("identity", flat=True))


def mail_identity(mailbox: Mailbox, message: Message) -> str:
    """The mail's identity; stable when a mailbox is removed and connected again."""
    return identity(message, f"{mailbox.provider}:{mailbox.address_key}")

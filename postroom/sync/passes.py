"""A pass: read a mailbox's changes page by page, judge each mail, commit, until nothing is left.

Bytes come last: mail that the direction alone rules out is not fetched, attachments are fetched only for
mail that syncs, and only where the policy captures them.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import aiohttp

from postroom.connector import mailboxes
from postroom.connector.live_settings import live
from postroom.connector.models import JournalEntry, Mailbox, Outcome, ProcessedMail
from postroom.connector.people import rep_of
from postroom.connector.stops import missed_times
from postroom.crm.matching import leads_at
from postroom.crm.models import Attachment, StoredMessage
from postroom.crm.retention import keeps_content
from postroom.errors import (
    AuthorizationLost,
    CursorExpired,
    MessageError,
    MessageGone,
    PostroomError,
    ProviderError,
    Throttled,
)
from postroom.mail.message import Direction, Message
from postroom.policy.decide import Decision, KnownLead, Rep, Rule, counterparts, decide, judge_unread
from postroom.policy.identity import conversation, identity
from postroom.policy.settings import AttachmentKind, Detail, Settings
from postroom.providers.base import Change, Cursor, MailSource, Page
from postroom.sync.attachments import Keeper
from postroom.sync.commit import Committed, Fenced, LeadsChanged, Step, commit, processed_ids
from postroom.sync.filing import Filing, Kept, set_aside, skipped
from postroom.sync.notices import lose_authorization
from postroom.sync.sources import open_source
from postroom.threads import in_thread
from postroom.vault.blobs import BlobStore

log = logging.getLogger(__name__)

BATCH_MAILS = 200
BATCH_BYTES = 8 * 1024 * 1024
"""A batch is committed when it has this many mails or this much text, so that memory stays bounded."""
BATCHES_UNDER_WAY = 2
"""While one is committed, the next is judged and its attachments are fetched, and a third is being read."""
PAGES_A_PASS = 10
"""After these the mailbox queues up again, so that a long import does not keep others waiting."""
FAILURES_A_MAIL_MAY_CAUSE = 8
"""Failed passes in a row, some 20 minutes, after which a mail that the provider cannot hand out is set
aside."""
RECOVERY_MARGIN = timedelta(days=1)
"""How far before the last complete look a listing starts after the provider has forgotten the cursor."""
JUDGEMENTS = 5
"""How often a batch is judged whose leads keep changing, before the pass leaves it to the next."""


Filed = asyncio.Task[set[str]]
"""A batch on its way; it ends with the keys of who became a lead by it."""
KeptOnce = dict[tuple[str, frozenset[AttachmentKind] | None], tuple[Kept, ...]]
"""Attachments by the mail's identity and the kinds that were asked for; None where none were."""


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
        """Bytes, about, that it keeps in memory."""
        if self.message is None:
            return 0
        contents = sum(len(attachment.content or b"") for attachment in self.message.attachments)
        return len(self.message.text) + len(self.message.html) + contents


async def run_pass(mailbox_id: int, session: aiohttp.ClientSession, blobs: BlobStore) -> Report:
    """Sync one mailbox as far as it goes; faults are noted on the mailbox and not raised.

    Only what nobody foresaw is raised, and noted all the same, so that the mailbox is not taken up again
    and again at once. A database that is gone is the worker's to wait out.
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
        await in_thread(lose_authorization, mailbox, str(error))
    except Throttled as error:
        wait = timedelta(seconds=error.retry_after)
        await in_thread(mailboxes.note_fault, mailbox, str(error), wait)
    except PostroomError as error:
        log.warning("Mailbox %s: %s", mailbox_id, error)
        await in_thread(mailboxes.note_fault, mailbox, str(error))
    except Exception as error:
        said = f"Postroom failed at this mailbox ({type(error).__name__}); the worker's log has more."
        await in_thread(mailboxes.note_fault, mailbox, said)
        raise
    return report


def _load(mailbox_id: int) -> Mailbox | None:
    return Mailbox.objects.syncing().filter(pk=mailbox_id).select_related("account").first()


class Pass:
    """One run over one mailbox's changes."""

    def __init__(self, mailbox: Mailbox, source: MailSource, blobs: BlobStore, report: Report) -> None:
        self._mailbox = mailbox
        self._source = source
        self._keeper = Keeper(source, blobs, mailbox.account_id)
        self._report = report
        self._under_way: list[Filed] = []
        self._settings = Settings()
        self._rep = Rep(frozenset())
        self._missed: list[tuple[datetime, datetime]] = []

    async def run(self) -> None:
        await self._look_up_people()
        cursor: Cursor = self._mailbox.cursor
        try:
            for _ in range(PAGES_A_PASS):
                page = await self._next_page(cursor)
                await self._take(page)
                if not page.more:
                    return
                cursor = page.cursor
            self._report.unfinished = True
        finally:
            await self._settle()

    async def again(self, changes: Sequence[Change]) -> None:
        """Decide mails once more that were set aside; the cursor stays where it is."""
        await self._look_up_people()
        await self._look_up_settings()
        try:
            async with aclosing(self._read(changes)) as reads:
                async for read in reads:
                    await self._hand_over([read], None)
        finally:
            await self._settle()

    async def _next_page(self, cursor: Cursor) -> Page:
        """What follows ``cursor``, which may be ahead of the mailbox's by what is under way."""
        await self._look_up_settings()
        try:
            return await self._source.changes(cursor)
        except CursorExpired:
            await self._settle()
            log.info("Mailbox %s: the cursor expired; listing what came since.", self._mailbox.pk)
            fresh = await self._source.start(_recovered_from(self._mailbox))
            return Page((), fresh, more=True, importing=True)

    async def _look_up_people(self) -> None:
        self._rep = await in_thread(rep_of, self._mailbox)
        self._missed = await in_thread(missed_times, self._mailbox.account_id)

    async def _look_up_settings(self) -> Settings:
        """The settings in force for what is judged next.

        They may be a second old, so whether the account syncs at all is not asked of them: the mailbox
        was read as one that does, and the fence of the commit tells when that ended (R-051).
        """
        found = await in_thread(live.of, self._mailbox.account_id, self._mailbox.user_id)
        self._settings = replace(found, sync_disabled=False) if found.sync_disabled else found
        return self._settings

    async def _take(self, page: Page) -> None:
        """Read, judge and commit a page; the last commit moves the cursor behind it."""
        pending: list[Read] = []
        weight = 0
        try:
            async with aclosing(self._read(await self._unprocessed(page.changes))) as reads:
                async for read in reads:
                    pending.append(read)
                    weight += read.weight
                    if len(pending) >= BATCH_MAILS or weight >= BATCH_BYTES:
                        batch, pending, weight = pending, [], 0
                        await self._hand_over(batch, None)
            step = Step(page.cursor, not page.more, page.importing, page.estimate)
            await self._hand_over(pending, step)
        except ProviderError:
            # What was read is kept: fetching it again would cost quota.
            await self._hand_over(pending, None)
            raise

    async def _unprocessed(self, changes: Sequence[Change]) -> list[Change]:
        """The changes not decided before: replays and overlaps cost no fetch (R-007)."""
        if not changes:
            return []
        done = await in_thread(processed_ids, self._mailbox, [change.id for change in changes])
        return [change for change in changes if change.id not in done]

    async def _read(self, changes: Sequence[Change]) -> AsyncGenerator[Read, None]:
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
        """Judge and commit a batch while the next is being read; commits keep their order."""
        while len(self._under_way) >= BATCHES_UNDER_WAY:
            await self._under_way[0]
            self._under_way.pop(0)
        if not batch and not step:
            return
        before = self._under_way[-1] if self._under_way else None
        self._under_way.append(asyncio.create_task(self._file(batch, step, before)))

    async def _settle(self) -> None:
        """Wait for what is under way; where one fails, those behind it end without having written."""
        tasks, self._under_way = self._under_way, []
        try:
            for task in tasks:
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _file(self, batch: list[Read], step: Step | None, before: Filed | None) -> set[str]:
        """Judge a batch, and commit it after the one ``before``; returns keys of who became a lead.

        It is judged again where, while it waited, the settings changed, which count from then on (R-046),
        or somebody on it became a lead.
        """
        kept: KeptOnce = {}
        settings = await self._look_up_settings()
        filings = await self._judge(batch, kept, settings)
        if before:
            captured = await before
            now = await self._look_up_settings()
            if now != settings or self._before_news(batch, filings, captured) < len(batch):
                filings = await self._judge(batch, kept, now)
        captured = set[str]()
        while True:
            settled = self._before_news(batch, filings, set())
            batch, rest = batch[:settled], batch[settled:]
            captured |= await self._commit(batch, filings[:settled], None if rest else step, kept)
            if not rest:
                return captured
            batch, filings = rest, await self._judge(rest, kept, await self._look_up_settings())

    async def _commit(
        self, batch: Sequence[Read], filings: list[Filing], step: Step | None, kept: KeptOnce
    ) -> set[str]:
        """Write what was judged, again where leads changed; returns keys of who became a lead."""
        for judgement in range(1, JUDGEMENTS + 1):
            try:
                self._report.add(await in_thread(commit, self._mailbox, self._rep, filings, step))
                return set[str]().union(*map(_captured_by, filings))
            except LeadsChanged:
                if judgement == JUDGEMENTS:
                    raise
                log.info("Mailbox %s: leads changed meanwhile; judging again.", self._mailbox.pk)
            filings = await self._judge(batch, kept, await self._look_up_settings())
        raise AssertionError("The last judgement is written or raises.")

    def _before_news(self, batch: Sequence[Read], filings: Sequence[Filing], captured: set[str]) -> int:
        """How many mails come before the first that has a lead by now, though it was judged to have none.

        That is one of whose people an earlier mail makes a lead: the rep wrote to somebody, who answers.
        """
        captured = set(captured)
        for number, (read, filing) in enumerate(zip(batch, filings, strict=True)):
            if filing.decision.rule is Rule.NO_LEAD and read.message:
                people = counterparts(read.message, read.change.direction, self._rep)
                if captured & people.keys():
                    return number
            captured |= _captured_by(filing)
        return len(batch)

    async def _judge(self, batch: Sequence[Read], kept: KeptOnce, settings: Settings) -> list[Filing]:
        """What becomes of each mail; the attachments ``kept`` are fetched once however often it is asked.

        The people are looked up anew, as the settings are by who calls: a page may take minutes where the
        provider's quota is short.
        """
        self._rep = await in_thread(rep_of, self._mailbox)
        messages = [read for read in batch if read.message]
        known = await in_thread(_known, self._mailbox, self._rep, messages) if messages else Known({}, set())
        return [read.filing or await self._judge_one(read, known, kept, settings) for read in batch]

    async def _judge_one(self, read: Read, known: "Known", kept: KeptOnce, settings: Settings) -> Filing:
        message, direction = read.message, read.change.direction
        if message is None:
            raise AssertionError("A mail is either read or filed already.")
        decision = self._missed_decision(message, settings) or self._decision(
            message, direction, known, settings
        )
        if not decision.syncs:
            return skipped(read.change.id, direction, decision, message)
        key = mail_identity(self._mailbox, message)
        kinds = decision.attachment_kinds if Detail.ATTACHMENTS in decision.details else None
        if (key, kinds) not in kept:
            kept[key, kinds] = (
                await self._keeper.keep(message, kinds)
                if kinds is not None and key not in known.complete
                else ()
            )
        return Filing(
            read.change.id,
            direction,
            decision,
            Outcome.SYNCED,
            message,
            key,
            conversation(message, key),
            kept[key, kinds],
        )

    def _decision(
        self, message: Message, direction: Direction, known: "Known", settings: Settings
    ) -> Decision:
        decision = decide(message, direction, self._rep, settings, known.leads)
        if keeps_content(self._mailbox.account.retention_days, message.received_at):
            return decision
        # Past the retention period already, as in an import: what would be deleted is not stored.
        return replace(decision, details=decision.details - {Detail.BODY, Detail.ATTACHMENTS})

    def _missed_decision(self, message: Message, settings: Settings) -> Decision | None:
        """Mail that came while the sync was off, where the administrator chose to skip such (R-051)."""
        if not any(began <= message.received_at < ended for began, ended in self._missed):
            return None
        reason = "This mail came while sync was switched off, and such mail was chosen to be skipped."
        return Decision(Rule.SYNC_DISABLED, reason, settings.version, setting="sync_disabled")


def _captured_by(filing: Filing) -> set[str]:
    """Keys of who becomes a lead with the mail."""
    return {match.address.key for match in filing.decision.matches if match.lead is None}


def _recovered_from(mailbox: Mailbox) -> datetime:
    """From when on to list after a lost cursor: since the last complete look, never from before R-008.

    An import that was not at its end begins anew; what it has read is not read twice.
    """
    activated = mailbox.activated_at or datetime.now(UTC)
    followed = mailbox.followed_at or mailbox.last_sync_at or activated
    return max(followed - RECOVERY_MARGIN, min(followed, activated))


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
    messages = [read.message for read in batch if read.message]
    return Known(leads_at(mailbox.account_id, keys), _complete(mailbox, messages))


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

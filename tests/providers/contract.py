"""What every provider promises, whatever its API: the docstrings of ``postroom.providers.base`` as tests.

A provider supplies a ``Mailroom`` over its sandbox, served on a real socket, as the fixture ``room``, and
subclasses ``ProviderContract``. The fixture ``naps`` holds the seconds that retries would have waited.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from enum import StrEnum
from hashlib import sha256
from random import Random

import pytest

from postroom.errors import (
    AuthorizationLost,
    CursorExpired,
    MessageError,
    MessageGone,
    PostroomError,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.mail.message import Attachment, Direction, Message
from postroom.providers.base import Change, Cursor, MailSource, Page
from tests.mails import mail

ADDRESS = "rita@northwind.example"
ALIAS = "sales@northwind.example"
STRANGER = "boss@customer.example"
LARGEST_PIECE = 1024 * 1024
"""Bytes of an attachment that a provider may hand over at once."""


class Folder(StrEnum):
    """Where a mail can be."""

    INBOX = "inbox"
    SENT = "sent"
    DRAFTS = "drafts"
    SPAM = "spam"
    TRASH = "trash"
    ARCHIVE = "archive"


UNSYNCED = (Folder.DRAFTS, Folder.SPAM, Folder.TRASH, Folder.ARCHIVE)


class Call(StrEnum):
    """What a ``MailSource`` asks its provider."""

    START = "start"
    CHANGES = "changes"
    MESSAGE = "message"
    CONTENT = "content"
    ADDRESS = "address"
    ALIASES = "aliases"
    WATCH = "watch"
    UNWATCH = "unwatch"


class Fault(StrEnum):
    """What a provider's server, or the way to it, does to a call."""

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    PAGE = "page of a proxy"
    TRUNCATED = "truncated"
    DROPPED = "dropped"


class Mailroom(ABC):
    """One rep's mailbox at a provider's sandbox, and everything that can happen to it.

    ``ADDRESS`` owns it, sends as ``ALIAS`` too, and has entered ``STRANGER`` as an unverified alias where
    the provider has such a thing. Push is set up. The access token is good to begin with.
    """

    remedy = "econnect"
    """What the sentence of a lost authorisation names as the way out."""
    most_pages = 4
    """Pages that ``MANY`` mails may take at the most."""

    @abstractmethod
    def source(self) -> MailSource:
        """The mailbox as a process sees it that has just started."""

    @abstractmethod
    def source_without_push(self) -> MailSource:
        """The same, in a deployment with no push set up."""

    @abstractmethod
    def deliver(self, raw: bytes, folder: Folder = Folder.INBOX, at: datetime | None = None) -> str:
        """A mail arrives in a folder; the provider's id of it. ``at``: when it was received."""

    @abstractmethod
    def send(self, raw: bytes) -> str:
        """The rep sends a mail; to oneself, it is in both folders."""

    @abstractmethod
    def move(self, id: str, folder: Folder) -> None: ...

    @abstractmethod
    def delete(self, id: str) -> None:
        """For good."""

    @abstractmethod
    def expire_cursor(self) -> None:
        """The provider forgets every point reached so far."""

    @abstractmethod
    def expire_access(self) -> None:
        """The access token runs out; the refresh token stays good."""

    @abstractmethod
    def revoke(self) -> None:
        """The rep takes the consent back."""

    @abstractmethod
    def fault(self, fault: Fault, call: Call, times: int | None = 1, wait: int | None = None) -> None:
        """Let the next ``times`` requests of a call (None: all) fail. ``wait``: seconds asked for."""

    @abstractmethod
    def garble(
        self, call: Call, body: str, status: int = 200, content_type: str = "application/json"
    ) -> None:
        """Let the next request of a call be answered like this."""

    @abstractmethod
    def requests(self) -> int:
        """How many requests reached the provider, its token endpoint included."""

    @abstractmethod
    def allow_at_once(self, requests: int) -> None:
        """Refuse requests beyond so many under way."""

    @abstractmethod
    def is_watched(self) -> bool:
        """Whether push notifications are on."""


MANY = 230
GARBAGE = {
    "nothing": "",
    "white space": "  \n",
    "a word": "nonsense",
    "half of an object": '{"id": "1", "payl',
    "null": "null",
    "a number": "42",
    "a string": '"text"',
    "a list": "[1, 2]",
    "an empty object": "{}",
    "a page": "<!DOCTYPE html><html><body>Please sign in to the <b>network</b></body></html>",
    "deep": "[" * 5000,
    "null values": json.dumps(
        dict.fromkeys(
            ["id", "payload", "history", "messages", "historyId", "value", "emailAddress", "sendAs"]
        )
    ),
    "wrong types": json.dumps(
        {
            **dict.fromkeys(["id", "payload", "history", "messages", "value", "emailAddress", "sendAs"], 7),
            "historyId": [],
            "expiration": {},
            "data": False,
            "nextPageToken": 3,
        }
    ),
    "lists of wrong types": json.dumps(
        {name: [None, 3, "x"] for name in ["history", "messages", "value", "sendAs", "labelIds", "data"]}
        | {
            "historyId": "x",
            "expiration": "soon",
            "internalDate": "9" * 40,
            "id": "1",
            "payload": {"parts": [1]},
        }
    ),
    "unknown base64": json.dumps({"data": "!!!", "contentBytes": "!!!"}),
    "text beyond Unicode": '{"data": "\\ud800", "id": "\\ud800"}',
}
"""Answers that no API gives, and that some proxy or some bad day will."""


async def follow(source: MailSource, cursor: Cursor, pages: int = 50) -> tuple[list[Change], Cursor]:
    """Every change from ``cursor`` on, and the cursor behind them, which has been through JSON each time."""
    found: list[Change] = []
    for _ in range(pages):
        page = await source.changes(cursor)
        found += page.changes
        cursor = stored(page.cursor)
        if not page.more:
            return found, cursor
    raise AssertionError("The pages never end.")


def stored(cursor: Cursor) -> Cursor:
    """The cursor as it comes back from the database."""
    return json.loads(json.dumps(cursor))


def ids(changes: list[Change]) -> set[str]:
    return {change.id for change in changes}


def directions(changes: list[Change]) -> dict[str, Direction]:
    return {change.id: change.direction for change in changes}


async def read(source: MailSource, change: Change) -> Message:
    return change.message or await source.message(change)


def with_attachment(content: bytes, filename: str = "file.bin") -> bytes:
    return mail(text="See attached.", attachments=((filename, "application/octet-stream", content),))


def without_text(content: bytes) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = STRANGER, ADDRESS, "Scan"
    message.set_content(content, maintype="image", subtype="png", filename="scan.png")
    return message.as_bytes()


async def drain(source: MailSource, message: Message, attachment: Attachment) -> tuple[int, str, int]:
    """Size, SHA-256 and the largest piece of an attachment, without holding it."""
    digest, size, largest = sha256(), 0, 0
    async with aclosing(source.content(message, attachment)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            digest.update(piece)
            size += len(piece)
            largest = max(largest, len(piece))
    return size, digest.hexdigest(), largest


async def everything(source: MailSource, room: Mailroom) -> dict[Call, Callable[[], Awaitable[object]]]:
    """A way to make each call, over a mail with an attachment."""
    cursor = stored(await source.start())
    mail_id = room.deliver(with_attachment(b"x" * 5000))
    change = Change(mail_id, Direction.RECEIVED)
    message = await source.message(change)
    return {
        Call.START: source.start,
        Call.CHANGES: lambda: source.changes(cursor),
        Call.MESSAGE: lambda: source.message(change),
        Call.CONTENT: lambda: drain(source, message, message.attachments[0]),
        Call.ADDRESS: source.address,
        Call.ALIASES: source.aliases,
        Call.WATCH: source.watch,
        Call.UNWATCH: source.unwatch,
    }


@pytest.mark.asyncio
class ProviderContract:
    """The promises. Subclass as ``TestContract`` beside a fixture ``room``."""

    # Cursors

    async def test_from_now_on_means_nothing_old(self, room: Mailroom) -> None:
        room.deliver(mail())
        source = room.source()
        cursor = stored(await source.start())
        page = await source.changes(cursor)
        assert (page.changes, page.more, page.importing) == ((), False, False)
        new = room.deliver(mail())
        assert ids((await follow(source, page.cursor))[0]) == {new}

    async def test_a_cursor_is_json_and_resumes_at_any_page(self, room: Mailroom) -> None:
        cursor = stored(await room.source().start())
        made = {room.deliver(mail(subject=str(number))) for number in range(MANY)}
        seen: list[Page] = []
        at = [cursor]
        while not seen or seen[-1].more:
            seen.append(await room.source().changes(at[-1]))
            at.append(stored(seen[-1].cursor))
        assert 1 < len(seen) <= room.most_pages
        assert {change.id for page in seen for change in page.changes} == made
        for begun, page in zip(at, seen, strict=False):
            again, _ = await follow(room.source(), begun)
            assert ids(list(page.changes)) <= ids(again)
        assert await follow(room.source(), at[-1]) == ([], at[-1])

    async def test_an_old_cursor_may_be_replayed(self, room: Mailroom) -> None:
        source = room.source()
        cursor = stored(await source.start())
        one = room.deliver(mail())
        await follow(source, cursor)
        two = room.send(mail(from_=ADDRESS, to=STRANGER))
        assert ids((await follow(source, cursor))[0]) == {one, two}

    async def test_r008_since_lists_old_mail_then_follows(self, room: Mailroom) -> None:
        since = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
        room.deliver(mail(), at=since - timedelta(seconds=10))
        wanted = {
            room.deliver(mail(), at=since),
            room.deliver(mail(), at=since + timedelta(milliseconds=1)),
            room.deliver(mail(), at=since + timedelta(days=1)),
            room.send(mail(from_=ADDRESS, to=STRANGER)),
        }
        source = room.source()
        cursor = stored(await source.start(since))
        first = await source.changes(cursor)
        assert first.importing
        assert first.estimate is None or first.estimate >= len(first.changes)
        listed, after = await follow(source, cursor)
        assert ids(listed) == wanted
        new = room.deliver(mail())
        page = await source.changes(after)
        assert (ids(list(page.changes)), page.importing) == ({new}, False)

    async def test_a_long_listing_resumes_at_any_page(self, room: Mailroom) -> None:
        made = {room.deliver(mail(subject=str(number))) for number in range(MANY)}
        cursor = stored(await room.source().start(datetime.now(UTC) - timedelta(days=1)))
        seen: list[str] = []
        more = True
        while more:
            page = await room.source().changes(cursor)
            assert (await room.source().changes(cursor)).changes == page.changes
            seen += [change.id for change in page.changes]
            cursor, more = stored(page.cursor), page.more
        assert set(seen) == made
        assert len(seen) == MANY

    async def test_nothing_is_missed_that_comes_during_a_listing(self, room: Mailroom) -> None:
        archived = room.deliver(mail(), Folder.ARCHIVE)
        old = {room.deliver(mail(subject=str(number))) for number in range(MANY)}
        cursor = stored(await room.source().start(datetime.now(UTC) - timedelta(days=1)))
        came = {room.deliver(mail())}
        found: list[Change] = []
        more = True
        while more:
            page = await room.source().changes(cursor)
            found += page.changes
            cursor, more = stored(page.cursor), page.more
            if len(came) == 1:
                room.move(archived, Folder.INBOX)
                came |= {room.deliver(mail()), room.send(mail(from_=ADDRESS, to=STRANGER)), archived}
        assert ids(found) == old | came

    async def test_an_expired_cursor_is_told(self, room: Mailroom) -> None:
        source = room.source()
        cursor = stored(await source.start())
        room.deliver(mail())
        room.expire_cursor()
        with pytest.raises(CursorExpired):
            await source.changes(cursor)
        fresh = await source.start(datetime.now(UTC) - timedelta(hours=1))
        assert len((await follow(source, stored(fresh)))[0]) == 1

    # Directions and folders

    @pytest.mark.parametrize("listing", [False, True])
    async def test_directions_and_a_mail_in_both_folders_was_sent(
        self, room: Mailroom, listing: bool
    ) -> None:
        source = room.source()
        cursor = stored(await source.start())
        wanted = {
            room.deliver(mail()): Direction.RECEIVED,
            room.send(mail(from_=ADDRESS, to=STRANGER)): Direction.SENT,
            room.send(mail(from_=ADDRESS, to=ADDRESS)): Direction.SENT,
        }
        if listing:
            cursor = stored(await source.start(datetime.now(UTC) - timedelta(hours=1)))
        changes, _ = await follow(source, cursor)
        assert directions(changes) == wanted
        assert len(changes) == len({(change.id, change.direction) for change in changes})
        assert {change.direction for change in changes if change.id == list(wanted)[2]} == {Direction.SENT}

    @pytest.mark.parametrize("folder", UNSYNCED)
    @pytest.mark.parametrize("listing", [False, True])
    async def test_r003_other_folders_never_sync(self, room: Mailroom, folder: Folder, listing: bool) -> None:
        source = room.source()
        cursor = stored(await source.start())
        room.deliver(mail(), folder)
        kept = room.deliver(mail())
        if listing:
            cursor = stored(await source.start(datetime.now(UTC) - timedelta(hours=1)))
        assert ids((await follow(source, cursor))[0]) == {kept}

    @pytest.mark.parametrize("folder", [Folder.SPAM, Folder.TRASH, Folder.ARCHIVE])
    async def test_r003_what_enters_the_inbox_later_syncs_then(self, room: Mailroom, folder: Folder) -> None:
        source = room.source()
        cursor = stored(await source.start())
        late = room.deliver(mail(subject="Late"), folder)
        nothing, cursor = await follow(source, cursor)
        assert nothing == []
        room.move(late, Folder.INBOX)
        (change,) = (await follow(source, cursor))[0]
        assert change.direction is Direction.RECEIVED
        assert (await read(source, change)).subject == "Late"

    async def test_moves_out_of_the_inbox_are_no_news(self, room: Mailroom) -> None:
        made = [room.deliver(mail()) for _ in range(4)]
        source = room.source()
        cursor = stored(await source.start())
        for mail_id, folder in zip(made, [Folder.ARCHIVE, Folder.SPAM, Folder.TRASH], strict=False):
            room.move(mail_id, folder)
        room.delete(made[3])
        assert (await follow(source, cursor))[0] == []

    # Mails

    async def test_a_mail_comes_with_its_text_and_without_attachments_bytes(self, room: Mailroom) -> None:
        source = room.source()
        cursor = stored(await source.start())
        room.deliver(
            mail(
                from_='"Jones, Carol" <carol@customer.example>',
                cc="Dan <dan@customer.example>",
                subject="Größe",
                text="Hello Rita",
                html="<p>Hello <b>Rita</b></p>",
                message_id="one@customer.example",
                reply_to="zero@northwind.example",
                attachments=(("a ü.bin", "application/octet-stream", b"x" * 700_000),),
            )
        )
        (change,) = (await follow(source, cursor))[0]
        message = await read(source, change)
        assert message.id == change.id
        assert message.thread
        assert (message.subject, message.message_id) == ("Größe", "one@customer.example")
        assert message.from_ is not None
        assert (message.from_.name, message.from_.address) == ("Jones, Carol", "carol@customer.example")
        assert [address.key for address in (*message.to, *message.cc)] == [ADDRESS, "dan@customer.example"]
        assert message.in_reply_to == "zero@northwind.example"
        assert "Hello Rita" in message.text
        assert "<b>Rita</b>" in message.html
        assert abs((message.received_at - datetime.now(UTC)).total_seconds()) < 3600
        (attachment,) = message.attachments
        assert (attachment.filename, attachment.content) == ("a ü.bin", None)
        assert attachment.size == 700_000

    @pytest.mark.parametrize("size", [0, 1, 3 * 1024 * 1024, 25 * 1024 * 1024])
    async def test_attachments_come_in_pieces_and_exact(self, room: Mailroom, size: int) -> None:
        content = Random(size).randbytes(size)
        change = Change(room.deliver(with_attachment(content)), Direction.RECEIVED)
        source = room.source()
        message = await source.message(change)
        found, digest, largest = await drain(source, message, message.attachments[0])
        assert (found, digest) == (size, sha256(content).hexdigest())
        assert largest <= LARGEST_PIECE

    async def test_a_mail_that_is_nothing_but_an_attachment(self, room: Mailroom) -> None:
        content = Random(1).randbytes(10_001)
        change = Change(room.deliver(without_text(content)), Direction.RECEIVED)
        source = room.source()
        message = await source.message(change)
        (attachment,) = message.attachments
        assert (await drain(source, message, attachment))[1] == sha256(content).hexdigest()

    async def test_an_attachment_can_be_left_half_read(self, room: Mailroom) -> None:
        change = Change(room.deliver(with_attachment(b"x" * 3_000_000)), Direction.RECEIVED)
        source = room.source()
        message = await source.message(change)
        for _ in range(3):
            pieces = source.content(message, message.attachments[0])
            assert await anext(pieces)
            await pieces.aclose()  # type: ignore[attr-defined]
        assert (await drain(source, message, message.attachments[0]))[0] == 3_000_000

    async def test_a_deleted_mail_is_gone(self, room: Mailroom) -> None:
        change = Change(room.deliver(with_attachment(b"x" * 900)), Direction.RECEIVED)
        source = room.source()
        message = await source.message(change)
        room.delete(change.id)
        with pytest.raises(MessageGone):
            await source.message(change)
        with pytest.raises(MessageGone):
            await drain(source, message, message.attachments[0])

    @pytest.mark.parametrize("folder", [Folder.SPAM, Folder.TRASH])
    async def test_a_mail_moved_to_spam_or_trash_meanwhile_is_gone(
        self, room: Mailroom, folder: Folder
    ) -> None:
        source = room.source()
        cursor = stored(await source.start())
        mail_id = room.deliver(mail())
        (change,) = (await follow(source, cursor))[0]
        room.move(mail_id, folder)
        if change.message is None:
            with pytest.raises(MessageGone):
                await source.message(change)

    async def test_a_mail_archived_meanwhile_was_in_the_inbox(self, room: Mailroom) -> None:
        source = room.source()
        cursor = stored(await source.start())
        mail_id = room.deliver(mail(subject="Read and filed"))
        (change,) = (await follow(source, cursor))[0]
        room.move(mail_id, Folder.ARCHIVE)
        assert (await read(source, change)).subject == "Read and filed"

    async def test_as_many_calls_at_once_as_it_says_are_allowed(
        self, room: Mailroom, naps: list[float]
    ) -> None:
        changes = [Change(room.deliver(mail()), Direction.RECEIVED) for _ in range(40)]
        source = room.source()
        room.allow_at_once(source.concurrency)
        gate = asyncio.Semaphore(source.concurrency)

        async def one(change: Change) -> str:
            async with gate:
                return (await source.message(change)).id

        assert await asyncio.gather(*map(one, changes)) == [change.id for change in changes]
        assert naps == []

    # Addresses and push

    async def test_addresses(self, room: Mailroom) -> None:
        source = room.source()
        assert await source.address() == ADDRESS
        assert await source.aliases() == (ALIAS,)

    async def test_push_can_be_switched_on_and_off_again(self, room: Mailroom) -> None:
        source = room.source()
        for _ in range(2):
            watch = await source.watch()
            assert watch is not None
            assert watch.expires_at.utcoffset() == timedelta(0)
            assert watch.expires_at > datetime.now(UTC) + timedelta(hours=1)
            assert room.is_watched()
        for _ in range(2):
            await source.unwatch()
            assert not room.is_watched()

    async def test_no_push_where_none_is_set_up(self, room: Mailroom) -> None:
        assert await room.source_without_push().watch() is None
        assert not room.is_watched()

    # Authorisation

    async def test_an_expired_token_is_renewed_unseen_and_once(
        self, room: Mailroom, naps: list[float]
    ) -> None:
        changes = [Change(room.deliver(mail()), Direction.RECEIVED) for _ in range(8)]
        source = room.source()
        room.expire_access()
        before = room.requests()
        await asyncio.gather(*map(source.message, changes))
        assert room.requests() - before <= 2 * len(changes) + 1
        assert naps == []

    @pytest.mark.parametrize("call", Call)
    async def test_r065_a_lost_authorisation_is_told_without_a_storm(
        self, room: Mailroom, naps: list[float], call: Call
    ) -> None:
        calls = await everything(room.source(), room)
        room.revoke()
        before = room.requests()
        with pytest.raises(AuthorizationLost) as lost:
            await calls[call]()
        assert room.remedy in str(lost.value)
        assert room.requests() - before <= 2
        assert naps == []

    # Faults

    @pytest.mark.parametrize("call", Call)
    @pytest.mark.parametrize("fault", Fault)
    async def test_a_passing_fault_is_waited_out(
        self, room: Mailroom, naps: list[float], fault: Fault, call: Call
    ) -> None:
        if call is Call.CONTENT and fault is Fault.TRUNCATED:
            pytest.skip("What has been handed over cannot be taken back.")
        if call is Call.UNWATCH and fault is Fault.TRUNCATED:
            pytest.skip("There is nothing in the answer.")
        calls = await everything(room.source(), room)
        undisturbed = await calls[call]()
        room.fault(fault, call, times=2)
        again = await calls[call]()
        assert again == undisturbed or call in {Call.MESSAGE, Call.WATCH}
        assert 1 <= len(naps) <= 2, "aiohttp may itself repeat a request once"

    @pytest.mark.parametrize("call", Call)
    @pytest.mark.parametrize("fault", Fault)
    async def test_a_lasting_fault_is_raised_in_the_family(
        self, room: Mailroom, naps: list[float], fault: Fault, call: Call
    ) -> None:
        if call is Call.UNWATCH and fault is Fault.TRUNCATED:
            pytest.skip("There is nothing in the answer.")
        calls = await everything(room.source(), room)
        room.fault(fault, call, times=None)
        before = room.requests()
        with pytest.raises(Throttled if fault is Fault.THROTTLED else Unavailable):
            await calls[call]()
        assert room.requests() - before <= 8, "aiohttp may itself repeat a request once"

    async def test_an_attachment_that_breaks_off_is_told_and_can_be_read_again(
        self, room: Mailroom, naps: list[float]
    ) -> None:
        source = room.source()
        change = Change(room.deliver(with_attachment(b"x" * 900_000)), Direction.RECEIVED)
        message = await source.message(change)
        room.fault(Fault.TRUNCATED, Call.CONTENT)
        with pytest.raises(Unavailable):
            await drain(source, message, message.attachments[0])
        assert (await drain(source, message, message.attachments[0]))[0] == 900_000

    async def test_the_wait_that_is_asked_for_is_kept_to(self, room: Mailroom, naps: list[float]) -> None:
        source = room.source()
        room.fault(Fault.THROTTLED, Call.ADDRESS, times=2, wait=7)
        assert await source.address() == ADDRESS
        assert len(naps) == 2
        assert min(naps) >= 7

    async def test_a_long_wait_is_left_to_the_schedule(self, room: Mailroom, naps: list[float]) -> None:
        source = room.source()
        before = room.requests()
        room.fault(Fault.THROTTLED, Call.ADDRESS, times=None, wait=600)
        with pytest.raises(Throttled) as throttled:
            await source.address()
        assert throttled.value.retry_after == 600
        assert room.requests() - before == 1
        assert naps == []

    async def test_who_was_told_to_wait_asks_nothing_else_meanwhile(
        self, room: Mailroom, naps: list[float]
    ) -> None:
        source = room.source()
        room.fault(Fault.THROTTLED, Call.ADDRESS, wait=600)
        with pytest.raises(Throttled):
            await source.address()
        before = room.requests()
        with pytest.raises(Throttled) as throttled:
            await source.start()
        assert 0 < throttled.value.retry_after <= 600
        assert room.requests() == before

    @pytest.mark.parametrize("call", Call)
    @pytest.mark.parametrize("garbage", GARBAGE)
    async def test_only_the_family_escapes(
        self, room: Mailroom, naps: list[float], call: Call, garbage: str
    ) -> None:
        calls = await everything(room.source(), room)
        for status in (200, 400, 403, 404, 418, 500):
            room.garble(call, GARBAGE[garbage], status)
            try:
                await calls[call]()
            except (ProviderError, MessageError):
                continue
        room.garble(call, GARBAGE[garbage], 200, "text/html; charset=klingon")
        try:
            await calls[call]()
        except PostroomError as error:
            assert isinstance(error, ProviderError | MessageError)  # noqa: PT017

    @pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 410])
    async def test_a_proxys_page_is_never_taken_for_the_providers_word(
        self, room: Mailroom, naps: list[float], status: int
    ) -> None:
        """A mailbox would be disconnected, a cursor thrown away or a mail skipped for nothing."""
        calls = await everything(room.source(), room)
        for call in (Call.CHANGES, Call.MESSAGE, Call.CONTENT, Call.ADDRESS):
            room.garble(call, GARBAGE["a page"], status, "text/html")
            await calls[call]()

"""A Gmail mailbox as a ``MailSource``.

The cursor is ``{"history": id}`` while following what is new, with ``"page"`` inside a run of pages. While
old mail is listed it also holds ``"listing": {"since": seconds, "label": …, "page": …}``: the history id
was taken before the listing began, so nothing that arrives meanwhile is missed ("Synchronize clients
with Gmail"). ``"anew"`` counts how often a run of pages had to begin again.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from datetime import datetime

import aiohttp

from postroom.errors import MessageError, MessageGone, ProviderError
from postroom.mail.assemble import MAX_BODY_SIZE
from postroom.mail.message import Attachment, Direction, Message
from postroom.providers.answers import Json, child, moment, number, objects, text, texts
from postroom.providers.base import Change, Cursor, Page, Watch
from postroom.providers.gmail.client import GmailClient, read_attachment
from postroom.providers.gmail.payload import fill_in, read_message, ref_of, texts_left_out
from postroom.providers.gmail.refusals import BadRequest
from postroom.providers.gmail.whole import contents, is_cheaper
from postroom.providers.http import TooLarge

PAGE = "200"
"""Mails a page; the next page's listing costs 2 or 5 units, so larger pages would save little."""
LISTED = ("INBOX", "SENT")
BARRED = {"TRASH", "SPAM", "DRAFT"}
NOT_TWICE = {"INBOX": " -in:sent", "SENT": ""}
"""A mail with both labels was sent (requirements, section I), so it is listed once, under SENT."""
HISTORY_FIELDS = (
    "history(messagesAdded(message(id,labelIds)),labelsAdded(labelIds,message(id,labelIds))),"
    "historyId,nextPageToken"
)
LIST_FIELDS = "messages(id),nextPageToken,resultSizeEstimate"
MESSAGE_FIELDS = "id,threadId,labelIds,internalDate,payload"
TEXTS_FETCHED = 10
"""Parts of readable text that are fetched for one mail; a mail of a thousand must not eat the quota."""
TIMES_ANEW = 3
"""How often a run of pages may begin again before it counts as refused."""


class GmailSource:
    """One mailbox, read over the Gmail API."""

    concurrency = 8

    def __init__(self, client: GmailClient, topic: str) -> None:
        self._client = client
        self._topic = topic
        self._whole: tuple[str, dict[str, bytes]] = ("", {})
        """Id and attachments of the mail that was fetched whole last."""

    async def address(self) -> str:
        return text(await self._profile(), "emailAddress")

    async def aliases(self) -> tuple[str, ...]:
        """The send-as addresses that are verified: anyone can enter a stranger's."""
        answer = await self._client.get("settings.sendAs.list", "settings/sendAs")
        return tuple(
            text(entry, "sendAsEmail")
            for entry in objects(answer, "sendAs")
            if not entry.get("isPrimary") and entry.get("verificationStatus") != "pending"
        )

    async def start(self, since: datetime | None = None) -> Cursor:
        cursor: Cursor = {"history": str(number(await self._profile(), "historyId"))}
        if since is None:
            return cursor
        return cursor | {"listing": {"since": int(since.timestamp()), "label": LISTED[0]}}

    async def changes(self, cursor: Cursor) -> Page:
        if "listing" in cursor:
            return await self._listing(cursor)
        return await self._history(cursor)

    async def message(self, change: Change) -> Message:
        answer = await self._get_message(change.id, MESSAGE_FIELDS)
        if BARRED & set(texts(answer, "labelIds")):
            raise MessageGone("The mail was moved out of Inbox and Sent before it could be read.")
        room = MAX_BODY_SIZE
        for body, _ in zip(texts_left_out(answer), range(TEXTS_FETCHED), strict=False):
            if room <= 0:
                break
            content = await self._text(change.id, text(body, "attachmentId"))
            fill_in(body, content)
            room -= len(content)
        return read_message(answer)

    async def content(self, message: Message, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        if attachment.content is not None:
            yield attachment.content
            return
        held = await self._contents(message)
        if attachment.part in held:
            yield held[attachment.part]
            return
        response = await self._open(message.id, attachment)
        async with aclosing(read_attachment(response)) as pieces:
            async for piece in pieces:
                yield piece

    async def watch(self) -> Watch | None:
        if not self._topic:
            return None
        body: Json = {
            "topicName": self._topic,
            "labelIds": list(LISTED),
            "labelFilterBehavior": "INCLUDE",
        }
        try:
            answer = await self._client.post("watch", "watch", body)
        except BadRequest as refused:
            if refused.reason != "failedPrecondition":
                raise
            # The topic that was configured before is still being watched.
            await self.unwatch()
            answer = await self._client.post("watch", "watch", body)
        return Watch(moment(answer, "expiration"))

    async def unwatch(self) -> None:
        await self._client.post("stop", "stop", {})

    async def _profile(self) -> Json:
        return await self._client.get("getProfile", "profile")

    async def _get_message(self, message_id: str, fields: str) -> Json:
        path, params = f"messages/{message_id}", (("format", "full"), ("fields", fields))
        try:
            return await self._client.get("messages.get", path, params)
        except TooLarge as error:
            raise MessageError("This mail is too large to be read.") from error

    async def _text(self, message_id: str, attachment_id: str) -> bytes:
        """A body that Gmail sent as an attachment: a little more than is kept, so that the cut is told."""
        held = bytearray()
        response = await self._client.open_attachment(message_id, attachment_id)
        async with aclosing(read_attachment(response)) as pieces:
            async for piece in pieces:
                held += piece
                if len(held) > MAX_BODY_SIZE:
                    break
        return bytes(held)

    async def _contents(self, message: Message) -> dict[str, bytes]:
        """The attachments by part, where fetching all at once is cheaper; else nothing."""
        if not is_cheaper(message):
            return {}
        held, found = self._whole
        if held != message.id:
            found = contents(await self._raw(message.id), message)
            self._whole = message.id, found
        return found

    async def _raw(self, message_id: str) -> str:
        params = (("format", "raw"), ("fields", "raw"))
        try:
            return text(await self._client.get("messages.get", f"messages/{message_id}", params), "raw")
        except TooLarge:
            return ""

    async def _open(self, message_id: str, attachment: Attachment) -> aiohttp.ClientResponse:
        """The answer with an attachment's bytes. Gmail's handle to them ages and is renewed."""
        try:
            if attachment.ref:
                return await self._client.open_attachment(message_id, attachment.ref)
        except BadRequest:
            pass
        answer = await self._get_message(message_id, "payload")
        return await self._client.open_attachment(message_id, ref_of(answer, attachment.part))

    async def _history(self, cursor: Cursor) -> Page:
        params = [
            ("startHistoryId", str(number(cursor, "history"))),
            ("historyTypes", "messageAdded"),
            ("historyTypes", "labelAdded"),
            ("maxResults", PAGE),
            ("fields", HISTORY_FIELDS),
            *_page_token(cursor),
        ]
        try:
            answer = await self._client.get("history.list", "history", params)
        except BadRequest:
            return _first_page_again(cursor)
        changes = tuple(_unique(_history_changes(objects(answer, "history"))))
        token = text(answer, "nextPageToken", "")
        if token:
            return Page(changes, _without_page(cursor) | {"page": token}, more=True)
        return Page(changes, {"history": str(number(answer, "historyId"))}, more=False)

    async def _listing(self, cursor: Cursor) -> Page:
        listing = child(cursor, "listing")
        label = text(listing, "label")
        direction = _direction([label])
        if label not in LISTED or direction is None:
            raise ProviderError(f"The listing of {label} is of no folder that syncs.")
        params = [
            ("labelIds", label),
            # Whether the second itself counts as after it is not documented.
            ("q", f"after:{number(listing, 'since') - 1}{NOT_TWICE[label]}"),
            ("maxResults", PAGE),
            ("fields", LIST_FIELDS),
            *_page_token(listing),
        ]
        try:
            answer = await self._client.get("messages.list", "messages", params)
        except BadRequest:
            return _first_page_again(cursor)
        ids = dict.fromkeys(text(entry, "id") for entry in objects(answer, "messages"))
        changes = tuple(Change(each, direction) for each in ids)
        estimate = number(answer, "resultSizeEstimate", len(changes))
        return Page(changes, _after_listing(cursor, answer), more=True, importing=True, estimate=estimate)


def _first_page_again(cursor: Cursor) -> Page:
    """Begin the run of pages anew after Gmail refused a page token; what was read is not read twice."""
    listing = child(cursor, "listing")
    anew = number(cursor, "anew", 0)
    if anew >= TIMES_ANEW or not (cursor.get("page") or listing.get("page")):
        raise ProviderError("Gmail refuses to list this mailbox; `postroom doctor` tells more.")
    fresh = _without_page(cursor) | {"anew": anew + 1}
    if listing:
        fresh["listing"] = _without_page(listing)
    return Page((), fresh, more=True, importing=bool(listing))


def _after_listing(cursor: Cursor, answer: Json) -> Cursor:
    """The next page of this label, or the next label, or the history that was noted at the start."""
    listing = child(cursor, "listing")
    token = text(answer, "nextPageToken", "")
    if token:
        return cursor | {"listing": listing | {"page": token}}
    rest = LISTED[LISTED.index(text(listing, "label")) + 1 :]
    if rest:
        return {"history": cursor["history"], "listing": {"since": listing["since"], "label": rest[0]}}
    return {"history": cursor["history"]}


def _without_page(of: Json) -> Json:
    return {name: value for name, value in of.items() if name != "page"}


def _page_token(of: Json) -> list[tuple[str, str]]:
    token = text(of, "page", "")
    return [("pageToken", token)] if token else []


def _history_changes(records: Iterable[Json]) -> Iterator[Change]:
    """Mails that came into Inbox or Sent: new there, or given the label later (R-003)."""
    for record in records:
        for added in objects(record, "messagesAdded"):
            message = child(added, "message")
            if not BARRED & set(texts(message, "labelIds")):
                yield from _change(message)
        for labelled in objects(record, "labelsAdded"):
            # Its other labels are those of an instant: one that leaves spam may still have SPAM here.
            if set(LISTED) & set(texts(labelled, "labelIds")):
                yield from _change(child(labelled, "message"))


def _change(message: Json) -> Iterator[Change]:
    direction = _direction(texts(message, "labelIds"))
    if direction:
        yield Change(text(message, "id"), direction)


def _unique(changes: Iterable[Change]) -> Iterator[Change]:
    """One change a mail, the last word on its direction."""
    yield from {change.id: change for change in changes}.values()


def _direction(labels: Iterable[str]) -> Direction | None:
    """A mail with both labels was sent (requirements, section I)."""
    found = set(labels)
    if "SENT" in found:
        return Direction.SENT
    return Direction.RECEIVED if "INBOX" in found else None

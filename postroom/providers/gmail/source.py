"""A Gmail mailbox as a ``MailSource``.

The cursor is ``{"history": id}`` while following what is new, with ``"page"`` inside a run of pages. While
old mail is listed it also holds ``"listing": {"since": seconds, "label": …, "page": …}``: the history id
was taken before the listing began, so nothing that arrives meanwhile is missed ("Synchronize clients
with Gmail").
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import cast

from postroom.errors import MessageGone, ProviderError
from postroom.mail.message import Attachment, Direction, Message
from postroom.providers.base import Change, Cursor, Page, Watch
from postroom.providers.gmail.client import BadRequest, GmailClient, Json
from postroom.providers.gmail.payload import fill_in, read_message, texts_left_out

PAGE = "100"
"""Mails a page; the next page's listing costs 2 or 5 units, so larger pages would save little."""
LISTED = ("INBOX", "SENT")
BARRED = {"TRASH", "SPAM", "DRAFT"}
HISTORY_FIELDS = (
    "history(messagesAdded(message(id,labelIds)),labelsAdded(labelIds,message(id,labelIds))),"
    "historyId,nextPageToken"
)
LIST_FIELDS = "messages(id),nextPageToken,resultSizeEstimate"
LONGEST_TEXT = 5_000_000
"""Bytes of a body that are read; more is for no reader."""
MESSAGE_FIELDS = "id,threadId,labelIds,internalDate,payload"


class GmailSource:
    """One mailbox, read over the Gmail API."""

    concurrency = 8

    def __init__(self, client: GmailClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    async def address(self) -> str:
        return str((await self._profile())["emailAddress"])

    async def aliases(self) -> tuple[str, ...]:
        answer = await self._client.get("settings.sendAs.list", "settings/sendAs")
        return tuple(str(entry["sendAsEmail"]) for entry in _list(answer, "sendAs"))

    async def start(self, since: datetime | None = None) -> Cursor:
        cursor: Cursor = {"history": str((await self._profile())["historyId"])}
        if since is None:
            return cursor
        return cursor | {"listing": {"since": int(since.timestamp()), "label": LISTED[0]}}

    async def changes(self, cursor: Cursor) -> Page:
        if "listing" in cursor:
            return await self._listing(cursor)
        return await self._history(cursor)

    async def message(self, change: Change) -> Message:
        answer = await self._client.get(
            "messages.get", f"messages/{change.id}", (("format", "full"), ("fields", MESSAGE_FIELDS))
        )
        if BARRED & set(_labels(answer)):
            raise MessageGone("The mail was moved out of Inbox and Sent before it could be read.")
        for body in texts_left_out(answer):
            pieces = self._client.attachment(change.id, str(body["attachmentId"]))
            fill_in(body, await _at_most(pieces, LONGEST_TEXT))
        return read_message(answer)

    async def content(self, message: Message, attachment: Attachment) -> AsyncIterator[bytes]:
        if attachment.content is not None:
            yield attachment.content
            return
        async for chunk in self._client.attachment(message.id, attachment.ref):
            yield chunk

    async def watch(self) -> Watch | None:
        if not self._topic:
            return None
        body: Json = {
            "topicName": self._topic,
            "labelIds": list(LISTED),
            "labelFilterBehavior": "INCLUDE",
        }
        answer = await self._client.post("watch", "watch", body)
        return Watch(datetime.fromtimestamp(int(str(answer["expiration"])) / 1000, UTC))

    async def unwatch(self) -> None:
        await self._client.post("stop", "stop", {})

    async def _profile(self) -> Json:
        return await self._client.get("getProfile", "profile")

    async def _history(self, cursor: Cursor) -> Page:
        params = [
            ("startHistoryId", str(cursor["history"])),
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
        changes = tuple(_unique(_history_changes(_list(answer, "history"))))
        token = answer.get("nextPageToken")
        if token:
            return Page(changes, {"history": cursor["history"], "page": str(token)}, more=True)
        return Page(changes, {"history": str(answer.get("historyId", cursor["history"]))}, more=False)

    async def _listing(self, cursor: Cursor) -> Page:
        listing = cast("Mapping[str, object]", cursor["listing"])
        label = str(listing["label"])
        params = [
            ("labelIds", label),
            ("q", f"after:{listing['since']}"),
            ("maxResults", PAGE),
            ("fields", LIST_FIELDS),
            *_page_token(listing),
        ]
        try:
            answer = await self._client.get("messages.list", "messages", params)
        except BadRequest:
            return _first_page_again(cursor)
        direction = _direction([label])
        if direction is None:
            raise ProviderError(f"The listing of {label} is of no folder that syncs.")
        changes = tuple(Change(str(entry["id"]), direction) for entry in _list(answer, "messages"))
        estimate = int(str(answer.get("resultSizeEstimate", len(changes))))
        return Page(changes, _after_listing(cursor, answer), more=True, importing=True, estimate=estimate)


async def _at_most(pieces: AsyncIterator[bytes], size: int) -> bytes:
    """The first ``size`` bytes or a little more; the rest is not read."""
    held = bytearray()
    async for piece in pieces:
        held += piece
        if len(held) >= size:
            break
    return bytes(held)


def _first_page_again(cursor: Cursor) -> Page:
    """Begin the run of pages anew after Gmail refused a page token; what was read is not read twice."""
    listing = cast("Mapping[str, object]", cursor.get("listing") or {})
    if not cursor.get("page") and not listing.get("page"):
        raise ProviderError("Gmail refuses to list this mailbox; `postroom doctor` tells more.")
    fresh: Cursor = {"history": cursor["history"]}
    if listing:
        fresh["listing"] = {"since": listing["since"], "label": listing["label"]}
    return Page((), fresh, more=True, importing=bool(listing))


def _after_listing(cursor: Cursor, answer: Json) -> Cursor:
    """The next page of this label, or the next label, or the history that was noted at the start."""
    listing = cast("Mapping[str, object]", cursor["listing"])
    label = str(listing["label"])
    token = answer.get("nextPageToken")
    if token:
        return cursor | {"listing": {"since": listing["since"], "label": label, "page": str(token)}}
    rest = LISTED[LISTED.index(label) + 1 :]
    if rest:
        return cursor | {"listing": {"since": listing["since"], "label": rest[0]}}
    return {"history": cursor["history"]}


def _page_token(of: Mapping[str, object]) -> list[tuple[str, str]]:
    return [("pageToken", str(of["page"]))] if of.get("page") else []


def _history_changes(records: Iterable[Json]) -> Iterator[Change]:
    """Mails that came into Inbox or Sent: new there, or given the label later (R-003)."""
    for record in records:
        for added in _list(record, "messagesAdded"):
            message = cast("Json", added["message"])
            if not BARRED & set(_labels(message)):
                yield from _change(message)
        for labelled in _list(record, "labelsAdded"):
            # Its other labels are those of an instant: one that leaves spam may still have SPAM here.
            if set(LISTED) & set(_labels(labelled)):
                yield from _change(cast("Json", labelled["message"]))


def _change(message: Json) -> Iterator[Change]:
    direction = _direction(_labels(message))
    if direction:
        yield Change(str(message["id"]), direction)


def _unique(changes: Iterable[Change]) -> Iterator[Change]:
    """One change a mail, the last word on its direction."""
    yield from {change.id: change for change in changes}.values()


def _direction(labels: Iterable[str]) -> Direction | None:
    """A mail with both labels was sent (requirements, section I)."""
    found = set(labels)
    if "SENT" in found:
        return Direction.SENT
    return Direction.RECEIVED if "INBOX" in found else None


def _labels(message: Json) -> list[str]:
    return [str(label) for label in cast("list[object]", message.get("labelIds") or [])]


def _list(answer: Json, key: str) -> list[Json]:
    """Google leaves empty lists out."""
    return cast("list[Json]", answer.get(key) or [])

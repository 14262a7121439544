"""An Outlook mailbox as a ``MailSource``.

Sources: "message: delta", "Get incremental changes to messages in a folder", "List messages", "Create
subscription" of Microsoft Graph's documentation.

The cursor is ``{"self": addresses, "inbox": link, "sentitems": link}``, the links being Graph's own: a
nextLink inside of a round of pages, a deltaLink between rounds. ``"open"`` lists the folders whose round
goes on, ``"told"`` how many mails it has told. Graph cannot begin "from now on", so ``start`` walks a round
over the last day's mail and throws it away. Only ``changeType=created`` is followed: what came into the
folder, new or moved.

A delta query with a filter tells 5,000 mails at the most, so old mail is not imported by it but listed,
oldest first: ``"listing": {folder: {"since": time, "skip": n}}``. Each page begins at the last page's last
second, so that a mail which leaves the folder meanwhile moves no other out of sight. The delta links were
taken before the listing began: nothing that arrives meanwhile is missed.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

from postroom.errors import CursorExpired, MessageError, MessageGone, ProviderError
from postroom.mail.addresses import make_address
from postroom.mail.message import Attachment, Direction, Message
from postroom.providers.answers import Json, Misshapen, child, number, objects, text, texts
from postroom.providers.base import Change, Cursor, Page, Watch
from postroom.providers.http import TooLarge
from postroom.providers.outlook.client import GraphClient, Params
from postroom.providers.outlook.notifications import Push
from postroom.providers.outlook.payload import (
    ANCESTORS_EXPAND,
    ATTACHMENT_SELECT,
    SELECT,
    author,
    instant,
    is_whole,
    may_have_ancestors,
    may_hold_attachments,
    read_message,
)
from postroom.providers.outlook.refusals import Forbidden, Missing, Nobody

Result = TypeVar("Result")

PAGE = 100
"""Mails a page, with their bodies."""
SMALLER = (PAGE, 10, 1)
"""Page sizes to try where a page is too large to be read."""
FOLDERS = {"inbox": Direction.RECEIVED, "sentitems": Direction.SENT}
BARRED = ("junkemail", "deleteditems")
"""Folders that a mail may not be in when it is fetched by itself; drafts are told by ``isDraft``."""
REACH = timedelta(days=1)
"""Mail received so long before the start may still come in later, such as out of the junk folder."""
MOST_TOLD = 5_000
"""Mails that a filtered round tells; what is beyond is never told."""
LONGEST_WALK = 1_000
"""Pages."""
LIFETIME = timedelta(minutes=10_070)
"""A little less than the longest that a subscription on mail may last, for clocks differ."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A change, with what tells two copies of a mail to oneself apart."""

    change: Change
    message_id: str
    folder: str


class OutlookSource:
    """One mailbox, read over Microsoft Graph."""

    concurrency = 4

    def __init__(self, client: GraphClient, push: Push | None) -> None:
        self._client = client
        self._push = push
        self._barred: dict[str, str] = {}
        self._turn = asyncio.Lock()

    async def address(self) -> str:
        return (await self._profile())[0]

    async def aliases(self) -> tuple[str, ...]:
        """The mailbox's other SMTP addresses (``proxyAddresses``), which only an administrator sets."""
        return (await self._profile())[1:]

    async def start(self, since: datetime | None = None) -> Cursor:
        cursor: Cursor = {folder: await self._walk(folder) for folder in FOLDERS}
        cursor["self"] = [_key(address) for address in await self._profile()]
        if since is not None:
            begun = {"since": _stamp(since), "skip": 0}
            cursor["listing"] = {folder: dict(begun) for folder in FOLDERS}
        return cursor

    async def changes(self, cursor: Cursor) -> Page:
        if "listing" in cursor:
            return await self._listing(cursor)
        return await self._delta(cursor)

    async def message(self, change: Change) -> Message:
        """The mail that came with the change, without asking again; else the mail as it is now."""
        if change.message is not None:
            return change.message
        path = f"{self._client.home}/messages/{quote(change.id, safe='')}"
        try:
            resource = await self._client.get("messages.get", path, (("$select", SELECT),))
        except TooLarge as error:
            raise MessageError("This mail is too large to be read.") from error
        if resource.get("isDraft") or resource.get("parentFolderId") in await self._barred_folders():
            raise MessageGone("The mail was moved out of Inbox and Sent before it could be read.")
        return await self._whole(resource)

    async def content(self, message: Message, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        if attachment.content is not None:
            yield attachment.content
            return
        if not attachment.ref:
            raise MessageGone("This is a link to a file in the cloud; the mail does not hold it.")
        path = "/".join(
            (
                f"{self._client.home}/messages/{quote(message.id, safe='')}",
                f"attachments/{quote(attachment.ref, safe='')}/$value",
            )
        )
        async with aclosing(self._client.stream("attachments.value", path)) as pieces:
            async for piece in pieces:
                yield piece

    async def watch(self) -> Watch | None:
        if self._push is None:
            return None
        known = await self._subscriptions()
        return Watch(
            min([await self._subscribe(self._push, each, known.get(each)) for each in self._resources()])
        )

    async def unwatch(self) -> None:
        if self._push is None:
            return
        known = await self._subscriptions()
        for subscription, is_ours in (known[each] for each in self._resources() if each in known):
            if is_ours:
                await self._unsubscribe(subscription)

    async def _profile(self) -> tuple[str, ...]:
        """The mailbox's addresses, its own first."""
        fields = (("$select", "mail,userPrincipalName,proxyAddresses"),)
        try:
            answer = await self._client.get("users.get", self._client.home, fields)
        except (Forbidden, Nobody):
            # An application may read a mailbox without being let into the directory, which knows people by
            # their sign-in name; Exchange knows them by their address, too.
            if make_address(self._client.user) is None:
                raise
            return (self._client.user,)
        own = text(answer, "mail", "") if answer.get("mail") else text(answer, "userPrincipalName")
        proxies = (each.partition(":") for each in texts(answer, "proxyAddresses"))
        others = [address for kind, _, address in proxies if kind.lower() == "smtp"]
        return (own, *(each for each in dict.fromkeys(others) if _key(each) != _key(own)))

    async def _walk(self, folder: str) -> str:
        """The link behind everything that is in the folder now."""
        reach = (datetime.now(UTC) - REACH).replace(minute=0, second=0, microsecond=0)
        params = (
            ("changeType", "created"),
            ("$filter", f"receivedDateTime ge {_stamp(reach)}"),
            ("$select", SELECT),
        )
        path = f"{self._client.home}/mailFolders/{folder}/messages/delta"
        answer = await self._page(path, params)
        for _ in range(LONGEST_WALK):
            if link := text(answer, "@odata.deltaLink", ""):
                return link
            answer = await self._page(text(answer, "@odata.nextLink"), ())
        raise ProviderError("Microsoft never ends the list of the last day's mail.")

    async def _page(self, where: str, params: Params) -> Json:
        """A page of a delta round; a smaller one where it is too large to be read."""
        for size in SMALLER:
            try:
                if params:
                    return await self._client.get("messages.delta", where, params, size)
                return await self._client.follow("messages.delta", where, size)
            except TooLarge:
                continue
        raise ProviderError("A single mail is too large to be read.")

    async def _delta(self, cursor: Cursor) -> Page:
        after = dict(cursor)
        round_goes_on = texts(cursor, "open")
        told: list[_Told] = []
        still_open: list[str] = []
        counts = child(cursor, "told")
        for folder in round_goes_on or FOLDERS:
            answer = await self._page(text(cursor, folder), ())
            entries = objects(answer, "value")
            count = (number(counts, folder, 0) if round_goes_on else 0) + len(entries)
            if count >= MOST_TOLD:
                raise CursorExpired("More mail came than a round of changes can tell.")
            following = text(answer, "@odata.nextLink", "")
            if following:
                still_open.append(folder)
            after[folder] = following or text(answer, "@odata.deltaLink")
            counts = counts | {folder: count}
            told += await self._read(folder, entries, texts(cursor, "self"))
        after.pop("open", None)
        after.pop("told", None)
        if still_open:
            after |= {"open": still_open, "told": {folder: counts[folder] for folder in still_open}}
        return Page(_changes(told), after, more=bool(still_open))

    async def _listing(self, cursor: Cursor) -> Page:
        listing = child(cursor, "listing")
        told: list[_Told] = []
        going_on: Json = {}
        total = number(cursor, "total", 0)
        for folder in (name for name in FOLDERS if name in listing):
            place = child(listing, folder)
            answer = await self._list(folder, place, count="total" not in cursor)
            entries = objects(answer, "value")
            total += number(answer, "@odata.count", 0) if "total" not in cursor else 0
            told += await self._read(folder, entries, texts(cursor, "self"))
            if answer.get("@odata.nextLink"):
                going_on[folder] = _place_after(place, entries)
        after = {name: value for name, value in cursor.items() if name not in {"listing", "total"}}
        if going_on:
            after |= {"listing": going_on, "total": total}
        return Page(_changes(told), after, more=True, importing=True, estimate=total or None)

    async def _list(self, folder: str, place: Json, *, count: bool) -> Json:
        path = f"{self._client.home}/mailFolders/{folder}/messages"
        params = [
            ("$filter", f"receivedDateTime ge {text(place, 'since')}"),
            ("$orderby", "receivedDateTime asc"),
            ("$select", SELECT),
            *([("$skip", str(number(place, "skip")))] if number(place, "skip") else []),
            *([("$count", "true")] if count else []),
        ]
        for size in SMALLER:
            try:
                return await self._client.get("messages.list", path, [*params, ("$top", str(size))])
            except TooLarge:
                continue
        raise ProviderError("A single mail is too large to be read.")

    async def _read(self, folder: str, entries: Iterable[Json], own: Sequence[str]) -> list[_Told]:
        """The mails of a page; what left, and drafts, are no news."""
        there = {text(entry, "id"): entry for entry in entries if "@removed" not in entry}
        read = [self._told(folder, entry, own) for entry in there.values() if not entry.get("isDraft")]
        return [told for told in await _together(read) if told]

    async def _told(self, folder: str, entry: Json, own: Sequence[str]) -> _Told | None:
        direction = FOLDERS[folder]
        if author(entry) in own:
            # A copy to oneself was sent, too (requirements, section I).
            direction = Direction.SENT
        message_id = str(entry.get("internetMessageId") or "")
        item_id = text(entry, "id")
        if not is_whole(entry):
            return _Told(Change(item_id, direction), message_id, folder)
        try:
            message = await self._whole(entry)
        except MessageGone:
            return None
        except (MessageError, Misshapen):
            # Reading it by itself tells why and sets it aside; the mailbox goes on.
            return _Told(Change(item_id, direction), message_id, folder)
        return _Told(Change(item_id, direction, message), message_id, folder)

    async def _whole(self, resource: Json) -> Message:
        """The mail of a resource, with what has to be asked for by itself."""
        return read_message(resource | await self._ancestors(resource), await self._attachments(resource))

    async def _ancestors(self, resource: Json) -> Json:
        """Which mail it answers, as extended properties: a mail that was never transported has no headers.

        They cannot be had with the page, for delta takes no such ``$expand`` everywhere.
        """
        if not may_have_ancestors(resource):
            return {}
        path = f"{self._client.home}/messages/{quote(text(resource, 'id'), safe='')}"
        params = (("$select", "id"), ("$expand", ANCESTORS_EXPAND))
        answer = await self._client.get("messages.get", path, params)
        return {"singleValueExtendedProperties": answer.get("singleValueExtendedProperties")}

    async def _attachments(self, resource: Json) -> list[Json]:
        """What is attached, without the bytes."""
        if not may_hold_attachments(resource):
            return []
        path = f"{self._client.home}/messages/{quote(text(resource, 'id'), safe='')}/attachments"
        answer = await self._client.get("attachments.list", path, (("$select", ATTACHMENT_SELECT),))
        found = objects(answer, "value")
        while link := text(answer, "@odata.nextLink", ""):
            answer = await self._client.follow("attachments.list", link)
            found += objects(answer, "value")
            if len(found) > LONGEST_WALK:
                raise MessageError("This mail has more than 1,000 attachments.")
        return found

    async def _barred_folders(self) -> set[str]:
        """Ids of the folders that a mail may not be in; looked up once."""
        async with self._turn:
            for name in BARRED:
                if name not in self._barred:
                    path = f"{self._client.home}/mailFolders/{name}"
                    answer = await self._client.get("folders.get", path, (("$select", "id"),))
                    self._barred[name] = text(answer, "id")
        return set(self._barred.values())

    def _resources(self) -> list[str]:
        return [f"{self._client.home}/mailFolders('{folder}')/messages" for folder in FOLDERS]

    async def _subscriptions(self) -> dict[str, tuple[str, bool]]:
        """Resource to id of this mailbox's subscriptions, and whether each goes to this deployment."""
        answer = await self._client.get("subscriptions.list", "subscriptions")
        found = objects(answer, "value")
        while link := text(answer, "@odata.nextLink", ""):
            answer = await self._client.follow("subscriptions.list", link)
            found += objects(answer, "value")
        url = self._push.url if self._push else ""
        return {
            text(each, "resource", "").strip("/"): (text(each, "id"), each.get("notificationUrl") == url)
            for each in found
        }

    async def _subscribe(self, push: Push, resource: str, known: tuple[str, bool] | None) -> datetime:
        """When the subscription ends that was renewed or, where there is none, made.

        One that goes elsewhere, as from before a change of address or secret, gives way: Graph allows one
        for each application, resource and change type ("Create subscription").
        """
        expires = _stamp(datetime.now(UTC) + LIFETIME)
        if known and known[1]:
            try:
                renewed = await self._client.send(
                    "PATCH",
                    "subscriptions.renew",
                    f"subscriptions/{known[0]}",
                    {"expirationDateTime": expires},
                )
                return instant(renewed, "expirationDateTime")
            except Missing:
                pass
        elif known:
            await self._unsubscribe(known[0])
        wanted: Json = {
            "changeType": "created",
            "notificationUrl": push.url,
            "lifecycleNotificationUrl": push.lifecycle_url or push.url,
            "resource": resource,
            "expirationDateTime": expires,
            "clientState": push.client_state,
        }
        made = await self._client.send("POST", "subscriptions.create", "subscriptions", wanted)
        return instant(made, "expirationDateTime")

    async def _unsubscribe(self, subscription: str) -> None:
        try:
            await self._client.send("DELETE", "subscriptions.delete", f"subscriptions/{subscription}")
        except Missing:
            return


def _changes(told: Iterable[_Told]) -> tuple[Change, ...]:
    """One change a mail; of a mail to oneself, the copy in Sent Items."""
    found = {one.change.id: one for one in told}
    sent = {one.message_id for one in found.values() if one.folder == "sentitems"} - {""}
    return tuple(
        one.change
        for one in found.values()
        if one.folder == "sentitems"
        or one.change.direction is Direction.RECEIVED
        or one.message_id not in sent
    )


def _place_after(place: Json, entries: Sequence[Json]) -> Json:
    """Where the next page begins: at the last mail's second, behind those of it that were listed."""
    if not entries:
        return place | {"skip": number(place, "skip") + PAGE}
    last = _stamp(instant(entries[-1], "receivedDateTime"))
    if last == text(place, "since"):
        return {"since": last, "skip": number(place, "skip") + len(entries)}
    within = [entry for entry in entries if _stamp(instant(entry, "receivedDateTime")) == last]
    return {"since": last, "skip": len(within)}


async def _together(work: Iterable[Awaitable[Result]]) -> list[Result]:
    """All of it, or the first fault once all has ended."""
    ended = await asyncio.gather(*work, return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException):
            raise result
    return [result for result in ended if not isinstance(result, BaseException)]


def _key(address: str) -> str:
    found = make_address(address)
    return found.key if found else address.lower()


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

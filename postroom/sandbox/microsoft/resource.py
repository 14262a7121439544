"""Items as Graph's JSON resources.

Sources: "message resource type", "fileAttachment", "itemAttachment", "referenceAttachment resource type",
"mailFolder resource type", "user resource type". ``internetMessageHeaders`` and ``uniqueBody`` come only
where they are selected; a mail that was never transported, as in Sent Items, has no headers.
"""

from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from .accounts import Account
from .mailbox import FOLDERS, Item, Mailbox
from .mime import Attached, Parsed, parse
from .odata import FILE_ATTACHMENT, MESSAGE, ON_REQUEST, Look, reduce

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

Json = dict[str, Any]
_ATTRIBUTES = {
    "receivedDateTime": "received",
    "lastModifiedDateTime": "modified",
    "createdDateTime": "created",
    "isRead": "is_read",
    "isDraft": "is_draft",
    "internetMessageId": "message_id",
    "conversationId": "conversation",
}
_EXTENDED = {"String 0x1042": "in-reply-to", "String 0x1039": "references"}
"""PidTagInReplyToId and PidTagInternetReferences ("MAPI canonical properties")."""
_PEOPLE = frozenset({"from", "sender", "to", "cc", "bcc", "reply-to"})


def stamp(moment: float) -> str:
    """Whole seconds, as Graph writes times of mail."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def attachments_of(item: Item) -> tuple[Attached, ...]:
    return (*parse(item.mail).attachments, *item.links)


def has_attachments(item: Item) -> bool:
    """Inline ones do not count."""
    return any(not each.inline for each in attachments_of(item))


def look_into(item: Item) -> Look:
    """What ``$filter`` and ``$orderby`` look at."""

    def look(name: str) -> object:
        if name == "sentDateTime":
            return _sent_at(item)
        if name == "hasAttachments":
            return has_attachments(item)
        return getattr(item, _ATTRIBUTES[name])

    return look


class Writer:
    """Writes one mailbox's items for one request's preferences."""

    def __init__(self, sandbox: "MicrosoftSandbox", mailbox: Mailbox, prefer: dict[str, str]) -> None:
        self._sandbox = sandbox
        self._mailbox = mailbox
        self._immutable = prefer.get("idtype", "").lower() == "immutableid"
        self._text = prefer.get("outlook.body-content-type", "").lower() == "text"
        self._unsafe = "outlook.allow-unsafe-html" in prefer

    def id_of(self, item: Item) -> str:
        return item.immutable_id if self._immutable else item.id

    def message(
        self,
        item: Item,
        select: frozenset[str],
        expand: frozenset[str] | None = None,
        extended: tuple[str, ...] = (),
    ) -> Json:
        parsed = parse(item.mail)
        sender = self._recipients(parsed, "sender", item) or self._recipients(parsed, "from", item)
        author = self._recipients(parsed, "from", item) or sender
        key = urlsafe_b64encode(f"{item.number}:{item.change}".encode()).decode()
        values: Json = {
            "@odata.etag": f'W/"{key}"',
            "id": self.id_of(item),
            "createdDateTime": stamp(item.created),
            "lastModifiedDateTime": stamp(item.modified),
            "changeKey": key,
            "categories": [],
            "receivedDateTime": stamp(item.received),
            "sentDateTime": stamp(_sent_at(item)),
            "hasAttachments": has_attachments(item),
            "internetMessageId": item.message_id,
            "subject": parsed.first("subject"),
            "bodyPreview": parsed.body.preview(),
            "importance": "normal",
            "parentFolderId": self._mailbox.folder_ids[item.folder],
            "conversationId": item.conversation,
            "conversationIndex": _conversation_index(item),
            "isDeliveryReceiptRequested": None,
            "isReadReceiptRequested": False,
            "isRead": item.is_read,
            "isDraft": item.is_draft,
            "webLink": f"https://outlook.office365.com/owa/?ItemID={item.id}&exvsurl=1&viewmodel=ReadMessageItem",
            "inferenceClassification": "focused",
            "body": self._body(parsed),
            "sender": sender[0] if sender else None,
            "from": author[0] if author else None,
            "toRecipients": self._recipients(parsed, "to", item),
            "ccRecipients": self._recipients(parsed, "cc", item),
            "bccRecipients": self._recipients(parsed, "bcc", item),
            "replyTo": self._recipients(parsed, "reply-to", item),
            "flag": {"flagStatus": "notFlagged"},
        }
        if "internetMessageHeaders" in select and item.from_outside:
            values["internetMessageHeaders"] = self._headers(item, parsed)
        if "uniqueBody" in select:
            values["uniqueBody"] = self._body(parsed)
        found = reduce(values, select, MESSAGE - ON_REQUEST)
        if expand is not None:
            found["attachments"] = self.attachments(item, expand)
        if properties := [each for each in map(partial(_extended, parsed), extended) if each]:
            found["singleValueExtendedProperties"] = properties
        return found

    def attachments(self, item: Item, select: frozenset[str]) -> list[Json]:
        return [self.attachment(item, number, select) for number in range(len(attachments_of(item)))]

    def attachment(self, item: Item, number: int, select: frozenset[str]) -> Json:
        each = attachments_of(item)[number]
        values: Json = {
            "@odata.type": f"#microsoft.graph.{each.kind}Attachment",
            "id": attachment_id(item, number),
            "lastModifiedDateTime": stamp(item.created),
            "name": each.name,
            "contentType": each.content_type if each.kind == "file" else None,
            "size": len(each.content) + self._sandbox.settings.attachment_overhead,
            "isInline": each.inline,
        }
        if each.kind == "file":
            values |= {"contentId": each.content_id or None, "contentLocation": None}
            if not select or "contentBytes" in select:
                values["contentBytes"] = b64encode(each.content).decode("ascii")
        return reduce(values, select, [*values, *FILE_ATTACHMENT])

    def _headers(self, item: Item, parsed: Parsed) -> list[Json]:
        names = {name.lower() for name, _ in parsed.headers}
        given = [] if "message-id" in names else [("Message-ID", item.message_id)]
        left_out = frozenset[str]() if self._sandbox.settings.headers_name_people else _PEOPLE
        told = ((name, value) for name, value in (*parsed.headers, *given) if name.lower() not in left_out)
        return [{"name": name, "value": value} for name, value in told]

    def _body(self, parsed: Parsed) -> Json:
        body = parsed.body
        if self._text or (not body.is_html and self._sandbox.settings.plain_stays_text):
            return {"contentType": "text", "content": body.text()}
        return {"contentType": "html", "content": body.html(unsafe=self._unsafe)}

    def _recipients(self, parsed: Parsed, field: str, item: Item) -> list[Json]:
        if field == "bcc" and item.folder != "sentitems" and not item.is_draft:
            return []
        people = parsed.people(field)
        return [
            {"emailAddress": {"name": name or address, "address": self._shown(address)}}
            for name, address in people
        ]

    def _shown(self, address: str) -> str:
        """Inside an organisation an old item may hold the X.500 name in place of the address."""
        account = self._sandbox.find_account(address)
        return account.legacy_dn if account and account.legacy_dn else address


def attachment_id(item: Item, number: int) -> str:
    """An id that stands for the item and the place."""
    mark = blake2b(item.immutable_id.encode(), digest_size=24).digest()
    return "AAMkAG" + urlsafe_b64encode(mark + number.to_bytes(2, "big")).decode("ascii")


def attachment_number(item: Item, id: str) -> int | None:
    for number in range(len(attachments_of(item))):
        if attachment_id(item, number) == id:
            return number
    return None


def _sent_at(item: Item) -> float:
    sent = parse(item.mail).sent_at()
    return item.received if sent is None else sent


def _conversation_index(item: Item) -> str:
    """22 bytes, and 5 more for each reply ("PidTagConversationIndex canonical property")."""
    size = 22 + 5 * bool(item.mail.envelope.ancestors)
    return b64encode(item.conversation.encode()[-size:]).decode("ascii")


def _extended(parsed: Parsed, name: str) -> Json | None:
    value = parsed.first(_EXTENDED.get(name, ""))
    return {"id": name, "value": value} if value else None


def folder(mailbox: Mailbox, name: str) -> Json:
    items = mailbox.in_folder(name)
    return {
        "id": mailbox.folder_ids[name],
        "displayName": FOLDERS[name],
        "parentFolderId": mailbox.folder_ids["msgfolderroot"],
        "childFolderCount": 0,
        "unreadItemCount": sum(not item.is_read for item in items),
        "totalItemCount": len(items),
        "isHidden": False,
    }


def user(account: Account) -> Json:
    given, _, family = account.name.partition(" ")
    return {
        "businessPhones": [],
        "displayName": account.name,
        "givenName": given or None,
        "jobTitle": None,
        "mail": account.address if account.licensed else None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": family or None,
        "userPrincipalName": account.upn,
        "id": account.oid,
        "proxyAddresses": [f"SMTP:{account.address}", *(f"smtp:{alias}" for alias in account.aliases)],
        "accountEnabled": account.trouble != 50057,
        "userType": "Member",
        "otherMails": [],
    }

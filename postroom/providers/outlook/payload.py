"""Graph's message resource as a ``Message``.

Sources: "message resource type", "fileAttachment", "itemAttachment", "referenceAttachment resource type".
Exchange keeps one body of a mail, so ``text`` is "" wherever there is HTML. The internet headers, which
come where the mail was transported, tell people and subject as the sender wrote them; where a field is
missing there, as all are for a mail in Sent Items, it is written from the resource. An address in Exchange's
own form (X.500) reaches nobody and is left out with a defect.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

from postroom.mail.addresses import make_address
from postroom.mail.assemble import assemble
from postroom.mail.message import Message
from postroom.mail.parts import Headers, Part
from postroom.providers.answers import Json, Misshapen, child, number, objects, text

SELECT = ",".join(
    (
        *("id", "internetMessageId", "conversationId", "receivedDateTime", "sentDateTime", "subject", "body"),
        *("from", "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "hasAttachments"),
        *("isDraft", "parentFolderId", "internetMessageHeaders", "conversationIndex"),
    )
)
ATTACHMENT_SELECT = "id,name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId"
"""All but the bytes; contentId is a property of the derived type and must be cast."""
ANCESTORS = {"String 0x1042": "in-reply-to", "String 0x1039": "references"}
"""Extended properties to header fields: PidTagInReplyToId and PidTagInternetReferences."""
ANCESTORS_EXPAND = (
    "singleValueExtendedProperties($filter=" + " or ".join(f"id eq '{name}'" for name in ANCESTORS) + ")"
)
FIRST_OF_A_CONVERSATION = 22
"""Bytes of the conversation index of a mail that answers none; each reply adds 5."""
GROUPS = {"to": "toRecipients", "cc": "ccRecipients", "bcc": "bccRecipients", "reply-to": "replyTo"}
A_LINK = "message/external-body"
"""Content type of a file that is not in the mail (RFC 2046 section 5.2.3): a reference attachment."""
CALENDAR = "urn:content-classes:calendarmessage"
"""How a mail is marked that is an invitation or an answer to one; Graph tells it by the resource's type."""
_CID = re.compile(r"\bcid:", re.IGNORECASE)
_X500 = re.compile(r"(ex:)?/o=|imceaex-", re.IGNORECASE)


def read_message(resource: Json, attachments: Sequence[Json] = ()) -> Message:
    """The mail of a message resource. Raises ``MessageError``, ``ProviderError``."""
    told = objects(resource, "internetMessageHeaders")
    headers = [(_optional(header, "name"), _optional(header, "value")) for header in told]
    if "eventMessage" in _optional(resource, "@odata.type"):
        headers.append(("Content-Class", CALENDAR))
    defects: list[str] = []
    headers += _fields(resource, {name.lower() for name, _ in headers}, defects)
    parts = [_body(child(resource, "body"))]
    parts += [_attachment(each, f"{place}") for place, each in enumerate(attachments, 2)]
    return assemble(
        Part("0", headers, "multipart/mixed", children=parts),
        id=text(resource, "id"),
        thread=_optional(resource, "conversationId"),
        received_at=instant(resource, "receivedDateTime"),
        defects=defects,
    )


def is_whole(resource: Json) -> bool:
    """Whether a line of a delta page is the mail, rather than what changed of one."""
    return isinstance(resource.get("body"), dict) and "receivedDateTime" in resource


def may_hold_attachments(resource: Json) -> bool:
    """``hasAttachments`` leaves inline ones out; those show in the body."""
    if resource.get("hasAttachments"):
        return True
    return bool(_CID.search(_optional(child(resource, "body"), "content")))


def may_have_ancestors(resource: Json) -> bool:
    """Whether it answers a mail, and has no internet headers to tell which."""
    if resource.get("internetMessageHeaders"):
        return False
    try:
        index = b64decode(_optional(resource, "conversationIndex"))
    except ValueError:
        return True
    return len(index) != FIRST_OF_A_CONVERSATION


def author(resource: Json) -> str:
    """The key of who the mail is from, "" where that is no address."""
    address = make_address(_optional(child(child(resource, "from"), "emailAddress"), "address"))
    return address.key if address else ""


def instant(of: Json, name: str) -> datetime:
    """A DateTimeOffset, in UTC."""
    try:
        found = datetime.fromisoformat(text(of, name))
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Misshapen(f"The provider's answer has no time as {name}.") from error


def _fields(resource: Json, told: set[str], defects: list[str]) -> Headers:
    """The header fields that the internet headers do not have, from the resource's properties."""
    values: dict[str, str] = {
        "subject": _optional(resource, "subject"),
        "message-id": _optional(resource, "internetMessageId"),
    }
    for extended in objects(resource, "singleValueExtendedProperties"):
        values[ANCESTORS.get(_optional(extended, "id"), "")] = _optional(extended, "value")
    values.pop("", None)
    if not told and resource.get("sentDateTime"):
        values["date"] = format_datetime(instant(resource, "sentDateTime"))
    people = {"from": [child(resource, "from")]} | {
        name: objects(resource, field) for name, field in GROUPS.items()
    }
    if child(resource, "sender") != child(resource, "from"):
        people["sender"] = [child(resource, "sender")]
    for name, recipients in people.items():
        if name not in told:
            values[name] = ", ".join(_mailboxes(recipients, defects))
    return [(name, value) for name, value in values.items() if value and name not in told]


def _mailboxes(recipients: Sequence[Json], defects: list[str]) -> Iterator[str]:
    for recipient in recipients:
        found = child(recipient, "emailAddress")
        address, name = _optional(found, "address"), _optional(found, "name")
        if _X500.match(address):
            defects.append(f"{name or 'Somebody'} is named by an Exchange address only, which was left out.")
        elif address:
            quoted = name.replace("\\", "\\\\").replace('"', '\\"')
            yield f'"{quoted}" <{address}>' if name and name != address else f"<{address}>"


def _body(body: Json) -> Part:
    kind = "text/html" if _optional(body, "contentType").lower() == "html" else "text/plain"
    content = _optional(body, "content").encode("utf-8", "replace")
    return Part("1", content_type=kind, charset="utf-8", data=content)


def _attachment(resource: Json, path: str) -> Part:
    kind = text(resource, "@odata.type", "").rpartition(".")[2]
    name = _optional(resource, "name")
    headers = [("Content-Disposition", "inline" if resource.get("isInline") else "attachment")]
    if content_id := _optional(resource, "contentId"):
        headers.append(("Content-ID", f"<{content_id.strip('<>')}>"))
    content_type = _optional(resource, "contentType") or "application/octet-stream"
    ref = text(resource, "id")
    if kind == "itemAttachment":
        name, content_type = f"{name or 'message'}.eml", "message/rfc822"
    elif kind == "referenceAttachment":
        content_type, ref = A_LINK, ""
    size = max(0, number(resource, "size", 0))
    return Part(path, headers, content_type, filename=name, size=size, ref=ref)


def _optional(of: Json, name: str) -> str:
    """A string, "" where it is missing or null."""
    return "" if of.get(name) is None else text(of, name)

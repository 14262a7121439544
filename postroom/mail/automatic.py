"""Mail that no person wrote to this reader: automatic answers, bounces, lists and invitations.

Told by the header fields and the parts that standards give them. A person's own mail with an odd field
must not be taken for one, for an administrator may leave these kinds out of the sync.
"""

import re
from enum import StrEnum

from postroom.mail.headers import without_comments
from postroom.mail.message import Message
from postroom.mail.parameters import parse_parameters


class AutomaticKind(StrEnum):
    """What a machine sent; a mail can be of several kinds."""

    AUTO_REPLY = "auto_reply"
    """An absence note or other automatic answer (RFC 3834)."""
    BOUNCE = "bounce"
    """A report that a mail was not, or not yet, delivered (RFC 3464)."""
    LIST = "list"
    """Sent through a mailing list or to subscribers (RFC 2919, RFC 2369)."""
    CALENDAR = "calendar"
    """An invitation, or an answer to one (RFC 5546, RFC 6047)."""


_LIST_FIELDS = ("list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe", "list-owner")
_ANSWER_FIELDS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-auto-reply-from")
_ANSWER_PRECEDENCE = frozenset({"auto_reply", "auto-reply"})
_POSTMASTERS = frozenset({"mailer-daemon", "postmaster"})
_NULL_PATH = re.compile(r"<\s*>")
_CALENDARS = frozenset({"text/calendar", "application/ics"})
_METHOD = re.compile(
    rb"^METHOD[^:\r\n]*+:[ \t]*+(?:REQUEST|REPLY|CANCEL|ADD|REFRESH|COUNTER|DECLINECOUNTER)\b",
    re.MULTILINE | re.IGNORECASE,
)
_CALENDAR_CLASS = "urn:content-classes:calendarmessage"


def automatic_kinds(message: Message) -> frozenset[AutomaticKind]:
    """Every kind that ``message`` is of; none for a mail from a person.

    Reads header fields and the types of parts, never the text. Takes any message.
    """
    bounce, calendar = _is_bounce(message), _is_calendar(message)
    found = {
        AutomaticKind.BOUNCE: bounce,
        AutomaticKind.CALENDAR: calendar,
        AutomaticKind.LIST: _is_list(message),
        AutomaticKind.AUTO_REPLY: not bounce and not calendar and _is_auto_reply(message),
    }
    return frozenset(kind for kind, is_it in found.items() if is_it)


def _is_auto_reply(message: Message) -> bool:
    """RFC 3834 section 5: ``auto-replied``; ``auto-generated`` only where it answers a mail.

    So Exchange marks absence notes, while a shop's notification answers nobody. Of the fields from before
    the standard those count that only answering programs write. ``X-Auto-Response-Suppress`` asks others
    not to answer, and so stands on many a mail that is no answer itself.
    """
    submitted = {_keyword(value) for value in _values(message, "auto-submitted")}
    if "auto-replied" in submitted or ("auto-generated" in submitted and message.in_reply_to):
        return True
    if any(_keyword(value) != "no" for name in _ANSWER_FIELDS for value in _values(message, name)):
        return True
    return any(_keyword(value) in _ANSWER_PRECEDENCE for value in _values(message, "precedence"))


def _is_list(message: Message) -> bool:
    """A List-Id (RFC 2919), another list field (RFC 2369), or the older habit that RFC 3834 names."""
    if any(_values(message, name) for name in _LIST_FIELDS):
        return True
    return any(_keyword(value) == "list" for value in _values(message, "precedence"))


def _is_bounce(message: Message) -> bool:
    """A delivery report by its type, its parts, or its null return path (RFC 5321 section 4.5.5).

    Old mail servers report without any of the types; the postmaster then writes from the null path. A
    null path alone is no bounce: absence notes and read receipts have it, too (RFC 3834 section 3.3).
    """
    content_type, parameters = parse_parameters(next(iter(_values(message, "content-type")), ""))
    if content_type == "multipart/report":
        return parameters.get("report-type", "").lower() in {"delivery-status", "global-delivery-status", ""}
    if any(each.content_type.endswith("delivery-status") for each in message.attachments):
        return message.from_ is None or _is_postmaster(message) or _has_null_path(message)
    return _values(message, "x-failed-recipients") != () or (
        _is_postmaster(message) and _has_null_path(message)
    )


def _is_postmaster(message: Message) -> bool:
    local = message.from_.key.rpartition("@")[0] if message.from_ else ""
    return local in _POSTMASTERS


def _has_null_path(message: Message) -> bool:
    return any(_NULL_PATH.fullmatch(value.strip()) for value in _values(message, "return-path"))


def _is_calendar(message: Message) -> bool:
    """A calendar part that asks or answers (RFC 5546 section 1.4), or is the mail's very content.

    The part of an invitation has no file name of its own or this one. An .ics file that a person attaches
    has no method, or PUBLISH, and is no invitation.
    """
    classes = _values(message, "content-class")
    if any(value.strip().lower() == _CALENDAR_CLASS for value in classes):
        return True
    if parse_parameters(next(iter(_values(message, "content-type")), ""))[0] in _CALENDARS:
        return True
    calendars = [each for each in message.attachments if each.content_type in _CALENDARS]
    return any(each.filename.lower() == "invite.ics" or _has_method(each.content) for each in calendars)


def _has_method(content: bytes | None) -> bool:
    return content is not None and _METHOD.search(content) is not None


def _keyword(value: str) -> str:
    """The keyword of a field, without comments and parameters, in lower case."""
    return without_comments(value).partition(";")[0].strip().lower()


def _values(message: Message, name: str) -> tuple[str, ...]:
    values = message.headers.get(name)
    return tuple(value for value in values if value.strip()) if values else ()

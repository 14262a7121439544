"""When two copies are the same mail, and which mails are one conversation (R-006)."""

from hashlib import sha256

from postroom.mail.message import Message


def identity(message: Message, mailbox: str) -> str:
    """64 hex digits that are equal for copies of one mail across an account's mailboxes.

    Message-ID, Date and From must all be there and agree, for a Message-ID alone may be reused. Where
    one is missing the mail is told apart by the provider's id within ``mailbox`` (a stable name of it).
    """
    if message.message_id and message.date and message.from_:
        return _digest("mail", message.message_id, message.date.isoformat(), message.from_.key)
    return _digest("copy", mailbox, message.id)


def conversation(message: Message, fallback: str) -> str:
    """64 hex digits shared by a mail and its replies (RFC 5322 section 3.6.4)."""
    root = next(iter(message.references), "") or message.in_reply_to or message.message_id
    return _digest("conversation", root) if root else fallback


def _digest(*parts: str) -> str:
    return sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()

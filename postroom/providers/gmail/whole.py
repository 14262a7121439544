"""All attachments of a mail from its raw form, where one request is cheaper than one for each.

``messages.get`` costs 20 quota units in any format, and so does ``attachments.get`` ("Usage limits" of the
Gmail API guide, for projects made after 1 May 2026): a mail with three logos in its signature costs 80
units piece by piece, and 40 this way.
"""

import binascii

from postroom.errors import MessageError
from postroom.mail.message import Message
from postroom.mail.mime import read_mime

LARGEST = 4 * 1024 * 1024
"""Bytes of all attachments together; what is more goes piece by piece, so that memory stays bounded."""
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def is_cheaper(message: Message) -> bool:
    """Whether the mail has several attachments to fetch, and they fit."""
    apart = [attachment for attachment in message.attachments if attachment.content is None]
    return len(apart) > 1 and sum(attachment.size for attachment in apart) <= LARGEST


def contents(encoded: str, message: Message) -> dict[str, bytes]:
    """The bytes by ``Attachment.part``, from the ``raw`` of a ``users.messages.get`` answer.

    Empty where the raw mail does not show the very attachments that ``message`` names.
    """
    try:
        text = encoded.encode("ascii").translate(_URL_SAFE)
        raw = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
        found = read_mime(raw, received_at=message.received_at).attachments
    except (binascii.Error, UnicodeEncodeError, MessageError):
        return {}
    if [(each.filename, each.size) for each in found] != [
        (each.filename, each.size) for each in message.attachments
    ]:
        return {}
    return {
        named.part: each.content
        for named, each in zip(message.attachments, found, strict=True)
        if each.content is not None
    }

"""Writes ordinary mails, as a person's mail program would, for the demo and its forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid
from mimetypes import guess_type


@dataclass(frozen=True, slots=True)
class Letter:
    """What a person fills in."""

    from_address: str
    to: str
    """Addresses as in a To field, commas between."""
    subject: str
    text: str
    from_name: str = ""
    cc: str = ""
    bcc: str = ""
    html: str = ""
    in_reply_to: str = ""
    """Message-ID without angle brackets."""
    attachments: Sequence[tuple[str, bytes]] = ()
    """File name and content."""


def write(letter: Letter, moment: float) -> bytes:
    """The mail's bytes, dated ``moment`` (seconds since the epoch)."""
    message = EmailMessage(policy=SMTP.clone(max_line_length=998))
    message["From"] = formataddr((letter.from_name, letter.from_address))
    message["To"] = letter.to
    for name, value in (("Cc", letter.cc), ("Bcc", letter.bcc)):
        if value:
            message[name] = value
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(moment, UTC))
    message["Message-ID"] = make_msgid(domain=letter.from_address.rpartition("@")[2] or "sandbox.example")
    if letter.in_reply_to:
        message["In-Reply-To"] = message["References"] = f"<{letter.in_reply_to}>"
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    for filename, content in letter.attachments:
        maintype, _, subtype = (guess_type(filename)[0] or "application/octet-stream").partition("/")
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=filename)
    return message.as_bytes()

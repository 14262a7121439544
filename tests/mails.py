"""Mails for tests, as bytes."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import count

_numbers = count(1)


def mail(
    *,
    from_: str = "Carol Jones <carol@customer.example>",
    to: str = "Rita Rep <rita@northwind.example>",
    cc: str = "",
    bcc: str = "",
    subject: str = "Offer",
    text: str = "Hello Rita",
    html: str = "",
    message_id: str | None = None,
    reply_to: str = "",
    date: datetime | None = None,
    attachments: tuple[tuple[str, str, bytes], ...] = (),
) -> bytes:
    """A well-formed mail. ``attachments``: (filename, content type, bytes).

    ``message_id`` "" leaves it out.
    """
    message = EmailMessage()
    message["From"] = from_
    message["To"] = to
    if cc:
        message["Cc"] = cc
    if bcc:
        message["Bcc"] = bcc
    message["Subject"] = subject
    message["Date"] = format_datetime(date or datetime.now(UTC))
    if message_id != "":
        message["Message-ID"] = f"<{message_id or f'm{next(_numbers)}@tests.example'}>"
    if reply_to:
        message["In-Reply-To"] = message["References"] = f"<{reply_to}>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for filename, content_type, content in attachments:
        main, _, sub = content_type.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=filename)
    return message.as_bytes()

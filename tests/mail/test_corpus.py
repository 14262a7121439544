"""Real and malformed mail: all of it is read, and as the standard library reads it where that is right."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from postroom.errors import MessageError
from postroom.mail.automatic import automatic_kinds
from postroom.mail.message import Message
from postroom.mail.mime import read_mime
from postroom.mail.quotes import split_quotes
from postroom.mail.readable import readable_text
from postroom.mail.safe_html import safe_html
from tests.mail.conftest import NOON
from tests.mail.test_mime import texts
from tests.mail.test_safe_html import dangers


@pytest.fixture(scope="module")
def mails(corpus: Path) -> dict[str, bytes]:
    """Each mail of the corpus by its path."""
    folder = corpus / "mail"
    files = (each for each in folder.rglob("*") if each.is_file())
    found = {
        str(each.relative_to(folder)): each.read_bytes()
        for each in files
        if each.suffix not in {".json", ".gitattributes", ".md"}
    }
    assert len(found) > 100
    return found


@pytest.fixture(scope="module")
def messages(mails: dict[str, bytes]) -> dict[str, Message]:
    return {name: read_mime(raw, received_at=NOON) for name, raw in mails.items()}


def by_library(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_every_mail_is_read_and_can_be_stored(mails):
    for name, raw in mails.items():
        try:
            message = read_mime(raw, received_at=NOON)
        except MessageError as error:
            pytest.fail(f"{name}: {error}")
        for text in texts(message):
            assert "\0" not in text, name
            text.encode()


def test_every_mail_can_be_matched_shown_and_folded(messages):
    for name, message in messages.items():
        text = readable_text(message)
        own, quoted = split_quotes(text)
        assert own + quoted == text, name
        automatic_kinds(message)
        result = safe_html(message.html, remote_images=False, cid={})
        assert dangers(result.html) == [], name
        assert not result.simplified, name


def test_a_cut_mail_is_read_too(mails):
    for raw in mails.values():
        for end in range(0, min(len(raw), 20_000), 997):
            read_mime(raw[:end], received_at=NOON)


SUBJECTS = {
    "flanker/long-header.eml": "130,000 characters; ours is cut at 64 KB of header",
    "flanker/spam/broken-headers.eml": "windows-1252 in an encoded word that says iso-8859-1",
    "stalwart-mail-parser/eml/legacy/010.eml": "windows-1252 in a header without encoded words",
    "stalwart-mail-parser/eml/malformed/019.eml": "torn mail; the library takes its header for a body",
}
SENDERS = {
    "mikel-mail/plain_emails/mix_caps_content_type.eml": "From is a name with bare address in front of it",
    "mikel-mail/rfc6532/utf8_headers.eml": "UTF-8 addresses, which the library leaves as surrogates",
    "stalwart-mail-parser/eml/rfc/004.eml": "a word without domain is no address",
}
DATES = {
    "flanker/disposition-notification.eml": "the library takes the comment before the zone for the zone",
}
ATTACHMENTS = {
    "mikel-mail/mime_emails/raw_email_with_binary_encoded.eml": "an unquoted boundary that holds =",
}


def test_subjects_agree_with_the_standard_library(mails, messages):
    assert set(SUBJECTS) == {
        name
        for name, raw in mails.items()
        if messages[name].subject.split() != str(by_library(raw)["subject"] or "").split()
    }


def test_senders_agree_with_the_standard_library(mails, messages):
    def sender(raw: bytes) -> str:
        field = by_library(raw)["from"]
        return field.addresses[0].addr_spec if field and field.addresses else ""

    ours = {name: each.from_.address if each.from_ else "" for name, each in messages.items()}
    assert set(SENDERS) == {name for name, raw in mails.items() if ours[name] != sender(raw)}


def test_dates_agree_with_the_standard_library(mails, messages):
    def moment(raw: bytes) -> datetime | None:
        field = by_library(raw)["date"]
        return field.datetime.astimezone(UTC) if field and field.datetime else None

    assert set(DATES) == {name for name, raw in mails.items() if messages[name].date != moment(raw)}


def test_attachments_that_are_no_text_agree_with_the_standard_library(mails, messages):
    def files(part: EmailMessage) -> list[str]:
        if part.get_content_maintype() in {"message", "text"}:
            return [part.get_content_type()] * (part.get_content_maintype() == "message")
        if part.get_content_maintype() == "multipart":
            return (
                [each for child in part.iter_parts() for each in files(child)] if part.is_multipart() else []
            )
        return [part.get_content_type()]

    ours = {
        name: sorted(each.content_type for each in message.attachments if "text/" not in each.content_type)
        for name, message in messages.items()
    }
    assert set(ATTACHMENTS) == {
        name for name, raw in mails.items() if ours[name] != sorted(files(by_library(raw)))
    }

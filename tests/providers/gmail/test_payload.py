"""Google's parsed JSON gives the same ``Message`` as the mail's own bytes."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from postroom.errors import MessageError, MessageGone, PostroomError
from postroom.mail.assemble import MAX_BODY_SIZE
from postroom.mail.headers import decode_words
from postroom.mail.message import Attachment, Direction, Message
from postroom.mail.mime import read_mime
from postroom.providers.answers import Json
from postroom.providers.base import Change
from postroom.providers.gmail.payload import MAX_DEPTH, read_message, ref_of, texts_left_out
from postroom.providers.gmail.source import TEXTS_FETCHED
from postroom.sandbox.google import payload
from tests.mails import mail
from tests.providers.contract import ADDRESS
from tests.providers.gmail.room import GmailRoom

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
APART = {"id", "thread", "received_at", "defects"}
"""Fields that the provider sets, and what had to be repaired on the way, which Google does not tell."""
EXCEPTIONS: Mapping[str, tuple[frozenset[str], str]] = {
    name: (frozenset(differing), why)
    for why, names in {
        "8-bit characters inside an encoded word, which RFC 2047 forbids: nobody knows Gmail's guess": {
            "legacy/009.eml": ["subject", "to", "headers"],
            "legacy/016.eml": ["subject", "to", "headers"],
            "legacy/023.eml": ["subject", "to", "headers"],
            "legacy/050.eml": ["subject", "to", "headers"],
            "legacy/051.eml": ["subject", "to", "headers"],
        },
        "a file name that is not in the charset it declares": {
            "attachment_emails/attachment_with_encoded_name.eml": ["attachments"],
        },
        "no valid MIME; where its parts begin and end is anybody's guess": {
            "malformed/000.eml": ["html"],
            "malformed/007.eml": ["text"],
            "malformed/016.eml": ["text"],
            "malformed/019.eml": ["text", "html", "subject", "to", "message_id", "headers"],
            "thirdparty/012.eml": ["text", "attachments"],
        },
        "a field of over 64 KB is cut as it comes, and Gmail's is shorter for being decoded": {
            "flanker/long-header.eml": ["subject", "headers"],
        },
    }.items()
    for name, differing in names.items()
}
"""Mails of the corpus that may differ, in what, and why."""


def googles(raw: bytes) -> Message:
    """``raw`` as ``messages.get`` with ``format=full`` gives it, read."""
    tree = orjson.loads(orjson.dumps(payload.build(raw, "ref-")))
    return read_message({"id": "1", "threadId": "1", "internalDate": "0", "payload": tree})


def own(raw: bytes) -> Message:
    return read_mime(raw, received_at=NOW, id="1", thread="1")


def comparable(message: Message) -> dict[str, object]:
    """What must be equal. Line ends and white space are no content, nor is how a header was folded."""
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    for name in ("subject", "text", "html"):
        values[name] = _one_space(getattr(message, name))
    values["attachments"] = [_essence(attachment) for attachment in message.attachments]
    values["headers"] = {
        name: [_one_space(decode_words(value)).replace('"', "") for value in each]
        for name, each in message.headers.items()
    }
    return {name: value for name, value in values.items() if name not in APART}


def _essence(attachment: Attachment) -> tuple[object, ...]:
    """An attached mail is written anew by whoever hands it out, and its size with it."""
    size = None if attachment.content_type.startswith("message/") else attachment.size
    return attachment.filename, attachment.content_type, size, attachment.inline, attachment.content_id


def _one_space(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def differences(raw: bytes) -> set[str]:
    """Names of the fields in which the two readings differ."""
    try:
        ours = comparable(own(raw))
    except MessageError:
        with pytest.raises(MessageError):
            googles(raw)
        return set()
    theirs = comparable(googles(raw))
    return {name for name in ours if ours[name] != theirs[name]}


def test_every_mail_of_the_corpus_reads_the_same_either_way(corpus: Path) -> None:
    files = sorted((corpus / "mail").rglob("*.eml"))
    assert len(files) > 100
    differing: dict[str, set[str]] = {}
    for file in files:
        name = f"{file.parent.name}/{file.name}"
        allowed = EXCEPTIONS.get(name, (frozenset[str](), ""))[0]
        if beyond := differences(file.read_bytes()) - allowed:
            differing[name] = beyond
    assert differing == {}


@pytest.mark.parametrize(
    "raw",
    [
        mail(text="plain", html="<p>ri<b>ch</b></p>"),
        mail(subject="Größe, «50 % off» 📎", from_='"Jones, Carol" <carol@customer.example>'),
        mail(cc="A <a@x.example>, b@x.example", bcc="c@x.example", reply_to="one@x.example"),
        mail(attachments=(("ü.pdf", "application/pdf", b"%PDF"), ("a.txt", "text/plain", b"a text"))),
        mail(message_id=""),
        b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B%F%9%H\x1b(B\n",
        b"Content-Type: text/plain; charset=windows-1252\n\nGr\xfc\xdfe \x80\n",
        b"Subject: only a header\n\n",
        b"",
    ],
    ids=["alternative", "words", "people", "attachments", "no id", "iso-2022", "cp1252", "header", "nothing"],
)
def test_a_mail_reads_the_same_either_way(raw: bytes) -> None:
    assert differences(raw) == set()


def official() -> Json:
    """In the shape of the "REST Resource: users.messages" page."""
    text = urlsafe_b64encode("Grüße ÿÿÿ>".encode()).decode()
    return {
        "id": "18c",
        "threadId": "18b",
        "labelIds": ["INBOX", "UNREAD", "CATEGORY_PERSONAL"],
        "snippet": "Gr&uuml;&szlig;e",
        "historyId": "9",
        "internalDate": "1700000000123",
        "sizeEstimate": 4096,
        "payload": {
            "partId": "",
            "mimeType": "multipart/mixed",
            "filename": "",
            "headers": [
                {"name": "From", "value": "Carol <carol@customer.example>"},
                {"name": "To", "value": "rita@northwind.example"},
                {"name": "Subject", "value": "Offer"},
                {"name": "Message-ID", "value": "<1@customer.example>"},
            ],
            "body": {"size": 0},
            "parts": [
                {
                    "partId": "0",
                    "mimeType": "text/plain",
                    "filename": "",
                    "headers": [{"name": "Content-Type", "value": 'text/plain; charset="iso-8859-1"'}],
                    "body": {"size": 8, "data": text.rstrip("=")},
                },
                {
                    "partId": "1",
                    "mimeType": "application/pdf",
                    "filename": "offer.pdf",
                    "headers": [{"name": "Content-Disposition", "value": "attachment"}],
                    "body": {"attachmentId": "ANGjdJ8", "size": 1234},
                },
            ],
        },
    }


def test_an_answer_in_the_official_shape() -> None:
    message = read_message(official())
    assert (message.id, message.thread, message.message_id) == ("18c", "18b", "1@customer.example")
    assert message.received_at == datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
    assert message.text == "Grüße ÿÿÿ>"
    (attachment,) = message.attachments
    assert (attachment.part, attachment.filename, attachment.size) == ("1", "offer.pdf", 1234)
    assert (attachment.ref, attachment.content) == ("ANGjdJ8", None)
    assert ref_of(official(), "1") == "ANGjdJ8"
    with pytest.raises(MessageGone):
        ref_of(official(), "0")


def nodes(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(node for key, child in below for node in nodes(child, (*path, key)))]


@pytest.mark.parametrize("wrong", [None, True, -1, 2**70, 1.5, "", "x", "9" * 5000, [], [None], {}, {"a": 1}])
def test_whatever_is_wrong_in_it_stays_in_the_family(wrong: object) -> None:
    for path in nodes(official())[1:]:
        answer: object = official()
        place: object = answer
        for step in path[:-1]:
            place = place[step]  # type: ignore[index]
        place[path[-1]] = wrong  # type: ignore[index]
        try:
            list(texts_left_out(answer))  # type: ignore[arg-type]
            read_message(answer)  # type: ignore[arg-type]
        except PostroomError:
            continue


def test_nesting_beyond_reason_is_set_aside() -> None:
    part: Json = {"mimeType": "text/plain", "body": {"size": 0}}
    for _ in range(MAX_DEPTH + 1):
        part = {"mimeType": "multipart/mixed", "parts": [part]}
    with pytest.raises(MessageError):
        read_message({"id": "1", "payload": part})


@pytest.mark.asyncio
async def test_text_that_gmail_leaves_out_for_its_size_is_fetched(room: GmailRoom) -> None:
    room.google.views.inline_limit = 100
    text, html = "Größe " * 200, "<p>" + "x" * 900 + "</p>"
    change = Change(room.deliver(mail(text=text, html=html)), Direction.RECEIVED)
    message = await room.source().message(change)
    assert (message.text.strip(), message.html.strip()) == (text.strip(), html)
    assert message.attachments == ()
    assert message.defects == ()


@pytest.mark.asyncio
async def test_such_text_is_read_in_the_charset_it_declares(room: GmailRoom) -> None:
    """ISO-2022-JP is all ASCII bytes, which pass for UTF-8."""
    room.google.views.inline_limit = 5
    raw = b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B%F%9%H\x1b(B\n"
    message = await room.source().message(Change(room.deliver(raw), Direction.RECEIVED))
    assert message.text.strip() == "テスト"


@pytest.mark.asyncio
async def test_a_body_that_is_cut_says_so(room: GmailRoom) -> None:
    room.google.views.inline_limit = 100
    length = MAX_BODY_SIZE + 10
    raw = b"Content-Type: text/plain\n\n" + b"x" * length
    message = await room.source().message(Change(room.deliver(raw), Direction.RECEIVED))
    assert len(message.text) == MAX_BODY_SIZE
    assert any("cut" in defect for defect in message.defects)


@pytest.mark.asyncio
async def test_a_mail_of_a_thousand_texts_does_not_eat_the_quota(room: GmailRoom) -> None:
    """Each would cost 20 units, and a stranger could write such a mail every minute."""
    room.google.views.inline_limit = 10
    parts = [f"--b\nContent-Type: text/plain\n\nmore than ten bytes: {number}\n" for number in range(500)]
    raw = "Subject: many\nContent-Type: multipart/mixed; boundary=b\n\n" + "".join(parts) + "--b--\n"
    message = await room.source().message(Change(room.deliver(raw.encode()), Direction.RECEIVED))
    fetched = room.google.ledger.spent[ADDRESS]["messages.attachments.get"].requests
    assert fetched == TEXTS_FETCHED
    assert message.text.split("more than ten bytes: ")[1:] == [
        f"{number}\n" if number < TEXTS_FETCHED - 1 else f"{number}" for number in range(TEXTS_FETCHED)
    ]
    assert len(message.attachments) == 500 - TEXTS_FETCHED

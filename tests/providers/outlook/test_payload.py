"""Graph's resources give the same ``Message`` as the mail's own bytes, as far as Exchange keeps them."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from postroom.errors import PostroomError
from postroom.mail.automatic import AutomaticKind, automatic_kinds
from postroom.mail.headers import decode_words
from postroom.mail.message import Message
from postroom.mail.mime import read_mime
from postroom.mail.readable import html_to_text
from postroom.providers.answers import Json
from postroom.providers.outlook import payload
from postroom.providers.outlook.payload import A_LINK, author, is_whole, may_hold_attachments, read_message
from postroom.sandbox.microsoft import MicrosoftSandbox
from postroom.sandbox.microsoft.odata import ATTACHMENT, FILE_ATTACHMENT
from postroom.sandbox.microsoft.resource import Writer
from tests.mails import mail
from tests.providers.contract import ADDRESS

NO_MIME = {"malformed/019.eml"}
"""Bytes that are no mail; what of them is header is anybody's guess."""
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SELECT = frozenset(payload.SELECT.split(","))


@pytest.fixture(scope="module")
def office() -> MicrosoftSandbox:
    sandbox = MicrosoftSandbox()
    sandbox.add_account(ADDRESS, "Rita Rossi")
    return sandbox


def resource(office: MicrosoftSandbox, raw: bytes, folder: str = "inbox") -> tuple[Json, list[Json]]:
    """``raw`` as Graph gives it: the message, and its attachments without their bytes."""
    act = office.send if folder == "sentitems" else office.deliver
    item = act(ADDRESS, raw)
    prefer = {"idtype": "ImmutableId", "outlook.allow-unsafe-html": ""}
    writer = Writer(office, office.mailbox(ADDRESS), prefer)
    metadata = (ATTACHMENT | FILE_ATTACHMENT) - {"contentBytes"}
    return writer.message(item, SELECT), writer.attachments(item, metadata)


def graphs(office: MicrosoftSandbox, raw: bytes, folder: str = "inbox") -> Message:
    return read_message(*resource(office, raw, folder))


def own(raw: bytes) -> Message:
    return read_mime(raw, received_at=NOW)


def readable(message: Message) -> str:
    """What a person reads, whichever form it came in."""
    return re.sub(r"\s+", " ", html_to_text(message.html) if message.html else message.text).strip()


def kept(message: Message) -> dict[str, object]:
    """What Exchange keeps as the sender wrote it."""
    return {
        "subject": re.sub(r"\s+", " ", message.subject),
        "people": (message.from_, message.to, message.cc, message.reply_to),
        "ids": (message.in_reply_to, message.references),
        "date": message.date,
        "headers": {
            name: [re.sub(r"\s+", " ", decode_words(value)) for value in values]
            for name, values in message.headers.items()
            if name != "message-id"
        },
    }


def test_headers_of_the_whole_corpus_read_the_same_either_way(office: MicrosoftSandbox, corpus: Path) -> None:
    files = sorted((corpus / "mail").rglob("*.eml"))
    assert len(files) > 100
    differing: dict[str, list[str]] = {}
    for file in files:
        raw = file.read_bytes()
        try:
            ours = kept(own(raw))
            theirs = kept(graphs(office, raw))
        except PostroomError:
            continue
        if wrong := [name for name in ours if ours[name] != theirs[name]]:
            differing[f"{file.parent.name}/{file.name}"] = wrong
    assert set(differing) <= NO_MIME


@pytest.mark.parametrize(
    "raw",
    [
        mail(text="plain & <simple>\n\nsecond"),
        mail(text="plain", html="<p>ri<b>ch</b> &amp; Größe</p>"),
        mail(subject="Größe, «50 % off» 📎", from_='"Jones, Carol" <carol@customer.example>'),
        mail(cc="A <a@x.example>, b@x.example", reply_to="one@x.example"),
        b"Content-Type: text/plain; charset=windows-1252\n\nGr\xfc\xdfe \x80\n",
        b"Content-Type: text/html\n\n<meta charset=utf-8><p>Gr\xc3\xbc\xc3\x9fe</p>\n",
    ],
    ids=["plain", "alternative", "words", "people", "cp1252", "html"],
)
def test_a_mail_reads_the_same_either_way(office: MicrosoftSandbox, raw: bytes) -> None:
    ours, theirs = own(raw), graphs(office, raw)
    assert kept(ours) == kept(theirs)
    assert readable(ours) == readable(theirs)


def test_an_observed_plain_body_is_plain_text(office: MicrosoftSandbox) -> None:
    office.settings.plain_stays_text = True
    message = graphs(office, mail(text="Hello"))
    office.settings.plain_stays_text = False
    assert (message.text.strip(), message.html) == ("Hello", "")


def test_attachments_keep_name_type_size_and_place(office: MicrosoftSandbox) -> None:
    raw = mail(attachments=(("ü.pdf", "application/pdf", b"%PDF"), ("a.txt", "text/plain", b"a text")))
    essence = [(a.filename, a.content_type, a.size, a.inline) for a in graphs(office, raw).attachments]
    assert essence == [("ü.pdf", "application/pdf", 4, False), ("a.txt", "text/plain", 6, False)]
    assert essence == [(a.filename, a.content_type, a.size, a.inline) for a in own(raw).attachments]


def test_an_inline_image_is_inline(office: MicrosoftSandbox) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "carol@customer.example", ADDRESS
    message.set_content("see")
    message.add_alternative('<img src="cid:logo@x">', subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]
    html.add_related(b"GIF89a", "image", "gif", cid="<logo@x>", filename="logo.gif")  # type: ignore[union-attr]
    found, attached = resource(office, message.as_bytes())
    assert found["hasAttachments"] is False
    assert may_hold_attachments(found)
    (image,) = read_message(found, attached).attachments
    assert (image.inline, image.content_id, image.filename) == (True, "logo@x", "logo.gif")


def test_a_sent_mail_has_no_headers_and_yet_its_people(office: MicrosoftSandbox) -> None:
    raw = mail(
        from_=f"Rita Rossi <{ADDRESS}>",
        to='"Jones, Carol \\"CJ\\"" <carol@customer.example>, dan@customer.example',
        cc="Eve <eve@customer.example>",
        bcc="Boss <boss@customer.example>",
        subject="Größe",
        message_id="sent@northwind.example",
    )
    found, _ = resource(office, raw, "sentitems")
    assert "internetMessageHeaders" not in found
    ours, theirs = own(raw), read_message(found)
    for name in ("from_", "sender", "to", "cc", "bcc", "subject", "message_id", "date"):
        assert getattr(theirs, name) == getattr(ours, name), name


def test_people_come_from_the_properties_where_the_headers_leave_them_out(office: MicrosoftSandbox) -> None:
    office.settings.headers_name_people = False
    raw = mail(cc="Eve <eve@customer.example>", reply_to="one@x.example")
    ours, theirs = own(raw), graphs(office, raw)
    office.settings.headers_name_people = True
    assert (theirs.from_, theirs.to, theirs.cc) == (ours.from_, ours.to, ours.cc)
    assert theirs.in_reply_to == "one@x.example"


def test_who_sends_for_another_is_the_sender(office: MicrosoftSandbox) -> None:
    raw = b"From: Boss <boss@northwind.example>\nSender: Amy <amy@northwind.example>\nTo: x@y.example\n\nhi"
    message = graphs(office, raw)
    assert message.from_ is not None
    assert message.sender is not None
    assert (message.from_.key, message.sender.key) == ("boss@northwind.example", "amy@northwind.example")


def recipient(address: Any, name: Any = "Somebody") -> Json:
    return {"emailAddress": {"name": name, "address": address}}


def bare(**properties: Any) -> Json:
    return {
        "id": "1",
        "receivedDateTime": "2026-11-24T12:00:00Z",
        "body": {"contentType": "html", "content": ""},
    } | {name.rstrip("_"): value for name, value in properties.items()}


X500 = "/O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP/CN=RECIPIENTS/CN=0123-AMY"


def test_an_x500_address_is_left_out_with_a_defect() -> None:
    message = read_message(
        bare(from_=recipient(X500, "Amy Lee"), toRecipients=[recipient("x@y.example", "X")])
    )
    assert message.from_ is None
    assert [person.key for person in message.to] == ["x@y.example"]
    assert any("Amy Lee" in defect for defect in message.defects)


def test_the_headers_know_the_address_behind_an_x500_name() -> None:
    headers = [{"name": "From", "value": "Amy <amy@northwind.example>"}]
    message = read_message(bare(from_=recipient(X500), internetMessageHeaders=headers))
    assert message.from_ is not None
    assert (message.from_.key, message.defects) == ("amy@northwind.example", ())


def test_a_link_to_the_cloud_is_listed_and_an_item_is_a_mail() -> None:
    attachments = [
        {"@odata.type": "#microsoft.graph.referenceAttachment", "id": "a", "name": "Plan.xlsx", "size": 90},
        {"@odata.type": "#microsoft.graph.itemAttachment", "id": "b", "name": "Re: Offer", "size": 5},
    ]
    link, item = read_message(bare(), attachments).attachments
    assert (link.filename, link.content_type, link.ref) == ("Plan.xlsx", A_LINK, "")
    assert (item.filename, item.content_type, item.ref) == ("Re: Offer.eml", "message/rfc822", "b")


def test_an_invitation_is_told_by_its_type() -> None:
    message = read_message(bare() | {"@odata.type": "#microsoft.graph.eventMessageRequest"})
    assert automatic_kinds(message) == {AutomaticKind.CALENDAR}


def test_nulls_are_nothing() -> None:
    names = ("subject", "from", "sender", "toRecipients", "replyTo", "internetMessageId", "conversationId")
    found = bare() | dict.fromkeys((*names, "sentDateTime", "internetMessageHeaders", "body"))
    assert (read_message(found).subject, author(found), is_whole(found)) == ("", "", False)


@pytest.mark.parametrize(
    "of", [{}, {"id": 7}, bare(receivedDateTime="soon"), bare(body=["x"]), bare(toRecipients=["x"])]
)
def test_only_the_family_escapes(of: Json) -> None:
    with pytest.raises(PostroomError):
        read_message(of)

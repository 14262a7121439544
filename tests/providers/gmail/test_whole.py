"""Several attachments of a mail cost one request, and are the very bytes that single requests give."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroom.mail.message import Direction, Message
from postroom.mail.mime import read_mime
from postroom.providers.base import Change
from postroom.providers.gmail import whole
from postroom.providers.gmail.source import GmailSource
from tests.mails import mail
from tests.providers.contract import ADDRESS
from tests.providers.gmail.room import GmailRoom

LOGOS = tuple((f"logo{number}.png", "image/png", bytes([number]) * 3000) for number in range(3))


async def read(source: GmailSource, mail_id: str) -> Message:
    page = await source.changes({"history": "1"})
    change: Change = next(each for each in page.changes if each.id == mail_id)
    return await source.message(change)


async def fetched(source: GmailSource, message: Message) -> list[bytes]:
    return [
        b"".join([piece async for piece in source.content(message, attachment)])
        for attachment in message.attachments
    ]


def requests(room: GmailRoom) -> dict[str, int]:
    return {method: spent.requests for method, spent in room.google.ledger.spent[ADDRESS].items()}


@pytest.mark.asyncio
async def test_three_attachments_cost_one_request_more(room: GmailRoom) -> None:
    mail_id = room.deliver(mail(attachments=LOGOS))
    source = room.source()
    message = await read(source, mail_id)
    assert await fetched(source, message) == [content for _, _, content in LOGOS]
    assert requests(room)["messages.get"] == 2
    assert "messages.attachments.get" not in requests(room)


@pytest.mark.asyncio
async def test_one_attachment_is_fetched_alone(room: GmailRoom) -> None:
    mail_id = room.deliver(mail(attachments=LOGOS[:1]))
    source = room.source()
    assert await fetched(source, await read(source, mail_id)) == [LOGOS[0][2]]
    assert requests(room)["messages.attachments.get"] == 1
    assert requests(room)["messages.get"] == 1


@pytest.mark.asyncio
async def test_large_attachments_go_piece_by_piece(room: GmailRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "LARGEST", 8_999)
    mail_id = room.deliver(mail(attachments=LOGOS))
    source = room.source()
    assert await fetched(source, await read(source, mail_id)) == [content for _, _, content in LOGOS]
    assert requests(room)["messages.attachments.get"] == 3


@pytest.mark.asyncio
async def test_a_raw_mail_that_shows_other_attachments_is_not_believed(room: GmailRoom) -> None:
    mail_id = room.deliver(mail(attachments=LOGOS))
    source = room.source()
    message = await read(source, mail_id)
    room.google.fault("garble", method="messages.get", body='{"raw": "U3ViamVjdDogaGkNCg0KaGk"}', status=200)
    assert await fetched(source, message) == [content for _, _, content in LOGOS]
    assert requests(room)["messages.attachments.get"] == 3


@pytest.mark.parametrize("encoded", ["", "!", "é", "A", "U3ViamVjdDogaGkNCg0KaGk"])
def test_what_is_no_such_mail_gives_nothing(encoded: str) -> None:
    message = read_mime(mail(attachments=LOGOS), received_at=datetime(2026, 11, 24, tzinfo=UTC))
    assert whole.contents(encoded, message) == {}


@pytest.mark.asyncio
async def test_every_mail_of_the_corpus_gives_the_same_bytes_either_way(
    room: GmailRoom, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, compared = room.source(), 0
    ids = [room.deliver(file.read_bytes()) for file in sorted((corpus / "mail").rglob("*.eml"))]
    for mail_id in ids:
        message = await source.message(Change(mail_id, Direction.RECEIVED))
        if not whole.is_cheaper(message):
            continue
        at_once = await fetched(source, message)
        with monkeypatch.context() as patch:
            patch.setattr(whole, "LARGEST", -1)
            assert await fetched(source, message) == at_once
        compared += 1
    assert compared > 20

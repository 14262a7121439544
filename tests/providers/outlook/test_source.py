"""What is Outlook's own: rounds that end early, copies to oneself, kinds of attachments, limits."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random

import pytest

from postroom.errors import AuthorizationLost, CursorExpired, MessageGone, ProviderError, Throttled
from postroom.mail.message import Direction
from postroom.mail.mime import read_mime
from postroom.providers.base import Change, Cursor
from postroom.providers.outlook import client, source
from postroom.providers.outlook.payload import A_LINK
from postroom.providers.outlook.source import OutlookSource
from postroom.sandbox.microsoft import MicrosoftSandbox
from tests.mails import mail
from tests.providers.contract import ADDRESS, ALIAS, STRANGER, Folder, follow, ids, read, stored
from tests.providers.outlook.room import CLIENT, OutlookRoom

pytestmark = pytest.mark.asyncio
A_DAY = timedelta(days=1)


def a_day_ago() -> datetime:
    return datetime.now(UTC) - A_DAY


async def take_up(of: OutlookSource, cursor: Cursor) -> list[Change]:
    """As a pass does: where the cursor is forgotten, list what came in the last hour."""
    found: list[Change] = []
    for _ in range(100):
        try:
            page = await of.changes(cursor)
        except CursorExpired:
            cursor = stored(await of.start(datetime.now(UTC) - timedelta(hours=1)))
            continue
        found += page.changes
        cursor = stored(page.cursor)
        if not page.more:
            return found
    raise AssertionError("The pages never end.")


# Rounds


async def test_r007_a_forgotten_cursor_loses_and_doubles_nothing(room: OutlookRoom) -> None:
    """The same mails under the same immutable ids, whichever way they are found."""
    outlook = room.source()
    cursor = stored(await outlook.start())
    made = {room.deliver(mail(subject=str(number))) for number in range(30)}
    made.add(room.send(mail(from_=ADDRESS, to=STRANGER)))
    seen, cursor = await follow(outlook, cursor)
    made |= {room.deliver(mail()) for _ in range(5)}
    room.expire_cursor()
    again = await take_up(outlook, cursor)
    assert ids(seen) | ids(again) == made
    assert len(again) == len(ids(again)) == 36


@pytest.mark.parametrize("code", ["SyncStateNotFound", "resyncRequired"])
async def test_either_word_for_a_forgotten_cursor(room: OutlookRoom, code: str) -> None:
    room.microsoft.settings.resync_code = code
    cursor = stored(await room.source().start())
    room.expire_cursor()
    with pytest.raises(CursorExpired):
        await room.source().changes(cursor)


async def test_a_forgotten_cursor_may_be_told_in_other_case_and_status(room: OutlookRoom) -> None:
    """ "Use delta query to track changes", token duration: a 40x with ``syncStateNotFound``."""
    cursor = stored(await room.source().start())
    room.microsoft.fault("error", method="messages.delta", status=400, reason="syncStateNotFound")
    with pytest.raises(CursorExpired):
        await room.source().changes(cursor)


async def test_r007_a_crash_repeats_its_page_while_exchange_remembers_few_generations(
    room: OutlookRoom,
) -> None:
    room.microsoft.settings.delta_generations = 4
    cursor = stored(await room.source().start())
    made = {room.deliver(mail(subject=str(number))) for number in range(450)}
    found: list[Change] = []
    more = True
    while more:
        await room.source().changes(cursor)
        page = await room.source().changes(cursor)
        found += page.changes
        cursor, more = stored(page.cursor), page.more
    assert ids(found) == made


async def test_a_round_that_tells_its_most_is_listed_instead(
    room: OutlookRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is beyond the 5,000 mails of a filtered round is never told ("Get incremental changes")."""
    monkeypatch.setattr(source, "MOST_TOLD", 150)
    room.microsoft.settings.filtered_delta_most = 150
    outlook = room.source()
    cursor = stored(await outlook.start())
    made = {room.deliver(mail(subject=str(number))) for number in range(160)}
    assert ids(await take_up(outlook, cursor)) == made


async def test_r008_an_import_is_not_cut_at_the_most_that_a_round_tells(room: OutlookRoom) -> None:
    room.microsoft.settings.filtered_delta_most = 50
    made = {room.deliver(mail(subject=str(number))) for number in range(120)}
    outlook = room.source()
    found, _ = await follow(outlook, stored(await outlook.start(a_day_ago())))
    assert ids(found) == made


async def test_a_mail_that_leaves_during_a_listing_hides_no_other(room: OutlookRoom) -> None:
    began = a_day_ago()
    made = [room.deliver(mail(subject=str(n)), at=began + timedelta(seconds=n)) for n in range(250)]
    cursor = stored(await room.source().start(began - timedelta(seconds=1)))
    page = await room.source().changes(cursor)
    for gone in made[:40]:
        room.move(gone, Folder.ARCHIVE)
    rest, _ = await follow(room.source(), stored(page.cursor))
    assert ids(list(page.changes)) | ids(rest) == set(made)


async def test_an_update_is_no_news(room: OutlookRoom) -> None:
    made = room.deliver(mail())
    outlook = room.source()
    cursor = stored(await outlook.start())
    room.microsoft.mark_read(ADDRESS, made)
    assert (await follow(outlook, cursor))[0] == []


async def test_a_line_that_tells_only_what_changed_is_fetched(room: OutlookRoom) -> None:
    """Should Graph send such a line in spite of ``changeType``."""
    outlook = room.source()
    cursor = stored(await outlook.start())
    made = room.deliver(mail(subject="Whole"))
    line = {"value": [{"id": made, "isRead": True}], "@odata.deltaLink": f"{room.origin}/v1.0/x"}
    body = json.dumps(line)
    room.microsoft.fault("garble", method="messages.delta", status=200, body=body)
    page = await outlook.changes(cursor)
    assert [(change.id, change.message) for change in page.changes] == [(made, None)]
    assert (await read(outlook, page.changes[0])).subject == "Whole"


async def test_one_odd_mail_does_not_stop_its_page(room: OutlookRoom) -> None:
    outlook = room.source()
    cursor = stored(await outlook.start())
    made = room.deliver(mail(subject="Odd"))
    odd = {"id": made, "receivedDateTime": "soon", "body": {}, "toRecipients": 7}
    page = {"value": [odd], "@odata.deltaLink": f"{room.origin}/v1.0/x"}
    room.microsoft.fault("garble", method="messages.delta", status=200, body=json.dumps(page))
    (change,) = (await outlook.changes(cursor)).changes
    assert change.message is None
    assert (await outlook.message(change)).subject == "Odd"


async def test_a_draft_is_no_mail_until_it_is_sent(room: OutlookRoom) -> None:
    outlook = room.source()
    cursor = stored(await outlook.start())
    draft = room.deliver(mail(from_=ADDRESS, to=STRANGER, subject="Offer"), Folder.DRAFTS)
    nothing, cursor = await follow(outlook, cursor)
    assert nothing == []
    with pytest.raises(MessageGone):
        await outlook.message(Change(draft, Direction.SENT))
    room.move(draft, Folder.SENT)
    (change,) = (await follow(outlook, cursor))[0]
    assert (change.id, change.direction) == (draft, Direction.SENT)


async def test_a_reply_in_sent_items_knows_what_it_answers(room: OutlookRoom) -> None:
    """A mail that was never transported has no headers; the conversation needs its ancestors."""
    outlook = room.source()
    cursor = stored(await outlook.start())
    room.send(mail(from_=ADDRESS, to=STRANGER, subject="First"))
    room.send(mail(from_=ADDRESS, to=STRANGER, subject="Answer", reply_to="theirs@customer.example"))
    room.microsoft.ledger.clear()
    found = {one.message.subject: one.message for one in (await follow(outlook, cursor))[0] if one.message}
    assert (found["First"].in_reply_to, found["First"].references) == ("", ())
    assert found["Answer"].in_reply_to == "theirs@customer.example"
    assert found["Answer"].references == ("theirs@customer.example",)
    assert room.microsoft.ledger.spent[ADDRESS]["messages.get"].requests == 1, "the first answers none"


async def test_a_link_that_leads_away_from_microsoft_is_not_followed(room: OutlookRoom) -> None:
    """The token would go with it."""
    cursor = stored(await room.source().start())
    before = room.requests()
    with pytest.raises(ProviderError, match="does not lead to Microsoft"):
        await room.source().changes(cursor | {"inbox": "https://graph.microsoft.com.evil.example/v1.0/me"})
    assert room.requests() == before


async def test_a_page_too_large_to_be_read_is_asked_for_in_smaller_ones(
    room: OutlookRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlook = room.source()
    cursor = stored(await outlook.start())
    made = {room.deliver(mail(text="x" * 20_000)) for _ in range(15)}
    monkeypatch.setattr(client, "MAX_ANSWER", 250_000)
    assert ids((await follow(outlook, cursor))[0]) == made
    listed = stored(await outlook.start(a_day_ago()))
    assert ids((await follow(outlook, listed, pages=100))[0]) == made


async def test_a_mail_that_came_with_its_change_is_not_asked_for_again(room: OutlookRoom) -> None:
    outlook = room.source()
    cursor = stored(await outlook.start())
    room.deliver(mail())
    (change,) = (await follow(outlook, cursor))[0]
    before = room.requests()
    assert await outlook.message(change) == change.message
    assert room.requests() == before


# Directions


async def test_a_copy_to_oneself_was_sent_even_where_it_comes_alone(room: OutlookRoom) -> None:
    outlook = room.source()
    cursor = stored(await outlook.start())
    raw = mail(from_=f"Rita <{ALIAS}>", to=f"{STRANGER}, {ADDRESS}", message_id="self@northwind.example")
    copy = room.deliver(raw)
    (first,), cursor = await follow(outlook, cursor)
    assert (first.id, first.direction) == (copy, Direction.SENT)
    sent = room.send(raw)
    later = (await follow(outlook, cursor))[0]
    assert {(change.id, change.direction) for change in later} == {(sent, Direction.SENT)}


# Attachments


async def whole(outlook: OutlookSource, change: Change, number: int = 0) -> bytes:
    message = await outlook.message(change)
    held = bytearray()
    pieces: AsyncIterator[bytes] = outlook.content(message, message.attachments[number])
    async with aclosing(pieces) as stream:  # type: ignore[type-var]
        async for piece in stream:
            held += piece
    return bytes(held)


async def test_changes_come_with_what_is_attached_and_fetch_no_bytes(room: OutlookRoom) -> None:
    outlook = room.source()
    cursor = stored(await outlook.start())
    content = Random(1).randbytes(4 * 1024 * 1024)
    room.deliver(mail(attachments=(("big.zip", "application/zip", content),)))
    room.microsoft.ledger.clear()
    (change,) = (await follow(outlook, cursor))[0]
    assert change.message is not None
    assert [a.filename for a in change.message.attachments] == ["big.zip"]
    assert room.microsoft.ledger.total().bytes < 20_000
    assert sha256(await whole(outlook, change)).digest() == sha256(content).digest()


async def test_an_attached_mail_comes_as_one(room: OutlookRoom) -> None:
    inner = mail(subject="Inner")
    raw = (
        b"From: a@b.example\nSubject: Outer\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: text/plain\n\nsee\n--x\nContent-Type: message/rfc822\n\n" + inner + b"\n--x--\n"
    )
    change = Change(room.deliver(raw), Direction.RECEIVED)
    message = await room.source().message(change)
    assert [(a.filename, a.content_type) for a in message.attachments] == [("Inner.eml", "message/rfc822")]
    found = read_mime(await whole(room.source(), change), received_at=message.received_at)
    assert (found.subject, found.text.strip()) == ("Inner", "Hello Rita")


async def test_a_file_in_the_cloud_is_listed_by_name_only(room: OutlookRoom) -> None:
    item = room.microsoft.deliver(ADDRESS, mail(), links=[("Plan.xlsx", "https://cloud.example/plan")])
    change = Change(item.immutable_id, Direction.RECEIVED)
    (link,) = (await room.source().message(change)).attachments
    assert (link.filename, link.content_type) == ("Plan.xlsx", A_LINK)
    with pytest.raises(MessageGone, match="in the cloud"):
        await whole(room.source(), change)


async def test_a_mail_deleted_while_its_page_is_read_is_left_out(room: OutlookRoom) -> None:
    outlook = room.source()
    cursor = stored(await outlook.start())
    room.deliver(mail(attachments=(("a.bin", "application/octet-stream", b"x"),)))
    kept = room.deliver(mail())
    room.microsoft.fault("error", method="attachments.list", status=404)
    assert ids((await follow(outlook, cursor))[0]) == {kept}


# Limits and authorisation


async def test_no_more_than_four_requests_are_under_way(room: OutlookRoom, naps: list[float]) -> None:
    """ "Outlook service limits": 4 for each app and mailbox."""
    outlook = room.source()
    cursor = stored(await outlook.start())
    for number in range(20):
        room.deliver(mail(subject=str(number), attachments=(("a.bin", "application/octet-stream", b"x"),)))
    room.microsoft.limit()
    room.microsoft.settings.latency = 0.001
    assert len((await follow(outlook, cursor))[0]) == 20
    assert 1 < room.microsoft.ledger.most_at_once[ADDRESS] <= 4
    assert naps == []


async def test_a_throttled_page_is_waited_for(room: OutlookRoom, naps: list[float]) -> None:
    outlook = room.source()
    cursor = stored(await outlook.start())
    made = {room.deliver(mail(attachments=(("a.bin", "application/octet-stream", b"x"),))) for _ in range(8)}
    room.microsoft.fault("error", method="attachments.list", status=429, retry_after=3, times=2, skip=3)
    room.microsoft.fault("error", method="messages.delta", status=503, retry_after=2)
    assert ids((await follow(outlook, cursor))[0]) == made
    assert max(naps) >= 3


async def test_the_ten_minutes_limit_is_left_to_the_schedule(room: OutlookRoom, naps: list[float]) -> None:
    room.microsoft.limit(requests=3)
    outlook = room.source()
    for _ in range(3):
        await outlook.address()
    with pytest.raises(Throttled) as throttled:
        await outlook.address()
    assert 500 < throttled.value.retry_after <= 600
    assert naps == []


async def test_r065_a_claims_challenge_is_a_lost_authorisation(room: OutlookRoom) -> None:
    outlook = room.source()
    room.microsoft.challenge(ADDRESS)
    before = room.requests()
    with pytest.raises(AuthorizationLost, match="sign in again"):
        await outlook.address()
    assert room.requests() - before == 1, "a refresh would not help"


async def test_r065_a_mailbox_without_a_licence(room: OutlookRoom) -> None:
    room.microsoft.accounts[ADDRESS].licensed = False
    with pytest.raises(AuthorizationLost, match="no mailbox in Exchange Online"):
        await room.source().start()


# The application by itself


@pytest.fixture
def approved(microsoft: MicrosoftSandbox) -> MicrosoftSandbox:
    microsoft.apps[CLIENT.id].admin_consents.add(microsoft.accounts[ADDRESS].tid)
    return microsoft


async def test_an_application_reads_a_mailbox_by_itself(
    room: OutlookRoom, approved: MicrosoftSandbox
) -> None:
    outlook = room.application_source()
    assert (await outlook.address(), await outlook.aliases()) == (ADDRESS, (ALIAS,))
    cursor = stored(await outlook.start())
    content = Random(2).randbytes(9_999)
    made = room.deliver(mail(attachments=(("a.bin", "application/octet-stream", content),)))
    sent = room.send(mail(from_=ADDRESS, to=STRANGER))
    changes = (await follow(outlook, cursor))[0]
    assert ids(changes) == {made, sent}
    assert await whole(outlook, Change(made, Direction.RECEIVED)) == content
    assert await outlook.watch() is not None
    await outlook.unwatch()
    assert not room.is_watched()


async def test_an_application_need_not_be_let_into_the_directory(
    room: OutlookRoom, approved: MicrosoftSandbox
) -> None:
    approved.apps[CLIENT.id].application_permissions = frozenset({"Mail.Read"})
    outlook = room.application_source()
    assert (await outlook.address(), await outlook.aliases()) == (ADDRESS, ())


async def test_an_access_policy_keeps_the_application_out(
    room: OutlookRoom, approved: MicrosoftSandbox
) -> None:
    """ "Limiting application permissions to specific Exchange Online mailboxes"."""
    approved.apps[CLIENT.id].allowed_mailboxes = frozenset({"other@northwind.example"})
    with pytest.raises(AuthorizationLost, match="application access policy"):
        await room.application_source().start()

"""The Gmail client: refusals by their reasons, broken HTTP, streamed attachments."""

import asyncio
import gzip
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event

import aiohttp
import pytest
import pytest_asyncio

from postroom.errors import (
    AuthorizationLost,
    CursorExpired,
    MessageError,
    MessageGone,
    Misconfigured,
    PostroomError,
    ProviderError,
    Throttled,
    Unavailable,
)
from postroom.mail.message import Direction
from postroom.providers.base import Change
from postroom.providers.gmail.client import MAX_ANSWER, GmailClient, read_attachment
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.quota import Budget
from postroom.providers.gmail.refusals import A_DAYS_LIMIT, BadRequest
from postroom.providers.gmail.source import TIMES_ANEW, GmailSource
from postroom.providers.http import LONGEST_WAIT, open_session, retry_after
from tests.mails import mail
from tests.providers.contract import ADDRESS, Call, Folder, drain, with_attachment
from tests.providers.gmail.raw_server import Talk, saying, serve
from tests.providers.gmail.room import TOPIC, GmailRoom

RESULTS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class GivenToken:
    """The ``Tokens`` port with one token for ever."""

    async def access_token(self, rejected: str = "") -> str:
        if rejected:
            raise AuthorizationLost
        return "a token"


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


def source_at(session: aiohttp.ClientSession, origin: str) -> GmailSource:
    return GmailSource(GmailClient(session, GivenToken(), Endpoints.at(origin), Budget(0)), TOPIC)


# Refusals ("Resolve errors")


@pytest.mark.parametrize(
    ("status", "reason", "message", "error", "words"),
    [
        (401, "authError", "", AuthorizationLost, "reconnect"),
        (403, "domainPolicy", "", AuthorizationLost, "administrator"),
        (403, "insufficientPermissions", "", AuthorizationLost, "permission to read mail"),
        (
            403,
            "delegationDenied",
            "Delegation denied for x@y.example",
            AuthorizationLost,
            "Delegation denied",
        ),
        (403, "forbidden", "", AuthorizationLost, "refuses"),
        (403, "accessNotConfigured", "", Misconfigured, "not enabled"),
        (403, "SERVICE_DISABLED", "", Misconfigured, "not enabled"),
        (403, "rateLimitExceeded", "", Throttled, "slow down"),
        (403, "userRateLimitExceeded", "", Throttled, "slow down"),
        (403, "dailyLimitExceeded", "", Throttled, "slow down"),
        (403, "quotaExceeded", "", Throttled, "slow down"),
        (429, "rateLimitExceeded", "", Throttled, "slow down"),
        (400, "failedPrecondition", "Mail service not enabled", AuthorizationLost, "switched off"),
        (400, "invalidArgument", "Invalid thing", BadRequest, "Invalid thing"),
        (404, "notFound", "", ProviderError, "404"),
        (409, "aborted", "", ProviderError, "409"),
        (418, "teapot", "", ProviderError, "418"),
        (500, "backendError", "", Unavailable, "500"),
        (501, "notImplemented", "", Unavailable, "501"),
    ],
)
@pytest.mark.asyncio
async def test_refusals_by_their_reason(
    room: GmailRoom,
    naps: list[float],
    status: int,
    reason: str,
    message: str,
    error: type[PostroomError],
    words: str,
) -> None:
    room.google.fault("error", status=status, reason=reason, message=message, times=None)
    with pytest.raises(error, match=words) as raised:
        await room.source().address()
    assert type(raised.value) is error


@pytest.mark.asyncio
async def test_the_newer_error_model_alone_is_understood(room: GmailRoom, naps: list[float]) -> None:
    """``errors`` is of the older model; "Error model" of the Cloud APIs has ``status`` and ``details``."""
    body = {
        "error": {
            "code": 403,
            "message": "Quota exceeded for quota metric 'Queries'.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [{"@type": "google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}],
        }
    }
    room.garble(Call.ADDRESS, json.dumps(body), 403)
    assert await room.source().address() == ADDRESS
    assert len(naps) == 1


@pytest.mark.asyncio
async def test_a_404_means_what_its_call_means(room: GmailRoom) -> None:
    source = room.source()
    change = Change(room.deliver(with_attachment(b"x" * 100)), Direction.RECEIVED)
    message = await source.message(change)
    for call, error in [
        (lambda: source.changes({"history": "5"}), CursorExpired),
        (lambda: source.message(change), MessageGone),
        (lambda: drain(source, message, message.attachments[0]), MessageGone),
    ]:
        room.google.fault("error", status=404)
        with pytest.raises(error):
            await call()


@pytest.mark.asyncio
async def test_a_topic_gmail_may_not_publish_to_costs_no_mailbox_its_connection(room: GmailRoom) -> None:
    """ "Push notifications": the topic needs a grant to gmail-api-push@system.gserviceaccount.com."""
    for status in (403, 404):
        room.google.fault(
            "error", method="watch", status=status, reason="forbidden", message="not authorized"
        )
        with pytest.raises(ProviderError, match="Pub/Sub Publisher") as raised:
            await room.source().watch()
        assert not isinstance(raised.value, AuthorizationLost)


@pytest.mark.asyncio
async def test_a_new_topic_takes_the_place_of_the_old(room: GmailRoom) -> None:
    assert await GmailSource(room.client(), TOPIC + "-before").watch()
    assert await room.source().watch()
    (watch,) = room.google.push.watches[ADDRESS].values()
    assert watch.topic == TOPIC


@pytest.mark.asyncio
async def test_only_verified_aliases_count(room: GmailRoom) -> None:
    """A stranger's address, entered by the rep, would else never be a counterpart."""
    assert await room.source().aliases() == ("sales@northwind.example",)


# Waits


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("7", 7),
        ("0", 0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٧", None),
        ("9" * 400, LONGEST_WAIT),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)
def test_retry_after_by_rfc_9110(value: str, seconds: float | None) -> None:
    assert retry_after(value) == seconds


@pytest.mark.asyncio
async def test_the_time_in_gmails_message_is_kept_to(room: GmailRoom, naps: list[float]) -> None:
    """ "Resolve errors": 429 "User-rate limit exceeded" comes "with a time to retry", in the message."""
    later = (datetime.now(UTC) + timedelta(minutes=15)).isoformat(timespec="milliseconds")
    words = f"User-rate limit exceeded.  Retry after {later.replace('+00:00', 'Z')}"
    room.google.fault("error", status=429, reason="rateLimitExceeded", message=words)
    with pytest.raises(Throttled) as throttled:
        await room.source().address()
    assert 800 < throttled.value.retry_after <= 900
    assert naps == []


@pytest.mark.parametrize("when", ["2026-99-99T00:00:00.000Z", "tomorrow", "2015-01-01T00:00:00.000Z"])
@pytest.mark.asyncio
async def test_a_time_that_is_none_or_past_is_no_wait(room: GmailRoom, naps: list[float], when: str) -> None:
    room.google.fault("error", status=429, message=f"User-rate limit exceeded.  Retry after {when}")
    assert await room.source().address() == ADDRESS
    assert len(naps) == 1


@pytest.mark.asyncio
async def test_an_overload_with_a_wait_is_waited_out(room: GmailRoom, naps: list[float]) -> None:
    """RFC 9110 section 15.6.4: 503 may carry Retry-After."""
    room.google.fault("error", status=503, retry_after=8)
    assert await room.source().address() == ADDRESS
    assert len(naps) == 1
    assert naps[0] >= 8


@pytest.mark.asyncio
async def test_what_google_says_is_fit_to_be_stored(room: GmailRoom) -> None:
    room.google.fault("error", status=403, reason="forbidden", message="No\0\x1b[31m way\n" + "x" * 10_000)
    with pytest.raises(AuthorizationLost, match=r"No\[31m way x") as lost:
        await room.source().address()
    assert len(str(lost.value)) < 400
    assert str(lost.value).isprintable()


@pytest.mark.asyncio
async def test_a_days_limit_is_not_hammered(room: GmailRoom, naps: list[float]) -> None:
    room.google.fault("error", status=403, reason="dailyLimitExceeded")
    with pytest.raises(Throttled) as throttled:
        await room.source().address()
    assert throttled.value.retry_after == A_DAYS_LIMIT
    assert naps == []


@pytest.mark.asyncio
async def test_one_refusal_holds_back_every_call_of_the_mailbox(room: GmailRoom, naps: list[float]) -> None:
    """Else each of the calls under way would try again four times by itself."""
    changes = [Change(room.deliver(mail()), Direction.RECEIVED) for _ in range(8)]
    source = room.source()
    room.google.fault("error", status=429, retry_after=300, times=None)
    with pytest.raises(Throttled):
        await source.address()
    before = room.requests()
    refused = await asyncio.gather(*map(source.message, changes), return_exceptions=True)
    assert {type(error) for error in refused} == {Throttled}
    assert room.requests() == before


# Lists


@pytest.mark.asyncio
async def test_a_page_token_that_gmail_no_longer_knows_begins_the_run_anew(room: GmailRoom) -> None:
    source = room.source()
    start = await source.start()
    made = room.deliver(mail())
    page = await source.changes(start | {"page": "nonsense"})
    assert (page.changes, page.more) == ((), True)
    assert [change.id for change in (await source.changes(page.cursor)).changes] == [made]
    listing = {"since": 0, "label": "INBOX", "page": "nonsense"}
    page = await source.changes(start | {"listing": listing})
    assert page.importing
    assert [change.id for change in (await source.changes(page.cursor)).changes] == [made]


@pytest.mark.asyncio
async def test_a_run_of_pages_does_not_begin_anew_for_ever(room: GmailRoom) -> None:
    source = room.source()
    cursor = await source.start()
    for _ in range(TIMES_ANEW):
        cursor = (await source.changes(cursor | {"page": "nonsense"})).cursor
    with pytest.raises(ProviderError, match="refuses to list"):
        await source.changes(cursor | {"page": "nonsense"})


@pytest.mark.parametrize(
    "cursor",
    [
        {},
        {"history": None},
        {"history": "1", "listing": []},
        {"history": "1", "listing": {"label": "INBOX"}},
        {"history": "1", "listing": {"label": "SPAM", "since": 1}},
        {"history": "1", "page": 7},
    ],
)
@pytest.mark.asyncio
async def test_a_cursor_of_another_shape_stays_in_the_family(
    room: GmailRoom, cursor: dict[str, object]
) -> None:
    with pytest.raises(ProviderError):
        await room.source().changes(cursor)


@pytest.mark.asyncio
async def test_a_draft_that_becomes_a_sent_mail_is_sent(room: GmailRoom) -> None:
    """Whether Gmail keeps the draft's id is not documented; both ways must do."""
    source = room.source()
    cursor = await source.start()
    draft = room.deliver(mail(from_=ADDRESS, to="carol@customer.example"), Folder.DRAFTS)
    page = await source.changes(cursor)
    assert page.changes == ()
    room.google.modify(ADDRESS, draft, add=["SENT"], remove=["DRAFT"])
    (change,) = (await source.changes(page.cursor)).changes
    assert change == Change(draft, Direction.SENT)
    assert (await source.message(change)).id == draft


@pytest.mark.asyncio
async def test_what_was_thrown_away_at_once_is_not_even_fetched(room: GmailRoom) -> None:
    source = room.source()
    cursor = await source.start()
    room.google.deliver(ADDRESS, mail(), ["SENT", "TRASH"])
    room.google.deliver(ADDRESS, mail(), ["INBOX", "SPAM"])
    assert (await source.changes(cursor)).changes == ()


@pytest.mark.asyncio
async def test_doubled_and_shuffled_pages_cost_nothing(room: GmailRoom) -> None:
    source = room.source()
    start = await source.start()
    made = {room.deliver(mail()) for _ in range(9)}
    room.google.fault("duplicate", method="history.list")
    assert len((await source.changes(start)).changes) == 9
    listing = start | {"listing": {"since": 0, "label": "INBOX"}}
    for kind in ("duplicate", "reorder"):
        room.google.fault(kind, method="messages.list")
        changes = (await source.changes(listing)).changes
        assert len(changes) == 9
        assert {change.id for change in changes} == made


# Attachments


@pytest.mark.asyncio
async def test_a_handle_that_has_aged_is_renewed(room: GmailRoom) -> None:
    room.google.settings.attachment_id_seconds = 600
    source = room.source()
    raw = mail(attachments=(("a.bin", "image/png", b"a" * 100), ("b.bin", "image/png", b"b" * 101)))
    message = await source.message(Change(room.deliver(raw), Direction.RECEIVED))
    room.google.clock.advance(900)
    for attachment in message.attachments:
        assert (await drain(source, message, attachment))[0] == attachment.size


@pytest.mark.asyncio
async def test_an_attachment_that_is_another_mails_is_not_handed_out(room: GmailRoom) -> None:
    source = room.source()
    one = await source.message(Change(room.deliver(with_attachment(b"one")), Direction.RECEIVED))
    two = await source.message(Change(room.deliver(with_attachment(b"two")), Direction.RECEIVED))
    stolen = replace(one.attachments[0], ref=two.attachments[0].ref)
    assert (await drain(source, one, stolen))[:2] == (await drain(source, one, one.attachments[0]))[:2]


async def decoded(session: aiohttp.ClientSession, body: bytes, cut: int = 7) -> bytes:
    """What the client makes of an answer that arrives ``cut`` bytes at a time."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(RESULTS + b"Transfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(body), cut):
            piece = body[start : start + cut]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async with serve(talk) as origin, session.get(origin) as response:
        return b"".join([piece async for piece in read_attachment(response)])


CONTENT = bytes(range(256)) * 3
ENCODED = urlsafe_b64encode(CONTENT + b"x")


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":"%b"}' % ENCODED,
        b'{"data":"%b"}' % ENCODED.rstrip(b"="),
        b'{\n  "data": "%b"\n}\n' % ENCODED,
        b'{"data":"%b"}' % ENCODED.replace(b"=", b"\\u003d"),
    ],
    ids=["compact", "unpadded", "indented", "escaped"],
)
@pytest.mark.parametrize("cut", [1, 2, 3, 5, 64, 10_000])
@pytest.mark.asyncio
async def test_every_way_of_writing_the_data_is_read(
    session: aiohttp.ClientSession, body: bytes, cut: int
) -> None:
    assert await decoded(session, body, cut) == CONTENT + b"x"


@pytest.mark.parametrize("body", [b"{}", b"{\n}\n", b'{"data":""}', b'{\n  "data": ""\n}'])
@pytest.mark.asyncio
async def test_an_empty_attachment(session: aiohttp.ClientSession, body: bytes) -> None:
    assert await decoded(session, body) == b""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"[]",
        b'{"data":',
        b'{"data":"QUJD',
        b'{"data":"QUJD!!!!"}',
        b'{"data":"QUJ=QUJD"}',
        b'{"data":"Q"}',
        b'{"size":3,"data":"QUJD"}',
        b'{"error":{"code":500,"message":"x"}}',
        b'<html><body class="x" id="y">sign in</body></html>',
        b"x" * 2_000_000,
        b'{"data":"' + b"\\" * 5000,
    ],
    ids=lambda body: body[:20].decode(),
)
@pytest.mark.asyncio
async def test_what_is_no_attachment_is_never_taken_for_one(
    session: aiohttp.ClientSession, body: bytes
) -> None:
    with pytest.raises(Unavailable):
        await decoded(session, body, 4096)


@pytest.mark.asyncio
async def test_pieces_are_handed_over_before_the_rest_has_come(session: aiohttp.ClientSession) -> None:
    """So memory is bounded by a piece, whatever the attachment's size."""
    wanted = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(RESULTS + b"Connection: close\r\n\r\n" + b'{"data":"' + b"QUJD" * 200_000)
        await wanted.wait()
        writer.write(b'QUJD"}')
        await writer.drain()

    async with (
        serve(talk) as origin,
        session.get(origin) as response,
        aclosing(read_attachment(response)) as pieces,
    ):
        size = len(await anext(pieces))
        wanted.set()
        async for piece in pieces:
            size += len(piece)
    assert size == 3 * 200_001


# Broken HTTP


BROKEN = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "status line": b"HTTP/1.1 abc OK\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n{}",
    "long header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n{}",
    "length": RESULTS + b"Content-Length: many\r\n\r\n{}",
    "too short": RESULTS + b"Content-Length: 500\r\n\r\n{}",
    "chunks": RESULTS + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "no last chunk": RESULTS + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "gzip": RESULTS + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot gzipped!",
    "half a gzip": RESULTS
    + b"Content-Encoding: gzip\r\nContent-Length: 30\r\n\r\n"
    + gzip.compress(b"{}" * 500)[:30],
    "encoding": RESULTS + b"Content-Encoding: klingon\r\nContent-Length: 2\r\n\r\n{}",
    "nothing": b"",
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "no location": b"HTTP/1.1 301 Moved\r\nLocation: ::::\r\nContent-Length: 0\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "informed for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
}


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.asyncio
async def test_broken_http_is_a_passing_fault(
    session: aiohttp.ClientSession, naps: list[float], answer: str
) -> None:
    async with serve(saying(BROKEN[answer])) as origin:
        with pytest.raises(ProviderError):
            await source_at(session, origin).address()
        with pytest.raises(ProviderError):
            await source_at(session, origin).message(Change("1", Direction.SENT))


def endless(of: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(RESULTS + b"Connection: close\r\n\r\n")
        while not writer.is_closing():
            writer.write(of)
            await writer.drain()

    return talk


@pytest.mark.asyncio
async def test_an_answer_without_end_is_not_held(
    session: aiohttp.ClientSession, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_ANSWER < 100_000_000
    monkeypatch.setattr("postroom.providers.gmail.client.MAX_ANSWER", 1_000_000)
    async with serve(endless(b"[" * 65536)) as origin:
        source = source_at(session, origin)
        with pytest.raises(ProviderError):
            await source.address()
        with pytest.raises(MessageError):
            await source.message(Change("1", Direction.SENT))


@pytest.mark.asyncio
async def test_a_small_answer_that_unpacks_to_a_giant_is_not_held(
    session: aiohttp.ClientSession, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.providers.gmail.client.MAX_ANSWER", 1_000_000)
    packed = gzip.compress(b" " * 40_000_000)
    head = RESULTS + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with serve(saying(head + packed)) as origin:
        with pytest.raises(ProviderError):
            await source_at(session, origin).address()


@pytest.mark.asyncio
async def test_a_redirect_never_carries_a_token_elsewhere(
    session: aiohttp.ClientSession, naps: list[float]
) -> None:
    seen: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))

    async with serve(elsewhere) as there:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {there}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with serve(saying(moved)) as origin:
            with pytest.raises(Unavailable):
                await source_at(session, origin).watch()
    assert seen == []


@pytest.mark.asyncio
async def test_cookies_are_not_kept(session: aiohttp.ClientSession) -> None:
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        body = b'{"emailAddress": "a@b.example"}'
        head = RESULTS + b"Set-Cookie: NID=1; Path=/\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()

    async with serve(talk) as origin:
        for _ in range(2):
            await source_at(session, origin.replace("127.0.0.1", "localhost")).address()
    assert len(seen) == 2
    assert b"NID" not in seen[1]


@pytest.mark.asyncio
async def test_names_are_looked_up_while_every_thread_of_the_loop_waits(
    session: aiohttp.ClientSession,
) -> None:
    """A renewal waits in a thread for its answer; with as many of them as threads, none would ever come."""
    loop, ended = asyncio.get_running_loop(), Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    held = loop.run_in_executor(None, ended.wait)
    body = b'{"emailAddress": "a@b.example"}'
    answer = RESULTS + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    try:
        async with serve(saying(answer)) as origin, asyncio.timeout(10):
            named = origin.replace("127.0.0.1", "localhost")
            assert await source_at(session, named).address() == "a@b.example"
    finally:
        ended.set()
        await held

"""Gmail by domain-wide delegation: the contract, the key file, and every refusal in words.

Cases of "Using OAuth 2.0 for Server to Server Applications", JWT error codes.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import aiohttp
import pytest
import pytest_asyncio

from postroom.errors import AuthorizationLost, Misconfigured, Throttled, Unavailable
from postroom.providers.base import Delegation, TokenSet
from postroom.providers.gmail.client import GmailClient
from postroom.providers.gmail.delegation import DelegatedTokens, ServiceAccount, read_key
from postroom.providers.gmail.oauth import READ_MAIL
from postroom.providers.gmail.provider import Gmail
from postroom.providers.gmail.quota import Budget
from postroom.providers.held_tokens import TokenTable
from postroom.providers.http import open_session
from postroom.providers.recent import Recent
from postroom.sandbox.google import GMAIL_METADATA, GMAIL_READONLY, GoogleSandbox
from tests.providers.contract import ADDRESS, ALIAS, Mailroom, ProviderContract
from tests.providers.gmail.room import GmailRoom

DOMAIN = "northwind.example"
EMAIL = "postroom@sandbox.iam.gserviceaccount.com"
_KEYS: dict[str, dict[str, str]] = {}


def give_key(google: GoogleSandbox) -> dict[str, str]:
    """A service account and its key file; the key itself is made once, for that takes longest."""
    account = google.add_service_account(EMAIL, "postroom")
    if not _KEYS:
        _KEYS["file"] = google.service_account_key(EMAIL)
        _KEYS["public"] = dict(account.keys)  # type: ignore[assignment]
    account.keys.update(_KEYS["public"])  # type: ignore[arg-type]
    return _KEYS["file"] | {"client_id": account.client_id}


class DelegatedRoom(GmailRoom):
    """Rita's mailbox, which nobody but her organisation opened."""

    remedy = "Domain-wide delegation"

    def __init__(self, google: GoogleSandbox, origin: str, session: aiohttp.ClientSession) -> None:
        super().__init__(google, origin, session)
        self.key = give_key(google)
        google.delegate(DOMAIN, self.key["client_id"], [READ_MAIL])
        self.table = TokenTable()

    @property
    def account(self) -> ServiceAccount:
        return read_key(json.dumps(self.key))

    def delegated(self, user: str = ADDRESS) -> DelegatedTokens:
        return DelegatedTokens(self.account, user, self.session, self.endpoints, self.table)

    def client(self, units_per_minute: int = 0) -> GmailClient:
        budget = Budget(units_per_minute, clock=self.clock, sleep=self.clock.sleep)
        return GmailClient(self.session, self.delegated(), self.endpoints, budget)

    def revoke(self) -> None:
        """A token that is out lives on to its end, an hour at the most."""
        self.google.undelegate(DOMAIN)
        self.google.tokens.expire_access(ADDRESS)


@pytest_asyncio.fixture
async def room(google: GoogleSandbox, _served: tuple[GoogleSandbox, str]) -> AsyncIterator[DelegatedRoom]:
    async with open_session() as session:
        room = DelegatedRoom(google, _served[1], session)
        await room.delegated().access_token()
        yield room


class TestContract(ProviderContract):
    async def test_one_token_serves_the_whole_source(self, room: Mailroom) -> None:
        source = room.source()
        before = room.requests()
        await source.address()
        await source.address()
        assert room.requests() - before == 2


@pytest.mark.asyncio
async def test_tokens_are_kept_for_each_person_by_themselves(room: DelegatedRoom) -> None:
    room.google.add_account("sam@northwind.example")
    ritas = await room.delegated().access_token()
    assert await room.delegated().access_token() == ritas
    assert await room.delegated("sam@northwind.example").access_token() != ritas
    assert await room.delegated().access_token(rejected=ritas) != ritas


@pytest.mark.asyncio
async def test_who_names_anothers_key_without_having_it_gets_nothing(room: DelegatedRoom) -> None:
    """What is held in memory is found by the key itself, not by what a key file says of it."""
    await room.delegated().access_token()
    other = room.google.service_account_key(EMAIL)
    room.key = room.key | {"private_key": other["private_key"]}
    with pytest.raises(AuthorizationLost, match="does not accept the service account's key"):
        await room.delegated().access_token()


@pytest.mark.asyncio
async def test_of_callers_at_once_one_asks(room: DelegatedRoom) -> None:
    room.table = TokenTable()
    before = room.requests()
    found = await asyncio.gather(*(room.delegated().access_token() for _ in range(8)))
    assert (len(set(found)), room.requests() - before) == (1, 1)


@pytest.mark.asyncio
async def test_a_token_close_to_its_end_is_not_used(room: DelegatedRoom) -> None:
    async def made(seconds: int) -> TokenSet:
        return TokenSet(str(seconds), datetime.now(UTC) + timedelta(seconds=seconds))

    table = TokenTable()
    assert await table.token("a", "", lambda: made(120)) == "120"
    assert await table.token("a", "", lambda: made(3_600)) == "3600"
    assert await table.token("a", "", lambda: made(7_200)) == "3600"


@pytest.mark.asyncio
async def test_an_alias_opens_the_mailbox_that_has_it(room: DelegatedRoom) -> None:
    assert (await room.delegated(ALIAS).access_token()) != ""


@pytest.mark.asyncio
async def test_refusals_say_what_to_mend(room: DelegatedRoom) -> None:
    google, client_id = room.google, room.key["client_id"]
    account = google.service_accounts[EMAIL]
    google.add_account("pat@gmail.com", personal=True)

    async def refused(user: str = ADDRESS) -> str:
        room.table = TokenTable()
        with pytest.raises(AuthorizationLost) as lost:
            await room.delegated(user).access_token()
        return str(lost.value)

    assert "no user nobody@northwind.example" in await refused("nobody@northwind.example")
    assert "is not let in for pat@gmail.com" in await refused("pat@gmail.com")
    google.undelegate(DOMAIN)
    said = await refused()
    assert client_id in said
    assert READ_MAIL in said
    assert "Domain-wide delegation" in said
    google.delegate(DOMAIN, client_id, [GMAIL_METADATA])
    assert "Domain-wide delegation" in await refused()
    google.delegate(DOMAIN, client_id, [GMAIL_READONLY])
    account.disabled = True
    assert "disabled" in await refused()
    account.disabled = False
    account.keys.clear()
    assert "key" in await refused()
    del google.service_accounts[EMAIL]
    assert "deleted" in await refused()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "scope"),
        ("admin_policy_enforced", "trusted"),
        ("org_internal", "another organisation"),
        ("deleted_client", "deleted"),
        ("invalid_client", "key"),
        ("invalid_scope", "scope"),
    ],
)
@pytest.mark.asyncio
async def test_documented_errors_have_a_sentence(room: DelegatedRoom, error: str, words: str) -> None:
    room.table = TokenTable()
    room.google.fault("error", method="token", status=400, reason=error)
    with pytest.raises(AuthorizationLost, match=words):
        await room.delegated().access_token()


@pytest.mark.asyncio
async def test_a_suspended_person_is_told_as_unknown(room: DelegatedRoom) -> None:
    room.table = TokenTable()
    room.google.suspend(ADDRESS)
    with pytest.raises(AuthorizationLost, match="suspended"):
        await room.delegated().access_token()


@pytest.mark.asyncio
async def test_a_wrong_clock_is_the_servers_fault_not_the_organisations(room: DelegatedRoom) -> None:
    room.table = TokenTable()
    room.google.clock.advance(7200)
    with pytest.raises(Misconfigured, match="clock"):
        await room.delegated().access_token()


@pytest.mark.asyncio
async def test_passing_faults_of_the_token_endpoint_pass(room: DelegatedRoom, naps: list[float]) -> None:
    room.table = TokenTable()
    room.google.fault("error", method="token", status=503)
    assert await room.delegated().access_token()
    assert len(naps) == 1
    room.google.fault("error", method="token", status=429, retry_after=600)
    with pytest.raises(Throttled):
        await room.delegated(ALIAS).access_token()
    room.google.fault("error", method="token", status=500, times=None)
    with pytest.raises(Unavailable):
        await room.delegated("other@northwind.example").access_token()


@pytest.mark.asyncio
async def test_the_key_file_does_not_say_where_to_ask(room: DelegatedRoom) -> None:
    room.key, room.table = room.key | {"token_uri": "http://127.0.0.1:9/token"}, TokenTable()
    assert await room.delegated().access_token()


# The key file


def test_a_key_file_is_read(google: GoogleSandbox) -> None:
    key = give_key(google)
    delegate = Gmail().delegate(Delegation(key=json.dumps(key)))
    assert (delegate.name, delegate.id) == (EMAIL, key["client_id"])
    assert "PRIVATE" not in repr(read_key(json.dumps(key)))
    assert "PRIVATE" not in repr(Delegation(key=json.dumps(key)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "authorized_user"}, "not the JSON key"),
        ({"type": ["a", "list"]}, "not the JSON key"),
        ({"client_email": ""}, "lacks client_email"),
        ({"client_id": 7}, "lacks client_id"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n"}, "cannot be read"),
        ({"private_key": "nonsense"}, "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_key_file_is_said(
    google: GoogleSandbox, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(Misconfigured, match=words):
        Gmail().delegate(Delegation(key=json.dumps({**give_key(google), **changes})))


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", "null", '"text"', "\udcff", "{" * 9_999, " " * 20_000]
)
def test_what_is_no_key_file_is_refused(content: str) -> None:
    with pytest.raises(Misconfigured, match="not the JSON key"):
        Gmail().delegate(Delegation(key=content))


def test_a_key_that_is_not_rsa_is_refused(google: GoogleSandbox) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(Misconfigured, match="not an RSA key"):
        Gmail().delegate(Delegation(key=json.dumps(give_key(google) | {"private_key": pem})))


def test_what_was_not_used_for_long_is_let_go() -> None:
    held: Recent[int, int] = Recent(3)
    for number in range(5):
        assert held.get_or_make(number, partial(int, number)) == number
    assert (len(held), held.get(0), held.get(4)) == (3, None, 4)
    held.get(2)
    held.put(9, 9)
    assert (held.get(2), held.get(3)) == (2, None)

"""Mailboxes by domain-wide delegation: a service account acts for a person of the organisation.

Sources: "Using OAuth 2.0 for Server to Server Applications" of Google Identity (the assertion, its error
codes), "Control API access with domain-wide delegation" of the Google Workspace Admin Help; RFC 7523. Only
reading is asked for (R-001). Where to redeem the assertion is never taken from the key file: it would let
whoever enters one send Postroom anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from postroom.errors import AuthorizationLost, Misconfigured, PostroomError, ProviderError
from postroom.providers.answers import Json, Misshapen, read_json, text
from postroom.providers.base import TokenSet
from postroom.providers.gmail.endpoints import Endpoints
from postroom.providers.gmail.oauth import (
    READ_MAIL,
    is_passing,
    passing_fault,
    post_form,
    token_set,
)
from postroom.providers.held_tokens import TokenTable, digest
from postroom.providers.http import patiently, readable

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = 3600
"""Seconds; the longest that Google allows."""
LARGEST_KEY = 16 * 1024
"""Characters of a key file; Google's have about 2,400."""
FIELDS = ("client_email", "client_id", "private_key_id", "private_key")
"""What is needed of a key file."""
SMALLEST_RSA = 2048
"""Bits."""
NOT_A_KEY = (
    "This is not the JSON key of a service account. In the Google Cloud console, open the service account,"
    " then Keys, Add key, Create new key, JSON, and enter the whole file."
)
CHANGED_KEY = (
    "The private key in this file cannot be read: part of it is missing, or it was changed. Enter the whole"
    " file, unchanged."
)
REFUSED_KEY = (
    "Google does not accept the service account's key: it was deleted or disabled, or has expired. Make"
    " another key, and enter it."
)
DELETED = "The service account was deleted in the Google Cloud console. Make another, and enter its key."
CONSOLE = "the admin console, under Security, Access and data control, API controls, Domain-wide delegation"
UP_TO_A_DAY = "Google may take up to 24 hours to let it in everywhere."
DOES_NOT_EXIST = ("Invalid email or User ID", "Not a valid email")
WRONG_CLOCK = "Token must be a short-lived token"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What a key file says, as far as it is needed."""

    email: str
    client_id: str
    """The number by which the admin console names it."""
    key_id: str
    private_key: str = field(repr=False)
    """PEM."""

    @property
    def digest(self) -> str:
        return digest(self.email, self.key_id, self.private_key)


def read_key(content: str) -> ServiceAccount:
    """The service account of a key file, whose private key is not looked at. Raises ``Misconfigured``."""
    found = _fields(content)
    if found["type"] != "service_account":
        raise Misconfigured(f"{NOT_A_KEY} (Its type is {readable(found['type'])[:40] or 'missing'}.)")
    missing = [name for name in FIELDS if not found[name]]
    if missing:
        raise Misconfigured(f"The key file lacks {' and '.join(missing)}. Enter the whole file, unchanged.")
    return ServiceAccount(
        email=readable(found["client_email"]),
        client_id=readable(found["client_id"]),
        key_id=found["private_key_id"],
        private_key=found["private_key"],
    )


def checked_key(content: str) -> ServiceAccount:
    """The service account of a key file that can be used. Raises ``Misconfigured``."""
    account = read_key(content)
    try:
        key = load_pem_private_key(account.private_key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Misconfigured(CHANGED_KEY) from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < SMALLEST_RSA:
        raise Misconfigured(f"The private key in this file is not an RSA key of {SMALLEST_RSA} bits or more.")
    return account


class DelegatedTokens:
    """The ``Tokens`` port for one person's mailbox, by a service account's key."""

    def __init__(
        self,
        account: ServiceAccount,
        user: str,
        session: aiohttp.ClientSession,
        endpoints: Endpoints,
        table: TokenTable,
    ) -> None:
        self._account = account
        self._user = user
        self._session = session
        self._endpoints = endpoints
        self._table = table

    async def access_token(self, rejected: str = "") -> str:
        """Raises ``AuthorizationLost`` with what an administrator has to mend."""
        name = digest(self._account.digest, self._user, self._endpoints.token)
        return await self._table.token(name, rejected, lambda: patiently(self._redeem))

    async def _redeem(self) -> TokenSet:
        form = {"grant_type": GRANT, "assertion": self._assertion()}
        status, body = await post_form(self._session, self._endpoints.token, form)
        answer = read_json(body)
        if status != 200:
            raise self._refusal(status, answer)
        tokens = token_set(answer)
        if not tokens.access_token:
            raise Misshapen("Google gave no access token.")
        return tokens

    def _assertion(self) -> str:
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self._account.email,
            "sub": self._user,
            "scope": READ_MAIL,
            "aud": self._endpoints.token,
            "iat": now,
            "exp": now + LIFETIME,
        }
        headers = {"kid": self._account.key_id}
        return jwt.encode(claims, self._account.private_key, algorithm="RS256", headers=headers)

    def _refusal(self, status: int, answer: Json) -> PostroomError:
        """By ``error`` and, for ``invalid_grant``, by its description: "JWT error codes" of the guide."""
        code, said = text(answer, "error", ""), str(answer.get("error_description", ""))
        if is_passing(code):
            return passing_fault(status, code)
        if code == "invalid_grant" and WRONG_CLOCK in said:
            return Misconfigured("The clock of this server is wrong, so Google refuses its requests. Set it.")
        sentence = self._sentences().get(code)
        if code == "invalid_grant":
            sentence = self._of_the_grant(said)
        if sentence:
            return AuthorizationLost(sentence)
        return ProviderError(f"Google refused the service account: {readable(f'{code} {said}')}")

    def _sentences(self) -> Mapping[str, str]:
        """What an administrator has to do, by ``error``."""
        who = f"the client id {self._account.client_id}"
        return {
            "unauthorized_client": f"The service account is not let in for {self._user}: in {CONSOLE}, a"
            f" super administrator enters {who} with the scope {READ_MAIL}. {UP_TO_A_DAY}",
            "access_denied": f"The scope {READ_MAIL} is missing for the service account: in {CONSOLE}, a"
            f" super administrator adds it to {who}. {UP_TO_A_DAY}",
            "admin_policy_enforced": "The Google Workspace administrator does not allow this service account"
            f" to read mail. In the admin console, under API controls, mark {who} as trusted.",
            "org_internal": "The service account belongs to another organisation, which keeps it to itself."
            " Use one of your own organisation.",
            "disabled_client": "The service account is disabled. Enable it in the Google Cloud console, under"
            " IAM and admin, Service accounts.",
            "deleted_client": DELETED,
            "invalid_client": REFUSED_KEY,
            "invalid_scope": f"Google does not know the scope {READ_MAIL}: the Gmail API may be off.",
        }

    def _of_the_grant(self, said: str) -> str:
        if any(words in said for words in DOES_NOT_EXIST):
            return f"Google Workspace has no user {self._user}, or the user is suspended."
        return DELETED if "account not found" in said else REFUSED_KEY


def _fields(content: str) -> dict[str, str]:
    """The texts of a JSON object; "" for what is missing or no text."""
    if len(content) > LARGEST_KEY:
        raise Misconfigured(NOT_A_KEY)
    try:
        found = read_json(content.encode("utf-8", "surrogateescape"))
    except ProviderError as error:
        raise Misconfigured(NOT_A_KEY) from error
    values = {name: found.get(name) for name in ("type", *FIELDS)}
    return {name: value if isinstance(value, str) else "" for name, value in values.items()}

"""Service accounts: their keys, and tokens for the people they are let act for.

Sources: "Using OAuth 2.0 for Server to Server Applications" (the claims of the assertion, the JWT error
codes), "Control API access with domain-wide delegation"; RFC 7523. Descriptions that the guide does not have
are those quoted from Google's token endpoint in public bug reports.
"""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from . import scopes as words
from .accounts import Account, ServiceAccount
from .oauth import OAuthError, Tokens

if TYPE_CHECKING:
    from .sandbox import GoogleSandbox

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST = 65 * 60
"""Seconds from ``iat`` to ``exp``."""
SKEW = 300
"""Seconds that clocks may differ by."""
AUDIENCES = (
    "https://oauth2.googleapis.com/token",
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
)
_UNREASONABLE = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
    "iat and exp values in the JWT claim."
)
_NOT_LET_IN = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of "
    "the scopes requested."
)
_NOT_OF_THE_LIBRARY = {"verify_exp": False, "verify_aud": False, "verify_iat": False}
"""What is checked here, in Google's words."""


def new_key(account: ServiceAccount, origin: str = "") -> dict[str, str]:
    """Make a key for the account; what its JSON file says."""
    private = generate_private_key(public_exponent=65537, key_size=2048)
    key_id = secrets.token_hex(20)
    account.keys[key_id] = private.public_key()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        "type": "service_account",
        "project_id": account.client.project,
        "private_key_id": key_id,
        "private_key": pem,
        "client_email": account.email,
        "client_id": account.client_id,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": f"{origin}/token" if origin else "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    }


def redeem(sandbox: "GoogleSandbox", form: Mapping[str, str], origin: str) -> Tokens:
    """``grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer``. Raises ``OAuthError``."""
    assertion = form.get("assertion", "")
    if not assertion:
        raise OAuthError("invalid_request", "Missing required parameter: assertion")
    account, claims = _verified(sandbox, assertion, origin)
    wanted, unknown = words.parse(str(claims.get("scope", "")))
    if unknown or not wanted:
        raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    person = _person(sandbox, account, str(claims.get("sub", "")))
    allowed = account.delegations.get(person.hd, frozenset())
    if allowed.isdisjoint(wanted):
        raise OAuthError("unauthorized_client", _NOT_LET_IN, 401)
    if not allowed.issuperset(wanted):
        raise OAuthError("access_denied", "Requested client not authorized.", 403)
    if person.blocked_by_admin:
        raise OAuthError("admin_policy_enforced", "Access is restricted by the organization's policies.")
    return sandbox.tokens.issue(person, account.client, frozenset(wanted), offline=False)


def _verified(
    sandbox: "GoogleSandbox", assertion: str, origin: str
) -> tuple[ServiceAccount, Mapping[str, object]]:
    """The service account that signed, and what it says."""
    try:
        header = jwt.get_unverified_header(assertion)
        said = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise OAuthError("invalid_grant", "Invalid JWT.") from None
    account = sandbox.service_accounts.get(str(said.get("iss", "")))
    if account is None:
        raise OAuthError("invalid_grant", "Invalid grant: account not found")
    if account.disabled:
        raise OAuthError("disabled_client", "The OAuth client was disabled.")
    key = account.keys.get(str(header.get("kid", "")))
    try:
        if key is None:
            raise OAuthError("invalid_grant", "Invalid JWT Signature.")
        claims = jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        raise OAuthError("invalid_grant", "Invalid JWT Signature.") from None
    if claims.get("aud") not in {*AUDIENCES, f"{origin}/token"}:
        raise OAuthError("invalid_grant", "Failed audience check.")
    _check_times(claims, sandbox.clock.now())
    return account, claims


def _check_times(claims: Mapping[str, object], now: float) -> None:
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or not isinstance(ends, int | float):
        raise OAuthError("invalid_grant", _UNREASONABLE)
    if issued > now + SKEW or not now - SKEW < ends <= issued + LONGEST:
        raise OAuthError("invalid_grant", _UNREASONABLE)


def _person(sandbox: "GoogleSandbox", account: ServiceAccount, subject: str) -> Account:
    """Whom it acts for: never itself, which has no mailbox, nor a personal account, which nobody opens."""
    if not subject or subject == account.email:
        raise OAuthError("unauthorized_client", _NOT_LET_IN, 401)
    try:
        person = sandbox.accounts[sandbox.owner(subject)]
    except KeyError:
        raise OAuthError("invalid_grant", "Invalid email or User ID") from None
    if person.suspended:
        raise OAuthError("invalid_grant", "Invalid email or User ID")
    if not person.hd:
        raise OAuthError("unauthorized_client", _NOT_LET_IN, 401)
    return person

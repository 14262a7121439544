"""A Google of their own for these tests, served over a real socket from a thread."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

from postroom.sandbox.google import GoogleSandbox
from postroom.sandbox.google.compose import Letter, write
from postroom.sandbox.google.oauth import DEFAULT_SCOPES

MAYA = "maya@northwind.example"
OMAR = "omar@northwind.example"
CALLBACK = "http://testserver/callback"
CLIENT_ID = "sandbox.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-sandbox"


def letter(subject: str = "Hello", **options: Any) -> bytes:
    """A mail from a customer to Maya, unless told otherwise."""
    fields: dict[str, Any] = {"from_address": "priya@lighthouse.example", "to": MAYA, "text": "Good day."}
    wanted: dict[str, Any] = fields | {"subject": subject} | options
    return write(Letter(**wanted), time.time())


@pytest.fixture
def sandbox() -> GoogleSandbox:
    made = GoogleSandbox()
    made.add_account(MAYA, "Maya Lindqvist", aliases=["sales@northwind.example"])
    made.add_account(OMAR, "Omar Haddad")
    made.add_account("maya.private@gmail.com", "Maya", personal=True)
    made.add_client(redirect_uris=[CALLBACK])
    return made


@pytest.fixture
def origin(sandbox: GoogleSandbox) -> Iterator[str]:
    with sandbox.run() as address:
        yield address


@pytest.fixture
def gmail(sandbox: GoogleSandbox, origin: str) -> Any:
    """Google's own client library, unchanged, for Maya's mailbox."""
    return official_client(sandbox, origin, MAYA)


def official_client(sandbox: GoogleSandbox, origin: str, address: str, *scopes: str) -> Any:
    tokens = sandbox.issue_tokens(address, scopes or DEFAULT_SCOPES)
    credentials = Credentials(
        None,
        refresh_token=tokens.refresh_token,
        token_uri=f"{origin}/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    options = {"api_endpoint": origin}
    return build("gmail", "v1", static_discovery=True, credentials=credentials, client_options=options)

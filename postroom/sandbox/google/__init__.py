"""A stand-in for Google: sign-in and consent, the Gmail API, push by Pub/Sub, quotas, faults on demand.

All of Google's hosts are served from one origin, with the paths as at Google. What is known only from
recorded answers, or left open by the documentation, says so where it is decided.
"""

from ..faults import Fault
from .accounts import Account, Client, ServiceAccount
from .mailbox import Mailbox, StoredMessage
from .push import Subscription
from .sandbox import GoogleSandbox, Settings
from .scopes import GMAIL_METADATA, GMAIL_MODIFY, GMAIL_READONLY, MAIL

__all__ = [
    "GMAIL_METADATA",
    "GMAIL_MODIFY",
    "GMAIL_READONLY",
    "MAIL",
    "Account",
    "Client",
    "Fault",
    "GoogleSandbox",
    "Mailbox",
    "ServiceAccount",
    "Settings",
    "StoredMessage",
    "Subscription",
]

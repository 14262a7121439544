"""A stand-in for Microsoft: Entra's sign-in and consent, Graph's mail API, change notifications, throttling.

``login.microsoftonline.com`` and ``graph.microsoft.com`` are served from one origin, with the paths as at
Microsoft. What the documentation leaves open, or contradicts, says so where it is decided.
"""

from ..faults import Fault
from .accounts import PERSONAL_TENANT, Account, App, tenant_of
from .mailbox import FOLDERS, Item, Mailbox
from .quota import Limits
from .sandbox import MicrosoftSandbox, Settings
from .subscriptions import Subscription

__all__ = [
    "FOLDERS",
    "PERSONAL_TENANT",
    "Account",
    "App",
    "Fault",
    "Item",
    "Limits",
    "Mailbox",
    "MicrosoftSandbox",
    "Settings",
    "Subscription",
    "tenant_of",
]

"""Every mail provider there is, by the name that is stored with its mailboxes.

To add one: a folder with a ``provider.py`` as the others have it, its line here, and its label in
``connector.models.Provider``.
"""

from collections.abc import Mapping

from postroom.providers.base import MailProvider
from postroom.providers.gmail.provider import Gmail
from postroom.providers.outlook.provider import Outlook

PROVIDERS: Mapping[str, MailProvider] = {"gmail": Gmail(), "outlook": Outlook()}

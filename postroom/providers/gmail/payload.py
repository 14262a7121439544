"""Gmail's ``format=full`` payload as a ``Message``.

Source: "Method: users.messages.get" and "REST Resource: users.messages" of the Gmail API reference.
"""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

from postroom.errors import MessageError
from postroom.mail.assemble import Leaf, assemble
from postroom.mail.message import Message

Json = dict[str, object]

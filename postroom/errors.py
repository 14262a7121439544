"""The family of things that can go wrong, each a sentence a person can act on.

Raised where the fault is known, handled in one place (the sync pass), and shown to people as
``str(error)``: the given detail, or else the class's own docstring.
"""

from typing import ClassVar


class PostroomError(Exception):
    """Something went wrong in Postroom."""

    code: ClassVar[str] = "error"

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").strip()


class Misconfigured(PostroomError):
    """Postroom is not set up correctly."""

    code = "misconfigured"


class MessageError(PostroomError):
    """This mail cannot be read; it was set aside."""

    code = "unreadable"


class ProviderError(PostroomError):
    """The mail provider gave an answer that Postroom cannot use."""

    code = "provider"


class AuthorizationLost(ProviderError):
    """The mailbox no longer accepts Postroom's authorisation; reconnect it."""

    code = "authorization_lost"


class AccountRefused(ProviderError):
    """This mailbox cannot be connected."""

    code = "account_refused"


class CursorExpired(ProviderError):
    """The provider no longer knows the point the sync had reached."""

    code = "cursor_expired"


class Throttled(ProviderError):
    """The provider asks Postroom to slow down."""

    code = "throttled"

    def __init__(self, detail: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(*([detail] if detail else []))
        self.retry_after = retry_after
        """Seconds to wait before the next request."""


class Unavailable(ProviderError):
    """The mail provider cannot be reached at the moment."""

    code = "unavailable"


class NotRevocable(ProviderError):
    """The provider lets no app give a permission back."""

    code = "not_revocable"


class MessageGone(ProviderError):
    """The mail was deleted before it could be read."""

    code = "gone"

"""Who exists at this Google: people with mailboxes, and the applications that may ask for access."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


@dataclass(slots=True)
class Account:
    """A Google account. A Workspace account has its domain as ``hd``; a personal one has none."""

    address: str
    name: str
    sub: str
    """The account's immutable number, 21 digits."""
    hd: str = ""
    aliases: tuple[str, ...] = ()
    """Further send-as addresses; mail to them arrives here too."""
    pending_aliases: tuple[str, ...] = ()
    """Send-as addresses that this person entered and nobody has verified."""
    suspended: bool = False
    """The Workspace administrator has suspended this person."""
    blocked_by_admin: bool = False
    """The Workspace administrator forbids third-party access (``admin_policy_enforced``)."""

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.address, *self.aliases)


@dataclass(slots=True)
class Client:
    """An OAuth client of type "Web application", as registered in the Google Cloud console."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]
    name: str = "Postroom"
    project: str = ""
    """Its Cloud project; when given, topics to watch must be of that project."""
    internal_to: str = ""
    """User type Internal: only accounts of this Workspace domain may consent (``org_internal``)."""
    testing: bool = False
    """Publishing status Testing: refresh tokens expire after 7 days."""
    consents: dict[str, frozenset[str]] = field(default_factory=dict)
    """Address to the scopes granted so far."""


@dataclass(slots=True)
class ServiceAccount:
    """An account of a Cloud project; let into a Workspace, it acts for that Workspace's people."""

    email: str
    client: Client
    """Under whose id, a number, the admin console of a Workspace names it."""
    keys: dict[str, RSAPublicKey] = field(default_factory=dict)
    """By key id."""
    disabled: bool = False
    delegations: dict[str, frozenset[str]] = field(default_factory=dict)
    """Domain of a Workspace to the scopes that its super administrator entered for the client id."""

    @property
    def client_id(self) -> str:
        return self.client.client_id

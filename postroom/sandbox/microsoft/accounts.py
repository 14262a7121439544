"""Who exists at this Microsoft: people with mailboxes, and the applications registered in Entra.

Sources: "ID token claims reference" (tid of personal accounts), "user resource type" (mail,
userPrincipalName, proxyAddresses), "Limiting application permissions to specific Exchange Online
mailboxes" of Microsoft's documentation.
"""

from dataclasses import dataclass, field
from uuid import NAMESPACE_DNS, uuid5

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal Microsoft accounts."""


def tenant_of(domain: str) -> str:
    """The id of the organisation that owns ``domain``; the same for ever."""
    return str(uuid5(NAMESPACE_DNS, f"tenant.{domain.lower()}"))


@dataclass(slots=True)
class Account:
    """A work account of some tenant, or a personal one."""

    address: str
    """Primary SMTP address (``mail``)."""
    name: str
    oid: str
    """The account's immutable id in its tenant."""
    tid: str
    upn: str = ""
    """User principal name: what the person signs in with; it need not be an address of theirs."""
    aliases: tuple[str, ...] = ()
    """Further addresses (``smtp:`` in ``proxyAddresses``)."""
    legacy_dn: str = ""
    """X.500 name; when given, mail inside the organisation shows it in place of the SMTP address."""
    licensed: bool = True
    """Whether there is a mailbox in Exchange Online."""
    admin: bool = False
    """May consent for the whole tenant."""
    trouble: int = 0
    """The AADSTS code that a refresh is answered with; 0 for none."""
    blocked_before: float = 0.0
    """Access tokens issued before this moment are challenged (continuous access evaluation)."""

    @property
    def is_personal(self) -> bool:
        return self.tid == PERSONAL_TENANT

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.address, *self.aliases)

    def is_called(self, name: str) -> bool:
        """Whether ``name`` is its object id, sign-in name or one of its addresses."""
        wanted = name.lower()
        return wanted in (self.oid, self.upn.lower(), *self.addresses)


@dataclass(slots=True)
class App:
    """A registered application of type "Web"."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]
    name: str = "Postroom"
    secret_expired: bool = False
    disabled: bool = False
    single_tenant: str = ""
    """Tenant id; when given, others do not know the application (AADSTS700016)."""
    needs_admin: bool = False
    """The tenants let no user consent for themselves (AADSTS90094)."""
    application_permissions: frozenset[str] = frozenset({"Mail.Read", "User.Read.All"})
    """What an administrator's consent gives to the application itself."""
    allowed_mailboxes: frozenset[str] | None = None
    """Application access policy: addresses that the application may open by itself; None for all."""
    scoped_mailboxes: frozenset[str] | None = None
    """Role Based Access Control for Applications: addresses of the scope for which Exchange gives it the role
    "Application Mail.Read"; None where there is no such role. What Entra gives counts for all besides."""
    consents: dict[str, frozenset[str]] = field(default_factory=dict)
    """Object id of a person to the scopes granted so far."""
    admin_consents: set[str] = field(default_factory=set)
    """Tenants whose administrator consented."""

"""Where Microsoft's services are; one origin can stand in for all of them."""

from dataclasses import dataclass
from urllib.parse import quote

LOGIN = "https://login.microsoftonline.com"
GRAPH = "https://graph.microsoft.com"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses as in "Microsoft identity platform endpoints" and "Use the Microsoft Graph API".

    ``tenant``: ``organizations`` takes work accounts of any organisation and no personal ones; an
    organisation's id or domain takes its own only.
    """

    login: str = LOGIN
    graph: str = GRAPH
    tenant: str = "organizations"

    @classmethod
    def at(cls, origin: str, tenant: str = "organizations") -> "Endpoints":
        """All services at ``origin``; "" means Microsoft itself."""
        return cls(origin or LOGIN, origin or GRAPH, tenant)

    @property
    def authorize(self) -> str:
        return f"{self._authority}/oauth2/v2.0/authorize"

    @property
    def token(self) -> str:
        return f"{self._authority}/oauth2/v2.0/token"

    @property
    def keys(self) -> str:
        return f"{self._authority}/discovery/v2.0/keys"

    @property
    def admin_consent(self) -> str:
        return f"{self._authority}/v2.0/adminconsent"

    def issuers(self, tid: str) -> tuple[str, ...]:
        """What ``iss`` of an id token may be, for an account of the tenant ``tid``."""
        return tuple({f"{LOGIN}/{tid}/v2.0", f"{self.login}/{tid}/v2.0"})

    @property
    def _authority(self) -> str:
        return f"{self.login}/{quote(self.tenant, safe='')}"

"""Where Google's services are; one origin can stand in for all of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoints:
    """URLs as in the "OpenID Connect" and "Gmail API: REST" reference pages."""

    authorize: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"
    revoke: str = "https://oauth2.googleapis.com/revoke"
    certs: str = "https://www.googleapis.com/oauth2/v3/certs"
    api: str = "https://gmail.googleapis.com"
    issuers: tuple[str, ...] = ("https://accounts.google.com", "accounts.google.com")

    @classmethod
    def at(cls, origin: str) -> "Endpoints":
        """All services at ``origin``; "" means Google itself."""
        if not origin:
            return cls()
        return cls(
            authorize=f"{origin}/o/oauth2/v2/auth",
            token=f"{origin}/token",
            revoke=f"{origin}/revoke",
            certs=f"{origin}/oauth2/v3/certs",
            api=origin,
            issuers=("https://accounts.google.com", "accounts.google.com", origin),
        )

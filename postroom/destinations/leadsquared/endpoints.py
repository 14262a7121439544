"""Where LeadSquared's services are, by the region of the customer's account; one origin can be all."""

from dataclasses import dataclass

REGIONS = frozenset({"", "in21", "in22", "us11", "ir31", "ca12"})
"""What stands in the host's name ("Authenticate a User"); the pages name the places."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Origins with no trailing slash."""

    api: str
    files: str
    """Where attachments are uploaded to ("Upload a File")."""

    @classmethod
    def of(cls, region: str, origin: str = "") -> "Endpoints":
        """Those of a region, or ``origin`` for all of them where one is given."""
        if origin:
            return cls(origin, origin)
        mark = f"-{region}" if region else ""
        return cls(f"https://api{mark}.leadsquared.com", f"https://files{mark}.leadsquared.com")

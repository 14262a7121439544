"""Where LeadSquared's services are, by the region of the customer's account; one origin can be all."""

from collections.abc import Mapping
from dataclasses import dataclass

REGIONS: Mapping[str, str] = {
    "": "Singapore",
    "in21": "India (Mumbai)",
    "in22": "India (Hyderabad)",
    "us11": "United States",
    "ir31": "Ireland",
    "ca12": "Canada",
}
"""What stands in the host's name, and where that is ("Authenticate a User")."""


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

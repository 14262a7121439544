"""The users of the account and their API keys.

Sources: "Get Users" (``StatusCode`` 0 is active, 1 is not), "Get a User by Email Address",
"Authentication": keys are one user's, and end with that user.
"""

from dataclasses import dataclass

ROLES = ("Administrator", "Sales_Manager", "Marketing_User", "Sales_User")


@dataclass(slots=True)
class User:
    """Someone of the account."""

    id: str
    email: str
    first_name: str
    last_name: str
    role: str = "Sales_User"
    active: bool = True

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def as_json(self) -> dict[str, object]:
        """As "Get Users" lists them."""
        return {
            "ID": self.id,
            "FirstName": self.first_name,
            "LastName": self.last_name,
            "EmailAddress": self.email,
            "Role": self.role,
            "StatusCode": 0 if self.active else 1,
            "MemberOfGroups": [],
            "Tag": None,
            "IsPhoneCallAgent": False,
        }


@dataclass(slots=True)
class Key:
    """A pair of keys, which acts as its user."""

    access: str
    secret: str
    user: User
    revoked: bool = False

    def opens(self, secret: str) -> bool:
        return self.secret == secret and self.user.active and not self.revoked

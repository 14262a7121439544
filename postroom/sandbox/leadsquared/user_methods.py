"""UserManagement.svc and Authentication.svc: who is in the account, and whose keys these are.

Sources: "Get Users", "Authenticate a User" (the hosts of the account's region are in its answer).
"""

from typing import Any

from .api import Call, Method


def every(call: Call) -> list[dict[str, object]]:
    return [user.as_json() for user in call.sandbox.users.values()]


def whose_keys(call: Call) -> dict[str, Any]:
    """The part of the documented answer that says who it is and where to call."""
    user = call.user
    return {
        "Id": user.id,
        "Name": user.name,
        "PassPhrase": user.email,
        "Role": user.role,
        "EmailAddress": user.email,
        "TimeZone": "Asia/Kolkata",
        "Type": "ApplicationUser",
        "OrgDisplayName": call.sandbox.settings.organisation,
        "OrgShortCode": "22824",
        "UserType": "Regular",
        "MobileServiceURLs": {"FileUploadURL": f"{call.origin}/File/Upload"},
        "LSQCommonServiceURLs": {"api": f"{call.origin}/v2/", "app": call.origin},
    }


METHODS = (
    Method("GET", "UserManagement.svc/Users.Get", every),
    Method("GET", "Authentication.svc/UserByAccessKey.Get", whose_keys),
)

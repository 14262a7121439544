"""UserManagement.svc and Authentication.svc: who is in the account, and whose keys these are.

Sources: "Get Users", "Get a User by Id", "Get a User by Email Address", "User Advanced Search",
"Authenticate a User" (the hosts of the account's region are in its answer). Of the search, the operators
eq, neq and lik are served. What its page leaves open is as integrations report: ``Users`` around the rows,
a status code in a string, at most 1000 a page, and a refusal of columns that there are not.
"""

from collections.abc import Callable, Mapping
from typing import Any

from . import attributes, errors, values
from .api import Call, Method
from .people import User

Json = dict[str, Any]
_MOST_IN_A_PAGE = 1000
_SEARCHED: Mapping[str, Callable[[User], str]] = {
    "UserId": lambda user: user.id,
    "FirstName": lambda user: user.first_name,
    "LastName": lambda user: user.last_name,
    "EmailAddress": lambda user: user.email,
    "Role": lambda user: user.role,
    "StatusCode": lambda user: "0" if user.active else "1",
}
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "neq": lambda value, wanted: value != wanted,
    "lik": lambda value, wanted: wanted in value,
}


def every(call: Call) -> list[Json]:
    return [user.as_json() for user in call.sandbox.users.values()]


def by_email(call: Call) -> list[Json]:
    """Nobody, and someone who is inactive, is an empty list."""
    wanted = call.asked("emailAddress", "getting user").lower()
    return [
        _details(call, user) for user in call.sandbox.users.values() if user.active and user.email == wanted
    ]


def by_id(call: Call) -> list[Json]:
    wanted = call.asked("userId", "getting user").lower()
    return [_details(call, user) for user in call.sandbox.users.values() if user.active and user.id == wanted]


def search(call: Call) -> Json:
    """The columns that were not asked for are null; "*" asks for all."""
    wanted = call.object()
    groups = wanted.get("GroupConditions") or []
    meets = _any_or_all(wanted.get("GroupOperator"), [_condition_group(group) for group in groups])
    columns = _columns(wanted)
    paging = wanted.get("Paging") or {}
    index = values.read_int(paging.get("PageIndex", 1), "PageIndex")
    size = values.read_int(paging.get("PageSize", _MOST_IN_A_PAGE), "PageSize")
    if not 1 <= size <= _MOST_IN_A_PAGE:
        raise errors.invalid_input("PageSize can't be greater than 1000")
    found = _sorted(wanted, [user for user in call.sandbox.users.values() if meets(user)])
    page = found[(index - 1) * size : index * size]
    rows = [{n: get(user) if n in columns else None for n, get in _SEARCHED.items()} for user in page]
    return {"RecordCount": len(found), "Users": rows}


def whose_keys(call: Call) -> Json:
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


def _details(call: Call, user: User) -> Json:
    return {
        "UserId": user.id,
        "FirstName": user.first_name,
        "LastName": user.last_name,
        "EmailAddress": user.email,
        "AssociatedPhoneNumbers": "",
        "DateFormat": "mm/dd/yy",
        "TimeZone": "Asia/Kolkata",
        "Role": user.role,
        "IsPhoneCallAgent": False,
        "OrgId": 22824,
        "CompanyName": call.sandbox.settings.organisation,
        "UserType": 0,
        "ManagerUserId": None,
        "ManagerName": None,
        "Groups": [],
        "TeamId": None,
        "TeamName": None,
    }


def _columns(wanted: Json) -> set[str]:
    asked = attributes.as_text((wanted.get("Columns") or {}).get("Include_CSV"), "Include_CSV")
    names = {name.strip().lower() for name in asked.split(",") if name.strip()}
    known = {name.lower(): name for name in _SEARCHED}
    if "*" in names:
        return set(_SEARCHED)
    if not names <= known.keys():
        raise errors.invalid_input("User search has some invalid Attributes")
    return {known[name] for name in names}


def _sorted(wanted: Json, found: list[User]) -> list[User]:
    for each in reversed(wanted.get("Sorting") or []):
        get = _searched(each.get("ColumnName"))
        found = sorted(found, key=get, reverse=str(each.get("Direction")) == "1")
    return found


def _condition_group(group: Json) -> Callable[[User], bool]:
    conditions = group.get("Condition") or []
    operator = next((each.get("ConditionOperator") for each in conditions), None)
    return _any_or_all(operator, [_condition(each) for each in conditions])


def _condition(each: Json) -> Callable[[User], bool]:
    get, test = _searched(each.get("LookupName")), _OPERATORS.get(str(each.get("Operator")).lower())
    if test is None:
        raise errors.invalid_value("Operator", "not an operator")
    looked = attributes.as_text(each.get("LookupValue"), "LookupValue").lower()
    return lambda user: test(get(user).lower(), looked)


def _any_or_all(operator: object, tests: list[Callable[[User], bool]]) -> Callable[[User], bool]:
    some = any if str(operator).upper() == "OR" else all
    return lambda user: some(test(user) for test in tests)


def _searched(name: object) -> Callable[[User], str]:
    found = next((get for known, get in _SEARCHED.items() if known.lower() == str(name).lower()), None)
    if found is None:
        raise errors.invalid_input("User search has some invalid Attributes")
    return found


METHODS = (
    Method("GET", "UserManagement.svc/Users.Get", every),
    Method("GET", "UserManagement.svc/User/Retrieve/ByEmailAddress", by_email),
    Method("GET", "UserManagement.svc/User/Retrieve/ByUserId", by_id),
    Method("POST", "UserManagement.svc/User/AdvancedSearch", search),
    Method("GET", "Authentication.svc/UserByAccessKey.Get", whose_keys),
)

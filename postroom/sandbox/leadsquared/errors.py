"""LeadSquared's refusals.

Source: "Error Handling": 401, 400, 404 and 500, and the body ``Status``, ``ExceptionType``,
``ExceptionMessage``; the pages of single calls add 429 with "API calls exceeded the limit of 25 in 5
second(s)". There, whatever is wrong with a request's meaning is a 500. Only one name is documented,
``MXMandatoryAttributeMissingException``; the others are those that public integrations quote from the
service. Where none is known, the docstring says "chosen". Integrations report that an error comes with the
status 200 at times: a fault with that status does so.
"""


class LsqError(Exception):
    """LeadSquared refused this request."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status = status
        self.kind = kind
        self.message = message
        super().__init__(message)

    def body(self) -> dict[str, object]:
        return {"Status": "Error", "ExceptionType": self.kind, "ExceptionMessage": self.message}


def bad_keys() -> LsqError:
    return LsqError(401, "MXInvalidAccessDetailsException", "Invalid Access Details provided.")


def wrong_host(host: str) -> LsqError:
    """ "API Host": a call to another region's host is a 401 that names the right one. Words chosen."""
    return LsqError(401, "MXInvalidAccessDetailsException", f"Use the API host of your account: {host}")


def unreadable_body() -> LsqError:
    """The name is chosen."""
    return LsqError(400, "MXInvalidInputException", "The request body is not valid JSON.")


def ill_formed(message: str) -> LsqError:
    """A body of another structure than documented; the name is chosen."""
    return LsqError(400, "MXInvalidInputException", message)


def too_many(limit: int, seconds: int, status: int = 429) -> LsqError:
    """The message is documented, the name chosen. Some integrations met 403 instead."""
    message = f"API calls exceeded the limit of {limit} in {seconds} second(s)"
    return LsqError(status, "MXAPICallsExceededException", message)


def missing(name: str, purpose: str) -> LsqError:
    message = f"'{name}' is mandatory for {purpose}"
    return LsqError(500, "MXMandatoryAttributeMissingException", message)


def duplicate(field: str) -> LsqError:
    return LsqError(500, "MXDuplicateEntryException", f"A Lead with same {field} already exists.")


def duplicate_type(name: str) -> LsqError:
    """Chosen."""
    message = f"An activity type with the name {name} already exists."
    return LsqError(500, "MXDuplicateEntryException", message)


def no_lead() -> LsqError:
    return LsqError(500, "MXInvalidEntityException", "Lead does not exist in the system")


def no_user(email: str) -> LsqError:
    """Chosen."""
    return LsqError(500, "MXInvalidEntityReferenceException", f"User does not exist in the system: {email}")


def no_activity() -> LsqError:
    return LsqError(500, "MXUnknownProspectActivityException", "Activity does not exist.")


def no_activity_type(code: object) -> LsqError:
    """The name is that for an activity which does not exist; the words are chosen."""
    message = f"Activity type {code} does not exist."
    return LsqError(500, "MXUnknownProspectActivityException", message)


def unknown_attributes(names: list[str]) -> LsqError:
    message = f"Attribute(s) does not exist - {', '.join(names)}."
    return LsqError(500, "MXUnknownAttributeException", message)


def invalid_value(field: str, reason: str) -> LsqError:
    """The words are chosen."""
    return LsqError(500, "MXInvalidInputException", f"Invalid value for {field}: {reason}.")


def invalid_input(message: str) -> LsqError:
    return LsqError(500, "MXInvalidInputException", message)


def too_large_page(most: int) -> LsqError:
    return LsqError(500, "MXMandatoryFieldMissingException", f"Page size can not be larger than {most}.")


def too_many_items(most: int) -> LsqError:
    """The limits are documented (25 or 50 a call), what answers beyond them is chosen."""
    return LsqError(500, "MXInvalidInputException", f"Only {most} records are allowed in a call.")


def not_enabled(what: str) -> LsqError:
    """ "Delete a Lead": does not work until the support enables it; the words are chosen."""
    return LsqError(500, "MXFeatureNotEnabledException", f"{what} is not enabled for your account.")


def by_name(status: int, kind: str = "", message: str = "") -> LsqError:
    """Any error, for faults on demand."""
    return LsqError(status, kind or "MXException", message or "There was an error processing the request.")

"""The audit trail: who changed what, and how it was before (R-046)."""

from collections.abc import Iterator, Mapping
from typing import cast

from postroom.connector.models import AuditArea, AuditEntry
from postroom.organisations.models import Account, User

Data = Mapping[str, object]


def record(
    account: Account,
    by: User | None,
    area: AuditArea,
    said: str,
    *,
    before: Data | None = None,
    after: Data | None = None,
    about: User | None = None,
) -> AuditEntry:
    """Add a row; in the caller's transaction, so that it stands exactly where the change does.

    ``by`` is None where Postroom itself acts; ``about`` is whose mailbox or settings they are.
    """
    return AuditEntry.objects.create(
        account=account,
        by=by,
        by_name=(by.name or by.email) if by else "Postroom",
        area=area,
        about=about,
        said=said,
        before=dict(before or {}),
        after=dict(after or {}),
    )


def differences(before: Data, after: Data) -> Iterator[tuple[str, object, object]]:
    """(setting, before, after) for each value that differs; "inbound.excluded" names a nested one."""
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if (
            isinstance(old or new, Mapping)
            and isinstance(old or {}, Mapping)
            and isinstance(new or {}, Mapping)
        ):
            for inner, was, became in differences(cast("Data", old or {}), cast("Data", new or {})):
                yield f"{key}.{inner}", was, became
        elif old != new:
            yield key, old, new

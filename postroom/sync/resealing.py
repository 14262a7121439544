"""Sealing every stored secret anew with the newest key, so that older keys can be thrown away."""

from collections.abc import Iterator

from django.db import models, transaction

from postroom.connector.models import Grant, OAuthApp, OrganisationAccess
from postroom.connector.secrets import sealer
from postroom.destinations.models import Destination

SEALED: tuple[tuple[type[models.Model], str], ...] = (
    (Grant, "sealed"),
    (OAuthApp, "sealed_secret"),
    (OrganisationAccess, "sealed_key"),
    (Destination, "sealed_secrets"),
)
"""Every column that holds what the sealer made."""
BATCH = 200
"""Rows that are held in one transaction."""


def reseal_all() -> int:
    """Seal all secrets with the newest key; returns how many there are. Does no harm when repeated.

    Raises ``Misconfigured`` where one cannot be opened with the present keys.
    """
    return sum(_reseal(model, column, ids) for model, column in SEALED for ids in _batches(model, column))


def sealed_values() -> Iterator[bytes]:
    """All of them, as they are stored."""
    for model, column in SEALED:
        filled = model._default_manager.exclude(**{column: b""})
        yield from map(bytes, filled.order_by("pk").values_list(column, flat=True).iterator(BATCH))


def _batches(model: type[models.Model], column: str) -> Iterator[list[int]]:
    filled = model._default_manager.exclude(**{column: b""}).order_by("pk")
    ids = list(filled.values_list("pk", flat=True))
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


@transaction.atomic
def _reseal(model: type[models.Model], column: str, ids: list[int]) -> int:
    """The rows are held meanwhile, for a grant may be renewed at any moment."""
    filled = model._default_manager.filter(pk__in=ids).exclude(**{column: b""})
    rows = list(filled.select_for_update().order_by("pk"))
    for row in rows:
        setattr(row, column, sealer().reseal(getattr(row, column)))
    model._default_manager.bulk_update(rows, [column])
    return len(rows)

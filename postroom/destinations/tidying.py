"""What is not needed any more: deliveries of long ago, destinations that were removed, ids of the gone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from postroom.crm.models import Activity
from postroom.destinations.models import (
    TO_DO,
    Delivery,
    DeliveryAttempt,
    Destination,
    RemoteActivity,
    RemoteLead,
)

KEPT = timedelta(days=90)
BATCH = 5000
"""Rows deleted in one statement."""


def tidy(now: datetime) -> None:
    """Do all of it, in steps that each stand by themselves."""
    before = now - KEPT
    _all(lambda: DeliveryAttempt.objects.filter(at__lt=before))
    _all(lambda: Delivery.objects.filter(created_at__lt=before).exclude(state__in=TO_DO))
    _all(_orphans)
    for destination in Destination.objects.filter(removed_at__isnull=False):
        _remove(destination)


def _orphans() -> QuerySet[RemoteActivity]:
    """Of activities that are gone, and of which nothing is left to tell."""
    there = Activity.objects.filter(account=OuterRef("account"), pk=OuterRef("activity_id"))
    to_tell = Delivery.objects.filter(
        account=OuterRef("account"), subject_id=OuterRef("activity_id"), state__in=TO_DO
    )
    return RemoteActivity.objects.filter(~Exists(there), ~Exists(to_tell))


def _remove(destination: Destination) -> None:
    mine = {"account_id": destination.account_id, "destination_id": destination.pk}
    attempts = {"account_id": destination.account_id, "delivery__destination_id": destination.pk}
    _all(lambda: DeliveryAttempt.objects.filter(**attempts))
    for model in (Delivery, RemoteActivity, RemoteLead):
        _all(lambda model=model: model.objects.filter(**mine))
    # Not by the ORM, which looks for rows of the destination alone, whatever their account.
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from destinations_destination where account_id = %s and id = %s", list(mine.values())
        )


def _all(rows: Callable[[], "QuerySet[Any]"]) -> None:
    """Delete the rows, a batch at a time."""
    while ids := list(rows().order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows().model.objects.filter(pk__in=ids).delete()

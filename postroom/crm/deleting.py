"""Deleting leads and stored mail for good. What is deleted here cannot be brought back.

Rows are taken in the order in which a commit of the sync takes them, messages before leads, so that
neither waits for the other in a circle.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Subquery

from postroom.crm.giving_way import again_if_broken_off
from postroom.crm.models import Activity, Attachment, Lead, LeadMerge, StoredMessage
from postroom.crm.retention import doom
from postroom.errors import PostroomError


class LeadGone(PostroomError):
    """This lead was deleted or merged in the meantime."""

    code = "lead_gone"


@dataclass(frozen=True, slots=True)
class Deleted:
    """What went with a lead."""

    activities: int
    mails: int
    """Stored mails that were on no other lead."""


def delete_lead(lead: Lead) -> Deleted:
    """Delete the lead, its activities, and the mails that are on no other lead. Raises ``LeadGone``."""
    return again_if_broken_off(lambda: _delete_lead(lead))


@transaction.atomic
def _delete_lead(lead: Lead) -> Deleted:
    messages = hold_messages(lead.account_id, [lead.pk])
    held = Lead.objects.filter(account_id=lead.account_id, pk=lead.pk).select_for_update().first()
    if held is None:
        raise LeadGone
    # What was posted between the two locks goes as well.
    posted = Activity.objects.filter(account_id=lead.account_id, lead=held)
    messages = sorted({*messages, *posted.values_list("message_id", flat=True)})
    forget_merges(lead.account_id, [lead.pk])
    held.delete()
    return Deleted(len(messages), delete_orphans(lead.account_id, messages))


def hold_messages(account_id: int, leads: Collection[int]) -> list[int]:
    """Lock the messages on these leads, and return their ids."""
    on_leads = Activity.objects.filter(account_id=account_id, lead__in=leads).values("message")
    found = StoredMessage.objects.filter(account_id=account_id, pk__in=on_leads).order_by("pk")
    return list(found.select_for_update().values_list("pk", flat=True))


def delete_orphans(account_id: int, messages: Collection[int]) -> int:
    """Delete those of the messages that are on no lead any more; returns how many."""
    kept = Activity.objects.filter(account_id=account_id, message=OuterRef("pk"))
    orphans = StoredMessage.objects.filter(~Exists(kept), account_id=account_id, pk__in=messages)
    return delete_messages(account_id, list(orphans.values_list("pk", flat=True)))


def delete_messages(account_id: int, messages: Collection[int]) -> int:
    """Delete messages with bodies, copies, activities and attachments; returns how many.

    The bytes of attachments that nothing names any more are doomed, see ``crm.retention``.
    """
    attachments = Attachment.objects.filter(account_id=account_id, message__in=messages).exclude(blob="")
    doom(account_id, list(attachments.values_list("blob", flat=True)))
    found = StoredMessage.objects.filter(account_id=account_id, pk__in=messages)
    return found.delete()[1].get(StoredMessage._meta.label, 0)


def forget_merges(account_id: int, leads: Collection[int]) -> None:
    """Forget what was merged into these leads, directly or by way of others; their addresses go too."""
    waiting = list(leads)
    while waiting:
        merges = LeadMerge.objects.filter(account_id=account_id, kept_id__in=waiting)
        waiting = list(merges.values_list("gone_id", flat=True))
        merges.delete()


def note_newest(account_id: int, leads: Collection[int]) -> None:
    """Set ``last_activity_at`` from the activities that are there; locks the leads in order of id."""
    newest = (
        Activity.objects.filter(account_id=account_id, lead=OuterRef("pk"))
        .order_by()
        .values("lead")
        .annotate(newest=Max("happened_at"))
        .values("newest")
    )
    found = Lead.objects.filter(account_id=account_id, pk__in=leads)
    held = list(found.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    found.filter(pk__in=held).update(last_activity_at=Subquery(newest))

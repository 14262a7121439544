"""Merging two leads, and undoing it for thirty days (R-083).

The lead that goes is deleted as a row: a commit of the sync that judged mail for it finds it gone and
judges again, and its addresses then lead to the lead that stayed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from postroom.connector.audit import record
from postroom.connector.models import AuditArea, JournalEntry
from postroom.crm.deleting import LeadGone, hold_messages, note_newest
from postroom.crm.fields import set_values
from postroom.crm.giving_way import again_if_broken_off
from postroom.crm.models import (
    Activity,
    Lead,
    LeadAddress,
    LeadField,
    LeadMerge,
    LeadSource,
    StoredMessage,
)
from postroom.errors import PostroomError
from postroom.mail.addresses import make_address
from postroom.organisations.models import User

UNDO = timedelta(days=30)
STANDARD = ("first_name", "last_name", "email", "company", "phone", "source", "owner")
"""Fields that every lead has, and of which either value can stay."""


class MergeRefused(PostroomError):
    """These leads cannot be merged."""

    code = "merge_refused"


class UndoRefused(PostroomError):
    """This merge cannot be undone any more."""

    code = "undo_refused"


def merge(kept: Lead, gone: Lead, taken: Collection[str], by: User) -> LeadMerge:
    """Make ``gone`` a part of ``kept``; ``taken`` names the fields whose value comes from ``gone``.

    Raises ``LeadGone`` where one is not there any more, and ``MergeRefused``.
    """
    if kept.pk == gone.pk or kept.account_id != gone.account_id:
        raise MergeRefused("Choose two different leads.")
    return again_if_broken_off(lambda: _merge(kept, gone, taken, by))


def undo(merge: LeadMerge, by: User) -> Lead:
    """Bring the lead back with its fields, addresses and activities. Raises ``UndoRefused``.

    Mail that came in the meantime goes to whom its address belongs. Values of the lead that stayed are set
    back unless they were edited since.
    """
    try:
        return again_if_broken_off(lambda: _undo(merge.account_id, merge.pk, by))
    except IntegrityError as error:
        raise UndoRefused("An address of these leads belongs to another lead by now.") from error


def can_undo(merge: LeadMerge, now: datetime) -> bool:
    return merge.before is not None and merge.merged_at > now - UNDO


def forget_undo(now: datetime) -> int:
    """Drop what old merges hold of the leads they were made of; returns of how many."""
    old = LeadMerge.objects.filter(merged_at__lte=now - UNDO, before__isnull=False)
    return old.update(before=None, moved=[], doubled=[], journal=[])


def lead_after_merges(account_id: int, pk: int) -> int:
    """The lead that a merged one became part of, by way of further merges; the id itself for others."""
    seen: set[int] = set()
    while pk not in seen:
        seen.add(pk)
        kept = LeadMerge.objects.filter(account_id=account_id, gone_id=pk).values_list("kept_id", flat=True)
        pk = kept.first() or pk
    return pk


@transaction.atomic
def _merge(kept: Lead, gone: Lead, taken: Collection[str], by: User) -> LeadMerge:
    kept, gone = _hold(kept.account_id, kept.pk, gone.pk)
    before = {"kept": _data(kept), "gone": _data(gone)}
    done = LeadMerge(
        account_id=kept.account_id, kept_id=kept.pk, gone_id=gone.pk, by=by, by_name=by.name or by.email
    )
    done.moved, done.doubled = _move_activities(kept, gone)
    done.journal = _move_journal(kept, gone)
    done.save()
    _addresses(gone).exclude(merge=None).update(lead=kept)
    gone.delete()
    _take_over(kept, before["gone"], taken)
    done.before = before | {"after": _data(kept)}
    done.save(update_fields=["before"])
    _keep_addresses(done, kept)
    note_newest(kept.account_id, [kept.pk])
    record(kept.account, by, AuditArea.LEADS, f"Merged lead {done.gone_id} into lead {kept.pk}.")
    return done


def _hold(account_id: int, kept: int, gone: int) -> tuple[Lead, Lead]:
    """Lock their messages, then both, in order of id as a commit of the sync does. Raises ``LeadGone``."""
    hold_messages(account_id, [kept, gone])
    found = Lead.objects.filter(account_id=account_id, pk__in=[kept, gone]).order_by("pk")
    leads = {lead.pk: lead for lead in found.select_for_update()}
    if len(leads) < 2:
        raise LeadGone
    return leads[kept], leads[gone]


def _move_activities(kept: Lead, gone: Lead) -> tuple[list[int], list[int]]:
    """The ids of messages that went over, and of those that were on both leads (R-005)."""
    theirs = Activity.objects.filter(account_id=gone.account_id, lead=gone)
    ours = Activity.objects.filter(account_id=kept.account_id, lead=kept).values("message")
    doubled = list(theirs.filter(message__in=ours).values_list("message_id", flat=True))
    moved = list(theirs.exclude(message__in=doubled).values_list("message_id", flat=True))
    theirs.filter(message__in=doubled).delete()
    theirs.update(lead=kept)
    return moved, doubled


def _move_journal(kept: Lead, gone: Lead) -> list[int]:
    rows = JournalEntry.objects.filter(account_id=gone.account_id, lead=gone)
    ids = list(rows.values_list("pk", flat=True))
    rows.update(lead=kept)
    return ids


def _take_over(kept: Lead, theirs: Mapping[str, Any], taken: Collection[str]) -> None:
    """Give the lead that stays the chosen values of the other."""
    _set(kept, {name: theirs[name] for name in STANDARD if name in taken})
    own = LeadField.objects.filter(account_id=kept.account_id, name__in=taken).values_list("name", flat=True)
    set_values(kept, {name: theirs["custom"].get(name) for name in own})


def _set(lead: Lead, values: Mapping[str, Any]) -> None:
    """Set standard fields to values as ``_data`` has them."""
    for name, value in values.items():
        setattr(lead, _COLUMNS.get(name, name), value)
    address = make_address(lead.email)
    lead.email_key = address.key if address else ""
    lead.save(update_fields=[*STANDARD, "email_key"])


_COLUMNS = {"source": "source_id", "owner": "owner_id"}


def _data(lead: Lead) -> dict[str, Any]:
    """A lead as JSON; source and owner by id."""
    return {
        **{name: getattr(lead, _COLUMNS.get(name, name)) for name in STANDARD},
        "custom": dict(lead.custom),
        "created_at": lead.created_at.isoformat(),
        "addresses": [list(pair) for pair in _own_addresses(lead)],
    }


def _addresses(lead: Lead) -> QuerySet[LeadAddress]:
    return LeadAddress.objects.filter(account_id=lead.account_id, lead=lead)


def _own_addresses(lead: Lead) -> list[tuple[str, str]]:
    """(field, key) of the addresses that are values of the lead's fields."""
    return list(_addresses(lead).filter(merge=None).order_by("field").values_list("field", "key"))


def _keep_addresses(merge: LeadMerge, kept: Lead) -> None:
    """Let every address that either lead had lead to the one that stayed."""
    before = merge.before or {}
    had = {(field, key) for which in ("kept", "gone") for field, key in before[which]["addresses"]}
    LeadAddress.objects.bulk_create(
        LeadAddress(account_id=kept.account_id, lead=kept, field=field, key=key, merge=merge)
        for field, key in sorted(had - set(_own_addresses(kept)))
    )


@transaction.atomic
def _undo(account_id: int, pk: int, by: User) -> Lead:
    merges = LeadMerge.objects.filter(account_id=account_id, pk=pk)
    kept_ids = list(merges.values_list("kept_id", flat=True))
    hold_messages(account_id, kept_ids)
    kept = Lead.objects.select_for_update().filter(account_id=account_id, pk__in=kept_ids).first()
    merge = merges.select_for_update().first()
    if merge is None or not can_undo(merge, datetime.now(UTC)) or merge.before is None:
        raise UndoRefused("This merge was undone already, or is older than 30 days.")
    if kept is None or kept.pk != merge.kept_id:
        raise UndoRefused("The lead that stayed was merged itself, or deleted. Undo that merge first.")
    came_since = _came_since(merge, kept)
    LeadAddress.objects.filter(account_id=account_id, merge=merge).delete()
    _set_back(kept, merge.before["kept"], merge.before["after"])
    gone = _bring_back(merge, merge.before["gone"])
    _move_back(merge, kept, gone, came_since)
    _return_addresses(merge, kept, gone)
    note_newest(account_id, [kept.pk, gone.pk])
    merge.delete()
    record(kept.account, by, AuditArea.LEADS, f"Undid the merge of lead {gone.pk} into lead {kept.pk}.")
    return gone


@dataclass(frozen=True, slots=True)
class _CameSince:
    """Mail that came after the merge by an address of the lead that went."""

    journal: list[int]
    alone: list[int]
    """Ids of messages that concern only that lead."""
    shared: list[int]
    """Ids of messages that concern both."""


def _came_since(merge: LeadMerge, kept: Lead) -> _CameSince:
    """Sort the mail posted since by who is on it: as stored, or as logged where the policy leaves it out."""
    keys = {key for _, key in (merge.before or {})["gone"]["addresses"]}
    rows = JournalEntry.objects.filter(
        account_id=kept.account_id, lead=kept, recorded_at__gt=merge.merged_at, message__isnull=False
    ).exclude(pk__in=merge.journal)
    logged = [
        (pk, message, _key(said)) for pk, message, said in rows.values_list("pk", "message", "counterpart")
    ]
    posted = Activity.objects.filter(
        account_id=kept.account_id, lead=kept, created_at__gt=merge.merged_at
    ).exclude(message__in=merge.moved)
    own = {key for _, key in (merge.before or {})["kept"]["addresses"]}
    theirs, ours = set[int](), set[int]()
    for message in StoredMessage.objects.filter(account_id=kept.account_id, pk__in=posted.values("message")):
        people = {_key(address) for address in message.people()}
        people |= {key for _, about, key in logged if about == message.pk}
        theirs |= {message.pk} if people & keys else set()
        ours |= {message.pk} if people & own or not people & keys else set()
    journal = [pk for pk, message, key in logged if key in keys and message in theirs]
    return _CameSince(journal, sorted(theirs - ours), sorted(theirs & ours))


def _key(address: str) -> str:
    made = make_address(address)
    return made.key if made else ""


def _set_back(kept: Lead, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Restore what the merge changed, unless somebody edited it since."""
    now = _data(kept)
    changed = {name for name in STANDARD if before[name] != after[name] == now[name]}
    _set(kept, _present(kept.account_id, {name: before[name] for name in changed}))
    fields = LeadField.objects.filter(account_id=kept.account_id).values_list("name", flat=True)
    own = {
        name: before["custom"].get(name)
        for name in fields
        if before["custom"].get(name) != after["custom"].get(name) == now["custom"].get(name)
    }
    set_values(kept, own)


def _present(account_id: int, values: dict[str, Any]) -> dict[str, Any]:
    """The values without a lead source or owner that is gone."""
    for name, there in (("source", LeadSource.objects), ("owner", User.objects)):
        if values.get(name) and not there.filter(account_id=account_id, pk=values[name]).exists():
            values[name] = None
    return values


def _bring_back(merge: LeadMerge, data: Mapping[str, Any]) -> Lead:
    """The lead as it was, under its old id."""
    fields = set(LeadField.objects.filter(account_id=merge.account_id).values_list("name", flat=True))
    gone = Lead(
        account_id=merge.account_id,
        pk=merge.gone_id,
        custom={name: value for name, value in data["custom"].items() if name in fields},
    )
    gone.save(force_insert=True)
    _set(gone, _present(merge.account_id, {name: data[name] for name in STANDARD}))
    Lead.objects.filter(pk=gone.pk).update(created_at=datetime.fromisoformat(data["created_at"]))
    LeadAddress.objects.bulk_create(
        LeadAddress(account_id=merge.account_id, lead=gone, field=field, key=key)
        for field, key in data["addresses"]
        if field in fields
    )
    return gone


def _move_back(merge: LeadMerge, kept: Lead, gone: Lead, since: _CameSince) -> None:
    ours = Activity.objects.filter(account_id=kept.account_id, lead=kept)
    ours.filter(message__in=[*merge.moved, *since.alone]).update(lead=gone)
    Activity.objects.bulk_create(
        Activity(
            account_id=kept.account_id,
            lead=gone,
            message_id=activity.message_id,
            kind=activity.kind,
            happened_at=activity.happened_at,
        )
        for activity in ours.filter(message__in=[*merge.doubled, *since.shared])
    )
    JournalEntry.objects.filter(account_id=kept.account_id, pk__in=[*merge.journal, *since.journal]).update(
        lead=gone
    )


def _return_addresses(merge: LeadMerge, kept: Lead, gone: Lead) -> None:
    """Addresses that the lead had from earlier merges of its own go back with it."""
    waiting, earlier = [gone.pk], list[int]()
    while waiting:
        into = LeadMerge.objects.filter(account_id=merge.account_id, kept_id__in=waiting)
        found = dict(into.values_list("pk", "gone_id"))
        earlier += found
        waiting = list(found.values())
    _addresses(kept).filter(merge__in=earlier).update(lead=gone)

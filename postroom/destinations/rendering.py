"""What a delivery carries, put together at the moment it is sent.

A thing that is gone by then is not sent. Of a mail there is what the policy captured (R-040), less the text
and the files where the destination's settings leave them out; HTML is made safe, and loads nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from postroom.crm.models import Activity, Attachment, Lead, LeadMerge, MessageBody, MessageCopy
from postroom.destinations.base import ActivityData, Event, FileData, LeadData, Parcel
from postroom.destinations.models import Delivery, Destination, RemoteActivity, RemoteLead
from postroom.mail.readable import html_to_text
from postroom.mail.safe_html import safe_html

_GONE = {
    Event.LEAD_CREATED: "The lead is not there any more.",
    Event.LEAD_UPDATED: "The lead is not there any more.",
    Event.LEAD_MERGED: "The merge was undone.",
    Event.LEAD_DELETED: "The lead is there again.",
    Event.ACTIVITY_CREATED: "The activity is not there any more.",
    Event.ACTIVITY_UPDATED: "The activity is not there any more.",
    Event.ACTIVITY_DELETED: "The activity is there again.",
}


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to send any more."""

    said: str


def parcels(destination: Destination, deliveries: Sequence[Delivery]) -> list[Parcel | Nothing]:
    """What each of the deliveries carries, in place; a dozen queries, however many they are."""
    things = _Things(destination, deliveries)
    return [things.parcel(delivery) for delivery in deliveries]


class _Things:
    """The leads and activities that some deliveries are about."""

    def __init__(self, destination: Destination, deliveries: Sequence[Delivery]) -> None:
        self._account = destination.account_id
        self._destination = destination
        about = {delivery.subject_id for delivery in deliveries if delivery.event.startswith("activity.")}
        rows = Activity.objects.filter(account_id=self._account, pk__in=about).select_related("message")
        activities = {activity.pk: activity for activity in rows}
        leads = {delivery.lead_id for delivery in deliveries} | {
            activity.lead_id for activity in activities.values()
        }
        gone = {delivery.subject_id for delivery in deliveries if delivery.event == Event.LEAD_MERGED}
        self._remote_leads = remote_leads(destination, leads | gone)
        self._leads = self._load_leads(leads)
        self._remote = dict(
            RemoteActivity.objects.filter(
                account_id=self._account, destination=destination, activity_id__in=about
            ).values_list("activity_id", "remote_id")
        )
        self._activities = self._load_activities(activities)
        self._lead_of = {activity.pk: activity.lead_id for activity in activities.values()}
        merges = LeadMerge.objects.filter(account_id=self._account, gone_id__in=gone)
        self._merged = set(merges.values_list("gone_id", flat=True))

    def parcel(self, delivery: Delivery) -> Parcel | Nothing:
        """As the event has it: the lead or activity, or the ids of what went."""
        event, subject = Event(delivery.event), delivery.subject_id
        activity = self._activities.get(subject) if event.value.startswith("activity.") else None
        on = self._lead_of.get(subject) if activity else None
        lead = self._leads.get(on or delivery.lead_id)
        if not self._is_due(event, subject, lead, activity):
            return Nothing(_GONE[event])
        return Parcel(
            key=str(delivery.key),
            event=event,
            at=delivery.created_at,
            lead=lead,
            activity=None if event is Event.ACTIVITY_DELETED else activity,
            gone=self._gone(delivery),
            maybe_sent=delivery.is_maybe_sent,
        )

    def _is_due(
        self, event: Event, subject: int, lead: LeadData | None, activity: ActivityData | None
    ) -> bool:
        """Whether what the delivery tells is still so."""
        match event:
            case Event.LEAD_CREATED | Event.LEAD_UPDATED:
                return lead is not None
            case Event.LEAD_DELETED:
                return lead is None
            case Event.LEAD_MERGED:
                return subject in self._merged
            case Event.ACTIVITY_CREATED | Event.ACTIVITY_UPDATED:
                return activity is not None
            case Event.ACTIVITY_DELETED:
                return activity is None

    def _gone(self, delivery: Delivery) -> Mapping[str, str]:
        """The ids of what went, with what the destination calls them."""
        if not delivery.gone:
            return {}
        went = {name: str(value) for name, value in delivery.gone.items()}
        for name in ("lead_id", "into_lead_id"):
            if name in went:
                went[f"remote_{name}"] = self._remote_leads.get(int(went[name]), "")
        if "activity_id" in went:
            went["remote_activity_id"] = self._remote.get(delivery.subject_id, "")
        return went

    def _load_leads(self, ids: Iterable[int]) -> dict[int, LeadData]:
        rows = Lead.objects.filter(account_id=self._account, pk__in=ids).select_related("source", "owner")
        return {lead.pk: _lead(lead, self._remote_leads.get(lead.pk, "")) for lead in rows}

    def _load_activities(self, activities: Mapping[int, Activity]) -> dict[int, ActivityData]:
        messages = {activity.message_id for activity in activities.values()}
        reps = self._reps(messages)
        bodies = self._bodies(messages) if self._destination.settings.get("body", True) else {}
        files = self._files(messages) if self._destination.settings.get("attachments", True) else {}
        return {
            pk: _activity(
                activity,
                reps.get(activity.message_id, ()),
                bodies.get(activity.message_id, ("", "")),
                files.get(activity.message_id, ()),
                self._remote.get(pk, ""),
            )
            for pk, activity in activities.items()
        }

    def _reps(self, messages: Iterable[int]) -> dict[int, tuple[str, ...]]:
        rows = (
            MessageCopy.objects.filter(account_id=self._account, message_id__in=messages)
            .order_by("-sent", "pk")
            .values_list("message_id", "user__email")
        )
        found: dict[int, tuple[str, ...]] = {}
        for message, email in rows:
            found[message] = (*found.get(message, ()), email)
        return found

    def _bodies(self, messages: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Text and safe HTML by message."""
        rows = MessageBody.objects.filter(account_id=self._account, message_id__in=messages)
        return {
            message: (
                text or html_to_text(html),
                safe_html(html, remote_images=False, cid=lambda _: None).html if html else "",
            )
            for message, text, html in rows.values_list("message_id", "text", "html")
        }

    def _files(self, messages: Iterable[int]) -> dict[int, tuple[FileData, ...]]:
        """What was captured; the rest the destination never hears of."""
        rows = Attachment.objects.filter(account_id=self._account, message_id__in=messages).exclude(blob="")
        found: dict[int, tuple[FileData, ...]] = {}
        for row in rows.order_by("pk"):
            file = FileData(row.filename, row.content_type, row.size, row.blob, row.inline)
            found[row.message.pk] = (*found.get(row.message.pk, ()), file)
        return found


def remote_leads(destination: Destination, leads: Iterable[int]) -> dict[int, str]:
    """What the destination calls these leads; of one unknown there, what it calls a lead merged into it."""
    found = _known(destination, leads)
    heirs = {pk: pk for pk in leads if pk not in found}
    while heirs:
        merges = LeadMerge.objects.filter(account_id=destination.account_id, kept_id__in=heirs)
        below = {gone: heirs[kept] for gone, kept in merges.order_by("pk").values_list("gone_id", "kept_id")}
        for gone, remote in _known(destination, below).items():
            found.setdefault(below[gone], remote)
        heirs = {gone: heir for gone, heir in below.items() if heir not in found}
    return found


def _known(destination: Destination, leads: Iterable[int]) -> dict[int, str]:
    rows = RemoteLead.objects.filter(
        account_id=destination.account_id, destination=destination, lead_id__in=list(leads)
    )
    return dict(rows.order_by("pk").values_list("lead_id", "remote_id"))


def _lead(lead: Lead, remote_id: str) -> LeadData:
    return LeadData(
        id=lead.pk,
        first_name=lead.first_name,
        last_name=lead.last_name,
        email=lead.email,
        phone=lead.phone,
        company=lead.company,
        source=lead.source.name if lead.source else "",
        owner=lead.owner.email if lead.owner else "",
        custom={name: _read(value) for name, value in lead.custom.items() if value not in (None, "")},
        remote_id=remote_id,
    )


def _read(value: object) -> str:
    """A field's value as a person reads it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _activity(
    activity: Activity,
    reps: tuple[str, ...],
    body: tuple[str, str],
    files: tuple[FileData, ...],
    remote_id: str,
) -> ActivityData:
    message = activity.message
    return ActivityData(
        id=activity.pk,
        kind=activity.kind,
        happened_at=activity.happened_at,
        message_id=message.message_id,
        conversation=message.conversation,
        from_=(message.from_address, message.from_name),
        to=_people(message.to),
        cc=_people(message.cc),
        bcc=_people(message.bcc),
        subject=message.subject,
        text=body[0],
        html=body[1],
        reps=reps,
        files=files,
        remote_id=remote_id,
    )


def _people(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((address, name) for address, name in pairs)

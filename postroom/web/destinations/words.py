"""What the pages call events, and the values of a mail and a lead."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from postroom.destinations.base import Event
from postroom.web.setup.words import Text

EVENTS: Mapping[Event, Text] = {
    Event.ACTIVITY_CREATED: _("Mail synced"),
    Event.ACTIVITY_UPDATED: _("Mail changed"),
    Event.ACTIVITY_DELETED: _("Mail deleted"),
    Event.LEAD_CREATED: _("Lead created"),
    Event.LEAD_UPDATED: _("Lead changed"),
    Event.LEAD_MERGED: _("Leads merged"),
    Event.LEAD_DELETED: _("Lead deleted"),
}
OUTCOMES: Mapping[str, Text] = {
    "delivered": _("Delivered"),
    "refused": _("Refused"),
    "later": _("Try again later"),
    "unknown": _("No answer"),
}
REGIONS: Mapping[str, Text] = {
    "": _("Singapore"),
    "in21": _("India (Mumbai)"),
    "in22": _("India (Hyderabad)"),
    "us11": _("United States"),
    "ir31": _("Ireland"),
    "ca12": _("Canada"),
}
PLANS: Mapping[str, Text] = {
    "pro": "Pro",
    "super": "Super",
    "lite": _("Lite (earlier plan)"),
    "basic": _("Basic (earlier plan)"),
    "standard": _("Standard (earlier plan)"),
    "enterprise": _("Enterprise (earlier plan)"),
}
ACTIVITY_VALUES: Mapping[str, Text] = {
    "subject": _("Subject"),
    "from": _("From"),
    "to": _("To"),
    "cc": _("Cc"),
    "bcc": _("Bcc"),
    "text": _("Body as text"),
    "html": _("Body as HTML"),
    "rep": _("Address of the user"),
    "reps": _("Addresses of all users who have it"),
    "files": _("Attachments"),
    "message_id": _("Message-ID"),
    "conversation": _("Conversation"),
    "key": _("Postroom’s id"),
}
LEAD_VALUES: Mapping[str, Text] = {
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "phone": _("Phone"),
    "company": _("Company"),
    "source": _("Lead source"),
    "owner": _("Owner"),
    "id": _("Postroom’s lead id"),
}

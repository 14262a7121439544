"""What settings, their values and what decides on mail are called on the pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postroom.connector.audit import differences
from postroom.connector.models import AuditEntry, Provider
from postroom.mail.automatic import AutomaticKind
from postroom.organisations.models import AccessMode, AccessRule, Role
from postroom.policy.decision import Rule
from postroom.policy.settings import AttachmentKind, Behaviour, Detail, Field, KeywordField

Text = str | Promise
LONGEST_LIST = 12
"""Entries named of a list that changed; the rest is counted."""

FIELDS: Mapping[Field, Text] = {
    Field.FROM: gettext_lazy("From"),
    Field.TO: gettext_lazy("To"),
    Field.CC: gettext_lazy("Cc"),
    Field.BCC: gettext_lazy("Bcc"),
}
DETAILS: Mapping[Detail, Text] = {
    Detail.CC: gettext_lazy("Cc"),
    Detail.BCC: gettext_lazy("Bcc"),
    Detail.SUBJECT: gettext_lazy("Subject"),
    Detail.BODY: gettext_lazy("Body"),
    Detail.ATTACHMENTS: gettext_lazy("Attachments"),
}
BEHAVIOURS: Mapping[Behaviour, Text] = {
    Behaviour.ALL: gettext_lazy("All emails"),
    Behaviour.KEYWORDS: gettext_lazy("Emails with specific keywords"),
}
KEYWORD_FIELDS: Mapping[KeywordField, Text] = {
    KeywordField.SUBJECT: gettext_lazy("Subject"),
    KeywordField.BODY: gettext_lazy("Body"),
}
ATTACHMENT_KINDS: Mapping[AttachmentKind, Text] = {
    AttachmentKind.INLINE: gettext_lazy("Pictures in the text"),
    AttachmentKind.WORD: "Word",
    AttachmentKind.JPG: "JPG",
    AttachmentKind.PNG: "PNG",
    AttachmentKind.HTML: "HTML",
    AttachmentKind.EXCEL: "Excel",
    AttachmentKind.ZIP: "Zip",
    AttachmentKind.JSON: "JSON",
    AttachmentKind.MKV: "MKV",
    AttachmentKind.MPG: "MPG",
    AttachmentKind.MP3: "MP3",
    AttachmentKind.MP4: "MP4",
    AttachmentKind.RTF: "RTF",
    AttachmentKind.AVI: "AVI",
    AttachmentKind.PDF: "PDF",
    AttachmentKind.CSV: "CSV",
    AttachmentKind.POWERPOINT: "PowerPoint",
    AttachmentKind.TEXT: gettext_lazy("Plain text"),
    AttachmentKind.CALENDAR: gettext_lazy("Calendar"),
}
AUTOMATIC: Mapping[AutomaticKind, Text] = {
    AutomaticKind.AUTO_REPLY: gettext_lazy("Automatic replies"),
    AutomaticKind.BOUNCE: gettext_lazy("Delivery failures"),
    AutomaticKind.LIST: gettext_lazy("Mailing lists and newsletters"),
    AutomaticKind.CALENDAR: gettext_lazy("Invitations"),
}
RULES: Mapping[Rule, Text] = {
    Rule.SYNCED: gettext_lazy("Synced"),
    Rule.SYNC_DISABLED: gettext_lazy("Sync is off for all users"),
    Rule.DIRECTION_OFF: gettext_lazy("This direction is off"),
    Rule.EXCLUDED: gettext_lazy("Excluded address or domain"),
    Rule.NO_COUNTERPART: gettext_lazy("Nobody outside the company on it"),
    Rule.INTERNAL: gettext_lazy("Internal mail"),
    Rule.AUTOMATIC: gettext_lazy("Automatic mail"),
    Rule.NO_KEYWORD: gettext_lazy("No keyword found"),
    Rule.NO_LEAD: gettext_lazy("No lead, and none captured"),
    Rule.UNREADABLE: gettext_lazy("Could not be read"),
    Rule.GONE: gettext_lazy("Deleted before it was read"),
}
SETTINGS: Mapping[str, Text] = {
    "outbound": gettext_lazy("Outbound"),
    "inbound": gettext_lazy("Inbound"),
    "enabled": gettext_lazy("Sync"),
    "behaviour": gettext_lazy("Which emails"),
    "keywords": gettext_lazy("Keywords"),
    "user_keywords": gettext_lazy("Users add keywords of their own"),
    "keywords_in": gettext_lazy("Look for keywords in"),
    "excluded": gettext_lazy("Excluded domains and addresses"),
    "excluded_in": gettext_lazy("Exclusions apply to"),
    "user_exclusions": gettext_lazy("Users add exclusions of their own"),
    "details": gettext_lazy("Details captured"),
    "attachment_kinds": gettext_lazy("Attachments captured"),
    "capture": gettext_lazy("Capture new leads"),
    "capture_from": gettext_lazy("Capture leads from"),
    "lead_source": gettext_lazy("Lead source"),
    "skip_automatic": gettext_lazy("Automatic mail left out"),
    "search_fields": gettext_lazy("Leads are found by"),
    "search_all": gettext_lazy("All leads that match get the mail"),
    "sync_disabled": gettext_lazy("Sync disabled for all users"),
    "skip_internal": gettext_lazy("Internal emails left out"),
    "internal_domains": gettext_lazy("Internal domains"),
    "longest_import": gettext_lazy("Days of earlier mail a user may import"),
    "off": gettext_lazy("Sync disabled for all users"),
    "mode": gettext_lazy("Access"),
    "roles": gettext_lazy("Roles"),
    "field": gettext_lazy("User field"),
    "providers": gettext_lazy("Providers"),
    "client_id": gettext_lazy("OAuth client id"),
    "client_secret": gettext_lazy("OAuth client secret"),
    "trusted": gettext_lazy("Marked as trusted"),
}
_VALUES: Mapping[str, Mapping[str, Text]] = {
    "behaviour": {value.value: text for value, text in BEHAVIOURS.items()},
    "keywords_in": {value.value: text for value, text in KEYWORD_FIELDS.items()},
    "excluded_in": {value.value: text for value, text in FIELDS.items()},
    "capture_from": {value.value: text for value, text in FIELDS.items()},
    "details": {value.value: text for value, text in DETAILS.items()},
    "attachment_kinds": {value.value: text for value, text in ATTACHMENT_KINDS.items()},
    "skip_automatic": {value.value: text for value, text in AUTOMATIC.items()},
    "mode": {"role": gettext_lazy("By role"), "field": gettext_lazy("By user field")},
    "roles": {role.value: role.label for role in Role},
    "providers": {provider.value: provider.label for provider in Provider},
}

_NOTHING: tuple[object, ...] = (None, "", {}, [])
_ORDERED = {"search_fields"}
"""Lists of which the order matters."""


@dataclass(frozen=True, slots=True)
class Line:
    """One setting that changed: from one value to another, or what was added to a list and taken from it."""

    label: str
    before: str = ""
    after: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    more_added: int = field(default=0)
    more_removed: int = field(default=0)


def changes(entry: AuditEntry, paths: tuple[str, ...] = ()) -> Iterator[Line]:
    """What an entry changed, field by field; only what begins with one of ``paths``, where any are given.

    Of what came into being there is nothing before, and what it has not is not told.
    """
    for path, before, after in differences(entry.before, entry.after):
        if paths and not path.startswith(paths):
            continue
        if not entry.before and after in _NOTHING:
            continue
        if path in _ORDERED or not _is_same_set(before, after):
            line = _line(path, before, after)
            yield line if entry.before else replace(line, before="")


def rule_in_words(rule: AccessRule, nobody: str) -> str:
    """Whom the rule names, in the reader's language; ``nobody`` where that is no role at all."""
    if rule.mode == AccessMode.FIELD:
        return _("users whose field “%(field)s” is Yes") % {"field": rule.field}
    return ", ".join(str(Role(role).label) for role in Role.values if role in rule.roles) or nobody


def setting_name(path: str) -> str:
    """ "inbound.excluded" as "Inbound: Excluded domains and addresses"."""
    return ": ".join(str(SETTINGS.get(part, part.replace("_", " ").capitalize())) for part in path.split("."))


def _line(path: str, before: object, after: object) -> Line:
    key, label = path.rpartition(".")[2], setting_name(path)
    if isinstance(before, list) or isinstance(after, list):
        old, new = _list(before), _list(after)
        known, kept = set(old), set(new)
        added = [_word(key, value) for value in new if value not in known]
        removed = [_word(key, value) for value in old if value not in kept]
        if added or removed:
            return Line(
                label,
                added=tuple(added[:LONGEST_LIST]),
                removed=tuple(removed[:LONGEST_LIST]),
                more_added=max(0, len(added) - LONGEST_LIST),
                more_removed=max(0, len(removed) - LONGEST_LIST),
            )
        was, became = (", ".join(_word(key, value) for value in side) for side in (old, new))
        return Line(label, was, became)
    return Line(label, _word(key, before), _word(key, after))


def _is_same_set(before: object, after: object) -> bool:
    return isinstance(before, list) and isinstance(after, list) and set(_list(before)) == set(_list(after))


def _list(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def _word(key: str, value: object) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if value in _NOTHING:
        return _("nothing")
    if key == "client_secret" and value == "changed":
        return _("a new one")
    known = _VALUES.get(key, {}).get(str(value))
    return str(known if known is not None else value)

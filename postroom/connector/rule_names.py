"""Every rule in a word or two, in the reader's language: the names that ``policy.explain`` has in English."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postroom.policy.decision import Rule

RULES: Mapping[Rule, str | Promise] = {
    Rule.SYNCED: _("Synced"),
    Rule.SYNC_DISABLED: _("Sync switched off"),
    Rule.DIRECTION_OFF: _("Direction switched off"),
    Rule.EXCLUDED: _("Excluded"),
    Rule.NO_COUNTERPART: _("No counterpart"),
    Rule.INTERNAL: _("Internal"),
    Rule.AUTOMATIC: _("Automatic mail"),
    Rule.NO_KEYWORD: _("No keyword"),
    Rule.NO_LEAD: _("No lead"),
    Rule.UNREADABLE: _("Unreadable"),
    Rule.GONE: _("Gone"),
}

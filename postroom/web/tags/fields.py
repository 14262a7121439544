"""The form field of a list of tags: a text area with one a line, which tags.js makes comfortable."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from postroom.connector.tags import MOST, TagKind, read_tags
from postroom.web.sentences import told


class TagsField(forms.CharField):
    """Cleans to a frozenset of tags as they are kept; those that are none are refused one by one."""

    def __init__(self, kind: TagKind, **options: Any) -> None:
        self.kind = kind
        widget = forms.Textarea({"rows": 4, "spellcheck": "false", "autocapitalize": "none"})
        super().__init__(required=False, widget=widget, strip=False, **options)

    def prepare_value(self, value: object) -> object:
        """A set as lines, in the order of the alphabet; what was typed as it is."""
        if isinstance(value, (frozenset, set, list, tuple)):
            return "\n".join(sorted(map(str, value), key=str.casefold))
        return value

    def clean(self, value: object) -> Any:
        text = self.to_python(value) or ""
        tags = read_tags(self.kind, text.splitlines())
        if len(tags) > MOST:
            raise ValidationError(_("A list holds at most %(most)s entries.") % {"most": f"{MOST:,}"})
        refused = {tag.typed: tag.reason for tag in tags if tag.reason}
        if refused:
            said = [f"“{typed}”: {told(reason)}" for typed, reason in refused.items()]
            raise ValidationError(
                [sentence.replace("\x00", "\N{REPLACEMENT CHARACTER}") for sentence in said]
            )
        # Of two that mean the same, the one typed first stays.
        kept: dict[str, str] = {}
        for tag in tags:
            kept.setdefault(tag.key, tag.value)
        return frozenset(kept.values())

"""What an administrator enters: the organisation's permission, an address to try, and whom to connect."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postroom.connector import mailboxes
from postroom.connector.models import Mailbox, Provider
from postroom.errors import AccountRefused
from postroom.organisations.models import User
from postroom.sync.connecting_many import Chosen
from postroom.web.my_inbox.forms import ActivateForm
from postroom.web.sentences import told

LARGEST_FILE = 16 * 1024
"""Bytes of a key file."""


class SecretArea(forms.Textarea):
    """Text that is written and never shown again, not even after a mistake."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class KeyForm(forms.Form):
    """The key of a service account, as a file or as its text."""

    file = forms.FileField(
        label=gettext_lazy("Key file"),
        required=False,
        widget=forms.FileInput({"accept": ".json,application/json"}),
        help_text=gettext_lazy("The JSON file that the Google Cloud console gave."),
    )
    key = forms.CharField(
        label=gettext_lazy("Or its text"),
        required=False,
        max_length=LARGEST_FILE,
        strip=True,
        widget=SecretArea({"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Stored encrypted and never shown again."),
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        file: UploadedFile | None = data.get("file")
        if file is not None and (file.size or 0) > LARGEST_FILE:
            self.add_error("file", _("This file is too large to be a key."))
        elif file is not None:
            data["key"] = file.read(LARGEST_FILE).decode("utf-8", "replace")
        elif not data.get("key") and not self.errors:
            self.add_error("file", _("Choose the key file, or paste its text."))
        return data


class PermissionForm(forms.Form):
    """That the OAuth client itself was let in."""

    granted = forms.BooleanField(
        label=gettext_lazy("An administrator of our organisation has given this application Mail.Read"),
        help_text=gettext_lazy("As an application permission in Entra, or as a role in Exchange Online."),
        error_messages={"required": gettext_lazy("Tick this once it is done.")},
    )


class TryForm(forms.Form):
    """A mailbox to try it with."""

    address = forms.EmailField(
        label=gettext_lazy("Mailbox to try"),
        max_length=320,
        widget=forms.EmailInput({"autocomplete": "off"}),
        error_messages={
            "required": gettext_lazy("Enter the address of one mailbox."),
            "invalid": gettext_lazy("Enter the address of one mailbox."),
        },
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One user of the preview."""

    user: User
    address: str
    fault: str = ""

    @property
    def field(self) -> str:
        return f"address_{self.user.pk}"


class PreviewForm(ActivateForm):
    """Addresses of the chosen users, and how far back to begin."""

    def __init__(self, provider: Provider, users: Iterable[User], longest: int, *args: Any) -> None:
        super().__init__(longest, *args)
        self.provider = provider
        self.users = list(users)
        given = cast("dict[str, str]", args[0] if args and args[0] is not None else {})
        entered = {user.pk: str(given.get(f"address_{user.pk}", user.email)) for user in self.users}
        self.lines = self._lines(entered)

    @property
    def faults(self) -> int:
        return sum(bool(line.fault) for line in self.lines)

    def chosen(self) -> list[Chosen]:
        return [Chosen(line.user, line.address) for line in self.lines]

    def _lines(self, given: dict[int, str]) -> list[Line]:
        """Each with what keeps its address from being connected."""
        entered = {pk: address.replace("\x00", "").strip()[:320] for pk, address in given.items()}
        keys = {user.pk: _key(user, entered[user.pk]) for user in self.users}
        found = [key for key in keys.values() if isinstance(key, str)]
        taken = set(
            Mailbox.objects.of(self.users[0].account)
            .filter(provider=self.provider, address_key__in=found)
            .values_list("address_key", flat=True)
            if self.users
            else ()
        )
        lines: list[Line] = []
        for user in self.users:
            key, fault = keys[user.pk], ""
            if isinstance(key, AccountRefused):
                fault = told(key)
            elif key in taken:
                fault = _("A colleague has connected this address already.")
            elif found.count(key) > 1:
                fault = _("Two of these users have this address.")
            lines.append(Line(user, entered[user.pk], fault))
        return lines


def _key(user: User, address: str) -> str | AccountRefused:
    try:
        return mailboxes.checked_address(user, address).key
    except AccountRefused as refused:
        return refused

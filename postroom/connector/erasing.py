"""Erasing a person from the whole account, for good (R-083).

What goes: every lead that has one of the person's addresses as its email; every stored mail that the person
wrote, received or was copied on, with its files, also where it is on other leads too, for it holds their
words; and the subject and address in every log line about them. Elsewhere, as in mail of others that quotes
them, their addresses are blotted out. What stays: that it was done, by whom, when, how much went, and a
keyed hash of the addresses; and the settings, where an administrator may have excluded the address.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

from postroom.connector.audit import record
from postroom.connector.models import (
    AuditArea,
    AuditEntry,
    JournalEntry,
    RepSettingsVersion,
    SettingsVersion,
)
from postroom.crm.deleting import delete_messages, forget_merges
from postroom.crm.models import (
    Activity,
    Attachment,
    DoomedBlob,
    Erasure,
    Lead,
    LeadAddress,
    LeadMerge,
    StoredMessage,
)
from postroom.crm.retention import GRACE
from postroom.mail.addresses import make_address
from postroom.organisations.models import Account, User

BATCH = 200
"""Mails deleted in one transaction."""
FILES_GONE_AFTER = timedelta(hours=1)
"""How long the bytes stay for passes under way that found the same file in another mail."""
BLOT = "[erased]"
COUNTED = ("leads", "mails", "files", "log rows")
_KEPT = (Erasure, SettingsVersion, RepSettingsVersion, AuditEntry, User, Account)
"""Tables that are not blotted: settings and their audit trail are the administrator's own words."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an erasure is about."""

    leads: list[int]
    keys: list[str]
    """``Address.key`` of each address."""


def person_of(lead: Lead) -> Person:
    """The lead's addresses, and every lead that has one of them as its email."""
    account = lead.account_id
    keys = set(LeadAddress.objects.filter(account_id=account, lead=lead).values_list("key", flat=True))
    same = Lead.objects.filter(account_id=account, email_key__in=keys).values_list("pk", flat=True)
    return Person(sorted({lead.pk, *same}), sorted(keys))


def mails_of(account_id: int, person: Person) -> QuerySet[StoredMessage]:
    """Mails on the person's leads, and those with one of the addresses in a header field."""
    on_leads = Activity.objects.filter(account_id=account_id, lead__in=person.leads).values("message")
    found = Q(pk__in=on_leads)
    texts = {name: Cast(name, TextField()) for name in ("to", "cc", "bcc")}
    for key in person.keys:
        found |= Q(from_address__iexact=key)
        # As PostgreSQL writes the text in JSON: of a local part in quotes, each quote with a backslash.
        written = json.dumps(key, ensure_ascii=False)
        for name in texts:
            found |= Q(**{f"{name}_text__icontains": written})
    rows = StoredMessage.objects.filter(account_id=account_id)
    return rows.annotate(**{f"{name}_text": text for name, text in texts.items()}).filter(found)


def begin_erasure(lead: Lead, by: User) -> Erasure:
    """Note what is to be done; ``run_erasure`` does it."""
    person = person_of(lead)
    return Erasure.objects.create(
        account=lead.account,
        by=by,
        by_name=by.name or by.email,
        fingerprints=[fingerprint(key) for key in person.keys],
        work={"leads": person.leads, "keys": person.keys},
        counts=dict.fromkeys(COUNTED, 0),
        total=mails_of(lead.account_id, person).count(),
    )


def fingerprint(key: str, secret: str | None = None) -> str:
    """Tells whether an address was erased, to whoever has the address and the server's secret."""
    return salted_hmac("postroom.erasure", key, secret=secret, algorithm="sha256").hexdigest()


def erasures_of(account: Account, address: str) -> QuerySet[Erasure]:
    """The erasures of a person with this address."""
    made = make_address(address)
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    prints = [fingerprint(made.key, secret) for secret in secrets] if made else []
    return Erasure.objects.filter(account=account, fingerprints__overlap=prints).order_by("-pk")


def erased_among(account: Account, keys: Collection[str]) -> set[str]:
    """Those of the addresses, by ``Address.key``, that belong to a person who was erased; one query."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    prints = {fingerprint(key, secret): key for key in keys for secret in secrets}
    rows = Erasure.objects.filter(account=account, fingerprints__overlap=list(prints))
    return {
        prints[one] for held in rows.values_list("fingerprints", flat=True) for one in held if one in prints
    }


def run_erasure(pk: int) -> None:
    """Do all of it, in steps that each stand by themselves; goes on where it broke off."""
    erasure = Erasure.objects.filter(pk=pk, done_at=None).select_related("account", "by").first()
    if erasure is None or erasure.work is None:
        return
    person = Person(**erasure.work)
    while not _delete_leads(erasure, person):
        pass
    while _delete_mails(erasure, person):
        pass
    _clear_journal(erasure, person)
    for key in person.keys:
        _blot(erasure.account_id, key)
    _finish(erasure)


@transaction.atomic
def _delete_mails(erasure: Erasure, person: Person) -> bool:
    found = mails_of(erasure.account_id, person).order_by("pk")
    ids = list(found.values_list("pk", flat=True)[:BATCH])
    _delete(erasure, person, ids)
    return bool(ids)


@transaction.atomic
def _delete_leads(erasure: Erasure, person: Person) -> bool:
    """Delete some mails on the leads or, where there are none, the leads; True at the end.

    A commit of the sync that posts on a lead meanwhile goes before, and its mail with the rest; or it
    finds the lead gone.
    """
    account = erasure.account_id
    on_leads = Activity.objects.filter(account_id=account, lead__in=person.leads).order_by("message_id")
    ids = list(on_leads.values_list("message_id", flat=True).distinct()[:BATCH])
    if ids:
        _delete(erasure, person, ids)
        return False
    leads = Lead.objects.filter(account_id=account, pk__in=person.leads).order_by("pk")
    held = list(leads.select_for_update().values_list("pk", flat=True))
    if on_leads.exists():
        return False
    _count(erasure, "log rows", _cleared(JournalEntry.objects.filter(account_id=account, lead__in=held)))
    forget_merges(account, person.leads)
    LeadMerge.objects.filter(account_id=account, gone_id__in=person.leads).delete()
    leads.delete()
    _count(erasure, "leads", len(held))
    return True


def _delete(erasure: Erasure, person: Person, ids: list[int]) -> None:
    account = erasure.account_id
    messages = StoredMessage.objects.filter(account_id=account, pk__in=ids).order_by("pk")
    held = list(messages.select_for_update().values_list("pk", flat=True))
    attachments = Attachment.objects.filter(account_id=account, message__in=held).exclude(blob="")
    files = list(attachments.values_list("blob", flat=True))
    _count(erasure, "log rows", _cleared(JournalEntry.objects.filter(account_id=account, message__in=held)))
    _count(erasure, "mails", delete_messages(account, held))
    soon = datetime.now(UTC) - GRACE + FILES_GONE_AFTER
    doomed = DoomedBlob.objects.filter(account_id=account, blob__in=files, doomed_at__gt=soon)
    _count(erasure, "files", doomed.update(doomed_at=soon))


@transaction.atomic
def _clear_journal(erasure: Erasure, person: Person) -> None:
    for key in person.keys:
        rows = JournalEntry.objects.filter(
            Q(counterpart__iexact=key) | Q(subject__icontains=key), account_id=erasure.account_id
        )
        _count(erasure, "log rows", _cleared(rows))


def _cleared(rows: QuerySet[JournalEntry]) -> int:
    """Take the person out of log lines; when, and by which rule, stays."""
    return rows.update(subject="", counterpart="", lead=None, message=None)


def _count(erasure: Erasure, what: str, number: int) -> None:
    erasure.counts = {**erasure.counts, what: erasure.counts.get(what, 0) + number}
    Erasure.objects.filter(pk=erasure.pk).update(counts=erasure.counts)


@transaction.atomic
def _finish(erasure: Erasure) -> None:
    Erasure.objects.filter(pk=erasure.pk).update(work=None, done_at=datetime.now(UTC))
    said = ", ".join(f"{what}: {erasure.counts.get(what, 0)}" for what in COUNTED)
    record(erasure.account, erasure.by, AuditArea.LEADS, f"Erased a person. {said.capitalize()}.")


def _blot(account_id: int, key: str) -> None:
    """Blot an address out wherever else it stands in the account's tables."""
    local, _, domain = key.rpartition("@")
    at = r"(?:@|%40|&#64;|&commat;)"
    pattern = rf"(?<![\w.+-]){_escaped(local)}{at}{_escaped(domain)}(?![\w-]|\.\w)"
    for model, column in _text_columns():
        _blot_column(account_id, model, column, pattern, domain)


def _escaped(text: str) -> str:
    """For a pattern of PostgreSQL's, in which a backslash before a letter would mean something.

    Quotes and backslashes match as well as they stand in JSON and in arrays, behind further backslashes.
    """
    return "".join(map(_escaped_character, text))


def _escaped_character(char: str) -> str:
    if char == "\\":
        return r"\\+"
    if char == '"':
        return r'\\*"'
    return char if re.fullmatch(r"[\w\s]", char) else f"\\{char}"


def _text_columns() -> Iterator[tuple[type[models.Model], "models.Field[Any, Any]"]]:
    for model in apps.get_models():
        names = {field.name for field in model._meta.concrete_fields}
        if "account" not in names or issubclass(model, _KEPT):
            continue
        for column in model._meta.concrete_fields:
            texts = (models.CharField, models.TextField, models.JSONField, ArrayField)
            if isinstance(column, texts) and not column.choices and not _is_of_numbers(column):
                yield model, column


def _is_of_numbers(column: "models.Field[Any, Any]") -> bool:
    return isinstance(column, ArrayField) and isinstance(column.base_field, models.IntegerField)


def _blot_column(
    account_id: int, model: type[models.Model], column: "models.Field[Any, Any]", pattern: str, domain: str
) -> None:
    quote = connection.ops.quote_name
    table, name = quote(model._meta.db_table), quote(str(column.column))
    changed = f"regexp_replace({name}::text, %s, %s, 'gi')"
    if column.max_length:
        changed = f"left({changed}, {column.max_length})"
    kind = column.db_type(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"update {table} set {name} = ({changed})::{kind}"  # noqa: S608 names of our own tables
            f" where account_id = %s and {name}::text ilike %s and {name}::text ~* %s",
            [pattern, BLOT, account_id, f"%{_like(domain)}%", pattern],
        )


def _like(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)

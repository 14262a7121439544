"""Importing leads from CSV: check what would happen, and do it once somebody says so (R-082).

Rows are taken in batches. Writing a batch, and how far the import has come, are one transaction: an
import that breaks off goes on where it stopped. The same file again changes nothing.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.db import transaction
from django.utils.translation import gettext

from postroom.crm.capture import NewLead, capture_leads, sources_named
from postroom.crm.csv_file import (
    MAX_ROWS,
    FileRefused,
    Row,
    decode,
    header_of,
    plain_cell,
    rows_of,
    separator_of,
)
from postroom.crm.fields import FieldRefused, Value, read_value
from postroom.crm.models import ImportState, Lead, LeadAddress, LeadField, LeadImport
from postroom.crm.writing import index_addresses, update_leads
from postroom.errors import PostroomError
from postroom.mail.addresses import make_address, split_name
from postroom.organisations.models import Account, User
from postroom.policy.settings import EMAIL_FIELD

BATCH = 500
EXAMPLES = 8
"""Rows of each outcome that are shown before the go-ahead."""
REFUSALS_KEPT = 5000
KEPT_DAYS = 30
"""How long an import can be looked up, its refused rows included."""
_CELL_KEPT = 500
LENGTHS = {"first_name": 200, "last_name": 200, "company": 200, "phone": 50, "source": 200}
_WORDS = {
    "id": ("id", "lead id", "lead number"),
    "email": ("email", "e-mail", "mail", "email address", "e-mail address", "e-mail-adresse"),
    "first_name": ("first name", "firstname", "given name", "vorname", "prénom", "nombre"),
    "last_name": ("last name", "lastname", "surname", "family name", "nachname", "nom", "apellido"),
    "name": ("name", "full name", "contact", "contact name", "lead", "lead name"),
    "company": ("company", "organisation", "organization", "account", "firma", "unternehmen", "société"),
    "phone": ("phone", "telephone", "mobile", "phone number", "telefon", "téléphone"),
    "source": ("source", "lead source", "quelle"),
    "owner": ("owner", "lead owner", "assigned to", "besitzer"),
}
Item = TypeVar("Item")


class ImportRefused(PostroomError):
    """This import cannot go on."""

    code = "import_refused"


@dataclass(slots=True)
class Plan:
    """What becomes of one row."""

    row: Row
    outcome: str = ""
    """"new", "updated", "unchanged" or "refused"."""
    reason: str = ""
    lead: Lead | None = None
    standard: dict[str, str] = field(default_factory=dict)
    own: dict[str, Value] = field(default_factory=dict)
    key: str = ""
    """``Address.key`` of the row's address, "" where it has none."""
    changes: list[str] = field(default_factory=list)
    """Names of the fields that change."""


def begin_import(account: Account, by: User, filename: str, content: bytes) -> LeadImport:
    """Take in a file, with the columns guessed. Raises ``FileRefused``."""
    text = decode(content)
    separator = separator_of(text)
    header = header_of(text, separator)
    total = sum(1 for _ in islice(rows_of(text, separator), MAX_ROWS + 1))
    if not total:
        raise FileRefused("The file has a header but no rows below it.")
    if total > MAX_ROWS:
        raise FileRefused(f"At most {MAX_ROWS:,} rows can be imported at once. Split the file.")
    return LeadImport.objects.create(
        account=account,
        by=by,
        by_name=by.name or by.email,
        filename=filename.replace("\x00", "")[-255:],
        content=text,
        separator=separator,
        columns=guess_columns(account, header),
        total=total,
    )


def targets(account: Account) -> list[tuple[str, str]]:
    """(name, label in the reader's language) of what a column can be imported to."""
    own = LeadField.objects.filter(account=account, retired_at=None)
    return [
        ("email", gettext("Email")),
        ("first_name", gettext("First name")),
        ("last_name", gettext("Last name")),
        ("name", gettext("Full name")),
        ("company", gettext("Company")),
        ("phone", gettext("Phone")),
        ("source", gettext("Lead source")),
        ("owner", gettext("Owner (email address of a user)")),
        ("id", gettext("Lead id")),
        *((one.name, one.label) for one in own),
    ]


def guess_columns(account: Account, header: Sequence[str]) -> list[str]:
    """The field of each column by its name, each field once; "" where none fits."""
    known = {word: name for name, words in _WORDS.items() for word in words}
    for one in LeadField.objects.filter(account=account, retired_at=None):
        known |= {_plain(one.label): one.name, _plain(one.name): one.name}
    guessed: list[str] = []
    for name in header:
        found = known.get(_plain(name), "")
        guessed.append("" if found in guessed else found)
    return guessed


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().replace("_", " ").split())


def set_columns(job: LeadImport, columns: Sequence[str], source: str) -> None:
    """Choose what each column is. Raises ``ImportRefused``."""
    known = {name for name, _ in targets(job.account)}
    chosen = [name for name in columns if name]
    if len(columns) != len(job.columns) or not known.issuperset(chosen):
        raise ImportRefused("Choose a field, or nothing, for each column of the file.")
    for name, label in targets(job.account):
        if chosen.count(name) > 1:
            raise ImportRefused(f"Two columns are set to {label}. Choose it for one of them.")
    if not {"email", "id"} & set(chosen):
        raise ImportRefused("Choose the column that holds the email address; by it leads are recognised.")
    _restart(job, ImportState.CHECKING, columns=list(columns), source=source.strip()[:200])


def confirm(job: LeadImport) -> None:
    """Say go. Raises ``ImportRefused`` where the import is not waiting for that."""
    _restart(job, ImportState.RUNNING, only_from=(ImportState.CHECKED,))


def cancel(job: LeadImport) -> None:
    """Stop before the next batch; what was written stays."""
    LeadImport.objects.filter(pk=job.pk, account_id=job.account_id, state__in=OPEN).update(
        state=ImportState.CANCELLED, content=""
    )
    job.refresh_from_db()


OPEN = (ImportState.CHECKING, ImportState.CHECKED, ImportState.RUNNING)


def _restart(
    job: LeadImport,
    state: ImportState,
    only_from: Sequence[str] = (ImportState.CHECKING, ImportState.CHECKED),
    **changes: object,
) -> None:
    fresh = {"done": 0, "new": 0, "updated": 0, "unchanged": 0, "refused": 0, "examples": [], "refusals": []}
    found = LeadImport.objects.filter(pk=job.pk, account_id=job.account_id, state__in=only_from)
    if not found.update(state=state, **fresh, **changes):
        raise ImportRefused("This import is already under way, or over.")
    job.refresh_from_db()


def run_import(pk: int) -> None:
    """Check, or write, batch by batch, until the file ends or the import is cancelled."""
    job = LeadImport.objects.filter(pk=pk).select_related("account").first()
    if job is None or job.state not in (ImportState.CHECKING, ImportState.RUNNING):
        return
    seen: dict[str, int] = {}
    rows = rows_of(job.content, job.separator)
    _note_seen(job, islice(rows, job.done), seen)
    for batch in _batches(rows, BATCH):
        if not _take_batch(job, batch, seen):
            return
    ended = {
        ImportState.CHECKING: {"state": ImportState.CHECKED},
        ImportState.RUNNING: {"state": ImportState.DONE, "content": ""},
    }[ImportState(job.state)]
    LeadImport.objects.filter(pk=pk, state=job.state, columns=job.columns).update(**ended)


def _note_seen(job: LeadImport, rows: Iterator[Row], seen: dict[str, int]) -> None:
    """What earlier batches hold, after a break."""
    at = job.columns.index("email") if "email" in job.columns else None
    for row in rows:
        address = make_address(plain_cell(row.cells[at])) if at is not None and at < len(row.cells) else None
        if address and not row.fault:
            seen.setdefault(address.key, row.line)


@transaction.atomic
def _take_batch(job: LeadImport, batch: Sequence[Row], seen: dict[str, int]) -> bool:
    """Plan a batch, write it where the import runs, and note how far it has come; False where it stops."""
    held = LeadImport.objects.select_for_update().filter(pk=job.pk, state=job.state).first()
    if held is None or held.columns != job.columns or held.done != job.done:
        return False
    plans = Planner(job, seen).plan(batch)
    if job.state == ImportState.RUNNING:
        _write(job, [plan for plan in plans if plan.outcome in {"new", "updated"}])
    else:
        job.examples += _examples(job, plans)
    job.done += len(plans)
    for plan in plans:
        setattr(job, plan.outcome, getattr(job, plan.outcome) + 1)
        if plan.outcome == "refused" and len(job.refusals) < REFUSALS_KEPT:
            job.refusals.append([plan.row.line, plan.reason, _kept_cells(plan.row)])
    job.save(update_fields=["done", "new", "updated", "unchanged", "refused", "examples", "refusals"])
    return True


def _kept_cells(row: Row) -> list[str]:
    return [cell[:_CELL_KEPT] for cell in row.cells[:50]]


def _examples(job: LeadImport, plans: Sequence[Plan]) -> list[list[object]]:
    """[line, outcome, reason, {field: value}, changed fields] of the first rows of each outcome."""
    shown: list[list[object]] = []
    for plan in plans:
        held = sum(example[1] == plan.outcome for example in [*job.examples, *shown])
        if held < EXAMPLES:
            cells = {name: str(value)[:120] for name, value in {**plan.standard, **plan.own}.items()}
            shown.append([plan.row.line, plan.outcome, plan.reason, cells, plan.changes])
    return shown


class Planner:
    """Tells what becomes of rows, against the leads there are; writes nothing."""

    def __init__(self, job: LeadImport, seen: dict[str, int]) -> None:
        self._job = job
        self._seen = seen
        self._fields = {
            one.name: one for one in LeadField.objects.filter(account_id=job.account_id, retired_at=None)
        }
        self._owners = _owners(job.account_id)
        self._by_id: dict[int, Lead] = {}
        self._by_key: dict[str, Lead] = {}

    def plan(self, batch: Sequence[Row]) -> list[Plan]:
        """The rows' plans in order; four queries."""
        plans = [self._read(row) for row in batch]
        self._look_up(plans)
        for plan in plans:
            if not plan.outcome:
                self._judge(plan)
        return plans

    def _read(self, row: Row) -> Plan:
        """The row's values, each as it will be kept."""
        plan = Plan(row)
        if row.fault:
            return _refused(plan, row.fault)
        for name, cell in zip(self._job.columns, row.cells, strict=True):
            text = unicodedata.normalize("NFC", plain_cell(cell))
            if not name or not text:
                continue
            try:
                self._set(plan, name, text)
            except FieldRefused as error:
                return _refused(plan, str(error))
        return plan

    def _set(self, plan: Plan, name: str, text: str) -> None:
        if name in self._fields:
            plan.own[name] = read_value(self._fields[name], text)
            return
        if name == "email":
            address = make_address(text)
            if address is None:
                raise FieldRefused(f"“{text[:80]}” is no mail address.")
            plan.key, text = address.key, address.address
        elif name == "owner" and text.casefold() not in self._owners:
            raise FieldRefused(f"There is no user “{text[:80]}” who could be the owner.")
        elif name == "id" and not (text.isascii() and text.isdigit() and len(text) < 18):
            raise FieldRefused(f"“{text[:80]}” is no lead id.")
        elif len(text) > LENGTHS.get(name, 320):
            raise FieldRefused(
                f"The value for {name.replace('_', ' ')} has {len(text):,} characters, too many."
            )
        if name == "name":
            first, last = split_name(text, "")
            plan.standard.setdefault("first_name", first[:200])
            plan.standard.setdefault("last_name", last[:200])
        else:
            plan.standard[name] = text

    def _look_up(self, plans: Sequence[Plan]) -> None:
        account = self._job.account_id
        rows = LeadAddress.objects.filter(
            account_id=account, field=EMAIL_FIELD, key__in={plan.key for plan in plans if plan.key}
        ).order_by("-lead_id")
        found = dict(rows.values_list("key", "lead_id"))
        ids = {int(plan.standard["id"]) for plan in plans if plan.standard.get("id", "").isdigit()}
        leads = Lead.objects.filter(account_id=account, pk__in=ids | set(found.values()))
        self._by_id = {lead.pk: lead for lead in leads.select_related("source")}
        self._by_key = {key: self._by_id[pk] for key, pk in found.items() if pk in self._by_id}

    def _judge(self, plan: Plan) -> None:
        owner = self._by_key.get(plan.key)
        plan.lead = self._by_id.get(int(plan.standard["id"])) if "id" in plan.standard else owner
        if "id" in plan.standard and plan.lead is None:
            _refused(plan, f"There is no lead {plan.standard['id']}.")
        elif plan.lead and owner and owner.pk != plan.lead.pk:
            _refused(plan, f"{plan.standard['email']} belongs to lead {owner.pk} already.")
        elif not plan.lead and not plan.key:
            _refused(plan, "The row has no email address.")
        elif earlier := self._repeats(plan):
            _refused(plan, f"The same lead as in line {earlier}; only that row is used.")
        else:
            plan.changes = list(self._changes(plan))
            plan.outcome = "updated" if plan.lead and plan.changes else "unchanged" if plan.lead else "new"

    def _repeats(self, plan: Plan) -> int:
        """The line of an earlier row on the same lead, or 0."""
        mark = f"#{plan.lead.pk}" if plan.lead else plan.key
        earlier = self._seen.get(mark, 0) or (self._seen.get(plan.key, 0) if plan.key else 0)
        if earlier and earlier != plan.row.line:
            return earlier
        self._seen[mark] = plan.row.line
        if plan.key:
            self._seen[plan.key] = plan.row.line
        return 0

    def _changes(self, plan: Plan) -> Iterator[str]:
        for name, text in plan.standard.items():
            if name != "id" and self._now(plan, name) != self._new(name, text):
                yield name
        for name, value in plan.own.items():
            if not plan.lead or plan.lead.custom.get(name) != value:
                yield name

    def _now(self, plan: Plan, name: str) -> object:
        lead = plan.lead
        if lead is None:
            return None
        if name == "owner":
            return lead.owner_id
        if name == "source":
            return lead.source.name if lead.source else ""
        # Known already, in other letters or by a merge: the lead's own stays as it is.
        if name == "email" and self._by_key.get(plan.key) is lead:
            return plan.standard["email"]
        return getattr(lead, name)

    def _new(self, name: str, text: str) -> object:
        return self._owners.get(text.casefold()) if name == "owner" else text


def _refused(plan: Plan, reason: str) -> Plan:
    plan.outcome, plan.reason = "refused", reason
    return plan


def _owners(account_id: int) -> dict[str, int]:
    """The ids of users by address and, where it is one person's only, by name."""
    owners: dict[str, int] = {}
    for pk, email, name in User.objects.filter(account_id=account_id).values_list("pk", "email", "name"):
        owners.setdefault(name.casefold(), pk)
        owners[email.casefold()] = pk
    return owners


def _write(job: LeadImport, plans: Sequence[Plan]) -> None:
    """Make the new leads as the sync makes them, then set the values of all in order of id."""
    account = job.account_id
    # All sources before any lead, as a commit of the sync takes them.
    given = {plan.standard.get("source") or (job.source if plan.outcome == "new" else "") for plan in plans}
    sources = sources_named(account, given)
    new = [
        NewLead(
            plan.key,
            plan.standard["email"],
            plan.standard.get("first_name", ""),
            plan.standard.get("last_name", ""),
            plan.standard.get("source") or job.source,
        )
        for plan in plans
        if plan.outcome == "new"
    ]
    capture_leads(account, new)
    by_key = Lead.objects.filter(account_id=account, email_key__in=[person.key for person in new])
    made = dict(by_key.values_list("email_key", "pk"))
    # A lead that is deleted at this very moment is left out.
    ids = {plan.lead.pk if plan.lead else made.get(plan.key, 0): plan for plan in plans}
    leads = Lead.objects.filter(account_id=account, pk__in=ids).order_by("pk").select_for_update(no_key=True)
    held = {lead.pk: lead for lead in leads}
    owners = _owners(account)
    for pk, lead in held.items():
        _apply(lead, ids[pk], sources, owners)
    update_leads(account, list(held.values()))
    index_addresses(account, {pk: plan.own for pk, plan in ids.items() if pk in held})


def _apply(lead: Lead, plan: Plan, sources: Mapping[str, int], owners: Mapping[str, int]) -> None:
    for name, text in plan.standard.items():
        if name in {"first_name", "last_name", "company", "phone"}:
            setattr(lead, name, text)
        elif name == "source":
            lead.source_id = sources[text]
        elif name == "owner":
            lead.owner_id = owners.get(text.casefold())
        elif name == "email" and "email" in plan.changes:
            lead.email, lead.email_key = text, plan.key
    lead.custom = {**lead.custom, **plan.own}


def _batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while batch := list(islice(items, size)):
        yield batch


def fail_import(pk: int, fault: str) -> None:
    """Give up; what was written stays, and the file can be imported again."""
    said = f"Postroom failed at this file ({fault}); the worker's log has more. What was written stays."
    LeadImport.objects.filter(pk=pk, state__in=OPEN).update(state=ImportState.FAILED, said=said, content="")


def forget_old_imports() -> int:
    """Delete imports of more than 30 days ago; the leads stay."""
    before = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
    return LeadImport.objects.filter(created_at__lte=before).delete()[0]

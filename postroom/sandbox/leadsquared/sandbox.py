"""One sandbox: its account with users, leads and activities, its mishaps, and the Python API to steer it.

Every method may be called from any thread, with or without a server running. The HTTP control API and the
home page only call what is here.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from aiohttp import web

from ..clock import Clock
from ..faults import Fault, Faults
from ..server import StandIn
from . import control, pages, values, wire
from .activities import Activity, ActivityStore, ActivityType, FieldOfType
from .fields import LeadField
from .leads import Lead, LeadStore
from .limits import PLANS, Ledger, Limits
from .people import ROLES, Key, User

WELL_KNOWN = ("u$r5a1c2f0e7c1d4b6e9a550d6f5e1a9b10", "9b6f0f3c-sandbox-secret")
"""Access key and secret key when none are given."""
_ADMINISTRATOR = "admin@leadsquared.example"


@dataclass(slots=True)
class Settings:
    """What can be turned while the sandbox runs."""

    latency: float = 0.0
    """Seconds before each answer."""
    organisation: str = "Sandbox Ltd"
    api_host: str = ""
    """The host of the account's region: calls to another are refused. "" for any."""
    leads_may_be_deleted: bool = False
    """ "Delete a Lead" is off until the support turns it on."""
    longest_note: int = 0
    """Characters of an activity's note; 0 for no limit, because none is documented."""


@dataclass
class LeadSquaredSandbox(StandIn):
    """A LeadSquared of one's own. ``seed`` makes ids and chances repeatable."""

    name: ClassVar[str] = "leadsquared"
    settings: Settings = field(default_factory=Settings)
    seed: int = 1

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self._start_empty()

    def reset(self) -> None:
        """Forget everything but settings."""
        with self.lock:
            self.clock.offset = 0.0
            self._start_empty()

    @property
    def revision(self) -> int:
        """Moves when anything that the API can write does."""
        return self.leads.revision + self.activities.revision + len(self.notes) + len(self.files)

    # People and their keys

    def add_user(self, email: str, name: str = "", role: str = "Sales_User") -> User:
        """Someone who is here already stays as they are. Raises ValueError for an unknown role."""
        if role not in ROLES:
            raise ValueError(f"no such role: {role}")
        first, _, last = (name or email.partition("@")[0].replace(".", " ").title()).partition(" ")
        with self.lock:
            new = User(values.guid(self.random), email.lower(), first, last, role)
            return self.users.setdefault(email.lower(), new)

    def deactivate(self, email: str) -> None:
        """The user leaves: their keys end, as documented. Raises KeyError."""
        self.users[email.lower()].active = False

    def add_key(self, access: str = WELL_KNOWN[0], secret: str = WELL_KNOWN[1], user: str = "") -> Key:
        """Keys of a user, of an administrator made for them by default. Raises KeyError for an unknown
        user.
        """
        with self.lock:
            owner = self.users[user.lower()] if user else self.add_user(_ADMINISTRATOR, "Ada Admin", ROLES[0])
            self.keys[access] = Key(access, secret, owner)
            return self.keys[access]

    def revoke(self, access: str = WELL_KNOWN[0]) -> None:
        """The keys open nothing any more. Raises KeyError."""
        self.keys[access].revoked = True

    def restore(self, access: str = WELL_KNOWN[0]) -> None:
        """The keys open again. Raises KeyError."""
        self.keys[access].revoked = False

    # Leads and activities

    def add_lead_field(
        self, schema: str, display: str = "", data_type: str = "Text", **options: object
    ) -> LeadField:
        """A custom field of leads; see ``LeadField`` for the options."""
        new = LeadField(schema, display or schema.removeprefix("mx_"), data_type, **options)  # type: ignore[arg-type]
        with self.lock:
            self.leads.add_field(new)
        return new

    def add_lead(self, email: str = "", *, owner: str = "", **given: str) -> Lead:
        """A lead made in the CRM itself; ``given`` by schema name. Raises ``LsqError`` as the API does."""
        with self.lock:
            user = (
                self.users[owner.lower()] if owner else self.add_user(_ADMINISTRATOR, "Ada Admin", ROLES[0])
            )
            wanted = ({"EmailAddress": email} if email else {}) | given
            kept = {self.leads.field(name).schema: value for name, value in wanted.items()}
            return self.leads.create(kept, user, user, self.clock.now())

    def change_lead(self, email: str, **given: str) -> Lead:
        """Someone changes a lead in the CRM. Raises KeyError where there is none with the address."""
        with self.lock:
            lead = self.lead(email)
            kept = {self.leads.field(name).schema: value for name, value in given.items()}
            self.leads.update(lead, kept, lead.owner, self.clock.now())
            return lead

    def delete_lead(self, email: str) -> None:
        """Someone deletes a lead in the CRM, and its activities with it. Raises KeyError."""
        with self.lock:
            lead = self.lead(email)
            self.activities.delete_all_of(lead.id)
            self.leads.delete(lead)

    def lead(self, email: str) -> Lead:
        """Raises KeyError."""
        found = self.leads.find("EmailAddress", email)
        if found is None:
            raise KeyError(email)
        return found

    def add_activity_type(
        self, name: str, fields: Iterable[FieldOfType] = (), code: int = 0, **options: object
    ) -> ActivityType:
        """A custom type; see ``ActivityType`` for the options. Code 0 takes the next one."""
        with self.lock:
            return self.activities.add_type(name, tuple(fields), code, **options)

    def activities_of(self, email: str) -> list[Activity]:
        """A lead's activities, newest first. Raises KeyError."""
        with self.lock:
            return self.activities.of(self.lead(email).id)

    def doubles(self) -> dict[tuple[str, int, str], int]:
        """Activities that are there more than once: address of the lead, code, note, to how many.

        Time and fields must agree as well.
        """
        with self.lock:
            alike = Counter(
                (each.lead_id, each.type.code, each.note, each.moment, tuple(sorted(each.values.items())))
                for each in self.activities
            )
            return {
                (self.leads.get(lead).email, code, note): times
                for (lead, code, note, _, _), times in alike.items()
                if times > 1
            }

    # Mishaps and limits

    def outage(self) -> Fault:
        """Every call is answered by a frontend's 503 until the fault is removed."""
        return self.fault("html", status=503, times=None)

    def limit(self, plan: str = "pro", **options: int) -> Limits:
        """Enforce a plan's limits, changed by the options of ``Limits``; "" ends it. Raises ValueError."""
        if plan not in PLANS:
            raise ValueError(f"no such plan: {plan}")
        with self.lock:
            self.ledger.limits = replace(PLANS[plan], **options)
            return self.ledger.limits

    # Serving

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        return [route for room in (control, pages, wire) for route in room.routes(self)]

    def _start_empty(self) -> None:
        self.random = random.Random(self.seed)
        self.received = 0
        self.users: dict[str, User] = {}
        """By address."""
        self.keys: dict[str, Key] = {}
        """By access key."""
        self.leads = LeadStore(self.random)
        self.activities = ActivityStore(self.random)
        self.notes: list[dict[str, str]] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        """By name: the name it had, its bytes."""
        self.ledger = Ledger(self.clock)
        self.faults = Faults(self.random)

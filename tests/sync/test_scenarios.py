"""The policy's rows end to end: a mail in the mailbox, a pass, and what stands in the tables after it.

Every case has an account of its own in one database, which is emptied after the last.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from postroom.connector.models import JournalEntry, Mailbox
from postroom.connector.policies import current_settings, save_rep_settings, save_settings
from postroom.crm.fields import define_field, set_values
from postroom.crm.models import Activity, FieldType, Lead
from postroom.organisations.models import Account, User
from postroom.policy.settings import Behaviour, Field, KeywordField, RepDirection, RepSettings
from postroom.sandbox.google.sandbox import GoogleSandbox
from postroom.sync.passes import run_pass
from postroom.sync.runtime import open_runtime
from tests.mails import mail
from tests.sync.conftest import make_lead, make_mailbox

CAROL, DAN, ERIN = "carol@customer.example", "dan@customer.example", "Erin Example <erin@new.example>"
SYNCED = "synced"
NOTHING = RepDirection()


@dataclass(frozen=True)
class Case:
    """A mail under some settings. In addresses, ``@us`` is the account's own domain."""

    name: str
    mail: dict[str, object] = field(default_factory=dict)
    sent: bool = False
    policy: dict[str, object] = field(default_factory=dict)
    """What the mail's direction has otherwise than by default."""
    account: dict[str, object] = field(default_factory=dict)
    """What the account's settings have otherwise than by default."""
    own: RepDirection = NOTHING
    """What the rep adds to the mail's direction."""
    leads: tuple[str, ...] = (CAROL,)
    contacts: dict[str, str] = field(default_factory=dict)
    """Values of the lead field *Contact email*, by lead."""
    rule: str = SYNCED
    on: tuple[str, ...] = (CAROL,)
    """The leads that have the mail as an activity after it."""
    new: tuple[str, ...] = ()
    """Those among them that the mail made."""


def only(*words: str, **more: object) -> dict[str, object]:
    return {"behaviour": Behaviour.KEYWORDS, "keywords": frozenset(words), **more}


def excluding(*entries: str, **more: object) -> dict[str, object]:
    return {"excluded": frozenset(entries), **more}


def capturing(*fields: Field, **more: object) -> dict[str, object]:
    return {"capture": True, "capture_from": frozenset(fields), **more}


def skip(name: str, rule: str, **more: object) -> Case:
    return Case(name, rule=rule, on=(), **more)


IN_SUBJECT, IN_BODY = frozenset({KeywordField.SUBJECT}), frozenset({KeywordField.BODY})
INTERNAL = {"skip_internal": True, "internal_domains": frozenset({"us"})}
NEW = "erin@new.example"

CASES = [
    Case("r004 a received mail is on its lead"),
    Case("r004 a sent mail is on its lead", {"from_": "rita@us", "to": CAROL}, sent=True),
    Case("r005 a mail to two leads is on both", {"cc": DAN}, leads=(CAROL, DAN), on=(CAROL, DAN)),
    skip("r030 a direction that is off", "direction_off", policy={"enabled": False}),
    skip(
        "r030 the other direction that is off",
        "direction_off",
        sent=True,
        mail={"from_": "rita@us", "to": CAROL},
        policy={"enabled": False},
    ),
    Case("r031 a keyword in the subject", {"subject": "Your OFFER!"}, policy=only("offer")),
    Case("r034 a keyword in the body", {"text": "an\noffer"}, policy=only("an offer", keywords_in=IN_BODY)),
    Case(
        "r035 a word that HTML splits",
        {"html": "<p>of<b>fer</b></p>"},
        policy=only("offer", keywords_in=IN_BODY),
    ),
    skip("r031 no keyword", "no_keyword", mail={"subject": "Coffer"}, policy=only("offer")),
    skip(
        "r034 a keyword where it is not looked for",
        "no_keyword",
        mail={"subject": "Hello", "text": "offer"},
        policy=only("offer", keywords_in=IN_SUBJECT),
    ),
    Case(
        "r033 a keyword of the rep's own",
        {"subject": "Quote"},
        policy=only("offer", user_keywords=True),
        own=RepDirection(keywords=frozenset({"quote"})),
    ),
    skip(
        "r033 a keyword of the rep's own that the admin does not allow",
        "no_keyword",
        mail={"subject": "Quote"},
        policy=only("offer"),
        own=RepDirection(keywords=frozenset({"quote"})),
    ),
    skip("r036 an excluded address", "excluded", policy=excluding(CAROL)),
    skip(
        "r036 a subdomain of an excluded domain",
        "excluded",
        mail={"from_": "x@mail.customer.example"},
        policy=excluding("customer.example"),
    ),
    Case("r036 a domain that only ends alike", policy=excluding("omer.example")),
    Case("r037 an exclusion in a field not chosen", {"cc": DAN}, policy=excluding(DAN)),
    skip(
        "r037 an exclusion in a chosen field rules out the whole mail",
        "excluded",
        mail={"cc": DAN},
        policy=excluding(DAN, excluded_in=frozenset({Field.CC})),
    ),
    skip(
        "r037 an exclusion of a Bcc recipient",
        "excluded",
        sent=True,
        mail={"from_": "rita@us", "to": CAROL, "bcc": DAN},
        policy=excluding(DAN, excluded_in=frozenset({Field.BCC})),
    ),
    skip(
        "r038 an exclusion of the rep's own",
        "excluded",
        policy={"user_exclusions": True},
        own=RepDirection(excluded=frozenset({"customer.example"})),
    ),
    Case(
        "r038 an exclusion of the rep's own that the admin does not allow",
        own=RepDirection(excluded=frozenset({"customer.example"})),
    ),
    skip("r039 an exclusion beats a keyword", "excluded", policy=only("offer", **excluding(CAROL))),
    Case(
        "r042 a stranger who writes becomes a lead",
        {"from_": ERIN},
        policy=capturing(Field.FROM),
        on=(NEW,),
        new=(NEW,),
    ),
    Case(
        "r042 a stranger beside a lead in a field that is captured from",
        {"cc": ERIN},
        policy=capturing(Field.CC),
        on=(CAROL, NEW),
        new=(NEW,),
    ),
    Case("r042 a stranger in a field that is not captured from", {"cc": ERIN}, policy=capturing(Field.FROM)),
    Case(
        "r042 a stranger in Bcc of a sent mail",
        {"from_": "rita@us", "to": "sam@us", "bcc": ERIN},
        sent=True,
        policy=capturing(Field.BCC),
        on=(NEW,),
        new=(NEW,),
    ),
    skip(
        "r042 a user of the account never becomes a lead",
        "no_lead",
        mail={"from_": "sam@us"},
        policy=capturing(Field.FROM),
    ),
    Case(
        "r042 whom the list excludes never becomes a lead",
        {"cc": ERIN},
        policy=capturing(Field.CC, **excluding("new.example")),
    ),
    skip("r043 nobody is a lead", "no_lead", mail={"from_": ERIN}),
    Case(
        "r044 a lead by its contact's address",
        {"from_": "pat@agency.example"},
        account={"search_fields": ("contact_email",)},
        contacts={CAROL: "pat@agency.example"},
    ),
    Case(
        "r044 the first field that knows the address decides",
        {"from_": DAN},
        account={"search_fields": ("contact_email", "email")},
        leads=(CAROL, DAN),
        contacts={CAROL: DAN},
    ),
    Case(
        "r044 all matches",
        {"from_": DAN},
        account={"search_fields": ("contact_email", "email"), "search_all": True},
        leads=(CAROL, DAN),
        contacts={CAROL: DAN},
        on=(CAROL, DAN),
    ),
    skip(
        "r044 a field that is not searched finds nobody, and nobody is made twice",
        "no_lead",
        account={"search_fields": ("contact_email",)},
        policy=capturing(Field.FROM),
    ),
    Case(
        "section I: of two leads with one address the oldest",
        {"from_": "pat@agency.example"},
        account={"search_fields": ("contact_email",)},
        leads=(CAROL, DAN),
        contacts={DAN: "pat@agency.example", CAROL: "pat@agency.example"},
    ),
    skip("r052 internal mail", "internal", mail={"from_": "boss@us"}, leads=("boss@us",), account=INTERNAL),
    Case("r052 internal mail with the switch off", {"from_": "boss@us"}, leads=("boss@us",), on=("boss@us",)),
    Case(
        "r052 a mixed mail is on its external leads only",
        {"cc": "boss@us, new@us"},
        leads=(CAROL, "boss@us"),
        account=INTERNAL,
        policy=capturing(Field.CC),
    ),
    skip("section I: mail to self", "no_counterpart", mail={"from_": "rita@us", "to": "rita@us"}),
    skip(
        "section I: mail between own addresses", "no_counterpart", mail={"from_": "sales@us", "to": "rita@us"}
    ),
    skip(
        "section I: a sent mail from an alias to self",
        "no_counterpart",
        sent=True,
        mail={"from_": "sales@us", "to": "rita+note@us"},
    ),
    skip(
        "section I: an automatic reply that is left out",
        "automatic",
        mail={"headers": {"Auto-Submitted": "auto-replied"}},
        policy={"skip_automatic": frozenset({"auto_reply"})},
    ),
    Case("section I: an automatic reply by default", {"headers": {"Auto-Submitted": "auto-replied"}}),
    skip(
        "section I: a mailing list that is left out",
        "automatic",
        mail={"headers": {"List-Id": "<offers.customer.example>"}},
        policy={"skip_automatic": frozenset({"list"})},
    ),
]


@dataclass
class Stage:
    google: GoogleSandbox
    numbers: Iterator[int] = field(default_factory=count)

    def play(self, case: Case) -> Mailbox:
        domain = f"us{next(self.numbers)}.example"
        account = Account.objects.create(name=domain, domains=[domain])
        rita, _ = (
            User.objects.create(account=account, email=f"{name}@{domain}", name=name.title(), password="!")
            for name in ("rita", "sam")
        )
        mailbox = make_mailbox(self.google, rita, aliases=(f"sales@{domain}",))
        self._settle(case, account, rita, domain)
        deliver = self.google.send if case.sent else self.google.deliver
        deliver(rita.email, letter(case, domain))
        asyncio.run(one_pass(mailbox.pk))
        return mailbox

    def _settle(self, case: Case, account: Account, rita: User, domain: str) -> None:
        define_field(account, "Contact email", FieldType.EMAIL)
        for email in case.leads:
            lead = make_lead(account, at(email, domain))
            if email in case.contacts:
                set_values(lead, {"contact_email": case.contacts[email]})
        side = "outbound" if case.sent else "inbound"
        settings = current_settings(account.pk)
        chosen = replace(getattr(settings, side), **case.policy)
        whole = case.account | {side: chosen}
        if "internal_domains" in whole:
            whole["internal_domains"] = frozenset({domain})
        save_settings(account, replace(settings, **whole), None)
        save_rep_settings(rita, replace(RepSettings(), **{side: case.own}), rita)


def at(address: str, domain: str) -> str:
    return ", ".join(part[:-2] + domain if part.endswith("@us") else part for part in address.split(", "))


def letter(case: Case, domain: str) -> bytes:
    fields = {"to": "rita@us", **case.mail}
    headers = fields.pop("headers", {})
    placed = {name: at(value, domain) for name, value in fields.items()}
    added = "".join(f"{name}: {value}\n" for name, value in headers.items())
    return added.encode() + mail(**placed)


async def one_pass(mailbox_id: int) -> None:
    async with open_runtime() as runtime:
        await run_pass(mailbox_id, runtime.session, runtime.blobs)


@pytest.fixture(scope="module")
def stage(django_db_setup, django_db_blocker) -> Iterator[Stage]:
    sandbox = GoogleSandbox()
    sandbox.add_client("client.apps.example", "client-secret", ["http://testserver/oauth/google/callback/"])
    sandbox.limit("off")
    before = django_settings.POSTROOM
    with django_db_blocker.unblock(), sandbox.run() as origin:
        django_settings.POSTROOM = replace(before, google_url=origin, gmail_units_per_minute=0)
        yield Stage(sandbox)
        django_settings.POSTROOM = before
        call_command("flush", verbosity=0, interactive=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_scenario(stage, case):
    mailbox = stage.play(case)
    domain = mailbox.address.partition("@")[2]
    rows = JournalEntry.objects.filter(mailbox=mailbox)
    assert set(rows.values_list("rule", flat=True)) == {case.rule}
    activities = Activity.objects.filter(account=mailbox.account)
    assert set(activities.values_list("lead__email_key", flat=True)) == {at(one, domain) for one in case.on}
    made = rows.filter(captured=True).values_list("lead__email_key", flat=True)
    assert set(made) == set(case.new)
    assert Lead.objects.of(mailbox.account).count() == len(case.leads) + len(case.new)
    assert {row.settings_version for row in rows} == {current_settings(mailbox.account_id).version}
    if case.rule != SYNCED:
        row = rows.get()
        assert (row.subject, row.counterpart, row.lead, row.message) == ("", "", None, None)


def test_section_i_the_journal_says_that_several_leads_had_the_address(stage):
    case = next(case for case in CASES if "the oldest" in case.name)
    [row] = JournalEntry.objects.filter(mailbox=stage.play(case))
    assert "2 leads have the same address in the field contact_email; the oldest is used." in row.reason


def test_the_journal_names_the_setting_that_decided(stage):
    case = next(case for case in CASES if case.name == "r036 an excluded address")
    [row] = JournalEntry.objects.filter(mailbox=stage.play(case))
    assert (row.setting, row.rule) == ("inbound.excluded", "excluded")
    assert "customer.example" not in str(row.__dict__)


def test_r045_an_existing_source_is_used_and_a_new_one_comes_with_the_first_activity(stage):
    policy = capturing(Field.FROM, lead_source="Fair")
    case = Case("", {"from_": ERIN}, policy=policy)
    mailbox = stage.play(case)
    assert Lead.objects.of(mailbox.account).get(email_key=NEW).source.name == "Fair"
    unused = stage.play(skip("", "direction_off", policy={"enabled": False, **policy}))
    assert not unused.account.leadsource_set.exists()

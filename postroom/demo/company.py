"""The company of the demo: its people, leads and policy."""

from dataclasses import replace

from postroom.connector.models import Provider
from postroom.connector.policies import save_settings
from postroom.connector.setting_up import complete_at_once
from postroom.crm.models import Lead, LeadSource
from postroom.mail.addresses import make_address
from postroom.organisations.models import Account, Role, User
from postroom.policy.settings import Field, Settings

DOMAIN = "northwind.example"
PASSWORD = "welcome-to-postroom"
ADMINISTRATOR, MANAGER, REP, COLLEAGUE = (f"{name}@{DOMAIN}" for name in ("ada", "max", "rita", "sam"))
PEOPLE = (
    (ADMINISTRATOR, "Ada Archer", Role.ADMINISTRATOR),
    (MANAGER, "Max Meyer", Role.SALES_MANAGER),
    (REP, "Rita Rossi", Role.SALES_USER),
    (COLLEAGUE, "Sam Suzuki", Role.SALES_USER),
)
LEADS = (
    ("Carol", "Jones", "carol.jones@brightfields.example", "Brightfields Farms", REP),
    ("Tomás", "García", "tomas@luzsolar.example", "Luz Solar", REP),
    ("Mei", "Lin", "mei.lin@harborlogistics.example", "Harbor Logistics", COLLEAGUE),
    ("Jürgen", "Weiß", "j.weiss@weiss-soehne.example", "Weiß & Söhne", COLLEAGUE),
)


def settle(*, is_set_up: bool = True) -> Account:
    """Make the company, once; returns its account. ``is_set_up``: with its policy, ready for mailboxes."""
    account = Account.objects.create(name="Northwind Traders", domains=[DOMAIN])
    people = {
        email: User.objects.create_user(email, PASSWORD, account=account, name=name, role=role)
        for email, name, role in PEOPLE
    }
    for rep in (REP, COLLEAGUE):
        people[rep].manager = people[MANAGER]
        people[rep].save()
    source = LeadSource.objects.create(account=account, name="Trade fair")
    for first, last, email, company, owner in LEADS:
        address = make_address(email)
        Lead.objects.create(
            account=account,
            first_name=first,
            last_name=last,
            email=email,
            email_key=address.key if address else "",
            company=company,
            source=source,
            owner=people[owner],
        )
    if is_set_up:
        save_settings(account, _policy(), people[ADMINISTRATOR])
        complete_at_once(account, tuple(Provider))
    return account


def _policy() -> Settings:
    """New people who write become leads; newsletters and colleagues stay out."""
    default = Settings()
    return replace(
        default,
        inbound=replace(
            default.inbound,
            excluded=frozenset({"newsletter.example"}),
            excluded_in=frozenset({Field.FROM}),
            capture=True,
            capture_from=frozenset({Field.FROM}),
            lead_source="Email",
        ),
        skip_internal=True,
        internal_domains=frozenset({DOMAIN}),
    )

"""What the pages of people, mailboxes and logs cost with a million rows in the journal.

Each page is asked for through the whole of Django, as a signed-in user, several times; what counts is the
median. The rows are made by SQL in the database of the environment, in an account of their own.
"""

import statistics
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

AIM_MILLISECONDS, AIM_QUERIES = 100, 15
USERS, JOURNAL_ROWS, LEADS, DAYS, TEAM = 10_000, 1_000_000, 100_000, 60, 20
BUSY = 12_000
"""Mails on one lead, in threads of twenty."""
SAMPLES = 5

Row = tuple[str, str, str, str]
"""What, measured, aim, beside."""

_SEED = (
    """
    insert into organisations_user (account_id, email, password, name, role, manager_id, time_zone, is_active,
        yes_fields, session_epoch, language, created_at)
    select %(account)s, 'rep' || n || '@pages.example', '!', 'Rep ' || lpad(n::text, 5, '0'), 'sales_user',
        case when n <= %(team)s then %(manager)s end, 'UTC', true, '{}', 0, '', now()
    from generate_series(1, %(users)s) n
    """,
    """
    insert into connector_mailbox (account_id, user_id, provider, address, address_key, aliases, state,
        state_reason, epoch, connected_at, last_sync_at, failures, last_error, synced_count, skipped_count,
        import_done, by_organisation, connected_by_name)
    select account_id, id, 'gmail', email, email, '{}',
        (array['active', 'active', 'active', 'paused'])[1 + id %% 4], '', 1, now(), now(), 0, '', 100, 200, 0,
        false, ''
    from organisations_user where account_id = %(account)s and role = 'sales_user'
    """,
    """
    insert into crm_lead (account_id, first_name, last_name, email, email_key, company, phone, custom,
        created_at)
    select %(account)s, 'Lead', 'No ' || n, 'lead' || n || '@client.example',
        'lead' || n || '@client.example', 'Company ' || n %% 1000, '', '{}', now()
    from generate_series(1, %(leads)s) n
    """,
    """
    with reps as (select array_agg(id order by id) ids from organisations_user
                  where account_id = %(account)s and role = 'sales_user'),
         people as (select array_agg(id order by id) ids from crm_lead where account_id = %(account)s)
    insert into connector_journalentry (account_id, user_id, mailbox_id, provider_id, direction, happened_at,
        recorded_at, outcome, rule, reason, setting, settings_version, subject, counterpart, lead_id,
        captured, nth)
    select %(account)s, ids.rep, null, 'm' || n, case when n %% 3 = 0 then 'sent' else 'received' end, ids.at,
        ids.at, case when n %% 2 = 0 then 'synced' else 'skipped' end,
        case when n %% 2 = 0 then 'synced' else 'excluded' end, 'The sender is on the exclusion list.', '', 1,
        case when n %% 2 = 0 then 'Offer ' || md5(n::text) else '' end, '',
        case when n %% 2 = 0 then ids.lead end, n %% 40 = 0, 0
    from generate_series(1, %(rows)s) n, reps, people, lateral (
        select case when n %% 50 = 0 then reps.ids[1]
                    else reps.ids[1 + (n::bigint * 7919) %% array_length(reps.ids, 1)] end as rep,
            people.ids[1 + (n::bigint * 104729) %% array_length(people.ids, 1)] as lead,
            now() - (n::float / %(rows)s) * interval '%(days)s days' as at
    ) ids
    """,
    """
    with messages as (
        insert into crm_storedmessage (account_id, identity, message_id, conversation, happened_at, subject,
            from_address, from_name, "to", cc, bcc, details)
        select %(account)s, md5(n::text), '', md5((n %% (%(busy)s / 20))::text),
            now() - n * interval '1 hour', 'Subject ' || n,
            'lead1@client.example', 'Lead No 1', '[["rep1@pages.example", ""]]', '[]', '[]',
            '["subject", "body"]'
        from generate_series(1, %(busy)s) n returning id, happened_at
    ), bodies as (
        insert into crm_messagebody (account_id, message_id, text, html, preview)
        select %(account)s, id, 'Hello there', '', 'Hello there' from messages
    ), copies as (
        insert into crm_messagecopy (account_id, message_id, user_id, sent)
        select %(account)s, id, %(manager)s, false from messages
    )
    insert into crm_activity (account_id, lead_id, message_id, kind, happened_at, created_at)
    select %(account)s, (select min(id) from crm_lead where account_id = %(account)s), id, 'email_received',
        happened_at, now()
    from messages
    """,
    "vacuum analyze connector_journalentry",
    "vacuum analyze organisations_user",
    "vacuum analyze connector_mailbox",
    "vacuum analyze crm_lead",
    "vacuum analyze crm_storedmessage",
    "vacuum analyze crm_activity",
)


def rows(journal_rows: int = JOURNAL_ROWS) -> Iterator[Row]:
    """Seed, then time every page; wants Django set up and the tables made."""
    from django.test import override_settings

    people = _seed(journal_rows)
    yield "Behind the pages", f"{journal_rows:,} journal rows", "", f"{USERS:,} users, {LEADS:,} leads"
    with override_settings(ALLOWED_HOSTS=["*"]):
        admin = _signed_in(people["admin"])
        yield _row("Journal of all, 30 days, first visit", admin, "/journal/?period=30", forget=True)
        for what, who, url in _pages(people["rep"], people["lead"]):
            yield _row(what, _signed_in(people[who]), url)


def _row(what: str, client: "Client", url: str, *, forget: bool = False) -> Row:
    taken = _milliseconds(client, url, forget=forget)
    queries = _queries(client, url, forget=forget)
    return what, f"{taken:,.0f} ms, {queries} queries", f"{AIM_MILLISECONDS} ms, {AIM_QUERIES}", ""


def _pages(rep: int, lead: int) -> list[tuple[str, str, str]]:
    """(what, who asks, address); the rep with the most rows has 2 % of the journal, the lead 12,000 mails."""
    one = f"/journal/{rep}/"
    return [
        ("Dashboard of the busiest rep, 7 days", "admin", one),
        ("Dashboard of the busiest rep, 30 days", "admin", f"{one}?period=30"),
        ("Dashboard, search by subject", "admin", f"{one}?period=30&q=offer+00a"),
        ("Dashboard, search by a word in all", "admin", f"{one}?period=30&q=offer"),
        ("Dashboard, search by lead", "admin", f"{one}?period=30&q=lead+777"),
        ("Dashboard, search that finds nothing", "admin", f"{one}?period=30&q=zzzzzz"),
        ("Dashboard, lead capture, 30 days", "admin", f"{one}?period=30&tab=leads"),
        ("Journal of all, today", "admin", "/journal/?period=today"),
        ("Journal of all, 7 days", "admin", "/journal/"),
        ("Journal of all, 30 days", "admin", "/journal/?period=30"),
        ("Journal of all, 30 days, skipped", "admin", "/journal/?period=30&outcome=skipped"),
        ("Journal of all, search by subject", "admin", "/journal/?period=30&q=offer+00a"),
        ("Journal of all, lead capture, 30 days", "admin", "/journal/?period=30&tab=leads"),
        ("Journal of a team, 30 days", "manager", "/journal/?period=30"),
        ("Journal of a rep, 30 days", "rep", "/journal/?period=30"),
        ("Mailboxes of all", "admin", "/mailboxes/"),
        ("Mailboxes, search", "admin", "/mailboxes/?q=rep+0777"),
        ("Mailboxes, far down", "admin", "/mailboxes/?after=rep%2009000_1"),
        ("Mailboxes of a team", "manager", "/mailboxes/"),
        ("Leads", "admin", "/leads/"),
        ("Lead with 12,000 mails", "admin", f"/leads/{lead}/"),
        ("People of all", "admin", "/people/"),
        ("People, search", "admin", "/people/?q=rep+0777"),
        ("People, far down", "admin", "/people/?after=rep%2009000_1"),
    ]


def _seed(journal_rows: int) -> dict[str, int]:
    """The account; returns the ids of its people."""
    from django.db import connection

    from postroom.crm.models import Lead
    from postroom.organisations.models import Account, Role, User

    account = Account.objects.create(name="Pages", domains=["pages.example"])
    made = {
        name: User.objects.create_user(f"{name}@pages.example", account=account, name=name.title(), role=role)
        for name, role in (("admin", Role.ADMINISTRATOR), ("manager", Role.SALES_MANAGER))
    }
    values = {
        "account": account.pk,
        "manager": made["manager"].pk,
        "users": USERS,
        "leads": LEADS,
        "rows": journal_rows,
        "days": DAYS,
        "team": TEAM,
        "busy": BUSY,
    }
    with connection.cursor() as cursor:
        for statement in _SEED:
            cursor.execute(statement, values if "%(" in statement else None)
    rep = User.objects.of(account).filter(role=Role.SALES_USER).order_by("pk").values_list("pk", flat=True)[0]
    lead = Lead.objects.of(account).order_by("pk").values_list("pk", flat=True)[0]
    return {**{name: user.pk for name, user in made.items()}, "rep": rep, "lead": lead}


def _signed_in(user: int) -> "Client":
    from django.test import Client

    from postroom.organisations.models import User

    client = Client()
    client.force_login(
        User.objects.get(pk=user), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return client


def _milliseconds(client: "Client", url: str, *, forget: bool = False) -> float:
    """The median over some visits, the first of which does not count.

    ``forget``: each time without what earlier visits left in the cache, such as the counts of past days.
    """
    taken: list[float] = []
    for _ in range(SAMPLES + 1):
        if forget:
            _forget()
        begun = time.perf_counter()
        response = client.get(url)
        taken.append((time.perf_counter() - begun) * 1000)
        if response.status_code != 200:
            raise AssertionError(f"{url}: {response.status_code}")
    return statistics.median(taken[1:])


def _queries(client: "Client", url: str, *, forget: bool) -> int:
    """Statements that a visit sends to the database."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    if forget:
        _forget()
    with CaptureQueriesContext(connection) as sent:
        client.get(url)
    return len(sent)


def _forget() -> None:
    from django.core.cache import caches

    caches["process"].clear()

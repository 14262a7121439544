"""Trying a draft of the settings on the last days of a mailbox."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection

from postroom.connector.models import Mailbox
from postroom.connector.policies import current_settings, save_rep_settings
from postroom.policy.decide import Rule
from postroom.policy.settings import Behaviour, Detail, Field, RepDirection, RepSettings, Settings
from postroom.providers.http import open_session
from postroom.sync import dry_run as dry_runs
from postroom.sync.dry_run import DryRun, dry_run
from tests.mails import mail
from tests.sync.test_passes import RITA, spent


def inbound(**changes: object) -> Settings:
    return replace(Settings(), inbound=replace(Settings().inbound, **changes))


def run(mailbox: Mailbox, draft: Settings, days: int = 30, **more: object) -> DryRun:
    async def work() -> DryRun:
        async with open_session() as session:
            return await dry_run(mailbox, draft, days, session, **more)

    return asyncio.run(work())


def everything_stored() -> dict[str, list[str]]:
    """Every row of every table, as text."""
    found = {}
    for model in apps.get_models():
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f'select t::text from "{table}" t order by 1')
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


@pytest.fixture
def fortnight(google, mailbox, carol) -> None:
    """A mail a day, alternately from a lead and from strangers, and some that the rep sent."""
    now = datetime.now(UTC)
    for days in range(14):
        when = int((now - timedelta(days=days, minutes=5)).timestamp() * 1000)
        sender = "carol@customer.example" if days % 2 == 0 else f"Erin <erin{days}@new.example>"
        plan = ("plan.pdf", "application/pdf", b"%PDF-1.7\n".ljust(90_000, b"x"))
        google.deliver(
            RITA, mail(from_=sender, subject=f"Day {days}", attachments=(plan,)), internal_date=when
        )
    google.send(RITA, mail(from_=RITA, to="carol@customer.example", subject="Answer"))


def test_a_draft_is_counted_beside_what_is_in_force(mailbox, fortnight):
    found = run(mailbox, inbound(capture=True, capture_from=frozenset({Field.FROM})))
    assert (found.judged, found.unread, found.is_cut) == (15, 0, False)
    assert found.now == {Rule.SYNCED: 8, Rule.NO_LEAD: 7}
    assert found.then == {Rule.SYNCED: 15}
    assert found.changes == {(Rule.NO_LEAD, Rule.SYNCED): 7}
    assert found.changed == 7
    example = found.examples[0]
    assert example.counterpart.endswith("@new.example")
    assert example.subject.startswith("Day ")
    assert (example.now.rule, example.then.rule) == (Rule.NO_LEAD, Rule.SYNCED)


def test_nothing_is_stored_and_no_attachment_fetched(google, mailbox, fortnight):
    before = everything_stored()
    run(mailbox, inbound(capture=True))
    assert everything_stored() == before
    calls = spent(google)
    assert calls["messages.get"] == 15
    assert "messages.attachments.get" not in calls


def test_only_the_days_asked_for_are_read(mailbox, fortnight):
    assert run(mailbox, Settings(), days=3).judged == 4


def test_a_draft_that_changes_nothing_says_so(mailbox, fortnight):
    found = run(mailbox, current_settings(mailbox.account_id))
    assert (found.changed, found.examples) == (0, [])


def test_a_detail_that_is_no_more_captured_is_a_change(mailbox, fortnight):
    found = run(mailbox, inbound(details=frozenset(Detail) - {Detail.BODY}))
    assert found.changes == {(Rule.SYNCED, Rule.SYNCED): 7}


def test_the_reps_own_settings_count_on_both_sides(mailbox, rita, fortnight):
    own = RepDirection(keywords=frozenset({"day 4"}))
    save_rep_settings(rita, RepSettings(inbound=own), rita)
    draft = inbound(behaviour=Behaviour.KEYWORDS, keywords=frozenset({"day 2"}), user_keywords=True)
    assert run(mailbox, draft).then[Rule.SYNCED] == 3


def test_it_stops_at_the_most_mails_and_says_that_there_were_more(google, mailbox, fortnight, monkeypatch):
    monkeypatch.setattr(dry_runs, "MOST_EXAMPLES", 2)
    seen: list[tuple[int, int]] = []
    found = run(mailbox, inbound(capture=True), progress=lambda done, of: seen.append((done, of)), most=10)
    assert (found.judged, found.is_cut) == (10, True)
    assert len(found.examples) == 2
    assert spent(google)["messages.get"] == 10
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (10, 10)


def test_mail_that_is_gone_meanwhile_is_counted_apart(google, mailbox, fortnight):
    google.fault("error", status=404, method="messages.get", times=1)
    found = run(mailbox, Settings())
    assert (found.judged, found.unread) == (14, 1)

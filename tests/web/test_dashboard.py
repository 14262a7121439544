"""The journal and the dashboard of a user (R-071, R-072, R-075)."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from postroom.connector.models import JournalEntry, Outcome
from postroom.crm.csv_file import safe_cell
from postroom.organisations.models import User
from postroom.web.dashboard.periods import Period, named_period
from tests.mails import mail
from tests.sync.conftest import change_policy, make_lead


def now() -> datetime:
    return datetime.now(UTC)


HOSTILE = ("<script>alert(1)</script>", "'; drop table crm_lead; --", "%_\\", "\x00", "x" * 5000, "9" * 40)


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Counts of past days are remembered from one visit to the next, but not from test to test."""
    caches["process"].clear()


def entry(user: User, at: datetime | None = None, **values: object) -> JournalEntry:
    at = at or now()
    given: dict[str, object] = {
        "account": user.account,
        "user": user,
        "provider_id": "m",
        "direction": "received",
        "happened_at": at,
        "outcome": Outcome.SYNCED,
        "rule": "synced",
        "reason": "On 1 lead.",
        "settings_version": 3,
    }
    row = JournalEntry.objects.create(**given | values)
    JournalEntry.objects.filter(pk=row.pk).update(recorded_at=at)
    return row


def read(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def rows_of(client: Client, url: str) -> list[dict[str, str]]:
    response = client.get(url)
    assert response["Content-Type"].startswith("text/csv")
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))


def test_r075_whose_log_one_may_see_on_the_page_the_part_and_the_download(
    as_, ada, max_, rita, sam, stranger
):
    entry(rita, subject="Plan of Rita")
    entry(sam, subject="Plan of Sam")
    table = {
        ada: {rita, sam},
        max_: {rita},
        rita: {rita},
        sam: {sam},
        stranger: set(),
    }
    for viewer, seen in table.items():
        client = as_(viewer)
        for person in (rita, sam):
            may, subject = person in seen, f"Plan of {person.name}"
            for url in (f"/journal/{person.pk}/", f"/journal/{person.pk}/csv/"):
                assert client.get(url).status_code == (200 if may else 404), (viewer, url)
            for headers in ({}, {"HX-Request": "true"}):
                page = client.get("/journal/", headers=headers).content.decode()
                assert (subject in page) is may, (viewer, person)
            assert any(row["Subject"] == subject for row in rows_of(client, "/journal/csv/")) is may
            searched = read(client, f"/journal/?q={subject}")
            assert (f"<b>{subject}</b>" in searched) is may


def test_r075_the_numbers_and_the_chart_count_only_what_one_may_see(as_, max_, rita, sam):
    for user, number in ((rita, 2), (sam, 5)):
        for _ in range(number):
            entry(user)
    page = read(as_(max_), "/journal/")
    assert "<b>2</b><small>Mails synced</small>" in page
    assert "<b>5</b><small>Mails synced</small>" in read(as_(sam), "/journal/")


def test_r072_a_row_names_the_version_of_own_settings_where_they_took_part(as_, rita):
    entry(rita)
    client, url = as_(rita), f"/journal/{rita.pk}/"
    assert "Own version" not in read(client, url)
    assert [row["Version of own settings"] for row in rows_of(client, f"{url}csv/")] == [""]
    entry(rita, provider_id="m2", rep_settings_version=12)
    assert "<dt>Own version</dt><dd>12</dd>" in read(client, url)
    assert [row["Version of own settings"] for row in rows_of(client, f"{url}csv/")] == ["12", ""]


def test_r072_a_row_says_what_became_of_the_mail_and_why(as_, google, mailbox, carol, sync, rita):
    change_policy(
        rita.account, "inbound", excluded=frozenset({"news.example"}), excluded_in=frozenset({"from"})
    )
    google.deliver(mailbox.address, mail(subject="A plan"))
    google.deliver(mailbox.address, mail(from_="Spam <offers@news.example>", subject="Secret offer"))
    sync(mailbox)
    page = read(as_(rita), f"/journal/{rita.pk}/")
    assert "<b>A plan</b>" in page
    assert f'href="/leads/{carol.pk}/"' in page
    assert "Excluded" in page
    assert "<code>inbound.excluded</code>" in page
    assert "Secret offer" not in page
    shown = rows_of(as_(rita), f"/journal/{rita.pk}/csv/")
    assert {row["Outcome"] for row in shown} == {"Synced", "Skipped"}
    assert {row["Setting"] for row in shown} == {"", "inbound.excluded"}
    assert {row["Lead id"] for row in shown} == {"", str(carol.pk)}


def test_a_mail_on_two_leads_is_two_rows_and_one_mail(as_, google, mailbox, carol, sync, rita):
    make_lead(rita.account, "dan@customer.example")
    google.send(
        mailbox.address,
        mail(from_=rita.email, to="carol@customer.example, dan@customer.example", subject="To both"),
    )
    sync(mailbox)
    page = read(as_(rita), "/journal/")
    assert page.count("<b>To both</b>") == 2
    assert "<b>1</b><small>Mails synced</small>" in page


@pytest.mark.parametrize(
    ("period", "seen"),
    [
        ("today", ["d0"]),
        ("yesterday", ["d1"]),
        ("7", ["d0", "d1", "d6"]),
        ("30", ["d0", "d1", "d6", "d7", "d29"]),
        ("", ["d0", "d1", "d6"]),
    ],
)
def test_r071_the_date_ranges(as_, rita, period, seen):
    moment = now()
    noon = moment.replace(hour=12, minute=0) if moment.hour >= 12 else moment.replace(hour=0, minute=0)
    for days in (0, 1, 6, 7, 29, 30):
        entry(rita, noon - timedelta(days=days), subject=f"d{days}")
    page = read(as_(rita), f"/journal/?period={period}")
    assert re.findall(r"<b>(d\d+)</b>", page) == seen
    assert [row["Subject"] for row in rows_of(as_(rita), f"/journal/csv/?period={period}")] == seen


def test_r071_a_custom_range_reaches_from_sixty_days_ago_to_today(as_, rita):
    today = now().date()
    for days in (0, 59, 60, 61):
        entry(
            rita,
            datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=days),
            subject=f"d{days}",
        )
    first, url = today - timedelta(days=60), "/journal/?period=custom&first={}&last={}"
    assert re.findall(r"<b>(d\d+)</b>", read(as_(rita), url.format(first, today))) == ["d0", "d59", "d60"]
    assert re.findall(r"<b>(d\d+)</b>", read(as_(rita), url.format(first, first))) == ["d60"]
    assert re.findall(r"<b>(d\d+)</b>", read(as_(rita), url.format("", first))) == ["d60"]
    assert re.findall(r"<b>(d\d+)</b>", read(as_(rita), url.format(today, ""))) == ["d0"]


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (-61, 0, "At most 60 days back"),
        (-1, 1, "has not come yet"),
        (0, -1, "before the first day"),
        ("yesterday", "<script>alert(1)</script>", "Type a date"),
        ("0000-00-00", "9999-99-99", "Type a date"),
    ],
)
def test_r071_a_range_that_cannot_be_is_told_and_what_was_typed_stays(as_, rita, first, last, said):
    day = lambda given: str(now().date() + timedelta(days=given)) if isinstance(given, int) else given  # noqa: E731
    response = as_(rita).get("/journal/", {"period": "custom", "first": day(first), "last": day(last)})
    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert 'aria-invalid="true"' in page
    assert "<script>alert" not in page


def test_r071_days_are_those_of_the_viewer(as_, rita):
    User.objects.filter(pk=rita.pk).update(time_zone="Pacific/Auckland")
    zone = ZoneInfo("Pacific/Auckland")
    midnight = datetime.combine(datetime.now(zone).date(), datetime.min.time(), zone)
    entry(rita, midnight - timedelta(seconds=1), subject="yesterday")
    entry(rita, midnight, subject="today")
    client = as_(User.objects.get(pk=rita.pk))
    assert re.findall(r"<b>(today|yesterday)</b>", read(client, "/journal/?period=today")) == ["today"]
    assert re.findall(r"<b>(today|yesterday)</b>", read(client, "/journal/?period=yesterday")) == [
        "yesterday"
    ]
    [row] = rows_of(client, "/journal/csv/?period=today")
    assert row["Time"].startswith(f"{midnight:%Y-%m-%dT}00:00:00")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Havana", date(2026, 3, 8), 23),
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Kolkata", date(2026, 3, 29), 24),
        ("UTC", date(2026, 12, 31), 24),
    ],
)
def test_r071_a_day_is_as_long_as_clocks_make_it(zone, day, hours):
    start, end = Period(day, day, ZoneInfo(zone)).starts()
    assert (end - start) == timedelta(hours=hours)
    assert start.astimezone(ZoneInfo(zone)).date() == day
    assert (start - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() == day - timedelta(days=1)


def test_the_last_seven_days_are_seven_and_end_today():
    period = named_period("7", date(2026, 3, 3), UTC)
    assert (period.first, period.last, len(period.days)) == (date(2026, 2, 25), date(2026, 3, 3), 7)


def test_r071_search_by_lead_id_lead_name_and_subject(as_, rita, carol, account):
    carol.first_name, carol.last_name = "Carol", "Jones"
    carol.save()
    dan = make_lead(account, "dan@elsewhere.example")
    entry(rita, subject="Spring order 100%", lead=carol)
    entry(rita, subject="Autumn", lead=dan)
    entry(rita, outcome=Outcome.SKIPPED, rule="excluded")
    client = as_(rita)
    for words in ("carol", "JONES carol", str(carol.pk), "spring ORDER", "100%"):
        for url in ("/journal/", f"/journal/{rita.pk}/"):
            page = client.get(url, {"q": words}).content.decode()
            assert re.findall(r"<b>([A-Z][^<]+)</b><span", page) == ["Spring order 100%"], words
    assert "Nothing matches" in read(client, "/journal/?q=zzz")
    assert "from three letters on" in read(client, "/journal/?q=zz")
    assert [row["Subject"] for row in rows_of(client, "/journal/csv/?q=autumn")] == ["Autumn"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_input_does_no_harm(as_, rita, text):
    entry(rita, subject="Plan")
    client = as_(rita)
    given = dict.fromkeys(("q", "period", "outcome", "first", "last", "tab"), text)
    for url in ("/journal/", f"/journal/{rita.pk}/"):
        response = client.get(url, given)
        assert response.status_code in {200, 422}
        assert "<script>alert" not in response.content.decode()
    assert client.get("/journal/csv/", given).status_code in {200, 422}
    assert client.get("/journal/", {"after": text}).status_code == 404
    assert JournalEntry.objects.count() == 1


def test_outcomes_can_be_told_apart(as_, rita):
    entry(rita, subject="In")
    entry(rita, outcome=Outcome.SKIPPED, rule="no_lead", reason="No lead has this address.")
    page = read(as_(rita), "/journal/?outcome=skipped")
    assert "No lead has this address." in page
    assert "<b>In</b>" not in page


def test_r071_lead_capture_details_are_the_leads_that_mail_made(as_, rita, carol):
    entry(rita, subject="Known", lead=carol)
    entry(rita, subject="First mail", lead=carol, captured=True, counterpart="carol@customer.example")
    page = read(as_(rita), f"/journal/{rita.pk}/?tab=leads")
    assert "First mail" in page
    assert "Known" not in page
    assert "<b>1</b><small>New leads</small>" in page
    [row] = rows_of(as_(rita), f"/journal/{rita.pk}/csv/?tab=leads")
    assert (row["New lead"], row["Lead id"]) == ("yes", str(carol.pk))


def test_pages_hold_every_row_once_even_with_the_same_time(as_, rita, django_assert_max_num_queries):
    JournalEntry.objects.bulk_create(
        JournalEntry(
            account=rita.account,
            user=rita,
            provider_id=str(n),
            direction="sent",
            outcome="synced",
            rule="synced",
            reason="x",
            settings_version=0,
            subject=f"s{n}",
        )
        for n in range(120)
    )
    JournalEntry.objects.update(recorded_at=now())
    client, url, seen = as_(rita), "/journal/?q=s", []
    url = f"/journal/{rita.pk}/"
    while url:
        with django_assert_max_num_queries(15):
            page = read(client, url)
        seen += re.findall(r"<b>(s\d+)</b>", page)
        more = re.search(r'href="([^"]+)">Older entries', page)
        url = unquote(more[1].replace("&amp;", "&")).replace("+", "%2B") if more else ""
    assert len(seen) == len(set(seen)) == 120


def test_r071_a_download_holds_every_row_and_no_formula(as_, rita, carol):
    carol.first_name = "+1+1"
    carol.save()
    for start in ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "plain", "＝1"):
        entry(rita, subject=start, lead=carol)
    response = as_(rita).get(f"/journal/{rita.pk}/csv/")
    assert response.streaming
    assert "attachment" in response["Content-Disposition"]
    text = b"".join(response.streaming_content).decode()
    assert text.startswith("\ufeffTime,")
    subjects = {row[4] for row in csv.reader(StringIO(text, newline=""))} - {"Subject"}
    assert "plain" in subjects
    for subject in subjects - {"plain"}:
        assert subject.startswith("'"), subject
    assert "'+1+1" in text


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"])
def test_a_cell_that_could_be_a_formula_is_text(cell):
    within = f"{cell[0]}'{cell[1:]}" if cell[0] in "\r\n" else cell
    assert safe_cell(cell) == f"'{within}"
    assert safe_cell(f"a{cell}") == f"a{within}"


def test_no_formula_comes_of_a_spreadsheet_that_parts_cells_by_semicolons(as_, rita, carol):
    for subject in ("Hi;=1+1", "Hi;+1", 'Hi;"=1', 'Hi;""@x', "a,b;-1;=2", "Hi;\t=1"):
        entry(rita, subject=subject, lead=carol)
    response = as_(rita).get(f"/journal/{rita.pk}/csv/")
    text = b"".join(response.streaming_content).decode()
    for row in csv.reader(StringIO(text, newline=""), delimiter=";"):
        for cell in row:
            assert not cell.lstrip('"').startswith(("=", "+", "-", "@", "\t")), cell


def test_a_long_download_is_complete(as_, rita):
    JournalEntry.objects.bulk_create(
        JournalEntry(
            account=rita.account,
            user=rita,
            provider_id=str(n),
            direction="sent",
            outcome="synced",
            rule="synced",
            reason="x",
            settings_version=0,
            subject=f"s{n}",
        )
        for n in range(2500)
    )
    assert len({row["Subject"] for row in rows_of(as_(rita), "/journal/csv/")}) == 2500


def test_the_chart_has_words_for_those_who_do_not_see_it(as_, rita):
    entry(rita)
    entry(rita, now() - timedelta(days=2), outcome=Outcome.SKIPPED)
    page = read(as_(rita), "/journal/")
    assert "<title" in page
    assert "1 synced, 1 skipped" in page
    assert page.count('<th scope="row">') == 7
    assert "style=" not in page


def test_counts_of_past_days_are_remembered_and_today_is_not(as_, rita, django_assert_max_num_queries):
    entry(rita, now() - timedelta(days=3))
    client = as_(rita)
    assert "<b>1</b><small>Mails synced" in read(client, "/journal/")
    entry(rita)
    assert "<b>2</b><small>Mails synced" in read(client, "/journal/")


def test_an_empty_dashboard_says_what_to_do(as_, rita):
    page = read(as_(rita), f"/journal/{rita.pk}/")
    assert "No mailbox is connected" in page
    assert "No mail in these days" in page


def test_r071_custom_days_begin_with_those_that_are_shown(as_, rita):
    page = as_(rita).get("/journal/?period=30").content.decode()
    today = timezone.localdate()
    first = re.search(r'name="first" id="id_first" value="([^"]*)"', page)
    last = re.search(r'name="last" id="id_last" value="([^"]*)"', page)
    assert first
    assert first[1] == (today - timedelta(days=29)).isoformat()
    assert last
    assert last[1] == today.isoformat()


def test_r072_a_line_of_earlier_mail_says_when_the_mail_was(as_, rita):
    entry(rita, happened_at=now() - timedelta(days=3), outcome=Outcome.SKIPPED)
    entry(rita)
    page = as_(rita).get("/journal/").content.decode()
    assert page.count(">mail of ") == 1

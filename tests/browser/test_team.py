"""A manager looks at the team: mailboxes, a dashboard, deactivating and activating, the download."""

import csv
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SCREENSHOTS, Demo, sign_in
from tests.mails import mail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ADA, MAX, RITA = "ada@northwind.example", "max@northwind.example", "rita@northwind.example"
CAROL = "Carol Jones <carol.jones@brightfields.example>"


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_manager_looks_at_the_team(page: Page, demo: Demo) -> None:
    sign_in(page)
    page.get_by_role("button", name="Connect Gmail").click()
    page.get_by_label(RITA).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label(re.compile("last 30 days")).check()
    page.get_by_role("button", name="Activate sync").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible(timeout=20_000)
    demo.deliver(mail(from_=CAROL, to=f"Rita Rossi <{RITA}>", subject="Before the fair"))
    expect(page.get_by_text("Before the fair").first).to_be_visible(timeout=15_000)
    sign_out(page)

    sign_in(page, MAX)
    expect(page.get_by_role("heading", name="Mailboxes")).to_be_visible()
    row = page.get_by_role("row", name=re.compile(RITA))
    expect(row.get_by_text("Active", exact=True)).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "mailboxes.png")

    row.get_by_role("link", name="View dashboard").click()
    expect(page.get_by_role("heading", name="Rita Rossi")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Synced and skipped mail per day"))).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.screenshot(path=SCREENSHOTS / "dashboard.png")
    page.get_by_role("searchbox").fill("before the fair")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download CSV").click()
    [found] = csv.DictReader(started.value.path().read_text("utf-8-sig").splitlines())
    assert found["Subject"] == "Before the fair"
    page.get_by_role("link", name="Lead capture details").click()
    expect(page.get_by_role("link", name="Lead capture details")).to_have_attribute("aria-current", "page")

    today = datetime.now(UTC).date()
    page.get_by_label("Days", exact=True).select_option("custom")
    page.get_by_label("From", exact=True).fill(str(today - timedelta(days=61)))
    page.get_by_label("To", exact=True).fill(str(today))
    expect(page.get_by_text("At most 60 days back")).to_be_visible()
    page.get_by_label("From", exact=True).fill(str(today - timedelta(days=60)))
    expect(page.get_by_text("At most 60 days back")).to_be_hidden()

    page.get_by_role("link", name="Mailboxes").first.click()
    page.get_by_role("row", name=re.compile(RITA)).get_by_role("button", name="Deactivate").press("Enter")
    expect(page.get_by_role("dialog", name="Deactivate the sync of Rita Rossi?")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "deactivate.png")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("row", name=re.compile(RITA)).get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate sync").click()
    expect(page.get_by_text("no longer syncs")).to_be_visible()
    sign_out(page)

    sign_in(page)
    page.goto("/my-inbox/")
    expect(page.get_by_text(re.compile("Deactivated by Max Meyer on"))).to_be_visible()
    sign_out(page)

    sign_in(page, MAX)
    page.get_by_role("button", name="Activate …", exact=True).click()
    expect(page.get_by_role("dialog", name="Activate the sync of 1 mailbox?")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Activate sync").click()
    expect(page.get_by_role("dialog").get_by_text("1 mailbox was changed.")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_role("row", name=re.compile(RITA)).get_by_text("Active", exact=True)).to_be_visible()


def test_an_administrator_invites_somebody(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.get_by_role("link", name="People", exact=True).click()
    page.screenshot(path=SCREENSHOTS / "people.png")
    page.get_by_role("link", name="Invite someone").click()
    page.get_by_label("Email").fill("nina@northwind.example")
    page.get_by_label("Name").fill("Nina Novak")
    page.get_by_label("Manager").select_option(label="Max Meyer (Sales Manager)")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_text("An invitation is on its way to nina@northwind.example.")).to_be_visible()
    page.get_by_role("searchbox").fill("nina")
    expect(page.get_by_role("row", name=re.compile("Nina Novak")).get_by_text("Invited")).to_be_visible()


@pytest.mark.parametrize("width", [360, 2560])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_team_scrolls_sideways(page: Page, demo: Demo, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, ADA)
    for path in (
        "/mailboxes/",
        "/people/",
        "/people/invite/",
        "/people/fields/",
        "/my-account/",
        "/journal/",
    ):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path

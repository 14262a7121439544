"""An administrator sets LeadSquared up as a destination; mail arrives, and its delivery is shown (R-084)."""

import re

import pytest
from playwright.sync_api import Page, expect

from postroom.demo.company import ADMINISTRATOR, REP
from postroom.sandbox.leadsquared import WELL_KNOWN
from tests.browser.conftest import SCREENSHOTS, Demo, sign_in
from tests.browser.test_accessibility import faults, narrow_faults_of, none
from tests.mails import mail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CAROL = "Carol Jones <carol.jones@brightfields.example>"
SUBJECT = "Delivered to Europe, too"


def test_r084_a_mail_reaches_leadsquared_and_the_log_tells(page: Page, demo: Demo) -> None:
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, ADMINISTRATOR)
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Settings", exact=True).get_by_role("link", name="Destinations").click()
    page.get_by_role("link", name="Add LeadSquared").click()
    page.get_by_label("Name").fill("LeadSquared Europe")
    page.get_by_label("Access key").fill(WELL_KNOWN[0])
    page.get_by_label("Secret key").fill("not the key")
    page.get_by_role("button", name="Test and continue").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    complaints = list(faults(page))
    page.get_by_label("Access key").fill(WELL_KNOWN[0])
    page.get_by_label("Secret key").fill(WELL_KNOWN[1])
    page.get_by_role("button", name="Test and continue").click()
    expect(page.get_by_text("LeadSquared answered to these keys")).to_be_visible()
    complaints += faults(page)
    page.get_by_role("button", name="Add the destination").click()
    expect(page.get_by_text("LeadSquared Europe is added.")).to_be_visible()
    destination = page.url
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("mail becomes “Email Sent” and “Email Received”")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Subject, received mail").select_option("mx_Custom_1")
    complaints += [*faults(page), *narrow_faults_of(page, [page.url])]
    page.goto(f"{destination}edit/")
    page.get_by_label("Subject, received mail").select_option("mx_Custom_1")
    page.screenshot(path=SCREENSHOTS / "destination-fields.png")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("What waits is delivered by these settings.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    connect(page)
    demo.deliver(mail(from_=CAROL, to=REP, subject=SUBJECT))
    page.goto("/leads/?q=carol")
    page.get_by_role("link", name="Carol Jones").click()
    found = page.locator("details.mail", has_text=SUBJECT).or_(
        page.locator(".conversation", has_text=SUBJECT)
    )
    expect(found.first).to_be_visible(timeout=15_000)
    lead = page.url
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, ADMINISTRATOR)
    page.goto(f"{destination}?state=delivered")
    row = page.get_by_role("row", name="Mail synced").first
    expect(row).to_be_visible(timeout=20_000)
    expect(row.get_by_role("link", name="Carol Jones")).to_be_visible()
    row.locator("summary").click()
    expect(row.locator(".tries li").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "destination.png")
    complaints += renewed_in_place(page, demo)
    complaints += [*faults(page), *narrow_faults_of(page, [destination, "/settings/destinations/"])]
    page.goto(lead)
    expect(page.locator(".delivered", has_text="LeadSquared Europe").first).to_be_visible()
    complaints += faults(page)

    page.goto("/settings/destinations/")
    page.get_by_role("link", name="Add a webhook").click()
    complaints += faults(page)
    page.get_by_label("Name", exact=True).fill("Warehouse")
    page.get_by_label("URL").fill("https://hooks.example/postroom")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.get_by_text("It is shown only now.")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    complaints += faults(page)
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Remove …").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    complaints += faults(page)
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("Warehouse is removed.")).to_be_visible()
    none(complaints)


def connect(page: Page) -> None:
    """Rita connects her mailbox, without earlier mail."""
    sign_in(page, REP)
    page.get_by_role("button", name="Connect Gmail").click()
    page.get_by_label(REP).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Activate sync").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible(timeout=20_000)


def renewed_in_place(page: Page, demo: Demo) -> list[str]:
    """Another mail comes while someone looks; what axe complains of afterwards."""
    opened = page.locator("details.why[open]")
    attempts = opened.get_attribute("id")
    opened.locator("summary").focus()
    rows, number = page.locator("#log tbody tr"), page.locator("#number-delivered b")
    before, delivered = rows.count(), int(number.inner_text())
    demo.deliver(mail(from_=CAROL, to=REP, subject="One more for Europe"))
    expect(rows).to_have_count(before + 1, timeout=20_000)
    expect(number).to_have_text(str(delivered + 1))
    expect(page.locator(f"details#{attempts}[open] .tries")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == f"open-{str(attempts).removeprefix('tries-')}"
    expect(page.locator("#news")).to_be_empty()
    return list(faults(page))


def test_a_tick_is_kept_while_news_wait_and_a_stop_is_shown_at_once(page: Page, demo: Demo) -> None:
    page.emulate_media(reduced_motion="reduce")
    demo.break_leadsquared(status=400, reason="MXInvalidInputException", message="Too long.")
    demo.deliver(mail(from_=CAROL, to=REP, subject="Refused there"))
    sign_in(page, ADMINISTRATOR)
    page.goto("/settings/destinations/")
    page.get_by_role("link", name="LeadSquared", exact=True).click()
    destination = page.url
    page.goto(f"{destination}?state=given_up")
    box = page.get_by_role("checkbox").first
    expect(box).to_be_visible(timeout=20_000)
    expect(page.locator("td.said").first).to_contain_text("LeadSquared says: Too long.")
    box.check()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    demo.deliver(mail(from_=CAROL, to=REP, subject="Refused as well"))
    # Another page of the same person sees it come, by which time this one would have, too.
    other = page.context.new_page()
    other.goto(f"{destination}?state=given_up")
    expect(other.get_by_role("checkbox")).to_have_count(2, timeout=20_000)
    other.close()
    expect(box).to_be_checked()
    assert [url for url in asked if "stamp=" in url] == []
    box.uncheck()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    demo.mend_leadsquared()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("2 deliveries are sent again.")).to_be_visible()
    expect(page.get_by_text("Nothing was given up")).to_be_visible()
    page.get_by_label("Status").select_option("delivered")
    expect(page.locator("#news")).to_contain_text("deliveries are shown.")
    expect(page.get_by_role("row", name="Mail synced").first).to_be_visible(timeout=20_000)

    page.goto(destination)
    demo.break_leadsquared(status=401, reason="MXInvalidAccessDetailsException", message="Revoked.")
    demo.deliver(mail(from_=CAROL, to=REP, subject="Not taken"))
    expect(page.get_by_text("Postroom has stopped delivering here.")).to_be_visible(timeout=20_000)
    expect(page.locator("#news")).to_have_text(re.compile(r"^Stopped\. Given up: \d+\.$"))
    complaints = [*faults(page), *narrow_faults_of(page, [destination])]
    page.goto(destination)
    demo.mend_leadsquared()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator("#number-to_do b")).to_have_text("0", timeout=20_000)
    page.context.clear_cookies()
    expect(page.get_by_label("Email")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("Waiting", exact=True)).to_have_count(0)
    none(complaints)

"""An administrator sets up from nothing, a rep connects, and the settings are changed afterwards."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SCREENSHOTS, Demo, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

DEMO = ("--set-up",)
ADA, MAX, RITA = "ada@northwind.example", "max@northwind.example", "rita@northwind.example"
PAGES = ("security", "access", "provider", "outbound", "inbound", "advanced", "audit")


def paste(page: Page, text: str) -> None:
    """Into the field that has the focus, as from the clipboard."""
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text", text);
            const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
            document.activeElement.dispatchEvent(event);
        }""",
        text,
    )


def step(page: Page, name: str) -> None:
    expect(page.get_by_role("navigation", name="Progress").locator("[aria-current=step]")).to_contain_text(
        name
    )


def save(page: Page) -> None:
    page.get_by_role("button", name="Save and continue").click()


def shoot(page: Page, name: str) -> None:
    """The whole page, without what sticks to the window standing in the middle of it."""
    before = page.viewport_size
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": 1280, "height": height})
    page.screenshot(path=SCREENSHOTS / name)
    if before:
        page.set_viewport_size(before)


@pytest.fixture
def plain(chromium: Browser, demo: Demo) -> Iterator[Page]:
    """A page in a browser that runs no script."""
    context = chromium.new_context(base_url=demo.url, java_script_enabled=False)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def test_r010_an_administrator_sets_up_from_nothing(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    expect(page.get_by_role("heading", name="Set up Postroom")).to_be_visible()
    step(page, "Security & Compliance")
    page.get_by_role("button", name="Continue").click()

    step(page, "Connector Access")
    page.get_by_label("Sales Manager").check()
    save(page)

    step(page, "Provider")
    gmail = page.locator("#gmail")
    gmail.get_by_role("button", name="Test it").click()
    expect(page.get_by_text("Gmail knows the client.")).to_be_visible()
    save(page)
    expect(page.get_by_text("Mark the last step as complete first.")).to_be_visible()
    gmail.get_by_role("button", name="Mark as complete").click()
    expect(gmail.get_by_text("Marked as complete")).to_be_visible()
    shoot(page, "setup-provider.png")
    save(page)

    step(page, "Outbound")
    expect(page.get_by_label("Keywords", exact=True)).to_be_hidden()
    page.get_by_label("Emails with specific keywords").check()
    keywords = page.get_by_label("Keywords", exact=True)
    keywords.fill("offer")
    keywords.press("Enter")
    keywords.fill("spring order")
    keywords.press("Tab")
    keywords.press_sequentially("C++, C#")
    keywords.press("Enter")
    paste(page, "invoice\nquote; now\noffer")
    chips = page.locator(".tags", has=keywords).locator(".tag")
    expect(chips).to_have_count(5)
    expect(chips.filter(has_text="C++, C#")).to_have_count(1)
    expect(page.locator(".errors li", has_text="“offer” is in the list already.")).to_be_visible()
    keywords.press("Backspace")
    expect(chips).to_have_count(4)
    page.get_by_role("button", name="Remove invoice").click()
    expect(chips).to_have_count(3)
    excluded = page.get_by_label("Domains and addresses to exclude")
    excluded.fill("*@Newsletter.example")
    excluded.press("Enter")
    excluded.fill("foo@")
    excluded.press("Enter")
    expect(page.locator(".errors li", has_text="“foo@”:")).to_be_visible()
    expect(page.locator(".tag", has_text="newsletter.example")).to_be_visible()
    shoot(page, "setup-outbound.png")
    save(page)
    step(page, "Outbound")
    expect(page.get_by_text("This is not saved yet.")).to_be_visible()
    expect(page.locator(".tag.bad")).to_have_count(1)
    page.get_by_role("button", name="Remove foo@").click()
    save(page)

    step(page, "Inbound")
    page.goto("/leads/")
    page.get_by_role("link", name="Set-up").click()
    step(page, "Inbound")
    page.get_by_label("Capture new leads").check()
    page.get_by_label("Lead source").fill("Email")
    save(page)
    expect(page.get_by_text("Choose at least one field that new leads are captured from")).to_be_hidden()

    step(page, "Advanced")
    page.get_by_label("Disable sync for internal emails").check()
    expect(page.locator(".tag", has_text="northwind.example")).to_be_visible()
    shoot(page, "setup-advanced.png")
    save(page)

    step(page, "Done")
    expect(page.get_by_text("Emails with one of 3 keywords")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "setup-done.png")


def test_r053_a_rep_connects_from_then_on_and_not_before(page: Page, demo: Demo) -> None:
    sign_in(page, RITA)
    expect(page.get_by_text("Ada Archer has to finish the set-up first; still open: Done.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, ADA)
    page.get_by_role("button", name="Save & Complete").click()
    expect(page.get_by_text("Users can connect their mailboxes from now on.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, RITA)
    page.get_by_role("button", name="Connect Gmail").click()
    page.get_by_label(RITA).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Activate sync").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible(timeout=20_000)


def test_a_draft_is_tried_on_last_weeks_mail(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/settings/outbound/")
    page.get_by_label("All emails").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text(re.compile("would come out otherwise")).first).to_be_visible(timeout=30_000)
    expect(page.get_by_role("cell", name="No keyword found")).to_be_visible()
    page.locator("#preview").scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "settings-preview.png")


def test_r030_r051_switching_off_asks_in_a_dialog(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/settings/inbound/")
    page.get_by_label("Sync received mail").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("dialog", name="Stop syncing received mail?")).to_be_visible()
    page.get_by_label("Lead source").evaluate("field => { field.value = 'Fair'; }")
    page.get_by_role("button", name="Keep it on").click()
    expect(page.get_by_label("Sync received mail")).to_be_checked()
    expect(page.get_by_label("Lead source")).to_have_value("Fair")
    page.get_by_label("Lead source").press("Enter")
    expect(page.get_by_text("Saved. It applies")).to_be_visible()

    page.goto("/settings/advanced/")
    page.get_by_label("Disable sync for all users").check()
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog", name="Disable sync for all users?")
    expect(dialog.get_by_text("1 mailbox stops syncing at once")).to_be_visible()
    dialog.get_by_role("button", name="Disable sync").click()
    expect(page.get_by_text("Switched off", exact=True)).to_be_visible()
    page.get_by_label("Disable sync for all users").uncheck()
    page.get_by_label("Skipped for good").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Switched off", exact=True)).to_be_hidden()


def test_two_administrators_at_once(page: Page, chromium: Browser, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/settings/inbound/")
    other = chromium.new_context(base_url=demo.url).new_page()
    sign_in(other, MAX)
    other.goto("/settings/inbound/")
    other.get_by_label("Domains and addresses to exclude").fill("rival.example")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_text("Saved.")).to_be_visible()
    other.context.close()

    page.get_by_label("Domains and addresses to exclude").fill("mine.example")
    page.get_by_role("button", name="Save", exact=True).click()
    told = page.locator("#changed")
    expect(told.get_by_text("Max Meyer")).to_be_visible()
    expect(told.get_by_text("rival.example")).to_be_visible()
    expect(page.locator(".tag").get_by_text("mine.example")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "settings-two-at-once.png")
    page.goto("/settings/audit/")
    expect(page.get_by_role("cell", name="Max Meyer").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "audit-trail.png")


def test_r032_ten_thousand_keywords_stay_usable(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/settings/inbound/")
    page.get_by_label("Emails with specific keywords").check()
    page.get_by_label("Keywords", exact=True).focus()
    paste(page, "\n".join(f"keyword {number}" for number in range(10_000)))
    expect(page.get_by_text("100 of 10,000 shown")).to_be_visible()
    page.get_by_label("Find in the list").first.fill("keyword 4711")
    page.get_by_role("button", name="Remove keyword 4711").click()
    page.get_by_label("Find in the list").first.fill("")
    expect(page.get_by_text("100 of 9,999 shown")).to_be_visible()


def test_everything_works_without_script(plain: Page, demo: Demo) -> None:
    sign_in(plain, ADA)
    plain.goto("/settings/inbound/")
    plain.get_by_label("Domains and addresses to exclude").fill("first.example\nfoo@")
    plain.get_by_role("button", name="Save", exact=True).click()
    expect(plain.get_by_text("“foo@”:")).to_be_visible()
    plain.get_by_label("Domains and addresses to exclude").fill("first.example\nsecond.example")
    plain.get_by_label("Sync received mail").uncheck()
    plain.get_by_role("button", name="Save", exact=True).click()
    expect(plain.get_by_text("Stop syncing received mail?")).to_be_visible()
    plain.get_by_role("button", name="Switch it off").click()
    expect(plain.get_by_text("Saved.")).to_be_visible()
    plain.goto("/settings/audit/")
    expect(plain.get_by_text("second.example").first).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 2560])
def test_no_settings_page_scrolls_sideways(page: Page, demo: Demo, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, ADA)
    for name in PAGES:
        page.goto(f"/settings/{name}/")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, name

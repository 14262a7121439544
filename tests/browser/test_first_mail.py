"""A newcomer's journey: sign in, consent at Google, and the first mail on its lead."""

import re
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SCREENSHOTS, Demo, sign_in
from tests.mails import mail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

RITA = "rita@northwind.example"
CAROL = "Carol Jones <carol.jones@brightfields.example>"
SECONDS_TO_SEE_A_MAIL = 5_000


def test_a_rep_connects_and_sees_mail_arrive(page: Page, demo: Demo) -> None:
    sign_in(page)
    expect(page.get_by_role("heading", name="My inbox")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "connect.png")

    page.get_by_role("button", name="Connect Gmail").click()
    expect(page.get_by_role("heading", name=re.compile("wants access"))).to_be_visible()
    page.get_by_label(RITA).check()
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_text("Connected, not yet active")).to_be_visible()
    page.get_by_label("And the last 30 days").check()
    page.get_by_role("button", name="Activate sync").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible(timeout=20_000)
    expect(page.get_by_role("cell", name="Synced").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "my-inbox.png")

    page.get_by_role("link", name="Leads").click()
    page.get_by_role("link", name="Carol Jones").click()
    expect(page.get_by_role("heading", name="Carol Jones")).to_be_visible()
    demo.deliver(mail(from_=CAROL, to=f"Rita Rossi <{RITA}>", subject="A question before we sign"))
    expect(page.get_by_text("A question before we sign")).to_be_visible(timeout=SECONDS_TO_SEE_A_MAIL)

    thread = page.locator(".conversation", has_text="Order for the spring season")
    thread.locator("details.mail").last.locator("summary").first.click()
    frame = page.frame_locator("iframe[data-fit]")
    expect(frame.get_by_text("Seed trays, large")).to_be_visible()
    expect(page.get_by_text("1 remote picture not loaded")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 1120})
    page.screenshot(path=SCREENSHOTS / "lead.png")

    page.get_by_role("link", name="Journal").click()
    expect(page.get_by_role("cell", name="A question before we sign").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "journal.png")


def test_an_open_mail_stays_open_when_news_arrives(page: Page, demo: Demo) -> None:
    sign_in(page)
    page.get_by_role("link", name="Leads").click()
    page.get_by_role("link", name="Carol Jones").click()
    opened = (
        page.locator(".conversation", has_text="Order for the spring season").locator("details.mail").first
    )
    opened.locator("summary").first.click()
    expect(opened.get_by_text("From", exact=True)).to_be_visible()
    demo.deliver(mail(from_=CAROL, to=RITA, subject="One more thing"))
    expect(page.get_by_text("One more thing")).to_be_visible(timeout=SECONDS_TO_SEE_A_MAIL)
    expect(page.locator("details.mail[open]")).to_have_count(1)


def test_older_mails_stay_open_when_news_arrives(page: Page, demo: Demo) -> None:
    chapter = partial(mail, from_=CAROL, to=RITA, subject="Chapters", reply_to="book@customer.example")
    for _ in range(24):
        demo.deliver(chapter())
    sign_in(page)
    page.goto("/leads/?q=carol")
    page.get_by_role("link", name="Carol Jones").click()
    thread = page.locator(".conversation", has_text="Chapters")
    expect(thread.get_by_text("24 mails")).to_be_visible(timeout=20_000)
    thread.get_by_role("button", name=re.compile("older mail")).click()
    expect(thread.locator("details.mail")).to_have_count(24)
    demo.deliver(chapter())
    expect(thread.get_by_text("25 mails")).to_be_visible(timeout=20_000)
    expect(thread.locator("details.mail")).to_have_count(25)


def test_everything_can_be_reached_by_keyboard(page: Page, demo: Demo) -> None:
    sign_in(page)
    page.goto("/leads/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.goto("/my-inbox/")
    page.get_by_role("button", name="Remove mailbox").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 768, 2560])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways(page: Page, demo: Demo, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page)
    for path in ("/leads/", "/journal/", "/my-inbox/"):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_a_revoked_mailbox_says_what_to_do(page: Page, demo: Demo) -> None:
    sign_in(page)
    demo.revoke()
    demo.deliver(mail(from_=CAROL, to=RITA, subject="Are you there?"))
    page.goto("/my-inbox/")
    expect(page.get_by_text("Reconnect needed.").first).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Reconnect").click()
    page.get_by_label(RITA).check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("goes on where it stopped")).to_be_visible()
    page.get_by_role("link", name="Leads").click()
    page.get_by_role("link", name="Carol Jones").click()
    expect(page.get_by_text("Are you there?")).to_be_visible(timeout=15_000)

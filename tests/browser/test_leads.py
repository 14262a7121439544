"""A rep's own settings, a merge with undo, and an administrator's import, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, SCREENSHOTS, Demo, sign_in
from tests.mails import mail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RITA, ADA = "rita@northwind.example", "ada@northwind.example"
CAROL, HOME = "Carol Jones <carol.jones@brightfields.example>", "Carol Jones <carol@home.example>"


def let_reps_add(page: Page) -> None:
    """The administrator lets reps have exclusions of their own."""
    sign_in(page, ADA)
    page.goto("/settings/inbound/")
    page.get_by_label("Users may add", exact=False).last.check()
    page.get_by_role("button", name="Save").first.click()
    page.goto("/leads/")
    page.get_by_role("button", name="Sign out").click()


def connect(page: Page) -> None:
    page.get_by_role("button", name="Connect Gmail").click()
    page.get_by_label(RITA).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Activate sync").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible(timeout=20_000)


def test_a_reps_own_settings_and_a_merge_with_undo(page: Page, demo: Demo) -> None:
    let_reps_add(page)
    sign_in(page)
    connect(page)
    page.get_by_role("link", name="Keywords and exclusions").click()
    expect(page.get_by_text("newsletter.example")).to_be_visible()
    box = page.locator(".tags").first.get_by_role("textbox").last
    box.fill("club.example")
    box.press("Enter")
    expect(page.locator(".tag", has_text="club.example")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It counts for mail that arrives from now on")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "own-exclusions.png")

    demo.deliver(mail(from_=CAROL, to=RITA, subject="From the office", text="The office calling"))
    demo.deliver(mail(from_=HOME, to=RITA, subject="From home", html="<p>Dear Rita, <b>from home</b></p>"))
    page.goto("/leads/?q=carol")
    expect(page.get_by_role("link", name="Carol Jones")).to_have_count(2, timeout=15_000)
    page.get_by_role("row", name=re.compile("brightfields")).get_by_role("link", name="Carol Jones").click()
    page.get_by_role("link", name="Merge").click()
    page.get_by_role("link", name="Choose Carol Jones").click()
    expect(page.get_by_role("heading", name="Merge two leads")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "merge.png")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("is part of this lead now")).to_be_visible()
    expect(page.get_by_text("From home", exact=True)).to_be_visible()
    expect(page.get_by_text("Dear Rita, from home")).to_be_visible()

    demo.deliver(mail(from_=HOME, to=RITA, subject="Home again"))
    expect(page.get_by_text("Home again", exact=True)).to_be_visible(timeout=15_000)
    page.screenshot(path=SCREENSHOTS / "lead-merged.png", full_page=True)
    page.get_by_role("button", name="Undo this merge").click()
    expect(page.get_by_text("is a lead of its own again")).to_be_visible()
    expect(page.get_by_text("Home again", exact=True)).to_be_visible()
    expect(page.get_by_text("From the office", exact=True)).to_have_count(0)


def test_an_administrator_imports_a_file_and_sees_it_first(page: Page, demo: Demo, tmp_path: Path) -> None:
    rows = [
        "E-mail;First name;Firma;Shoe size",
        "carol.jones@brightfields.example;Carol;Brightfields & Co;38",
    ]
    rows += [f"guest{number}@fair.example;Guest {number};Fair;40" for number in range(1, 301)]
    rows += ["nobody;No;Address;0", "guest7@fair.example;Twice;Fair;41"]
    file = tmp_path / "leads-of-the-fair.csv"
    file.write_text("\n".join(rows))
    sign_in(page, ADA)
    page.goto("/leads/")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Import from a file").click()
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("button", name="Import: 300 new, 1 updated")).to_be_visible(timeout=20_000)
    page.screenshot(path=SCREENSHOTS / "import.png", full_page=True)
    page.get_by_role("button", name="Import: 300 new").click()
    expect(page.get_by_text("The import is done.")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="Go to the leads").click()
    expect(page.get_by_role("link", name="Guest 99")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "leads.png")


def test_an_administrator_erases_a_person(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/leads/?q=mei")
    page.get_by_role("link", name="Mei Lin").click()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Erase this person").click()
    page.get_by_label("to confirm").fill("mei.lin@harborlogistics.example")
    page.screenshot(path=SCREENSHOTS / "erase.png", full_page=True)
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Nothing of the person is left")).to_be_visible(timeout=20_000)
    page.goto("/leads/?q=mei")
    expect(page.get_by_text("No lead matches")).to_be_visible()


@pytest.mark.parametrize("width", [360, 2560])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_leads_scrolls_sideways(page: Page, demo: Demo, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, ADA)
    page.goto("/leads/?q=brightfields")
    lead = page.get_by_role("link", name=re.compile("Carol")).first.get_attribute("href")
    for path in (
        *("/leads/", "/leads/new/", "/leads/import/", "/leads/import/1/", "/leads/fields/"),
        *("/leads/sources/", "/leads/erasures/", f"{lead}", f"{lead}edit/", f"{lead}merge/?q=guest"),
        *(f"{lead}erase/", "/my-inbox/own/"),
    ):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_a_double_click_sends_a_form_once(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/leads/new/")
    page.get_by_label("Email", exact=True).fill("twice@customer.example")
    page.get_by_role("button", name="Add lead").dblclick()
    expect(page.get_by_text("is a lead now.")).to_be_visible()


def test_a_session_that_ends_behind_a_list_leads_to_signing_in_and_back(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/leads/")
    page.context.clear_cookies(name="sessionid")
    page.wait_for_url("**/sign-in/?next=/leads/")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.get_by_label("Email").fill(ADA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Leads")).to_be_visible()


def test_a_form_from_before_the_latest_sign_in_is_taken(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/leads/new/")
    page.get_by_label("Email", exact=True).fill("patient@customer.example")
    page.context.clear_cookies()
    sign_in(page.context.new_page(), ADA)
    page.get_by_role("button", name="Add lead").click()
    expect(page.get_by_text("is a lead now.")).to_be_visible()

"""Every page by axe (WCAG 2.2 AA), in light and dark, narrow and wide, as each of those who use it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, Route, expect

from postroom.demo.company import ADMINISTRATOR, MANAGER, REP
from tests.browser.conftest import Demo, sign_in
from tests.mails import mail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
USUAL, NARROW, WIDE = 1280, 360, 2560
NOWHERE = "/no/such/page/"
CAROL = "Carol Jones <carol.jones@brightfields.example>"


@pytest.fixture
def page(page: Page) -> Page:
    """Without transitions, in the middle of which colours are neither the one nor the other."""
    page.emulate_media(reduced_motion="reduce")
    page.route(f"**{NOWHERE}", _as_if_found)
    return page


def _as_if_found(route: Route) -> None:
    """The page of a 404 without its status, of which the console would complain."""
    route.fulfill(response=route.fetch(), status=200)


def width(page: Page, pixels: int) -> None:
    page.set_viewport_size({"width": pixels, "height": 860})


def found(page: Page, rules: dict[str, object]) -> list[str]:
    """What axe complains of, a line each."""
    # By evaluation, for the page's own policy lets no script in.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    answer: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules
    )
    return [
        f"{page.url} {fault['id']}: {node['html'][:300]} {node['failureSummary']}"
        for fault in answer["violations"]
        for node in fault["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    lists = page.evaluate(
        """() => [...document.querySelectorAll("table.cards")].map((each) => each.parentElement)
            .filter((frame) => frame.scrollWidth > frame.clientWidth).length"""
    )
    said = [f"{page.url} is {over} pixels too wide at {page.viewport_size}"] if over > 0 else []
    return said + [f"{page.url} has a list that scrolls sideways at {page.viewport_size}"] * lists


def faults(page: Page) -> Iterator[str]:
    """Of the page as it is: all rules, then colours in the dark, then how it fits other windows."""
    yield from found(page, RULES)
    page.emulate_media(color_scheme="dark")
    yield from found(page, CONTRAST)
    page.emulate_media(color_scheme="light")
    width(page, WIDE)
    yield from sideways(page)
    width(page, NARROW)
    yield from sideways(page)
    width(page, USUAL)


def faults_of(page: Page, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        answer = page.goto(path)
        assert answer, path
        assert answer.status == 200, f"{path} answers {answer.status}"
        yield from faults(page)


def narrow_faults_of(page: Page, paths: Iterable[str]) -> Iterator[str]:
    width(page, NARROW)
    for path in paths:
        page.goto(path)
        yield from found(page, RULES)
    width(page, USUAL)


def none(complaints: Iterable[str]) -> None:
    complaints = list(dict.fromkeys(complaints))
    assert not complaints, "\n\n".join(complaints)


def open_and_look(page: Page, opener: str, role: str = "button") -> Iterator[str]:
    """The dialog that a button opens."""
    page.get_by_role(role, name=re.compile(opener)).first.click()  # pyright: ignore[reportArgumentType]
    expect(page.get_by_role("dialog")).to_be_visible()
    yield from faults(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_before_signing_in(page: Page, demo: Demo) -> None:
    none(faults_of(page, ["/sign-in/", "/password/reset/", "/password/reset/sent/", "/password/reset/done/"]))
    page.goto("/sign-in/")
    page.get_by_label("Email").fill("nobody@northwind.example")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("not correct")).to_be_visible()
    none([*faults(page), *narrow_faults_of(page, ["/sign-in/"])])


def test_as_a_rep_before_and_after_connecting(page: Page, demo: Demo) -> None:
    sign_in(page, REP)
    complaints = list(faults_of(page, ["/my-inbox/"]))
    page.get_by_role("button", name="Connect Gmail").click()
    page.get_by_label(REP).check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Connected, not yet active")).to_be_visible()
    complaints += faults(page)
    page.get_by_label("And the last 30 days").check()
    page.get_by_role("button", name="Activate sync").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible(timeout=20_000)
    expect(page.get_by_role("cell", name="Synced").first).to_be_visible()
    complaints += faults(page)
    complaints += open_and_look(page, "Remove mailbox")
    complaints += faults_of(page, ["/my-inbox/own/", "/my-account/", "/password/", NOWHERE, "/journal/"])

    page.goto("/leads/?q=carol")
    page.get_by_role("link", name="Carol Jones").click()
    counted = int(page.locator("#mail-count").inner_text())
    demo.deliver(mail(from_=CAROL, to=REP, subject="Of which the count must know"))
    expect(page.locator("#mail-count")).to_have_text(str(counted + 1), timeout=15_000)
    thread = page.locator(".conversation", has_text="Order for the spring season")
    thread.locator("details.mail").last.locator("summary").first.click()
    expect(page.frame_locator("iframe[data-fit]").get_by_text("Seed trays, large")).to_be_visible()
    complaints += faults(page)
    lead = page.url
    complaints += narrow_faults_of(page, ["/my-inbox/", "/leads/", lead, "/journal/"])
    none(complaints)


def test_as_a_manager(page: Page, demo: Demo) -> None:
    sign_in(page, MANAGER)
    complaints = list(faults_of(page, ["/mailboxes/", "/people/", "/leads/import/"]))
    page.goto("/mailboxes/")
    table = page.locator(".table-frame").first
    assert table.evaluate("frame => frame.scrollWidth <= frame.clientWidth"), "A table is cut off."
    complaints += open_and_look(page, "Deactivate")
    page.get_by_role("link", name="View dashboard").first.click()
    expect(page.get_by_role("heading", name="Rita Rossi")).to_be_visible()
    complaints += faults(page)
    page.get_by_text("Show as a table").click()
    page.get_by_label("Days", exact=True).select_option("custom")
    page.locator("details.why summary").first.click()
    complaints += faults(page)
    page.get_by_role("link", name="Lead capture details").click()
    complaints += faults(page)
    none([*complaints, *narrow_faults_of(page, ["/mailboxes/", page.url])])


def test_as_an_administrator(page: Page, demo: Demo, tmp_path: Path) -> None:
    sign_in(page, ADMINISTRATOR)
    complaints = list(
        faults_of(
            page,
            [
                *("/leads/", "/leads/?q=no-such-lead", "/leads/new/", "/leads/sources/", "/leads/fields/"),
                *("/leads/erasures/", "/leads/import/", "/people/", "/people/invite/", "/people/fields/"),
                *("/mailboxes/?state=paused", "/mailboxes/", "/journal/"),
                *(f"/settings/{step}/" for step in ("security", "access", "provider", "outbound", "inbound")),
                *("/settings/advanced/", "/settings/audit/"),
            ],
        )
    )
    page.goto("/leads/?q=carol")
    page.get_by_role("link", name="Carol Jones").click()
    lead = page.url
    page.get_by_text("More", exact=True).click()
    complaints += faults(page)
    complaints += open_and_look(page, "Delete this lead")
    complaints += faults_of(page, [f"{lead}edit/", f"{lead}erase/", f"{lead}merge/?q=e"])
    page.goto(f"{lead}merge/?q=e")
    page.get_by_role("link", name=re.compile("Choose")).first.click()
    complaints += faults(page)
    page.goto("/people/")
    page.get_by_role("link", name="Rita Rossi").click()
    complaints += faults(page)
    page.goto("/leads/sources/")
    page.get_by_role("link", name=re.compile("Trade fair")).first.click()
    complaints += faults(page)

    page.goto("/leads/new/")
    page.get_by_label("Email").fill("not an address")
    page.get_by_role("button", name=re.compile("Save|Add")).last.click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    complaints += faults(page)

    file = tmp_path / "guests.csv"
    file.write_text("E-mail;First name\nguest@fair.example;Guest\nnobody;No address\n")
    page.goto("/leads/import/")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("button", name=re.compile("Import: 1 new"))).to_be_visible(timeout=20_000)
    complaints += faults(page)

    page.goto("/settings/outbound/")
    page.get_by_role("checkbox").first.uncheck()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    complaints += faults(page)
    complaints += narrow_faults_of(
        page, ["/leads/new/", "/people/", "/settings/inbound/", "/settings/advanced/"]
    )
    none(complaints)


def test_in_german_whose_words_are_longer(page: Page, demo: Demo) -> None:
    sign_in(page, ADMINISTRATOR)
    page.set_extra_http_headers({"Accept-Language": "de"})
    paths = [
        *("/leads/", "/mailboxes/", "/people/", "/journal/", "/my-account/", "/leads/import/"),
        *("/settings/provider/", "/settings/inbound/", "/settings/advanced/", "/settings/destinations/"),
        *("/settings/destinations/1/", "/settings/destinations/1/edit/"),
    ]
    complaints: list[str] = []
    for pixels in (NARROW, USUAL):
        width(page, pixels)
        for path in paths:
            page.goto(path)
            expect(page.locator("html")).to_have_attribute("lang", "de")
            complaints += sideways(page)
    page.goto("/mailboxes/")
    table = page.locator(".table-frame").first
    assert table.evaluate("frame => frame.scrollWidth <= frame.clientWidth"), "A table is cut off."
    none(complaints)


def test_the_pages_of_the_api(page: Page, demo: Demo) -> None:
    sign_in(page, ADMINISTRATOR)
    complaints = list(faults_of(page, ["/my-account/api-tokens/"]))
    page.get_by_label("Name").fill("Reporting")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("Choose at least one.")).to_be_visible()
    complaints += faults(page)
    page.get_by_label("Read the journal").check()
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#fresh-token")).to_have_text(re.compile(r"^prm_[\w-]{43}$"))
    page.get_by_role("button", name="Copy").click()
    complaints += faults(page)
    complaints += open_and_look(page, "Revoke")
    complaints += faults_of(page, ["/my-account/api-tokens/all/", "/api/"])
    for name in ("settings_save", "lead_list"):
        page.locator(f"#{name} summary").click()
    complaints += faults(page)
    none([*complaints, *narrow_faults_of(page, ["/my-account/api-tokens/", "/api/"])])

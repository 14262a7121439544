"""An administrator connects mailboxes that nobody signs in to; the permission ends, and comes back."""

import re
from urllib.request import Request, urlopen

import orjson
import pytest
from playwright.sync_api import Page, expect

from postroom.providers.gmail.oauth import READ_MAIL
from tests.browser.conftest import Demo, sign_in
from tests.browser.test_accessibility import faults, faults_of, narrow_faults_of, none
from tests.mails import mail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ADA, RITA, SAM = "ada@northwind.example", "rita@northwind.example", "sam@northwind.example"
CAROL = "Carol Jones <carol.jones@brightfields.example>"
DELEGATION = "/sandbox/delegations/northwind.example"
PAGE = "/bulk-connect/"


def at_google(demo: Demo, verb: str, path: str, body: dict[str, object]) -> dict[str, str]:
    request = Request(f"{demo.google}{path}", orjson.dumps(body), method=verb)
    with urlopen(request, timeout=10) as answer:
        return orjson.loads(answer.read())


def test_an_administrator_connects_for_the_users(page: Page, demo: Demo) -> None:
    page.emulate_media(reduced_motion="reduce")
    key = at_google(demo, "POST", "/sandbox/service-accounts", {"project": "postroom-demo"})
    sign_in(page, ADA)
    page.get_by_role("link", name="Mailboxes").click()
    page.get_by_role("link", name="Connect for your users").click()
    complaints = [*faults(page), *narrow_faults_of(page, [PAGE])]

    gmail = page.locator("#gmail")
    file = {"name": "key.json", "mimeType": "application/json", "buffer": orjson.dumps(key)}
    gmail.get_by_label("Key file").set_input_files(file)  # pyright: ignore[reportArgumentType]
    gmail.get_by_role("button", name="Save the key").click()
    expect(gmail.get_by_text(key["client_email"])).to_be_visible()
    gmail.get_by_label("Mailbox to try").fill(RITA)
    gmail.get_by_role("button", name="Try it").click()
    expect(gmail.get_by_text("The service account is not let in")).to_be_visible()
    complaints += faults(page)
    delegation: dict[str, object] = {"client_id": key["client_id"], "scopes": [READ_MAIL]}
    at_google(demo, "PUT", DELEGATION, delegation)
    gmail.get_by_role("button", name="Try it").click()
    expect(page.get_by_text(f"Postroom can read {RITA}.")).to_be_visible()

    gmail.get_by_role("link", name="Choose users").click()
    complaints += [*faults(page), *narrow_faults_of(page, ["/bulk-connect/gmail/users/"])]
    page.get_by_label("Tick all on this page").check()
    expect(page.get_by_label("Choose Rita Rossi")).to_be_checked()
    page.get_by_role("button", name="Look at the addresses").click()
    expect(page.get_by_label("Address of Sam Suzuki")).to_have_value(SAM)
    complaints += [*faults(page), *narrow_faults_of(page, [page.url])]
    page.get_by_label("Address of Sam Suzuki").fill("sam@elsewhere.example")
    page.get_by_role("button", name="Connect them …").click()
    expect(page.get_by_text("does not belong to Northwind Traders")).to_be_visible()
    complaints += faults(page)
    page.get_by_label("Address of Sam Suzuki").fill("nobody@northwind.example")
    page.get_by_role("button", name="Connect them …").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    complaints += faults(page)
    page.get_by_role("dialog").get_by_role("button", name="Connect them").click()

    row = page.get_by_role("row", name=re.compile("Rita Rossi"))
    expect(row.get_by_text("Connected", exact=True)).to_be_visible(timeout=20_000)
    refused = page.get_by_role("row", name=re.compile("Sam Suzuki"))
    expect(refused.get_by_text("no user nobody@northwind.example")).to_be_visible(timeout=20_000)
    complaints += [*faults(page), *narrow_faults_of(page, [page.url])]

    rep = reps_page(page, demo)
    expect(rep.get_by_text("Connected by your administrator, Ada Archer")).to_be_visible()
    complaints += faults(rep)
    demo.deliver(mail(from_=CAROL, to=f"Rita Rossi <{RITA}>", subject="Without signing in"))
    expect(rep.get_by_text("Without signing in")).to_be_visible(timeout=20_000)

    at_google(demo, "DELETE", DELEGATION, {})
    at_google(demo, "POST", f"/sandbox/mailboxes/{RITA}/expire-access", {})
    demo.deliver(mail(from_=CAROL, to=f"Rita Rossi <{RITA}>", subject="While it was closed"))
    expect(rep.get_by_text("Postroom cannot read this mailbox")).to_be_visible(timeout=20_000)
    complaints += faults(rep)
    page.goto(PAGE)
    expect(page.get_by_text("Postroom cannot read 1 mailbox")).to_be_visible()
    complaints += faults(page)
    at_google(demo, "PUT", DELEGATION, delegation)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("1 mailbox is tried again.")).to_be_visible()
    expect(rep.get_by_text("While it was closed")).to_be_visible(timeout=30_000)

    page.goto(PAGE)
    page.get_by_role("link", name=re.compile(r"\d{4}, ")).first.click()
    page.get_by_role("button", name="Undo …").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    complaints += faults(page)
    page.get_by_role("dialog").get_by_role("button", name="Remove them").click()
    expect(row.get_by_text("Removed", exact=True)).to_be_visible(timeout=20_000)
    rep.context.close()
    none([*complaints, *faults_of(page, ["/mailboxes/"])])


def reps_page(page: Page, demo: Demo) -> Page:
    """Rita's own page, which changes by itself, in a browser of her own."""
    browser = page.context.browser
    assert browser
    rep = browser.new_context(base_url=demo.url, viewport={"width": 1280, "height": 860}).new_page()
    rep.emulate_media(reduced_motion="reduce")
    sign_in(rep, RITA)
    rep.goto("/my-inbox/")
    return rep

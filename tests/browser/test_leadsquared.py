"""The demo's other CRM: what becomes an activity in Postroom arrives at LeadSquared's stand-in as well."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import REP, Demo, sign_in
from tests.mails import mail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

NORA = "Nora Berg <nora@fjordworks.example>"


def test_a_mail_becomes_an_activity_in_the_other_crm(page: Page, demo: Demo) -> None:
    sign_in(page)
    page.get_by_role("button", name="Connect Gmail").click()
    page.get_by_label(REP).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Activate sync").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible(timeout=20_000)
    demo.deliver(mail(from_=NORA, to=REP, subject="Racks for a boathouse"))

    assert demo.activities_elsewhere(at_least=1) == ["Racks for a boathouse"]
    page.goto(demo.leadsquared)
    lead = page.get_by_role("region", name="Lead Nora Berg")
    expect(lead.get_by_text(re.compile("^Racks for a boathouse$")).first).to_be_visible()
    expect(lead.get_by_text("Email Received")).to_be_visible()

"""A rep whose mailbox is at Microsoft: consent, and mail on leads as it arrives."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SCREENSHOTS, Demo, sign_in
from tests.mails import mail

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SAM, ADA = "sam@northwind.example", "ada@northwind.example"
MEI = "Mei Lin <mei.lin@harborlogistics.example>"


def test_r060_sam_connects_outlook_and_sees_mail_arrive(page: Page, demo: Demo) -> None:
    sign_in(page, SAM)
    expect(page.get_by_role("button", name="Connect Gmail")).to_be_visible()
    page.get_by_role("button", name="Connect Outlook").click()
    expect(page.get_by_role("heading", name="Permissions requested")).to_be_visible()
    page.get_by_label(SAM).check()
    page.get_by_role("button", name="Accept").click()

    expect(page.get_by_text("Microsoft has let Postroom in")).to_be_visible()
    page.get_by_label("And the last 30 days").check()
    page.get_by_role("button", name="Activate sync").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible(timeout=20_000)
    expect(page.get_by_role("cell", name="Synced").first).to_be_visible()
    expect(page.get_by_text("By push")).to_be_visible(timeout=15_000)

    demo.deliver_to_outlook(mail(from_=MEI, to=f"Sam Suzuki <{SAM}>", subject="Two more pallets"), SAM)
    expect(page.get_by_text("Two more pallets")).to_be_visible(timeout=10_000)
    page.screenshot(path=SCREENSHOTS / "outlook.png")

    page.get_by_role("link", name="Leads").click()
    page.get_by_role("link", name="Mei Lin").click()
    expect(page.get_by_text("Two more pallets")).to_be_visible()
    expect(page.get_by_text("Dock 7 from Monday").first).to_be_visible()


def test_r020_an_administrator_approves_postroom_at_microsoft(page: Page, demo: Demo) -> None:
    sign_in(page, ADA)
    page.goto("/settings/provider/")
    page.get_by_role("button", name="Give admin consent at Microsoft").click()
    expect(page.get_by_role("heading", name=re.compile("review for your organisation"))).to_be_visible()
    page.get_by_label(ADA).check()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("approved for all users of your organisation")).to_be_visible()

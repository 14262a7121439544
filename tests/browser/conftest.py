"""The demo, started as a newcomer starts it, and a real Chromium to use it."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import orjson
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

SCREENSHOTS = Path(__file__).parent.parent.parent / "docs" / "screenshots"
REP, PASSWORD = "rita@northwind.example", "welcome-to-postroom"
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    url: str
    google: str
    microsoft: str
    leadsquared: str

    def deliver(self, raw: bytes, address: str = REP) -> None:
        """A mail arrives at the rep's Gmail."""
        self._post(f"mailboxes/{quote(address)}/messages", raw, "message/rfc822")

    def deliver_to_outlook(self, raw: bytes, address: str) -> None:
        """A mail arrives at the rep's Outlook."""
        self._post(f"mailboxes/{quote(address)}/messages", raw, "message/rfc822", self.microsoft)

    def revoke(self, address: str = REP) -> None:
        """The rep takes Postroom's access away in their Google account."""
        self._post(f"mailboxes/{quote(address)}/revoke", orjson.dumps({}), "application/json")

    def activities_elsewhere(self, at_least: int) -> list[str]:
        """Subjects of the activities at LeadSquared, once there are so many."""
        address = f"{self.leadsquared}/sandbox/activities?at_least={at_least}"
        with urlopen(address, timeout=60) as answer:
            found = orjson.loads(answer.read())["activities"]
        return [activity["values"]["mx_Custom_1"] for activity in found]

    def break_leadsquared(self, status: int, reason: str, message: str) -> None:
        """From now on LeadSquared refuses every activity so."""
        fault = {"kind": "error", "method": "ProspectActivity.svc/Bulk/*", "times": None}
        body = orjson.dumps(fault | {"status": status, "reason": reason, "message": message})
        self._post("faults", body, "application/json", self.leadsquared)

    def mend_leadsquared(self) -> None:
        """LeadSquared works again."""
        with urlopen(Request(f"{self.leadsquared}/sandbox/faults", method="DELETE"), timeout=10) as answer:
            assert answer.status == 200

    def _post(self, path: str, body: bytes, content_type: str, origin: str = "") -> None:
        request = Request(f"{origin or self.google}/sandbox/{path}", body, {"Content-Type": content_type})
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 200


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A browser for these tests alone: while Playwright runs, no other event loop can run in this thread."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a Chromium.")
        pytest.skip("There is no Chromium on this machine.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """`postroom demo`, with customers who write only when told to; a module's ``DEMO`` adds options."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    environment.pop("DATABASE_URL", None)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "postroom",
            "demo",
            "--no-mail",
            "--port",
            "0",
            *getattr(request.module, "DEMO", ()),
        ],
        env=environment | {"COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _told(process)
    finally:
        process.send_signal(2)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _told(process: "subprocess.Popen[str]") -> Demo:
    """What the demo prints: its own address, then those of the stand-ins, LeadSquared's last."""
    assert process.stdout
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    urls: list[str] = []
    printed: list[str] = []
    for line in process.stdout:
        printed.append(line)
        urls += [url for url in re.findall(r"http://127\.0\.0\.1:\d+", line) if url not in urls]
        if "Ctrl+C" in line:
            break
    watchdog.cancel()
    if len(urls) < 4:
        pytest.fail(f"The demo did not start:\n{''.join(printed)}")
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return Demo(*urls[:4])


@pytest.fixture
def page(chromium: Browser, demo: Demo) -> Iterator[Page]:
    """A page that may reach nothing but this machine, and whose console must stay clean."""
    context = chromium.new_context(base_url=demo.url, viewport={"width": 1280, "height": 860})
    context.set_default_timeout(10_000)
    outside: list[str] = []
    context.on("request", lambda request: _note_outside(request.url, outside))
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: _note_complaint(said, demo.url, complaints))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert outside == []
    assert complaints == []


def _note_complaint(said: ConsoleMessage, origin: str, complaints: list[str]) -> None:
    """A form that was refused is no fault: 409 and 422 are how it is said."""
    if any(f"status of {refusal}" in said.text for refusal in (409, 422)):
        return
    if said.type == "error" and said.location["url"].startswith(origin):
        complaints.append(f"{said.text} ({said.location['url']})")


def _note_outside(url: str, outside: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "data:", "about:", "blob:")):
        outside.append(url)


def sign_in(page: Page, address: str = REP) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Email").fill(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

"""Connect my inbox, against the sandbox's real consent endpoints (R-060 to R-065)."""

import re
from dataclasses import replace
from html import unescape
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener, urlopen

import pytest
from django.test import Client

from postroom.connector.models import Grant, Mailbox, MailboxState
from postroom.organisations.models import User
from tests.mails import mail
from tests.sync.conftest import make_mailbox

RITA = "rita@northwind.example"


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Let the redirect back be looked at instead of followed."""


def consent(client: Client, account: str = RITA, allow: bool = True) -> str:
    """Decide on Google's consent page as the person ``account``; returns the way back to Postroom."""
    url = client.post("/my-inbox/connect/")["Location"]
    with urlopen(url, timeout=10) as page:
        text = page.read().decode()
    action = unescape(re.search(r'<form[^>]*action="([^"]+)"', text)[1])
    form = [("account", account), ("continue" if allow else "cancel", "1")]
    form += [("granted", scope) for scope in re.findall(r'name="granted" value="([^"]+)"', text)]
    with pytest.raises(HTTPError) as sent:
        build_opener(_Stay).open(urljoin(url, action), urlencode(form).encode(), timeout=10)
    assert sent.value.code in {302, 303}, sent.value.read()
    back = urlsplit(sent.value.headers["Location"])
    assert back.path == "/oauth/google/callback/"
    return f"{back.path}?{back.query}"


@pytest.fixture
def client(as_, rita: User, google) -> Client:
    google.add_account(RITA, "Rita")
    return as_(rita)


def test_r060_a_rep_connects_activates_and_syncs(client, google, carol, sync):
    page = client.get("/my-inbox/").content.decode()
    assert "Connect Gmail" in page
    assert "Inbox and Sent only" in page
    assert client.get(consent(client))["Location"] == "/my-inbox/"
    assert "Activate sync" in client.get("/my-inbox/").content.decode()
    assert Mailbox.objects.get().state == MailboxState.CONNECTED
    client.post("/my-inbox/activate/", {"import_days": "0"})
    mailbox = Mailbox.objects.get()
    assert mailbox.state == MailboxState.ACTIVE
    google.deliver(RITA, mail(subject="Hello"))
    sync(mailbox)
    page = client.get("/my-inbox/").content.decode()
    assert "Active" in page
    assert "Hello" in page


def test_r008_activating_with_an_import_begins_to_import(client, google):
    client.get(consent(client))
    client.post("/my-inbox/activate/", {"import_days": "7"})
    assert Mailbox.objects.get().state == MailboxState.IMPORTING
    assert "Importing earlier mail" in client.get("/my-inbox/state/").content.decode()


def test_a_period_that_is_not_offered_is_refused_beside_the_field(client, google):
    client.get(consent(client))
    response = client.post("/my-inbox/activate/", {"import_days": "9999"})
    assert response.status_code == 422
    assert "Choose one of the periods offered" in response.content.decode()
    assert Mailbox.objects.get().state == MailboxState.CONNECTED


def test_only_reading_is_asked_for_with_pkce(client):
    asked = parse_qs(urlsplit(client.post("/my-inbox/connect/")["Location"]).query)
    scopes = asked["scope"][0].split()
    assert sorted(scopes) == ["email", "https://www.googleapis.com/auth/gmail.readonly", "openid"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 32


def test_a_declined_consent_is_said_and_nothing_is_kept(client):
    page = client.get(consent(client, allow=False), follow=True).content.decode()
    assert "declined" in page
    assert not Mailbox.objects.exists()


def test_a_state_that_is_not_ours_is_refused(client):
    way_back = consent(client)
    forged = re.sub(r"state=[^&]+", "state=forged", way_back)
    page = client.get(forged, follow=True).content.decode()
    assert "was not begun here" in page
    assert not Mailbox.objects.exists()


def test_a_code_counts_only_in_the_session_that_asked(client, as_, sam):
    way_back = consent(client)
    page = as_(sam).get(way_back, follow=True).content.decode()
    assert "was not begun here" in page
    assert not Mailbox.objects.exists()


def test_the_same_way_back_works_once(client):
    way_back = consent(client)
    client.get(way_back)
    assert "was not begun here" in client.get(way_back, follow=True).content.decode()
    assert Mailbox.objects.count() == 1


def test_r002_a_personal_account_is_refused_with_the_reason(client, google):
    google.add_account("rita.private@gmail.example", personal=True)
    page = client.get(consent(client, "rita.private@gmail.example"), follow=True).content.decode()
    assert "personal Google account" in page
    assert not Mailbox.objects.exists()
    assert not Grant.objects.exists()


def test_r061_an_address_outside_the_account_is_refused(client, google):
    google.add_account("someone@other.example")
    page = client.get(consent(client, "someone@other.example"), follow=True).content.decode()
    assert "does not belong to Northwind" in page
    assert not Grant.objects.exists()


def test_r061_the_mailbox_of_a_colleague_is_refused(client, google, sam, as_):
    make_mailbox(google, sam)
    page = client.get(consent(client, sam.email), follow=True).content.decode()
    assert "connected by a colleague already" in page
    assert Mailbox.objects.get().user == sam


def test_r062_pause_and_resume(client, google, rita, carol, sync):
    mailbox = make_mailbox(google, rita)
    client.post("/my-inbox/pause/")
    google.deliver(RITA, mail(subject="meanwhile"))
    sync(mailbox)
    assert mailbox.state == MailboxState.PAUSED
    assert mailbox.synced_count == 0
    assert "Resume sync" in client.get("/my-inbox/").content.decode()
    client.post("/my-inbox/resume/")
    sync(mailbox)
    assert mailbox.synced_count == 1


def test_r063_removing_revokes_upstream_and_keeps_the_activities(client, google, rita, carol, sync):
    mailbox = make_mailbox(google, rita)
    google.deliver(RITA, mail(subject="Stays"))
    sync(mailbox)
    page = client.post("/my-inbox/remove/", follow=True).content.decode()
    assert "was removed" in page
    assert not Mailbox.objects.exists()
    assert not Grant.objects.exists()
    assert b"Stays" in client.get(f"/leads/{carol.pk}/").content


def test_r065_lost_authorisation_is_shown_and_reconnecting_leaves_no_gap(client, google, rita, carol, sync):
    mailbox = make_mailbox(google, rita)
    google.revoke(RITA)
    google.deliver(RITA, mail(subject="meanwhile"))
    sync(mailbox)
    assert mailbox.state == MailboxState.RECONNECT
    assert "Reconnect needed" in client.get("/my-inbox/").content.decode()
    assert "needs to be reconnected" in client.get("/leads/").content.decode()
    page = client.get(consent(client), follow=True).content.decode()
    assert "goes on where it stopped" in page
    sync(mailbox)
    assert mailbox.synced_count == 1


def test_the_page_says_what_to_do_without_an_oauth_client(as_, rita, settings):
    settings.POSTROOM = replace(settings.POSTROOM, google_client_id="")
    page = as_(rita).post("/my-inbox/connect/", follow=True).content.decode()
    assert "There is no Google OAuth client yet" in page

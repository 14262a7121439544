"""Outlook on the pages, against the sandbox's real consent endpoints (R-020, R-021, R-060 to R-065)."""

import re
from dataclasses import replace
from html import unescape
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from urllib.request import build_opener, urlopen

import pytest
from django.test import Client

from postroom.connector.clients import own_client
from postroom.connector.models import Grant, Mailbox, MailboxState, Provider, SetUp
from postroom.connector.setting_up import save_providers
from postroom.organisations.models import Account, User
from postroom.sandbox.microsoft import tenant_of
from tests.mails import mail
from tests.sync.conftest import make_mailbox, make_outlook_mailbox, microsoft
from tests.web.test_my_inbox import _Stay

__all__ = ["microsoft"]

RITA = "rita@northwind.example"


def decide(url: str, account: str, accept: bool) -> str:
    """Decide on a page of Microsoft's as the person ``account``; returns the way back to Postroom."""
    with urlopen(url, timeout=10) as page:
        text = page.read().decode()
    action = unescape(re.search(r'<form[^>]*action="([^"]+)"', text)[1])
    form = urlencode({"account": account, "accept" if accept else "cancel": "1"}).encode()
    with pytest.raises(HTTPError) as sent:
        build_opener(_Stay).open(urljoin(url, action), form, timeout=10)
    assert sent.value.code == 302, sent.value.read()
    back = urlsplit(sent.value.headers["Location"])
    assert back.path == "/oauth/outlook/callback/"
    return f"{back.path}?{back.query}"


def consent(client: Client, account: str = RITA, accept: bool = True) -> str:
    url = client.post("/my-inbox/connect/", {"provider": "outlook"})["Location"]
    return decide(url, account, accept)


@pytest.fixture
def client(as_, rita: User, microsoft) -> Client:
    microsoft.add_account(RITA, "Rita")
    return as_(rita)


def test_r021_both_providers_are_offered_when_both_are_on(client, account: Account, ada):
    page = client.get("/my-inbox/").content.decode()
    assert "Connect Gmail" in page
    assert "Connect Outlook" in page
    assert "Google or Microsoft asks for your consent" in page
    save_providers(account, ["outlook"], ada)
    page = client.get("/my-inbox/").content.decode()
    assert "Connect Gmail" not in page
    assert "Microsoft asks for your consent" in page


def test_r021_a_provider_that_is_off_cannot_be_connected(client, account: Account, ada):
    save_providers(account, ["gmail"], ada)
    page = client.post("/my-inbox/connect/", {"provider": "outlook"}, follow=True).content.decode()
    assert "does not connect Outlook mailboxes" in page
    assert client.post("/my-inbox/connect/", {"provider": "pigeon"}).status_code == 404


def test_r060_a_rep_connects_activates_and_syncs(client, microsoft, carol, sync):
    assert client.get(consent(client))["Location"] == "/my-inbox/"
    assert "Microsoft has let Postroom in" in client.get("/my-inbox/").content.decode()
    client.post("/my-inbox/activate/", {"import_days": "0"})
    mailbox = Mailbox.objects.get()
    assert (mailbox.provider, mailbox.state) == (Provider.OUTLOOK, MailboxState.ACTIVE)
    microsoft.deliver(RITA, mail(subject="Hello"))
    sync(mailbox)
    page = client.get("/my-inbox/").content.decode()
    assert "Hello" in page
    assert "Google" not in page


def test_only_reading_is_asked_for_with_pkce(client):
    url = client.post("/my-inbox/connect/", {"provider": "outlook"})["Location"]
    asked = parse_qs(urlsplit(url).query)
    assert {"Mail.Read", "User.Read", "offline_access"} <= set(asked["scope"][0].split())
    assert not re.search(r"ReadWrite|Send", asked["scope"][0])
    assert asked["code_challenge_method"] == ["S256"]


def test_a_declined_consent_is_said_and_nothing_is_kept(client):
    page = client.get(consent(client, accept=False), follow=True).content.decode()
    assert "permission was declined" in page
    assert not Mailbox.objects.exists()


def test_r020_a_rep_is_told_that_an_administrator_must_approve_first(client, microsoft):
    next(iter(microsoft.apps.values())).needs_admin = True
    page = client.get(consent(client), follow=True).content.decode()
    assert "An administrator of your organisation must approve Postroom first" in page
    assert not Mailbox.objects.exists()


def test_r002_a_personal_account_is_refused(client, microsoft, settings):
    """Its consent page is Microsoft's own refusal; where a tenant lets it through, Postroom refuses."""
    microsoft.add_account("rita.private@outlook.example", personal=True)
    settings.POSTROOM = replace(settings.POSTROOM, microsoft_tenant="common")
    page = client.get(consent(client, "rita.private@outlook.example"), follow=True).content.decode()
    assert "personal Microsoft account" in page
    assert not Mailbox.objects.exists()
    assert not Grant.objects.exists()


def test_a_way_back_counts_for_the_provider_it_was_begun_with(client, google):
    google.add_account(RITA)
    way_back = consent(client).replace("/outlook/", "/google/")
    assert "was not begun here" in client.get(way_back, follow=True).content.decode()
    assert not Mailbox.objects.exists()


def test_r061_one_mailbox_per_rep_across_providers(client, google, rita):
    make_mailbox(google, rita)
    page = client.get(consent(client), follow=True).content.decode()
    assert "is connected already. Remove it first" in page
    assert Mailbox.objects.get().provider == Provider.GMAIL


def test_r063_removing_says_how_to_take_the_permission_back(client, microsoft, rita):
    make_outlook_mailbox(microsoft, rita)
    assert "tells Google" not in client.get("/my-inbox/").content.decode()
    page = client.post("/my-inbox/remove/", follow=True).content.decode()
    assert "myapps.microsoft.com" in page
    assert not Mailbox.objects.exists()
    assert not Grant.objects.exists()


def test_r065_reconnecting_goes_to_the_mailbox_own_provider(client, microsoft, rita, carol, sync):
    mailbox = make_outlook_mailbox(microsoft, rita)
    microsoft.change_password(RITA)
    microsoft.expire_access(RITA)
    sync(mailbox)
    page = client.get("/my-inbox/").content.decode()
    assert "password was changed" in page
    assert re.search(r'value="outlook"[^>]*>\s*Reconnect', page)
    microsoft.trouble(RITA, 0)
    assert "goes on where it stopped" in client.get(consent(client), follow=True).content.decode()


def test_an_activation_that_microsoft_does_not_answer_names_microsoft(client, microsoft, monkeypatch):
    monkeypatch.setattr("postroom.providers.http._backoff", lambda attempt: 0.0)
    client.get(consent(client))
    microsoft.fault("error", status=503, method="messages.delta", times=None)
    page = client.post("/my-inbox/activate/", {"import_days": "0"}, follow=True).content.decode()
    assert "Microsoft could not be asked just now" in page
    assert Mailbox.objects.get().state == MailboxState.CONNECTED


# Set-up


def approve(client: Client, account: str, accept: bool = True) -> str:
    return decide(client.post("/settings/provider/outlook/approve/")["Location"], account, accept)


def test_r020_an_administrator_approves_for_all_users(as_, ada, account, microsoft, rita):
    SetUp.objects.update(prepared=[])
    microsoft.add_account(ada.email, admin=True)
    client = as_(ada)
    page = client.get(approve(client, ada.email), follow=True).content.decode()
    assert "approved for all users" in page
    assert SetUp.objects.get().prepared == ["outlook"]
    next(iter(microsoft.apps.values())).needs_admin = True
    microsoft.add_account(RITA)
    rep = as_(rita)
    rep.get(consent(rep))
    assert Mailbox.objects.get().user == rita


def test_an_approval_counts_in_the_session_that_began_it(as_, ada, account, microsoft):
    SetUp.objects.update(prepared=[])
    microsoft.add_account(ada.email, admin=True)
    page = as_(ada).get(approve(as_(ada), ada.email), follow=True).content.decode()
    assert "was not begun here" in page
    assert SetUp.objects.get().prepared == []


def test_r020_a_declined_approval_changes_nothing(as_, ada, account, microsoft):
    SetUp.objects.update(prepared=[])
    microsoft.add_account(ada.email, admin=True)
    client = as_(ada)
    page = client.get(approve(client, ada.email, accept=False), follow=True).content.decode()
    assert "approval was declined" in page
    assert SetUp.objects.get().prepared == []


def test_r015_a_rep_cannot_begin_an_approval(as_, rita, account, microsoft):
    assert as_(rita).post("/settings/provider/outlook/approve/").status_code == 403


def test_gmail_has_no_such_page(as_, ada, account):
    assert as_(ada).post("/settings/provider/gmail/approve/").status_code == 404


ENTERED = {"seen": "999999999", "client_id": "own-app", "client_secret": "own-secret"}


@pytest.mark.parametrize("tenant", ["", "northwind.example"])
def test_r020_a_client_is_tested_and_kept(as_, ada, account, microsoft, tenant):
    microsoft.add_account(ada.email, admin=True)
    microsoft.add_app("own-app", "own-secret", single_tenant=tenant_of("northwind.example"))
    form = ENTERED | {"tenant": tenant}
    page = as_(ada).post("/settings/provider/outlook/client/", form, follow=True).content.decode()
    assert "Outlook knows this client" in page
    kept = own_client(account, Provider.OUTLOOK)
    assert (kept.id, kept.secret, kept.tenant) == ("own-app", "own-secret", tenant)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"client_secret": "wrong"}, "does not accept the client secret"),
        ({"client_id": "nobody"}, "does not know the application id"),
        ({"tenant": "nowhere.example"}, "does not know this organisation"),
        ({"tenant": "no tenant"}, "Enter the id"),
    ],
)
def test_r020_a_client_that_entra_does_not_know_is_refused(as_, ada, account, microsoft, changed, said):
    microsoft.add_account(ada.email, admin=True)
    microsoft.add_app("own-app", "own-secret")
    answer = as_(ada).post("/settings/provider/outlook/client/", ENTERED | changed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert own_client(account, Provider.OUTLOOK) is None

"""An administrator connects mailboxes for their users: the permission, the choice, the run, undoing it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from postroom.connector import mailboxes
from postroom.connector.models import (
    AuditEntry,
    ConnectItem,
    ConnectRun,
    Grant,
    ItemState,
    Mailbox,
    MailboxState,
    OrganisationAccess,
    Provider,
)
from postroom.connector.policies import current_settings, save_settings
from postroom.connector.secrets import save_client
from postroom.connector.setting_up import save_providers
from postroom.connector.stops import begin_stop
from postroom.crm.models import MailRemoval
from postroom.errors import Unavailable
from postroom.organisations.models import Account, Role, User
from postroom.providers.base import Client as OAuthClient
from postroom.providers.gmail.oauth import READ_MAIL
from postroom.sandbox.google.sandbox import GoogleSandbox
from postroom.sandbox.microsoft import MicrosoftSandbox
from postroom.sync.connecting_many import connect_item, disconnect_item
from postroom.sync.passes import run_pass
from postroom.sync.runtime import open_runtime
from tests.mails import mail
from tests.sync.conftest import make_lead, make_rep, microsoft

__all__ = ["microsoft"]

EMAIL = "postroom@sandbox.iam.gserviceaccount.com"
DOMAIN = "northwind.example"
_KEYS: dict[str, dict[str, str]] = {}


@pytest.fixture
def key(google: GoogleSandbox) -> str:
    """The key file of a service account that the organisation let in; made once, for that takes longest."""
    account = google.add_service_account(EMAIL)
    if not _KEYS:
        _KEYS["file"] = google.service_account_key(EMAIL)
        _KEYS["public"] = account.keys  # type: ignore[assignment]
    account.keys.update(_KEYS["public"])  # type: ignore[arg-type]
    google.delegate(DOMAIN, account.client_id, [READ_MAIL])
    return json.dumps(_KEYS["file"] | {"client_id": account.client_id})


@pytest.fixture
def admin(as_: Callable[[User], Client], ada: User) -> Client:
    return as_(ada)


@pytest.fixture
def let_in(admin: Client, key: str) -> Client:
    """Gmail is let in, and Rita and Sam have mailboxes there."""
    assert save_key(admin, key).status_code == 302
    return admin


@pytest.fixture
def people(google: GoogleSandbox, rita: User, sam: User) -> None:
    for user in (rita, sam):
        google.add_account(user.email, user.name)


def save_key(client: Client, key: str):
    return client.post("/bulk-connect/gmail/access/", {"key": key})


def connect(client: Client, users: list[User], provider: str = "gmail", **more: str) -> ConnectRun:
    """Choose, confirm, and run the jobs."""
    url = f"/bulk-connect/{provider}/preview/"
    data = {"user": [user.pk for user in users], "import_days": "0", "confirmed": "yes", **more}
    response = client.post(url, data)
    assert response.status_code == 302, response.content.decode()
    run = ConnectRun.objects.latest("pk")
    assert response["Location"] == f"/bulk-connect/runs/{run.pk}/"
    work(run)
    return run


def work(run: ConnectRun) -> None:
    """What the queued jobs do."""
    for job in list(ProcrastinateJob.objects.filter(task_name="connect_user", status="todo").order_by("pk")):
        connect_item(job.args["item_id"], last=True)
    for job in list(ProcrastinateJob.objects.filter(task_name="disconnect_user").order_by("pk")):
        disconnect_item(job.args["item_id"], job.args["user_id"], deletes_mail=job.args["deletes_mail"])


def results(run: ConnectRun) -> dict[str, str]:
    return dict(ConnectItem.objects.filter(run=run).order_by("pk").values_list("user__name", "state"))


def said(client: Client, url: str) -> str:
    return client.get(url, follow=True).content.decode()


def sync(mailbox: Mailbox) -> Mailbox:
    async def one() -> None:
        async with open_runtime() as runtime:
            await run_pass(mailbox.pk, runtime.session, runtime.blobs)

    asyncio.run(one())
    mailbox.refresh_from_db()
    return mailbox


# The permission


def test_a_key_is_sealed_and_never_shown_again(admin, key, ada):
    file = SimpleUploadedFile("key.json", key.encode(), "application/json")
    assert admin.post("/bulk-connect/gmail/access/", {"file": file}).status_code == 302
    access = OrganisationAccess.objects.get()
    assert (access.name, access.name_id) == (EMAIL, json.loads(key)["client_id"])
    assert b"PRIVATE" not in bytes(access.sealed_key)
    page = said(admin, "/bulk-connect/")
    assert EMAIL in page
    assert READ_MAIL in page
    assert "PRIVATE KEY" not in page
    assert "PRIVATE" not in json.dumps(list(AuditEntry.objects.values("said", "before", "after")))
    entry = AuditEntry.objects.latest("pk")
    assert (entry.by, entry.area) == (ada, "provider")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "Choose the key file"),
        ({"key": "nonsense PRIVATE KEY"}, "not the JSON key"),
        ({"key": '{"type": "authorized_user"}'}, "not the JSON key"),
        ({"key": "x" * 20_000}, "at most"),
    ],
)
def test_a_wrong_key_is_refused_in_words_and_not_shown(admin, given, why):
    response = admin.post("/bulk-connect/gmail/access/", given)
    assert response.status_code == 422
    assert why in response.content.decode()
    assert "PRIVATE KEY" not in response.content.decode()
    assert not OrganisationAccess.objects.exists()


def test_a_large_file_is_refused(admin):
    file = SimpleUploadedFile("key.json", b" " * 20_000, "application/json")
    response = admin.post("/bulk-connect/gmail/access/", {"file": file})
    assert response.status_code == 422
    assert "too large" in response.content.decode()


def test_an_account_without_domains_lets_nobody_in(admin, key, account):
    account.domains = []
    account.save()
    response = save_key(admin, key)
    assert response.status_code == 422
    assert "no mail domains" in response.content.decode()
    assert not OrganisationAccess.objects.exists()


def test_outlook_wants_a_client_with_a_tenant(admin, account):
    response = admin.post("/bulk-connect/outlook/access/", {"granted": "on"})
    assert response.status_code == 422
    assert "which organisation it is for" in response.content.decode()
    save_client(account, Provider.OUTLOOK, OAuthClient("own", "secret", "northwind.example"))
    assert admin.post("/bulk-connect/outlook/access/", {}).status_code == 422
    assert admin.post("/bulk-connect/outlook/access/", {"granted": "on"}).status_code == 302
    access = OrganisationAccess.objects.get()
    assert (access.name, access.name_id, bytes(access.sealed_key)) == ("northwind.example", "own", b"")


def test_a_try_says_what_has_to_be_mended(let_in, google, people, rita):
    def tried(address: str) -> str:
        response = let_in.post("/bulk-connect/gmail/access/test/", {"address": address}, follow=True)
        return response.content.decode()

    assert f"Postroom can read {rita.email}" in tried(rita.email)
    assert OrganisationAccess.objects.get().tested_at is not None
    assert "has no user nobody@northwind.example" in tried("nobody@northwind.example")
    assert "does not belong to Northwind" in tried("eve@elsewhere.example")
    assert "Enter the address" in tried("no address")
    google.undelegate(DOMAIN)
    google.add_account("new@northwind.example")
    assert "Domain-wide delegation" in tried("new@northwind.example")
    google.fault("error", method="getProfile", status=403, reason="accessNotConfigured", times=None)
    assert "Gmail API is not enabled" in tried(rita.email)


def test_removing_the_permission_stops_its_mailboxes_at_once(let_in, people, rita, sam, google):
    connect(let_in, [rita])
    mailbox = Mailbox.objects.get(user=rita)
    epoch = mailbox.epoch
    response = let_in.post("/bulk-connect/gmail/access/forget/", follow=True)
    assert "1 mailbox has stopped" in response.content.decode()
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.epoch > epoch) == (MailboxState.RECONNECT, True)
    assert not OrganisationAccess.objects.exists()
    assert let_in.post("/bulk-connect/gmail/access/forget/").status_code == 302


def test_another_key_lets_them_go_on_without_a_gap(let_in, people, rita, google, key, carol):
    connect(let_in, [rita])
    let_in.post("/bulk-connect/gmail/access/forget/")
    google.deliver(rita.email, mail(subject="Meanwhile"))
    save_key(let_in, key)
    mailbox = Mailbox.objects.get(user=rita)
    assert mailbox.state == MailboxState.ACTIVE
    assert sync(mailbox).synced_count == 1


# Choosing users


def test_only_those_who_may_connect_are_offered(let_in, people, google, rita, sam, ada, max_, mailbox):
    page = said(let_in, "/bulk-connect/gmail/users/")
    for user in (rita, sam):
        assert user.email in page
    assert f'name="user" value="{sam.pk}"' in page
    assert f'name="user" value="{rita.pk}"' not in page, "Rita has a mailbox"
    assert mailbox.address in page
    assert ada.email not in page.partition('id="rows"')[2]
    assert max_.email not in page


def test_they_are_searched_and_filtered(let_in, people, account, sam, rita):
    mary = make_rep(account, "Mary", Role.MARKETING_USER)
    rows = said(let_in, "/bulk-connect/gmail/users/?q=sam").partition('id="rows"')[2]
    assert (sam.email in rows, mary.email in rows) == (True, False)
    rows = said(let_in, "/bulk-connect/gmail/users/?role=marketing_user").partition('id="rows"')[2]
    assert (sam.email in rows, mary.email in rows) == (False, True)
    assert "Nobody matches" in said(let_in, "/bulk-connect/gmail/users/?q=zzz%00")
    part = let_in.get("/bulk-connect/gmail/users/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part


def test_the_preview_takes_those_ticked_or_all_that_were_found(let_in, people, rita, sam):
    page = said(let_in, f"/bulk-connect/gmail/preview/?user={sam.pk}")
    assert (f'value="{sam.email}"' in page, f'value="{rita.email}"' in page) == (True, False)
    page = said(let_in, "/bulk-connect/gmail/preview/?q=")
    assert (f'value="{sam.email}"' in page, f'value="{rita.email}"' in page) == (True, True)
    page = said(let_in, "/bulk-connect/gmail/preview/?q=rita")
    assert (f'value="{sam.email}"' in page, f'value="{rita.email}"' in page) == (False, True)


def test_it_asks_before_it_begins(let_in, people, rita):
    response = let_in.post("/bulk-connect/gmail/preview/", {"user": rita.pk, "import_days": "0"})
    page = response.content.decode()
    assert "Connect 1 mailbox?" in page
    assert "Inbox and Sent only." in page
    assert not ConnectRun.objects.exists()


def test_addresses_are_checked_before(let_in, people, account, google, rita, sam):
    lea = make_rep(account, "Lea")
    google.add_account(lea.email)
    connect(let_in, [lea])
    data = {"user": [rita.pk, sam.pk], "import_days": "0", "confirmed": "yes"}

    def refused(**addresses: str) -> str:
        named = {"address_" + str({"rita": rita, "sam": sam}[who].pk): at for who, at in addresses.items()}
        response = let_in.post("/bulk-connect/gmail/preview/", data | named)
        assert response.status_code == 422
        return response.content.decode()

    assert "does not belong to Northwind" in refused(rita="rita@elsewhere.example")
    assert "is not a mail address" in refused(rita="")
    assert "Two of these users" in refused(rita=sam.email)
    assert "A colleague has connected this address" in refused(rita=lea.email)
    assert ConnectRun.objects.count() == 1


def test_nobody_is_connected_who_may_not_or_is_elsewhere(let_in, people, ada, stranger, mailbox, rita):
    for user in (ada, stranger, rita):
        response = let_in.get(f"/bulk-connect/gmail/preview/?user={user.pk}")
        assert response["Location"] == "/bulk-connect/gmail/users/"
    assert not ConnectRun.objects.exists()


def test_an_import_goes_no_further_than_the_administrators_set(let_in, people, account, rita):
    save_settings(account, replace(current_settings(account.pk), longest_import=30), None)
    data = {"user": rita.pk, "confirmed": "yes"}
    assert let_in.post("/bulk-connect/gmail/preview/", data | {"import_days": "365"}).status_code == 422
    assert let_in.post("/bulk-connect/gmail/preview/", data | {"import_days": "30"}).status_code == 302
    assert ConnectRun.objects.get().import_days == 30


# The run


def test_each_user_is_connected_and_their_mail_arrives(let_in, people, google, carol, rita, sam, ada, as_):
    run = connect(let_in, [rita, sam])
    assert results(run) == {"Rita": "connected", "Sam": "connected"}
    mailbox = Mailbox.objects.get(user=rita)
    assert (mailbox.by_organisation, mailbox.connected_by, mailbox.connected_by_name) == (True, ada, "Ada")
    assert mailbox.state == MailboxState.ACTIVE
    assert not Grant.objects.exists()
    google.deliver(rita.email, mail(subject="Offer"))
    assert sync(mailbox).synced_count == 1
    assert AuditEntry.objects.filter(about=rita, by=ada, said__startswith="Connected the mailbox").exists()
    assert "Connected by your administrator, Ada" in said(as_(rita), "/my-inbox/")
    assert "Connected by Ada" in said(let_in, "/mailboxes/")
    page = said(let_in, f"/bulk-connect/runs/{run.pk}/")
    assert page.count("Connected</span>") == 2
    assert "2 connected" in said(let_in, "/bulk-connect/")


def test_earlier_mail_is_imported_where_chosen(let_in, people, google, carol, rita):
    google.deliver(rita.email, mail(subject="Earlier"))
    connect(let_in, [rita], import_days="7")
    mailbox = Mailbox.objects.get(user=rita)
    assert mailbox.state == MailboxState.IMPORTING
    assert sync(mailbox).synced_count == 1


def test_an_alias_connects_the_mailbox_that_has_it(let_in, google, rita):
    google.add_account("r.rossi@northwind.example", aliases=[rita.email])
    connect(let_in, [rita])
    mailbox = Mailbox.objects.get(user=rita)
    assert (mailbox.address, mailbox.aliases) == ("r.rossi@northwind.example", [rita.email])


def test_one_refusal_stops_no_other_and_can_be_tried_again(let_in, google, rita, sam):
    google.add_account(sam.email)
    run = connect(let_in, [rita, sam])
    assert results(run) == {"Rita": "refused", "Sam": "connected"}
    page = said(let_in, f"/bulk-connect/runs/{run.pk}/?state=refused")
    assert f"has no user {rita.email}" in page
    google.add_account(rita.email)
    response = let_in.post(f"/bulk-connect/runs/{run.pk}/again/", follow=True)
    assert "1 user is tried again" in response.content.decode()
    work(run)
    assert results(run) == {"Rita": "connected", "Sam": "connected"}
    assert ConnectItem.objects.get(user=rita).reason == ""


def test_a_job_that_comes_twice_does_no_harm(let_in, people, rita):
    run = connect(let_in, [rita])
    item = ConnectItem.objects.get(run=run)
    before = Mailbox.objects.get()
    connect_item(item.pk)
    # As if the worker had died between the mailbox and the note of it.
    ConnectItem.objects.update(state=ItemState.WAITING)
    connect_item(item.pk)
    assert results(run) == {"Rita": "connected"}
    assert Mailbox.objects.get() == before


def test_the_rules_of_connecting_hold_when_the_job_runs(let_in, people, account, rita, sam, ada):
    """R-050, R-051, R-053, R-061: what changes between asking and the job counts."""
    data = {"user": [rita.pk], "import_days": "0", "confirmed": "yes"}
    let_in.post("/bulk-connect/gmail/preview/", data)
    run = ConnectRun.objects.get()
    item = ConnectItem.objects.get()

    def tried() -> str:
        ConnectItem.objects.update(state=ItemState.WAITING, reason="")
        connect_item(item.pk, last=True)
        item.refresh_from_db()
        assert item.state == ItemState.REFUSED
        return item.reason

    User.objects.filter(pk=rita.pk).update(role=Role.SALES_MANAGER)
    assert "may not connect" in tried()
    User.objects.filter(pk=rita.pk).update(role=Role.SALES_USER)
    save_providers(account, ["outlook"], ada)
    assert "does not connect Gmail" in tried()
    save_providers(account, ["gmail", "outlook"], ada)
    User.objects.filter(pk=ada.pk).update(role=Role.SALES_USER)
    assert "administrator who asked" in tried()
    User.objects.filter(pk=ada.pk).update(role=Role.ADMINISTRATOR)
    Mailbox.objects.create(
        account=account, user=sam, provider="gmail", address=rita.email, address_key=rita.email
    )
    assert "by a colleague already" in tried()
    Mailbox.objects.all().delete()
    with transaction.atomic():
        begin_stop(account)
    assert "switched off" in tried()
    assert not Mailbox.objects.exists()
    assert results(run) == {"Rita": "refused"}


def test_a_provider_that_is_away_is_tried_again_by_itself_first(let_in, people, google, rita, naps):
    let_in.post("/bulk-connect/gmail/preview/", {"user": rita.pk, "import_days": "0", "confirmed": "yes"})
    item = ConnectItem.objects.get()
    google.fault("error", method="getProfile", status=503, times=None)
    with pytest.raises(Unavailable):
        connect_item(item.pk)
    item.refresh_from_db()
    assert item.state == ItemState.WAITING
    connect_item(item.pk, last=True)
    item.refresh_from_db()
    assert (item.state, "503" in item.reason) == (ItemState.REFUSED, True)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nap(seconds: float) -> None:
        return

    monkeypatch.setattr("postroom.providers.http.sleep", nap)


def test_undoing_removes_what_the_run_connected(let_in, people, google, carol, rita, sam):
    run = connect(let_in, [rita, sam])
    google.deliver(rita.email, mail(subject="Offer"))
    sync(Mailbox.objects.get(user=rita))
    sams = Mailbox.objects.get(user=sam)
    sams.delete()
    response = let_in.post(f"/bulk-connect/runs/{run.pk}/undo/", {"mail": "keep"}, follow=True)
    assert "2 mailboxes are being removed" in response.content.decode()
    work(run)
    assert results(run) == {"Rita": "removed", "Sam": "removed"}
    assert not Mailbox.objects.exists()
    assert not MailRemoval.objects.exists()
    let_in.post(f"/bulk-connect/runs/{run.pk}/undo/", {"mail": "keep"})
    # And they can be connected again.
    assert results(connect(let_in, [rita]))["Rita"] == "connected"


def test_undoing_takes_the_mail_where_chosen_but_never_of_ones_own_mailbox(
    let_in, people, google, carol, rita, sam
):
    run = connect(let_in, [rita, sam])
    for user in (rita, sam):
        google.deliver(user.email, mail(subject=f"To {user}", message_id=f"{user.pk}@customer.example"))
        sync(Mailbox.objects.get(user=user))
    own = Mailbox.objects.get(user=sam)
    mailboxes.remove(own)
    Mailbox.objects.create(
        account=sam.account, user=sam, provider="gmail", address=sam.email, address_key=sam.email
    )
    let_in.post(f"/bulk-connect/runs/{run.pk}/undo/", {"mail": "delete"})
    work(run)
    assert [removal.user for removal in MailRemoval.objects.all()] == [rita]
    assert Mailbox.objects.get().user == sam


def test_what_still_waits_is_taken_back_by_undoing(let_in, people, rita):
    let_in.post("/bulk-connect/gmail/preview/", {"user": rita.pk, "import_days": "0", "confirmed": "yes"})
    run = ConnectRun.objects.get()
    let_in.post(f"/bulk-connect/runs/{run.pk}/undo/")
    work(run)
    assert results(run) == {"Rita": "removed"}
    assert not Mailbox.objects.exists()


def test_outlook_is_connected_by_the_applications_permission(
    admin, microsoft: MicrosoftSandbox, account, rita
):
    app = next(iter(microsoft.apps.values()))
    client = OAuthClient(app.client_id, app.client_secret, "northwind.example")
    save_client(account, Provider.OUTLOOK, client)
    microsoft.add_account(rita.email, aliases=["sales@northwind.example"])
    admin.post("/bulk-connect/outlook/access/", {"granted": "on"})
    run = connect(admin, [rita], "outlook")
    assert "let an administrator consent" in ConnectItem.objects.get().reason
    app.admin_consents.add(microsoft.accounts[rita.email].tid)
    app.allowed_mailboxes = frozenset()
    admin.post(f"/bulk-connect/runs/{run.pk}/again/")
    work(run)
    assert "policy keeps Postroom out" in ConnectItem.objects.get().reason
    app.allowed_mailboxes = None
    admin.post(f"/bulk-connect/runs/{run.pk}/again/")
    work(run)
    assert results(run) == {"Rita": "connected"}
    mailbox = Mailbox.objects.get()
    assert mailbox.aliases == ["sales@northwind.example"]
    lead = make_lead(account, "carol@customer.example")
    microsoft.deliver(rita.email, mail(subject="Offer"))
    assert sync(mailbox).synced_count == 1
    assert lead.email
    admin.post(f"/mailboxes/{mailbox.pk}/remove/", {"mail": "keep"})
    assert not Mailbox.objects.exists()


# The rep


def test_the_rep_can_pause_and_resume_but_not_sign_in_instead(let_in, people, rita, as_):
    connect(let_in, [rita])
    rep = as_(rita)
    rep.post("/my-inbox/pause/")
    assert Mailbox.objects.get().state == MailboxState.PAUSED
    rep.post("/my-inbox/resume/")
    assert Mailbox.objects.get().state == MailboxState.ACTIVE
    response = rep.post("/my-inbox/connect/", {"provider": "gmail"}, follow=True)
    assert "nothing to sign in to" in response.content.decode()
    response = rep.post("/my-inbox/remove/", follow=True)
    assert "revoked" not in response.content.decode()
    assert not Mailbox.objects.exists()


def test_the_rep_reads_that_others_see_to_it(let_in, people, rita, google, as_):
    connect(let_in, [rita])
    google.undelegate(DOMAIN)
    google.tokens.expire_access(rita.email)
    sync(Mailbox.objects.get())
    page = said(as_(rita), "/my-inbox/")
    assert "there is nothing for you to do" in page
    assert ">Reconnect<" not in page
    assert "needs to be reconnected" not in said(as_(rita), "/leads/")


# Who may


def test_only_administrators_and_only_their_own_account(
    let_in, people, google, as_, rita, max_, stranger, ada
):
    run = connect(let_in, [rita])
    gets = ["/bulk-connect/", "/bulk-connect/gmail/users/", "/bulk-connect/gmail/preview/"]
    gets.append(f"/bulk-connect/runs/{run.pk}/")
    posts = [f"/bulk-connect/gmail/access/{what}" for what in ("", "test/", "again/", "forget/")]
    posts += [f"/bulk-connect/runs/{run.pk}/{what}/" for what in ("again", "undo")]
    for user in (rita, max_):
        for url in gets:
            assert as_(user).get(url).status_code == 403, (user, url)
        for url in posts:
            assert as_(user).post(url).status_code == 403, (user, url)
    eve = as_(stranger)
    assert EMAIL not in said(eve, "/bulk-connect/")
    assert eve.get(f"/bulk-connect/runs/{run.pk}/").status_code == 404
    for what in ("again", "undo"):
        assert eve.post(f"/bulk-connect/runs/{run.pk}/{what}/").status_code == 404
    eve.post("/bulk-connect/gmail/access/forget/")
    assert OrganisationAccess.objects.count() == 1
    assert let_in.get("/bulk-connect/imap/users/").status_code == 404
    assert let_in.get("/bulk-connect/gmail/access/").status_code == 405


def test_nothing_is_connected_while_it_may_not_be(let_in, people, account, rita, ada):
    with transaction.atomic():
        begin_stop(account)
    assert let_in.get("/bulk-connect/gmail/users/")["Location"] == "/bulk-connect/"
    response = let_in.post(
        "/bulk-connect/gmail/preview/", {"user": rita.pk, "import_days": "0", "confirmed": "yes"}
    )
    assert response["Location"] == "/bulk-connect/"
    assert not ConnectRun.objects.exists()


def test_a_long_list_has_pages_and_few_queries(
    let_in, people, account: Account, django_assert_max_num_queries
):
    reps = User.objects.bulk_create(
        User(account=account, email=f"rep{n}@northwind.example", password="!", name=f"Rep {n:03}")
        for n in range(120)
    )
    with django_assert_max_num_queries(15):
        page = said(let_in, "/bulk-connect/gmail/users/")
    assert "More people" in page
    run = ConnectRun.objects.create(account=account, provider="gmail", by=None, by_name="Ada")
    ConnectItem.objects.bulk_create(
        ConnectItem(account=account, run=run, user=rep, address=rep.email) for rep in reps
    )
    with django_assert_max_num_queries(15):
        page = said(let_in, f"/bulk-connect/runs/{run.pk}/")
    assert "More users" in page
    after = ConnectItem.objects.order_by("pk")[99].pk
    page = said(let_in, f"/bulk-connect/runs/{run.pk}/?after={after}")
    assert ("rep119@" in page, "rep0@" in page) == (True, False)
    assert let_in.get(f"/bulk-connect/runs/{run.pk}/?after=x").status_code == 404
    with django_assert_max_num_queries(15):
        said(let_in, "/bulk-connect/")
    with django_assert_max_num_queries(15):
        said(let_in, "/bulk-connect/gmail/preview/")

"""A rep's own keywords and exclusions, and what becomes of synced mail (R-033, R-038, R-063, R-064)."""

from dataclasses import replace

from postroom.connector.access import save_access_rule
from postroom.connector.forgetting import run_removal
from postroom.connector.mailboxes import deactivate
from postroom.connector.models import Mailbox, MailboxState
from postroom.connector.policies import (
    current_rep_settings,
    current_settings,
    effective_settings,
    save_settings,
)
from postroom.crm.models import Activity, MailRemoval, StoredMessage
from postroom.organisations.models import AccessMode, Purpose, Role
from postroom.policy.settings import Behaviour, KeywordField
from tests.mails import mail
from tests.sync.conftest import make_mailbox

URL = "/my-inbox/own/"


def allow(account, **changes: object) -> None:
    now = current_settings(account.pk)
    inbound = replace(
        now.inbound,
        behaviour=Behaviour.KEYWORDS,
        keywords=frozenset({"offer"}),
        keywords_in=frozenset(KeywordField),
        excluded=frozenset({"partner.example"}),
        **changes,
    )
    save_settings(account, replace(now, inbound=inbound), None)


def test_r064_the_companys_lists_are_shown_and_closed_where_reps_may_add_nothing(as_, rita, account):
    allow(account)
    client = as_(rita)
    page = client.get(URL).content.decode()
    assert "offer" in page
    assert "partner.example" in page
    assert "Own keywords and exclusions are not switched on" in page
    assert "<textarea" not in page
    assert client.post(URL, {"version": 0, "inbound_keywords": "mine"}).status_code == 403


def test_r033_r038_a_rep_adds_keywords_and_exclusions_that_count_at_once(
    as_, rita, account, google, mailbox, carol, sync
):
    allow(account, user_keywords=True, user_exclusions=True)
    client = as_(rita)
    given = {
        "version": 0,
        "inbound_keywords": "tulips\nC++",
        "inbound_excluded": "Doctor@x.example\nclub.example",
    }
    assert client.post(URL, given)["Location"] == URL
    settings = effective_settings(account.pk, rita.pk)
    assert settings.inbound.keywords == {"offer", "tulips", "C++"}
    assert settings.inbound.excluded == {"partner.example", "doctor@x.example", "club.example"}
    page = client.get(URL).content.decode()
    assert "tulips" in page
    assert "<textarea" in page
    google.deliver(mailbox.address, mail(subject="Tulips?"))
    google.deliver(mailbox.address, mail(subject="Weather"))
    sync(mailbox)
    assert list(StoredMessage.objects.values_list("subject", flat=True)) == ["Tulips?"]


def test_r036_wrong_entries_are_refused_one_by_one_and_kept(as_, rita, account):
    allow(account, user_exclusions=True)
    response = as_(rita).post(URL, {"version": 0, "inbound_excluded": "good.example\nnot a domain"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "not a domain" in page
    assert "good.example" in page
    assert current_rep_settings(account.pk, rita.pk).version == 0


def test_two_windows_do_not_overwrite_each_other(as_, rita, account):
    allow(account, user_exclusions=True)
    client = as_(rita)
    client.post(URL, {"version": 0, "inbound_excluded": "one.example"})
    response = client.post(URL, {"version": 0, "inbound_excluded": "two.example"})
    assert response.status_code == 422
    assert "saved these settings meanwhile" in response.content.decode()
    assert current_rep_settings(account.pk, rita.pk).inbound.excluded == {"one.example"}


def test_what_a_rep_added_stays_while_it_is_switched_off(as_, rita, account):
    allow(account, user_keywords=True, user_exclusions=True)
    client = as_(rita)
    client.post(URL, {"version": 0, "inbound_keywords": "tulips", "inbound_excluded": "one.example"})
    allow(account, user_keywords=False, user_exclusions=True)
    client.post(URL, {"version": 1, "inbound_excluded": ""})
    mine = current_rep_settings(account.pk, rita.pk).inbound
    assert (mine.keywords, mine.excluded) == ({"tulips"}, frozenset())


def test_r063_removing_asks_and_keeps_by_default(as_, rita, google, mailbox, carol, sync):
    google.deliver(mailbox.address, mail(subject="Stays"))
    sync(mailbox)
    client = as_(rita)
    page = client.get("/my-inbox/").content.decode()
    assert 'name="mail" value="keep" checked' in page
    client.post("/my-inbox/remove/", {"mail": "keep"})
    assert Activity.objects.count() == 1
    assert not MailRemoval.objects.exists()


def test_r063_removing_can_delete_the_synced_mail_too(as_, rita, google, mailbox, carol, sync):
    google.deliver(mailbox.address, mail(subject="Goes"))
    sync(mailbox)
    client = as_(rita)
    page = client.post("/my-inbox/remove/", {"mail": "delete"}, follow=True).content.decode()
    assert "Your synced mail is being deleted: 0 of 1" in page
    run_removal(MailRemoval.objects.get().pk)
    assert not StoredMessage.objects.exists()
    assert "being deleted" not in client.get("/my-inbox/").content.decode()


def test_r050_who_may_not_connect_is_told_and_refused(as_, ada, rita, account, google):
    save_access_rule(account, Purpose.CONNECT, AccessMode.ROLE, roles=[Role.MARKETING_USER], by=ada)
    client = as_(rita)
    page = client.get("/my-inbox/").content.decode()
    assert "You may not connect a mailbox at present" in page
    assert "Connect Gmail" not in page
    assert client.post("/my-inbox/connect/")["Location"] == "/my-inbox/"
    assert client.get("/oauth/google/callback/?state=x&code=y").status_code == 302
    assert not Mailbox.objects.exists()


def test_r050_lost_access_pauses_and_says_so(as_, ada, rita, account, google):
    mailbox = make_mailbox(google, rita)
    save_access_rule(account, Purpose.CONNECT, AccessMode.ROLE, roles=[Role.MARKETING_USER], by=ada)
    client = as_(rita)
    page = client.get("/my-inbox/").content.decode()
    assert "may not connect a mailbox any more" in page
    assert "Resume sync" not in page
    client.post("/my-inbox/resume/")
    mailbox.refresh_from_db()
    assert mailbox.state == MailboxState.PAUSED


def test_r073_a_rep_sees_who_deactivated_the_mailbox_and_when(as_, ada, rita, google):
    deactivate(make_mailbox(google, rita), ada)
    page = as_(rita).get("/my-inbox/").content.decode()
    assert "Deactivated by Ada on" in page
    assert "Resume sync" not in page


def test_r051_the_page_says_that_sync_is_off_for_all(as_, rita, account, google):
    make_mailbox(google, rita)
    save_settings(account, replace(current_settings(account.pk), sync_disabled=True), None)
    page = as_(rita).get("/my-inbox/").content.decode()
    assert "Sync switched off for all" in page

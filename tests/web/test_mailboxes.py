"""User management: the table, and what is done to one mailbox or many (R-070, R-073, R-074, R-075)."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.connector import mailboxes
from postroom.connector.access import save_access_rule
from postroom.connector.forgetting import current_removal
from postroom.connector.models import AuditEntry, Grant, Mailbox, MailboxState, Provider
from postroom.connector.policies import current_settings, save_settings
from postroom.organisations.models import AccessMode, Purpose, Role, User
from postroom.providers.base import Consent, TokenSet
from postroom.web.frame import frame_of
from tests.mails import mail
from tests.sync.conftest import make_mailbox, make_rep

HOSTILE = ("<script>alert(1)</script>", "'; drop table connector_mailbox; --", "%", "\x00", "x" * 5000)
HTMX = {"HX-Request": "true"}


def connect(user: User) -> Mailbox:
    """A mailbox that syncs, without a provider behind it."""
    tokens = TokenSet("access", datetime.now(UTC) + timedelta(hours=1), "refresh")
    mailbox = mailboxes.connect(user, Provider.GMAIL, Consent(user.email, tokens))
    mailboxes.activate(mailbox, {"history": "1"}, (), importing=False)
    return mailbox


def many(account, number: int) -> None:
    users = User.objects.bulk_create(
        User(account=account, email=f"r{n}@northwind.example", name=f"{'Rr'[n % 2]}ep {n % 9}")
        for n in range(number)
    )
    Mailbox.objects.bulk_create(
        Mailbox(
            account=account,
            user=user,
            provider=Provider.GMAIL,
            address=user.email,
            address_key=user.email,
            state=MailboxState.ACTIVE,
            activated_at=datetime.now(UTC),
            cursor={"history": "1"},
        )
        for user in users
    )


@pytest.fixture
def theirs(rita: User, sam: User) -> dict[str, Mailbox]:
    """Rita, who is in Max's team, and Sam, who is in none."""
    return {"rita": connect(rita), "sam": connect(sam)}


def test_r070_the_table_says_how_each_mailbox_is_doing(as_, ada, theirs):
    Mailbox.objects.filter(user__name="Rita").update(
        synced_count=1234, skipped_count=5678, last_error="Google is busy.", last_sync_at=datetime.now(UTC)
    )
    mailboxes.lose_authorization(theirs["sam"], "The authorisation was revoked.")
    page = as_(ada).get("/mailboxes/").content.decode()
    for shown in ("rita@northwind.example", "1,234", "5,678", "Google is busy.", "Gmail", "Active"):
        assert shown in page, shown
    assert "Reconnect needed" in page
    assert "The authorisation was revoked." in page


def test_r075_managers_see_their_team_and_reps_nothing(as_, ada, max_, rita, sam, stranger, theirs):
    page = as_(max_).get("/mailboxes/").content.decode()
    assert theirs["rita"].address in page
    assert theirs["sam"].address not in page
    assert "rita@" not in as_(stranger).get("/mailboxes/").content.decode()
    for rep in (rita, sam):
        assert as_(rep).get("/mailboxes/").status_code == 403
        assert as_(rep).get("/mailboxes/all/deactivate/").status_code == 403
        assert as_(rep).post("/mailboxes/all/deactivate/").status_code == 403


def test_r075_nobody_changes_a_mailbox_that_is_not_theirs_to_manage(as_, max_, rita, sam, stranger, theirs):
    for action in ("deactivate", "activate", "remove"):
        for viewer, mailbox, status in (
            (max_, "sam", 404),
            (stranger, "rita", 404),
            (rita, "rita", 403),
            (rita, "sam", 403),
            (sam, "rita", 403),
        ):
            url = f"/mailboxes/{theirs[mailbox].pk}/{action}/"
            assert as_(viewer).get(url).status_code == as_(viewer).post(url).status_code == status, (
                viewer,
                url,
            )
    assert Mailbox.objects.filter(state=MailboxState.ACTIVE).count() == 2


def test_r075_a_change_of_many_leaves_alone_what_one_may_not_manage(as_, max_, stranger, theirs):
    ids = [mailbox.pk for mailbox in theirs.values()]
    as_(stranger).post("/mailboxes/all/deactivate/", {"id": ids})
    assert Mailbox.objects.filter(state=MailboxState.ACTIVE).count() == 2
    as_(max_).post("/mailboxes/all/deactivate/", {"id": ids})
    states = {name: Mailbox.objects.get(pk=mailbox.pk).state for name, mailbox in theirs.items()}
    assert states == {"rita": MailboxState.DEACTIVATED, "sam": MailboxState.ACTIVE}


def test_a_manager_does_not_undo_what_was_done_to_their_own_mailbox(as_, ada, account, max_):
    save_access_rule(account, Purpose.CONNECT, AccessMode.ROLE, roles=list(Role), by=ada)
    own = connect(max_)
    mailboxes.deactivate(own, ada)
    assert as_(max_).post(f"/mailboxes/{own.pk}/activate/").status_code == 404
    as_(max_).post("/mailboxes/all/activate/", {"id": [own.pk]})
    own.refresh_from_db()
    assert own.state == MailboxState.DEACTIVATED
    assert own.address in as_(max_).get("/mailboxes/").content.decode()


def test_r073_deactivated_by_an_admin_the_rep_sees_who_and_when_and_activation_resumes(
    as_, ada, rita, google, carol, sync
):
    mailbox, url = make_mailbox(google, rita), "/mailboxes/{}/{}/"
    asked = as_(ada).get(url.format(mailbox.pk, "deactivate"), headers=HTMX).content.decode()
    assert "Deactivate the sync of Rita?" in asked
    as_(ada).post(url.format(mailbox.pk, "deactivate"))
    google.deliver(mailbox.address, mail(subject="meanwhile"))
    sync(mailbox)
    assert (mailbox.state, mailbox.synced_count) == (MailboxState.DEACTIVATED, 0)
    seen = as_(rita).get("/my-inbox/").content.decode()
    assert f"Deactivated by Ada on {datetime.now(UTC):%-d %B %Y}" in seen
    as_(ada).post(url.format(mailbox.pk, "activate"))
    sync(mailbox)
    assert (mailbox.state, mailbox.synced_count) == (MailboxState.ACTIVE, 1)
    assert AuditEntry.objects.filter(by=ada, about=rita).count() == 2


def test_r074_removing_forgets_the_tokens_and_keeps_the_activities(as_, ada, rita, google, carol, sync):
    mailbox = make_mailbox(google, rita)
    google.deliver(mailbox.address, mail(subject="Stays"))
    sync(mailbox)
    page = as_(ada).post(f"/mailboxes/{mailbox.pk}/remove/", follow=True).content.decode()
    assert "is removed. Its mail on leads stays." in page
    assert not Mailbox.objects.exists()
    assert not Grant.objects.exists()
    assert b"Stays" in as_(ada).get(f"/leads/{carol.pk}/").content
    assert AuditEntry.objects.get(area="mailbox").said == "Removed the mailbox rita@northwind.example."


def test_an_action_wants_a_confirmation_that_works_without_scripts_too(as_, ada, theirs):
    url = f"/mailboxes/{theirs['rita'].pk}/remove/"
    page = as_(ada).get(f"{url}?state=active&q=rita").content.decode()
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert "Remove rita@northwind.example?" in page
    assert Mailbox.objects.count() == 2
    part = as_(ada).get(url, headers=HTMX).content.decode()
    assert part.startswith("<form")
    assert as_(ada).get(f"/mailboxes/{theirs['rita'].pk}/explode/").status_code == 404
    assert as_(ada).get("/mailboxes/all/remove/").status_code == 404


def test_after_an_action_the_same_list_is_shown_and_no_other_site(as_, ada, theirs):
    url = f"/mailboxes/{theirs['rita'].pk}/deactivate/"
    back = as_(ada).post(url, {"back": "q=rita&state=active&next=//evil.example"})["Location"]
    assert back == "/mailboxes/?q=rita&state=active"
    evil = as_(ada).post(url, {"back": "https://evil.example/"})["Location"]
    assert evil == "/mailboxes/"


def test_search_and_status_narrow_the_list(as_, ada, theirs):
    mailboxes.pause(theirs["sam"])
    client = as_(ada)
    for query, sees in (("q=RITA", "rita"), ("state=paused", "sam"), ("q=northwind+sam", "sam")):
        page = client.get(f"/mailboxes/?{query}").content.decode()
        other = "sam" if sees == "rita" else "rita"
        assert theirs[sees].address in page, query
        assert theirs[other].address not in page, query
    assert "No mailbox matches" in client.get("/mailboxes/?q=nobody").content.decode()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_input_does_no_harm(as_, ada, theirs, text):
    client = as_(ada)
    for url in ("/mailboxes/", "/mailboxes/all/deactivate/", "/mailboxes/all/activate/"):
        page = client.get(url, {"q": text, "state": text, "provider": text, "id": text})
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
    client.post(
        "/mailboxes/all/activate/", {"q": text, "after": text, "done": text, "total": text, "id": text}
    )
    assert client.get("/mailboxes/", {"after": text}).status_code == 404
    assert Mailbox.objects.filter(state=MailboxState.ACTIVE).count() == 2


def test_an_empty_list_says_what_to_do(as_, ada):
    assert "No mailbox is connected yet" in as_(ada).get("/mailboxes/").content.decode()


def test_pages_hold_every_mailbox_once_in_the_order_of_names(
    as_, ada, account, django_assert_max_num_queries
):
    many(account, 130)
    client, url, seen = as_(ada), "/mailboxes/", []
    while url:
        with django_assert_max_num_queries(15):
            page = client.get(url).content.decode()
        seen += re.findall(r'href="/people/(\d+)/">([^<]*)<', page)
        more = re.search(r'href="(\?after=[^"]+)"', page)
        url = f"/mailboxes/{more[1]}" if more else ""
    assert len(seen) == len(set(seen)) == 130
    assert [name.lower() for _pk, name in seen] == sorted(name.lower() for _pk, name in seen)


def test_a_change_of_many_says_the_number_and_shows_how_far_it_has_come(as_, ada, account):
    many(account, 120)
    client = as_(ada)
    asked = client.get("/mailboxes/all/deactivate/", headers=HTMX).content.decode()
    assert "Deactivate the sync of 120 mailboxes?" in asked
    sent, steps = {"total": "120"}, []
    while True:
        page = client.post("/mailboxes/all/deactivate/", sent, headers=HTMX).content.decode()
        if "Done" in page:
            break
        sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        steps.append(re.search(r"(\d+) of 120 mailboxes", page)[1])
    assert steps == ["50", "100"]
    assert "120 mailboxes were changed." in page
    assert not Mailbox.objects.exclude(state=MailboxState.DEACTIVATED).exists()
    assert AuditEntry.objects.filter(by=ada).count() == 120
    asked = client.get("/mailboxes/all/deactivate/", headers=HTMX).content.decode()
    assert "There is nothing to change" in asked


def test_a_change_of_many_counts_those_that_may_not_be_activated(as_, ada, account, theirs):
    User.objects.filter(name="Sam").update(role=Role.SALES_MANAGER)
    Mailbox.objects.update(state=MailboxState.DEACTIVATED)
    page = as_(ada).post("/mailboxes/all/activate/", {"total": "2"}, headers=HTMX).content.decode()
    assert "1 mailbox was changed." in page
    assert "1 stays as it was" in page


def test_a_refusal_is_told_in_a_sentence(as_, ada, theirs):
    User.objects.filter(name="Rita").update(role=Role.SALES_MANAGER)
    mailboxes.deactivate(theirs["rita"], ada)
    page = as_(ada).post(f"/mailboxes/{theirs['rita'].pk}/activate/", follow=True).content.decode()
    assert "may not connect a mailbox at present" in page


def test_administrators_are_told_on_every_page_of_mailboxes_to_reconnect(as_, ada, max_, theirs):
    mailboxes.lose_authorization(theirs["rita"], "Revoked.")
    assert "1 mailbox needs to be reconnected." in as_(ada).get("/leads/").content.decode()
    assert "needs to be reconnected" not in as_(make_rep(ada.account, "Pia")).get("/leads/").content.decode()
    mailboxes.lose_authorization(theirs["sam"], "Revoked.")
    assert "2 mailboxes need to be reconnected." in as_(ada).get("/leads/").content.decode()


def test_r063_an_administrator_may_have_the_mail_deleted_too_and_a_manager_may_not(
    as_, ada, max_, rita, google, carol, sync
):
    for viewer, deletes in ((max_, False), (ada, True)):
        mailbox = make_mailbox(google, rita)
        google.deliver(mailbox.address, mail(subject=f"Of {viewer}"))
        sync(mailbox)
        asked = as_(viewer).get(f"/mailboxes/{mailbox.pk}/remove/").content.decode()
        assert ("It is deleted too" in asked) is deletes
        as_(viewer).post(f"/mailboxes/{mailbox.pk}/remove/", {"mail": "delete"})
        assert (current_removal(rita) is not None) is deletes
    assert AuditEntry.objects.filter(said="Had the synced mail of Rita deleted.", by=ada).exists()


def test_administrators_and_managers_land_on_the_mailboxes_and_reps_where_they_connect(
    as_, ada, max_, rita, sam, google
):
    make_mailbox(google, sam)
    for user, place in ((ada, "/mailboxes/"), (max_, "/mailboxes/"), (rita, "/my-inbox/"), (sam, "/leads/")):
        assert as_(user).get("/")["Location"] == place, user


def test_r051_the_switch_is_told_on_every_page(as_, ada, rita, account):
    now = current_settings(account.pk)
    save_settings(account, replace(now, sync_disabled=True), ada)
    for user, may_switch in ((ada, True), (rita, False)):
        page = as_(user).get("/leads/").content.decode()
        assert "Sync is switched off for all users." in page
        assert ("Open the switch" in page) is may_switch


def test_the_frame_costs_two_queries_of_a_page(as_, rita, ada, max_, theirs, django_assert_num_queries):
    for user in (rita, ada, max_):
        with django_assert_num_queries(2):
            frame_of(user)

"""People: who sees whom, invitations, profiles, deactivation and user fields (R-013, R-014, R-016)."""

import re

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from postroom.connector.access import save_access_rule
from postroom.connector.invitations import token_of
from postroom.connector.models import AuditEntry, MailboxState
from postroom.organisations.models import AccessMode, Purpose, Role, User, UserField
from postroom.sync.notices import send_invitation
from tests.sync.conftest import make_mailbox, make_rep

HOSTILE = ('<script>alert("x")</script>', "'; drop table organisations_user; --", "{{ 7*7 }}")


def profile(user: User, **changes: object) -> dict[str, object]:
    now = {
        "name": user.name,
        "role": user.role,
        "manager": user.manager_id or "",
        "time_zone": user.time_zone,
    }
    return now | changes


def invitation(**changes: object) -> dict[str, object]:
    given = {"email": "Nina@northwind.example", "name": "Nina", "role": "sales_user", "manager": ""}
    return given | {"time_zone": "Europe/Berlin"} | changes


@pytest.fixture
def trusted(account) -> UserField:
    return UserField.objects.create(account=account, name="trusted", label="Trusted with mail")


def test_r075_an_administrator_sees_everyone_a_manager_the_team_and_a_rep_nobody(
    as_, ada, max_, rita, sam, stranger
):
    everyone = as_(ada).get("/people/").content.decode()
    team = as_(max_).get("/people/").content.decode()
    for person, for_admin, for_manager in ((rita, 1, 1), (max_, 1, 1), (sam, 1, 0), (stranger, 0, 0)):
        assert (person.email in everyone) is bool(for_admin), person
        assert (person.email in team) is bool(for_manager), person
    assert as_(rita).get("/people/").status_code == 403


def test_r075_a_person_can_be_opened_by_administrators_and_their_manager_only(
    as_, ada, max_, rita, sam, stranger
):
    for viewer, person, status in (
        (ada, rita, 200),
        (ada, sam, 200),
        (max_, rita, 200),
        (max_, sam, 404),
        (rita, rita, 403),
        (sam, rita, 403),
        (stranger, rita, 404),
        (ada, stranger, 404),
    ):
        assert as_(viewer).get(f"/people/{person.pk}/").status_code == status, (viewer, person)


def test_r013_only_administrators_change_people(as_, max_, rita, sam, trusted):
    field = f"/people/fields/{trusted.pk}/"
    for viewer in (max_, rita):
        client = as_(viewer)
        for url in ("/people/invite/", "/people/fields/", field):
            assert client.get(url).status_code == client.post(url, invitation()).status_code == 403, url
        for action in ("deactivate", "activate", "invitation/send", "invitation/cancel"):
            assert client.post(f"/people/{rita.pk}/{action}/").status_code == 403, action
        assert client.post(f"{field}remove/").status_code == 403
        assert client.post(f"/people/{rita.pk}/", profile(rita, role="administrator")).status_code == 403
    rita.refresh_from_db()
    assert (rita.role, rita.is_active) == (Role.SALES_USER, True)
    assert UserField.objects.count() == 1


def test_a_stranger_changes_nobody_here(as_, stranger, rita, trusted):
    client = as_(stranger)
    assert client.post(f"/people/{rita.pk}/", profile(rita, name="Eve")).status_code == 404
    for action in ("deactivate", "activate", "invitation/send", "invitation/cancel", "fields"):
        assert client.post(f"/people/{rita.pk}/{action}/").status_code in {403, 404}, action
    assert client.post(f"/people/fields/{trusted.pk}/remove/").status_code == 404
    rita.refresh_from_db()
    assert rita.name == "Rita"


def test_search_and_role_narrow_the_list_and_hostile_input_does_no_harm(as_, ada, max_, rita, sam):
    client = as_(ada)
    page = client.get("/people/", {"q": "RITA north"}).content.decode()
    assert rita.email in page
    assert sam.email not in page
    page = client.get("/people/", {"role": "sales_manager"}).content.decode()
    assert max_.email in page
    assert rita.email not in page
    assert "Nobody matches" in client.get("/people/", {"q": "zzz"}).content.decode()
    for text in (*HOSTILE, "\x00", "%", "_" * 300):
        page = client.get("/people/", {"q": text, "role": text})
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
    for cursor in ("x", "_", "a_b", "\x00_1", "_" * 200, "a_" + "9" * 30):
        assert client.get("/people/", {"after": cursor}).status_code == 404, cursor


def test_pages_of_people_hold_everyone_once_in_the_order_of_names(
    as_, ada, account, django_assert_max_num_queries
):
    User.objects.bulk_create(
        User(account=account, email=f"p{n}@northwind.example", name=f"{'pP'[n % 2]}erson {n % 7}")
        for n in range(130)
    )
    client, url, seen = as_(ada), "/people/", []
    while url:
        with django_assert_max_num_queries(15):
            page = client.get(url).content.decode()
        seen += re.findall(r'href="/people/(\d+)/">([^<]*)<', page)
        more = re.search(r'href="(\?after=[^"]+)"', page)
        url = f"/people/{more[1]}" if more else ""
    assert len(seen) == len(set(seen)) == 131
    assert [name.lower() for _pk, name in seen] == sorted(name.lower() for _pk, name in seen)


def test_r013_an_administrator_changes_name_role_manager_and_time_zone(as_, ada, max_, sam):
    response = as_(ada).post(
        f"/people/{sam.pk}/",
        profile(sam, name="  Sam   Suzuki ", role="marketing_user", manager=max_.pk, time_zone="Asia/Tokyo"),
    )
    assert response.status_code == 302
    sam.refresh_from_db()
    assert (sam.name, sam.role, sam.manager, sam.time_zone) == (
        "Sam Suzuki",
        Role.MARKETING_USER,
        max_,
        "Asia/Tokyo",
    )
    entry = AuditEntry.objects.get()
    assert (entry.by, entry.about, entry.after["role"]) == (ada, sam, "marketing_user")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 300}, "at most 200 characters"),
        ({"name": "Rita\u202eatiR"}, "cannot be seen"),
        ({"role": "emperor"}, "not one of the available choices"),
        ({"manager": "999999"}, "Choose one of the people offered"),
        ({"time_zone": "Mars/Olympus"}, "Choose one of the time zones offered"),
        ({"time_zone": "../../etc/passwd"}, "Choose one of the time zones offered"),
    ],
)
def test_what_is_wrong_is_told_beside_the_field_and_nothing_is_saved(as_, ada, rita, changes, said):
    response = as_(ada).post(f"/people/{rita.pk}/", profile(rita, **changes))
    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert 'aria-invalid="true"' in page
    assert not AuditEntry.objects.exists()


def test_a_hostile_name_is_shown_as_text(as_, ada, rita):
    as_(ada).post(f"/people/{rita.pk}/", profile(rita, name=HOSTILE[0]))
    for url in ("/people/", f"/people/{rita.pk}/", "/mailboxes/", "/journal/"):
        assert "<script>alert" not in as_(ada).get(url).content.decode(), url


def test_r013_nobody_is_their_own_manager_and_there_are_no_rings(as_, ada, max_, rita):
    User.objects.filter(pk=rita.pk).update(role=Role.SALES_MANAGER)
    User.objects.filter(pk=max_.pk).update(manager=None)
    client = as_(ada)
    ring = client.post(f"/people/{max_.pk}/", profile(max_, manager=rita.pk))
    assert ring.status_code == 422
    assert "Rita is in the team of Max already" in ring.content.decode()
    own = client.post(f"/people/{max_.pk}/", profile(max_, manager=max_.pk))
    assert own.status_code == 422
    max_.refresh_from_db()
    assert max_.manager is None


def test_the_last_administrator_stays_one(as_, ada, rita):
    client = as_(ada)
    response = client.post(f"/people/{ada.pk}/", profile(ada, role="sales_user"))
    assert response.status_code == 422
    assert "Ada is the only administrator" in response.content.decode()
    assert (
        "cannot deactivate yourself"
        in client.post(f"/people/{ada.pk}/deactivate/", follow=True).content.decode()
    )
    ada.refresh_from_db()
    assert ada.is_administrator
    assert ada.is_active
    make_rep(ada.account, "Bob", Role.ADMINISTRATOR)
    assert client.post(f"/people/{ada.pk}/", profile(ada, role="sales_user")).status_code == 302


def test_deactivating_ends_every_session_for_good_and_pauses_the_mailbox(as_, ada, rita, google):
    mailbox, theirs = make_mailbox(google, rita), as_(rita)
    assert theirs.get("/leads/").status_code == 200
    as_(ada).post(f"/people/{rita.pk}/deactivate/")
    mailbox.refresh_from_db()
    assert theirs.get("/leads/").status_code == 302
    assert mailbox.state == MailboxState.PAUSED
    assert "was deactivated (changed by Ada)" in mailbox.state_reason
    as_(ada).post(f"/people/{rita.pk}/activate/")
    assert theirs.get("/leads/").status_code == 302
    mailbox.refresh_from_db()
    assert mailbox.state == MailboxState.PAUSED
    again = Client()
    assert again.post("/sign-in/", {"login": rita.email, "password": "a long password"})["Location"] == "/"
    again.post("/my-inbox/resume/")
    mailbox.refresh_from_db()
    assert mailbox.state == MailboxState.ACTIVE


def test_r050_a_role_that_may_not_connect_pauses_the_mailbox_and_my_inbox_says_so(as_, ada, rita, google):
    mailbox = make_mailbox(google, rita)
    page = as_(ada).post(f"/people/{rita.pk}/", profile(rita, role="sales_manager"), follow=True)
    assert "1 mailbox is paused" in page.content.decode()
    mailbox.refresh_from_db()
    assert mailbox.state == MailboxState.PAUSED
    shown = as_(rita).get("/leads/").content.decode()
    assert "may not connect a mailbox any more" in shown
    refused = as_(rita).post("/my-inbox/resume/", follow=True)
    assert refused.status_code == 200
    assert "may not connect a mailbox at present" in refused.content.decode()
    mailbox.refresh_from_db()
    assert mailbox.state == MailboxState.PAUSED


def test_r050_my_inbox_is_offered_to_those_who_may_connect(as_, ada, max_, rita):
    for user, offered in ((rita, True), (ada, False), (max_, False)):
        assert ("/my-inbox/" in as_(user).get("/my-account/").content.decode()) is offered, user


def test_an_invited_person_sets_a_password_and_signs_in(as_, ada, max_, mailoutbox):
    response = as_(ada).post("/people/invite/", invitation(manager=max_.pk))
    assert response["Location"] == "/people/"
    nina = User.objects.get(name="Nina")
    assert (nina.email, nina.is_active, nina.manager) == ("nina@northwind.example", False, max_)
    send_invitation(nina.pk)
    letter = outbox.outbox[0]
    assert letter.to == [nina.email]
    assert "Northwind" in letter.subject
    link = re.search(r"http://testserver(/invitation/\S+)", letter.body)[1]
    visitor = Client()
    assert "Welcome, Nina" in visitor.get(link).content.decode()
    done = visitor.post(link, {"password": "a fine long one", "again": "a fine long one"}, follow=True)
    assert "Your password is set" in done.content.decode()
    signed_in = visitor.post("/sign-in/", {"login": nina.email, "password": "a fine long one"})
    assert signed_in["Location"] == "/"
    assert visitor.get("/leads/").status_code == 200
    assert Client().get(link).status_code == 410


def test_an_invitation_that_was_sent_again_taken_back_or_grew_old_holds_no_more(
    as_, ada, account, monkeypatch
):
    client = as_(ada)
    client.post("/people/invite/", invitation())
    nina = User.objects.get(name="Nina")
    first = f"/invitation/{token_of(nina)}/"
    assert Client().get(first).status_code == 200
    client.post(f"/people/{nina.pk}/invitation/send/")
    nina.refresh_from_db()
    second = f"/invitation/{token_of(nina)}/"
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    now = timezone.now().timestamp()
    with monkeypatch.context() as later:
        later.setattr("django.core.signing.time.time", lambda: now + 8 * 24 * 3600)
        assert Client().get(second).status_code == 410
    client.post(f"/people/{nina.pk}/invitation/cancel/")
    assert not User.objects.filter(name="Nina").exists()
    assert Client().get(second).status_code == 410
    for forged in ("x", "eyJ1c2VyIjoxfQ:1:1", first[12:-3]):
        assert Client().get(f"/invitation/{forged}/").status_code == 410


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("short", "short", "too short"),
        ("password123", "password123", "too common"),
        ("a fine long one", "another long one", "differ"),
        ("", "", "required"),
    ],
)
def test_a_weak_password_is_refused_and_the_link_still_holds(as_, ada, first, second, said):
    as_(ada).post("/people/invite/", invitation())
    link = f"/invitation/{token_of(User.objects.get(name='Nina'))}/"
    response = Client().post(link, {"password": first, "again": second})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert Client().get(link).status_code == 200


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("rita@northwind.example", "in use already"),
        ("RITA@Northwind.example", "in use already"),
        ("nobody", "Type a mail address"),
        ("a@b.example\nBcc: x@y.example", "Type a mail address"),
        ("", "required"),
    ],
)
def test_an_address_that_cannot_be_invited_is_refused_and_what_was_typed_stays(as_, ada, rita, email, said):
    response = as_(ada).post("/people/invite/", invitation(email=email))
    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert 'value="Nina"' in page
    assert not User.objects.filter(name="Nina").exists()


def test_an_invited_person_cannot_sign_in_by_resetting_a_password(as_, ada):
    as_(ada).post("/people/invite/", invitation())
    Client().post("/password/reset/", {"email": "nina@northwind.example"})
    assert not any("/password/reset/" in letter.body for letter in outbox.outbox)


def test_r016_an_administrator_defines_fields_and_sets_them_per_user(as_, ada, rita):
    client = as_(ada)
    client.post("/people/fields/", {"label": "Trusted with mail"})
    field = UserField.objects.get()
    assert (field.name, field.label) == ("trusted-with-mail", "Trusted with mail")
    assert (
        "There is a user field"
        in client.post("/people/fields/", {"label": "TRUSTED with mail"}).content.decode()
    )
    client.post(f"/people/{rita.pk}/fields/", {"yes": [field.name, "no-such-field"]})
    rita.refresh_from_db()
    assert rita.yes_fields == ["trusted-with-mail"]
    client.post(f"/people/fields/{field.pk}/", {"label": "Trusted"})
    field.refresh_from_db()
    assert (field.name, field.label) == ("trusted-with-mail", "Trusted")
    assert "1 user" in client.get("/people/fields/").content.decode()
    client.post(f"/people/{rita.pk}/fields/", {})
    rita.refresh_from_db()
    assert rita.yes_fields == []


@pytest.mark.parametrize("label", ["😀", "日本", *HOSTILE])
def test_any_label_makes_a_field_of_its_own(as_, ada, label):
    client = as_(ada)
    client.post("/people/fields/", {"label": label})
    client.post("/people/fields/", {"label": f"{label} 2"})
    assert UserField.objects.values("name").distinct().count() == 2
    assert "<script>alert" not in client.get("/people/fields/").content.decode()


def test_r016_a_field_that_a_rule_goes_by_cannot_be_removed(as_, ada, account, trusted, rita):
    save_access_rule(account, Purpose.CONNECT, AccessMode.FIELD, field=trusted, by=ada)
    client = as_(ada)
    page = client.post(f"/people/fields/{trusted.pk}/remove/", follow=True).content.decode()
    assert "Change that first" in page
    save_access_rule(account, Purpose.CONNECT, AccessMode.ROLE, roles=[Role.SALES_USER], by=ada)
    User.objects.filter(pk=rita.pk).update(yes_fields=["trusted"])
    client.post(f"/people/fields/{trusted.pk}/remove/")
    rita.refresh_from_db()
    assert rita.yes_fields == []
    assert not UserField.objects.exists()


def test_r014_a_manager_lets_their_team_connect_where_that_goes_by_a_field(
    as_, ada, account, max_, rita, sam, trusted
):
    client, url = as_(max_), f"/people/{rita.pk}/fields/"
    assert client.post(url, {"yes": "trusted"}).status_code == 403
    save_access_rule(account, Purpose.CONNECT, AccessMode.FIELD, field=trusted, by=ada)
    UserField.objects.create(account=account, name="secret", label="Secret")
    assert client.post(url, {"yes": ["trusted", "secret"]}).status_code == 302
    rita.refresh_from_db()
    assert rita.yes_fields == ["trusted"]
    assert client.post(f"/people/{sam.pk}/fields/", {"yes": "trusted"}).status_code == 404
    own = f"/people/{max_.pk}/"
    assert client.post(f"{own}fields/", {"yes": "trusted"}).status_code == 403
    assert "User fields" not in client.get(own).content.decode()
    save_access_rule(account, Purpose.CONFIGURE, AccessMode.FIELD, field=trusted, by=ada)
    assert client.post(url, {"yes": "trusted"}).status_code == 403


def test_everyone_sets_their_own_name_and_time_zone_and_no_more(as_, rita):
    client = as_(rita)
    response = client.post(
        "/my-account/", {"name": "Rita R.", "time_zone": "Asia/Kolkata", "role": "administrator"}
    )
    assert response.status_code == 302
    rita.refresh_from_db()
    assert (rita.name, rita.time_zone, rita.role) == ("Rita R.", "Asia/Kolkata", Role.SALES_USER)
    wrong = client.post("/my-account/", {"name": "Rita", "time_zone": "nowhere"})
    assert wrong.status_code == 422
    assert "Choose one of the time zones offered" in wrong.content.decode()


def test_accepting_is_not_possible_once_the_user_was_deactivated_or_is_active(as_, rita):
    rita.invited_at = timezone.now()
    rita.save()
    assert Client().get(f"/invitation/{token_of(rita)}/").status_code == 410

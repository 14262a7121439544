"""Every page of the site, visited as every kind of person (R-075)."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from postroom.crm.models import Activity, Attachment, StoredMessage
from tests.mails import mail

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
PUBLIC = {"healthz", "push_google", "push_outlook", "account_inactive", "invitation"} | {
    f"account_{name}"
    for name in (
        *("login", "logout", "signup", "reset_password", "reset_password_done"),
        *("reset_password_from_key", "reset_password_from_key_done"),
    )
}
OWN = {
    *("home", "my_inbox", "my_inbox_state", "my_inbox_connect", "my_inbox_activate", "my_inbox_pause"),
    *("my_inbox_resume", "my_inbox_remove", "gmail_callback", "outlook_callback", "account_change_password"),
    *("account_set_password", "account_reauthenticate", "leads", "journal", "journal_csv", "my_account"),
    *("my_inbox_own", "lead_new", "tags_check", "api_tokens", "api_token_revoke", "api_reference"),
}
"""Pages that show or change only what is the visitor's own, or lists narrowed to what they may see."""
TEAM = {"people", "person", "person_fields", "mailboxes", "mailboxes_change", "mailbox_change"}
"""Pages for administrators, and for managers as far as their team goes; see test_people, test_mailboxes."""
ADMINISTRATORS = {
    *("invite", "user_fields", "user_field", "user_field_remove", "person_deactivate", "person_activate"),
    *("invitation_send", "invitation_cancel", "api_tokens_all"),
    *("bulk_connect", "bulk_access", "bulk_access_test", "bulk_access_again", "bulk_access_forget"),
    *("bulk_users", "bulk_preview", "bulk_run", "bulk_run_again", "bulk_run_undo"),
}
LOGS = {"dashboard", "dashboard_csv"}
"""Pages of one user, for whoever may see that user; see test_dashboard."""
CONFIGURE = {
    *("setup", "setup_security", "setup_access", "setup_provider", "setup_client", "setup_client_test"),
    *("setup_client_forget", "setup_approve", "setup_prepared", "setup_outbound", "setup_outbound_preview"),
    *("setup_inbound", "setup_inbound_preview", "setup_advanced", "setup_done", "audit"),
    *("destinations", "destination", "destination_edit", "destination_keys", "destination_secret"),
    *("destination_new_leadsquared", "destination_new_leadsquared_types", "destination_new_webhook"),
    *("destination_check", "destination_pause", "destination_resume", "destination_remove"),
    *("destination_again", "destination_drop"),
}
"""Set-up, settings and destinations, for administrators and whoever they give access to; see test_setup and
test_destinations."""
LEAD_WORK = {
    *("lead_delete", "merge_undo", "leads_export", "lead_erase", "erasures", "erasure"),
    *("lead_fields", "lead_field", "lead_field_retire", "lead_field_restore"),
    *("lead_sources", "lead_source", "lead_source_merge", "lead_source_delete"),
    *("lead_imports", "lead_import", "lead_import_columns", "lead_import_go", "lead_import_cancel"),
    "lead_import_refused",
}
"""Work on leads that is not for everyone, or changes them; see test_lead_rights."""
LEAD_PAGES = {"lead_edit", "lead_merge", "lead_merge_with", "lead_older"}
OBJECTS = LEAD_PAGES | {"lead", "lead_history", "mail", "mail_body", "attachment", "attachment_inline"}

API = {
    *("openapi-json", "api-root", "me", "lead_list", "lead_create", "lead", "lead_change", "lead_delete"),
    *("lead_merge", "lead_field_list", "lead_source_list", "activity_list", "activity", "attachment"),
    *("journal_list", "journal_entry", "mailbox_list", "mailbox", "mailbox_pause", "mailbox_resume"),
    *("mailbox_deactivate", "mailbox_activate", "user_list", "user", "settings", "settings_save"),
    *("destination_list", "destination", "delivery_list", "delivery"),
}
"""Operations of the API, which want a token; see tests/api/test_access."""


def names(patterns: list[URLPattern | URLResolver]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= names(pattern.url_patterns)
        else:
            found.add(str(pattern.name))
    return found


@pytest.fixture
def filed(google, mailbox, carol, sync) -> dict[str, int]:
    """One mail on Carol with a picture; the ids of what came of it."""
    google.deliver(
        mailbox.address,
        mail(subject="Plan", html="<p>See the plan</p>", attachments=(("plan.png", "image/png", PNG),)),
    )
    sync(mailbox)
    return {
        "lead": Activity.objects.get().lead_id,
        "mail": StoredMessage.objects.get().pk,
        "attachment": Attachment.objects.get().pk,
    }


def object_urls(filed: dict[str, int]) -> dict[str, str]:
    lead, message, attachment = filed["lead"], filed["mail"], filed["attachment"]
    return {
        "lead": f"/leads/{lead}/",
        "lead_history": f"/leads/{lead}/history/",
        "lead_edit": f"/leads/{lead}/edit/",
        "lead_merge": f"/leads/{lead}/merge/",
        "lead_merge_with": f"/leads/{lead}/merge/{lead}/",
        "lead_older": f"/leads/{lead}/older/",
        "mail": f"/mails/{message}/",
        "mail_body": f"/mails/{message}/body/",
        "attachment": f"/mails/attachments/{attachment}/",
        "attachment_inline": f"/mails/attachments/{attachment}/inline/",
    }


def test_every_route_is_in_this_matrix():
    assert names(get_resolver().url_patterns) == (
        PUBLIC | OWN | TEAM | ADMINISTRATORS | CONFIGURE | LOGS | LEAD_WORK | OBJECTS | API
    )


def test_nobody_sees_a_page_without_signing_in(filed):
    urls = ["/", "/leads/", "/journal/", "/my-inbox/", "/my-inbox/state/", *object_urls(filed).values()]
    for url in urls:
        response = Client().get(url)
        assert response.status_code == 302, url
        assert response["Location"].startswith("/sign-in/"), url
    for url in ("connect", "activate", "pause", "resume", "remove"):
        response = Client().post(f"/my-inbox/{url}/")
        assert response["Location"].startswith("/sign-in/"), url


def test_everyone_of_the_account_sees_leads_and_their_mail(filed, as_, rita, sam, ada, max_):
    for user in (rita, sam, ada, max_):
        for name, url in object_urls(filed).items():
            assert as_(user).get(url).status_code == 200, (user, name)


def test_another_account_sees_none_of_it(filed, as_, stranger):
    client = as_(stranger)
    for name, url in object_urls(filed).items():
        assert client.get(url).status_code == 404, name
    assert b"carol" not in client.get("/leads/").content
    assert b"No lead matches" in client.get("/leads/?q=carol").content
    assert b"Plan" not in client.get("/journal/").content


def test_r075_the_journal_is_of_whom_one_may_see(filed, as_, rita, sam, ada, max_):
    for user, sees in ((rita, True), (max_, True), (ada, True), (sam, False)):
        assert (b"Plan" in as_(user).get("/journal/").content) is sees, user
    max_.team.clear()
    assert b"Plan" not in as_(max_).get("/journal/").content


def test_a_rep_acts_on_their_own_mailbox_only(filed, as_, sam, mailbox):
    for action in ("activate", "pause", "resume", "remove"):
        assert as_(sam).post(f"/my-inbox/{action}/").status_code == 404
    mailbox.refresh_from_db()
    assert mailbox.is_syncing


def test_changes_want_a_post_and_a_token(as_, rita, mailbox):
    assert as_(rita).get("/my-inbox/pause/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(rita, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = strict.post("/my-inbox/pause/")
    assert response.status_code == 403
    assert "had grown old" in response.content.decode()


def test_nobody_signs_up_by_themselves(transactional_db):
    response = Client().post("/sign-up/", {"email": "x@y.example", "password1": "a long password"})
    assert "closed" in response.content.decode().lower()


def test_an_inactive_user_cannot_sign_in(as_, rita):
    rita.is_active = False
    rita.save()
    response = Client().post("/sign-in/", {"login": rita.email, "password": "a long password"})
    assert response["Location"] == "/inactive/"

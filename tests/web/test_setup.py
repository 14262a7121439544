"""Set-up and settings: who gets in, step by step, and what each form takes and refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.test import Client

from postroom.connector.access import save_access_rule
from postroom.connector.audit import record
from postroom.connector.clients import client_in_force, own_client
from postroom.connector.models import AuditArea, AuditEntry, MailboxState, OAuthApp, SetUp, SyncStop
from postroom.connector.policies import current_settings, save_settings
from postroom.crm.fields import define_field
from postroom.crm.models import FieldType, Lead
from postroom.organisations.access import access_rule
from postroom.organisations.models import AccessMode, Account, Purpose, Role, User, UserField
from postroom.policy.settings import Behaviour, Field, KeywordField, Settings
from postroom.web.setup import previewing
from tests.mails import mail
from tests.sync.conftest import make_mailbox, make_rep
from tests.sync.test_passes import spent

SignIn = Callable[[User], Client]
PAGES = ("security", "access", "provider", "outbound", "inbound", "advanced", "audit")
STEPS = ("security", "access", "provider", "outbound", "inbound", "advanced", "done")


def text(response) -> str:
    return response.content.decode()


def outbound(**changes: object) -> dict[str, object]:
    """The form as a browser sends the defaults of a direction."""
    form: dict[str, object] = {
        "seen": "999999999",
        "enabled": "on",
        "behaviour": "all",
        "keywords": "",
        "keywords_in": ["subject", "body"],
        "excluded": "",
        "excluded_in": ["to"],
        "details": ["cc", "bcc", "subject", "body", "attachments"],
        "attachment_kinds": ["word", "pdf"],
        "capture_from": ["to"],
        "lead_source": "",
    }
    return {name: value for name, value in (form | changes).items() if value is not None}


def inbound(**changes: object) -> dict[str, object]:
    return outbound(**({"excluded_in": ["from"], "capture_from": ["from"]} | changes))


def advanced(**changes: object) -> dict[str, object]:
    form: dict[str, object] = {
        "seen": "999999999",
        "mode": "role",
        "roles": ["sales_user", "marketing_user"],
        "search_1": "email",
        "search_all": "no",
        "longest_import": "30",
        "internal_domains": "",
        "missed": "catch_up",
    }
    return {name: value for name, value in (form | changes).items() if value is not None}


@pytest.fixture
def fresh(account: Account) -> Account:
    """An account in which nothing was set up yet."""
    SetUp.objects.filter(account=account).delete()
    return account


# Who gets in


@pytest.mark.parametrize("page", PAGES)
def test_r015_sales_people_are_refused_by_the_server(as_: SignIn, account, rita, max_, ada, page):
    for user in (rita, max_):
        assert as_(user).get(f"/settings/{page}/").status_code == 403
        assert as_(user).post(f"/settings/{page}/", {}).status_code in {403, 405}
    assert as_(ada).get(f"/settings/{page}/").status_code == 200


def test_r015_nothing_that_changes_settings_is_open_to_sales_users(as_: SignIn, account, rita):
    client = as_(rita)
    for url, form in (
        ("outbound", outbound(enabled=None, confirmed="off")),
        ("inbound", inbound(capture="on")),
        ("advanced", advanced(sync_disabled="on", confirmed="disable")),
        ("outbound/preview", outbound()),
        ("provider/gmail/client", {"client_id": "x", "client_secret": "y"}),
        ("provider/gmail/client/test", {}),
        ("provider/gmail/client/forget", {}),
        ("provider/gmail/prepared", {"prepared": "no"}),
        ("provider", {"providers": ["gmail"]}),
        ("access", {"mode": "role", "roles": ["sales_user"]}),
        ("done", {}),
    ):
        assert client.post(f"/settings/{url}/", form).status_code == 403, url
    assert current_settings(account.pk) == Settings()
    assert not AuditEntry.objects.exists()


def test_r012_access_by_role_takes_effect_with_the_next_request(as_: SignIn, ada, max_):
    manager = as_(max_)
    assert manager.get("/settings/outbound/").status_code == 403
    form = {"seen": "999999999", "mode": "role", "roles": ["sales_manager"]}
    assert as_(ada).post("/settings/access/", form).status_code == 302
    assert manager.get("/settings/outbound/").status_code == 200
    assert "Only an administrator can change this" in text(manager.get("/settings/access/"))
    assert manager.post("/settings/access/", form | {"roles": ["sales_user"]}).status_code == 403
    as_(ada).post("/settings/access/", form | {"roles": []})
    assert manager.get("/settings/outbound/").status_code == 403


def test_r012_access_by_a_boolean_user_field(as_: SignIn, account, ada, rita):
    field = UserField.objects.create(account=account, name="configures", label="Configures")
    form = {"seen": "999999999", "mode": "field", "field": field.pk}
    assert as_(ada).post("/settings/access/", form).status_code == 302
    assert as_(rita).get("/settings/").status_code == 403
    rita.yes_fields = ["configures"]
    rita.save()
    assert as_(rita).get("/settings/inbound/").status_code == 200
    rule = access_rule(account, Purpose.CONFIGURE)
    assert (rule.mode, rule.roles) == (AccessMode.FIELD, [])


def test_r012_a_rule_is_refused_with_the_reason_beside_the_field(as_: SignIn, account, ada, stranger):
    theirs = UserField.objects.create(account=stranger.account, name="theirs", label="Theirs")
    client = as_(ada)
    for form, said in (
        ({"mode": "field"}, "Choose a user field"),
        ({"mode": "field", "field": theirs.pk}, "Choose one of the fields offered"),
        ({"mode": "role", "roles": ["emperor"]}, "Choose among the roles offered"),
        ({}, "Choose one of the two"),
        ({"mode": "everyone"}, "everyone is not one of the available choices"),
    ):
        response = client.post("/settings/access/", form)
        assert response.status_code == 422, form
        assert said in text(response)
    assert not AuditEntry.objects.exists()


# The wizard


def test_r010_an_administrator_sets_up_from_nothing(as_: SignIn, google, fresh, ada):
    client = as_(ada)
    assert client.get("/")["Location"] == "/settings/"
    assert client.get("/settings/")["Location"] == "/settings/security/"
    assert "Step 1 of 7: Security &amp; Compliance" in text(client.get("/settings/security/"))
    assert client.post("/settings/security/")["Location"] == "/settings/access/"
    assert client.post("/settings/access/", {"mode": "role"})["Location"] == "/settings/provider/"
    refused = client.post("/settings/provider/", {"providers": ["gmail"]})
    assert refused.status_code == 422
    assert "Mark the last step as complete first" in text(refused)
    client.post("/settings/provider/gmail/prepared/", {"prepared": "yes"})
    chosen = client.post("/settings/provider/", {"seen": "999999999", "providers": ["gmail"]})
    assert chosen["Location"] == "/settings/outbound/"
    assert client.post("/settings/outbound/", outbound())["Location"] == "/settings/inbound/"
    assert client.post("/settings/inbound/", inbound(capture="on"))["Location"] == "/settings/advanced/"
    assert client.post("/settings/advanced/", advanced())["Location"] == "/settings/done/"
    assert "Save & Complete" in text(client.get("/settings/done/"))
    assert SetUp.objects.get().completed_at is None
    assert client.post("/settings/done/")["Location"] == "/"
    assert SetUp.objects.get().completed_at
    assert current_settings(fresh.pk).inbound.capture
    assert client.get("/settings/done/")["Location"] == "/settings/"
    assert "Step 1 of 7" not in text(client.get("/settings/security/"))


def test_r010_it_goes_on_at_the_first_step_that_is_open(as_: SignIn, fresh, ada):
    client = as_(ada)
    client.post("/settings/security/")
    assert client.get("/settings/")["Location"] == "/settings/access/"
    for later in STEPS[2:]:
        assert client.get(f"/settings/{later}/")["Location"] == "/settings/access/", later
    for later in STEPS[3:]:
        assert client.post(f"/settings/{later}/", {})["Location"] == "/settings/access/", later
    assert client.get("/settings/security/").status_code == 200
    assert list(SetUp.objects.values_list("steps", flat=True)) == [["security"]]


def test_r053_nobody_connects_before_save_and_complete(as_: SignIn, google, fresh, ada, rita):
    google.add_account(rita.email, "Rita")
    SetUp.objects.create(account=fresh, steps=list(STEPS[:6]), providers=["gmail"], prepared=["gmail"])
    page = text(as_(rita).get("/my-inbox/"))
    assert "Ada has to finish the set-up first; still open: Done." in page
    assert "Connect Gmail" not in page
    response = as_(rita).post("/my-inbox/connect/", follow=True)
    assert "has to finish the set-up first" in text(response)
    assert as_(ada).post("/settings/done/").status_code == 302
    assert as_(rita).post("/my-inbox/connect/")["Location"].startswith("http://127.0.0.1")


def test_r053_completing_wants_every_step(as_: SignIn, fresh, ada):
    SetUp.objects.create(account=fresh, steps=["security", "access"])
    assert as_(ada).post("/settings/done/")["Location"] == "/settings/provider/"
    assert SetUp.objects.get().completed_at is None


def test_r053_an_account_that_is_not_set_up_says_so_to_a_visitor_without_access(as_: SignIn, fresh, rita):
    assert as_(rita).get("/")["Location"] != "/settings/"


# Security & Compliance


def test_r011_region_and_retention_can_be_read_and_not_changed(as_: SignIn, settings, account, ada):
    settings.POSTROOM = replace(settings.POSTROOM, region="Frankfurt, Germany")
    page = text(as_(ada).get("/settings/security/"))
    assert "Frankfurt, Germany" in page
    assert "after 365 days" in page
    as_(ada).post("/settings/security/", {"retention_days": "1", "region": "Mars"})
    account.refresh_from_db()
    assert account.retention_days == 365


# Provider


def test_r020_a_client_is_tested_and_kept_sealed(as_: SignIn, google, account, ada):
    client = as_(ada)
    form = {"seen": "999999999", "client_id": "client.apps.example", "client_secret": "client-secret"}
    page = client.post("/settings/provider/gmail/client/", form, follow=True)
    assert "Gmail knows this client" in text(page)
    assert "client-secret" not in text(page)
    assert "Entered here" in text(page)
    app = OAuthApp.objects.get()
    assert b"client-secret" not in bytes(app.sealed_secret)
    assert app.tested_at
    assert own_client(account, app.provider).secret == "client-secret"
    [entry] = AuditEntry.objects.filter(area=AuditArea.PROVIDER)
    assert "client-secret" not in str(entry.before) + str(entry.after) + entry.said


@pytest.mark.parametrize(
    ("client_id", "secret", "said"),
    [
        ("client.apps.example", "wrong", "its secret is wrong"),
        ("nobody.apps.example", "client-secret", "does not know the OAuth client id"),
        ("", "client-secret", "Enter the client id"),
        ("client.apps.example", "", "Enter the secret of this client"),
        ("x" * 256, "s", "at most 255 characters"),
        ("a\x00b", "s", "Null characters are not allowed"),
    ],
)
def test_r020_a_client_that_google_does_not_know_is_not_kept(
    as_: SignIn, google, ada, client_id, secret, said
):
    form = {"client_id": client_id, "client_secret": secret}
    response = as_(ada).post("/settings/provider/gmail/client/", form)
    assert response.status_code == 422
    assert said in text(response)
    assert not OAuthApp.objects.exists()
    if len(secret) > 1:
        assert f'value="{secret}"' not in text(response)


def test_r020_nothing_is_kept_while_google_cannot_be_asked(as_: SignIn, settings, monkeypatch, account, ada):
    async def nap(seconds: float) -> None: ...

    monkeypatch.setattr("postroom.providers.http.sleep", nap)
    settings.POSTROOM = replace(settings.POSTROOM, google_url="http://127.0.0.1:9")
    form = {"client_id": "client.apps.example", "client_secret": "client-secret"}
    response = as_(ada).post("/settings/provider/gmail/client/", form)
    assert response.status_code == 422
    assert "Gmail could not be asked, so nothing was saved" in text(response)
    assert not OAuthApp.objects.exists()


def test_r020_the_page_says_which_client_is_in_force(as_: SignIn, google, settings, account, ada):
    client = as_(ada)
    assert "From the environment of this server" in text(client.get("/settings/provider/"))
    settings.POSTROOM = replace(settings.POSTROOM, google_client_id="")
    assert "There is none yet" in text(client.get("/settings/provider/"))
    refused = client.post("/settings/provider/", {"providers": ["gmail"]})
    assert "Enter an OAuth client first" in text(refused)
    assert client_in_force(account, "gmail") is None


def test_r020_the_client_in_force_can_be_tested_and_an_own_one_removed(as_: SignIn, google, account, ada):
    client = as_(ada)
    form = {"seen": "999999999", "client_id": "client.apps.example", "client_secret": "client-secret"}
    client.post("/settings/provider/gmail/client/", form)
    page = client.post("/settings/provider/gmail/client/test/", follow=True)
    assert "Gmail knows the client" in text(page)
    client.post("/settings/provider/gmail/client/forget/")
    assert not OAuthApp.objects.exists()
    assert not client_in_force(account, "gmail").is_own


def test_r020_an_empty_secret_keeps_the_present_one(as_: SignIn, google, account, ada):
    client = as_(ada)
    form = {"seen": "999999999", "client_id": "client.apps.example", "client_secret": "client-secret"}
    client.post("/settings/provider/gmail/client/", form)
    client.post("/settings/provider/gmail/client/", form | {"client_secret": ""})
    assert own_client(account, "gmail").secret == "client-secret"


def test_r020_changing_the_client_warns_of_the_mailboxes_that_must_reconnect(
    as_: SignIn, google, account, ada, mailbox
):
    google.add_client("other.apps.example", "other-secret", [])
    form = {"seen": "999999999", "client_id": "other.apps.example", "client_secret": "other-secret"}
    asked = as_(ada).post("/settings/provider/gmail/client/", form)
    assert asked.status_code == 422
    assert "1 mailbox was connected with the present client" in text(asked)
    assert not OAuthApp.objects.exists()
    assert b'name="client_secret" form="client-gmail"' in asked.content
    again = form | {"confirmed": "client", "client_secret": ["", "other-secret"]}
    as_(ada).post("/settings/provider/gmail/client/", again)
    assert OAuthApp.objects.get().client_id == "other.apps.example"


def test_r021_a_provider_in_use_is_switched_off_only_knowingly(
    as_: SignIn, google, account, ada, rita, sam, mailbox
):
    form = {"seen": "999999999", "providers": ["outlook"]}
    asked = as_(ada).post("/settings/provider/", form)
    assert asked.status_code == 422
    assert "Switch Gmail off?" in text(asked)
    assert "1 mailbox is connected there" in text(asked)
    assert SetUp.objects.get().providers == ["gmail", "outlook"]
    assert as_(ada).post("/settings/provider/", form | {"confirmed": "change"}).status_code == 302
    assert SetUp.objects.get().providers == ["outlook"]
    mailbox.refresh_from_db()
    assert mailbox.is_syncing
    refused = as_(sam).post("/my-inbox/connect/", {"provider": "gmail"}, follow=True)
    assert "does not connect Gmail mailboxes" in text(refused)


def test_r021_both_providers_may_be_on_and_at_least_one_must(as_: SignIn, google, account, ada):
    client = as_(ada)
    assert "Choose at least one provider" in text(client.post("/settings/provider/", {"seen": "999999999"}))
    assert client.post("/settings/provider/", {"providers": ["carrier pigeon"]}).status_code == 422
    both = {"seen": "999999999", "providers": ["gmail", "outlook"]}
    assert client.post("/settings/provider/", both).status_code == 302
    assert SetUp.objects.get().providers == ["gmail", "outlook"]


@pytest.mark.parametrize("tenant", ["../../evil", "a b", "x" * 256, "https://evil.example", "a?b", "a#b"])
def test_a_tenant_cannot_lead_elsewhere(as_: SignIn, account, ada, tenant):
    form = {"client_id": "x", "client_secret": "y", "tenant": tenant}
    assert as_(ada).post("/settings/provider/outlook/client/", form).status_code == 422
    assert not OAuthApp.objects.exists()


def test_r020_a_provider_that_is_being_made_ready_stays_open(as_: SignIn, account, ada):
    set_up = SetUp.objects.get()
    set_up.providers = set_up.prepared = ["gmail"]
    set_up.save()
    back = as_(ada).post("/settings/provider/outlook/prepared/", {"prepared": "yes"})["Location"]
    page = text(as_(ada).get(back))
    assert page.count('name="providers"') == page.count(" checked")
    assert SetUp.objects.get().providers == ["gmail"]


def test_there_is_no_client_of_an_unknown_provider(as_: SignIn, account, ada):
    for url in ("client", "client/test", "client/forget", "prepared"):
        assert as_(ada).post(f"/settings/provider/pigeon/{url}/", {"client_id": "x"}).status_code == 404


# Outbound and inbound


def test_r030_switching_a_direction_off_asks_first(as_: SignIn, account, ada):
    asked = as_(ada).post("/settings/outbound/", outbound(enabled=None, keywords="kept"))
    assert asked.status_code == 422
    assert "Stop syncing sent mail?" in text(asked)
    assert "kept" in text(asked)
    assert current_settings(account.pk).outbound.enabled
    as_(ada).post("/settings/outbound/", outbound(enabled=None, confirmed="off"))
    assert not current_settings(account.pk).outbound.enabled
    assert as_(ada).post("/settings/outbound/", outbound(enabled=None)).status_code == 302


def test_r030_r051_leaving_it_on_loses_nothing_of_what_was_entered(as_: SignIn, account, ada):
    client = as_(ada)
    answer = client.post(
        "/settings/outbound/", outbound(enabled=None, excluded="typed.example", confirmed="keep")
    )
    assert answer.status_code == 200
    assert answer.context["form"]["enabled"].value()
    assert "typed.example" in text(answer)
    assert "It stays on. Nothing is saved yet." in text(answer)
    assert "Stop syncing sent mail?" not in text(answer)
    form = advanced(
        sync_disabled="on", skip_internal="on", internal_domains="typed.example", confirmed="keep"
    )
    answer = client.post("/settings/advanced/", form)
    assert not answer.context["form"]["sync_disabled"].value()
    assert "typed.example" in text(answer)
    assert not SyncStop.objects.exists()
    assert current_settings(account.pk) == Settings()


def test_r031_to_r045_every_setting_of_a_direction_is_kept(as_: SignIn, account, ada):
    form = inbound(
        behaviour="keywords",
        keywords="C++\n50% off\r\n  spring   order \nSpring order\n🎉",
        keywords_in=["body"],
        user_keywords="on",
        excluded="*@News.example\nJane Doe <Jane@Customer.example>",
        excluded_in=["from", "cc"],
        user_exclusions="on",
        skip_automatic=["bounce", "list"],
        details=["subject"],
        capture="on",
        capture_from=["from", "to"],
        lead_source="  Trade   fair ",
    )
    assert as_(ada).post("/settings/inbound/", form).status_code == 302
    saved = current_settings(account.pk).inbound
    assert saved.behaviour is Behaviour.KEYWORDS
    assert saved.keywords == {"C++", "50% off", "spring order", "🎉"}
    assert saved.keywords_in == {KeywordField.BODY}
    assert (saved.user_keywords, saved.user_exclusions, saved.capture) == (True, True, True)
    assert saved.excluded == {"news.example", "jane@customer.example"}
    assert saved.excluded_in == {Field.FROM, Field.CC}
    assert saved.skip_automatic == {"bounce", "list"}
    assert saved.details == {"subject"}
    assert saved.capture_from == {Field.FROM, Field.TO}
    assert saved.lead_source == "Trade fair"
    assert current_settings(account.pk).outbound == Settings().outbound
    page = text(as_(ada).get("/settings/inbound/"))
    for shown in ("C++", "50% off", "news.example", "Trade fair"):
        assert shown in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"behaviour": "keywords"}, "Add at least one keyword"),
        (
            {"behaviour": "keywords", "keywords": "a", "keywords_in": []},
            "Choose the subject, the body or both",
        ),
        ({"behaviour": "magic"}, "magic is not one of the available choices"),
        ({"behaviour": None}, "Choose one of the two"),
        ({"keywords": "x" * 256}, "at most 255"),
        ({"keywords": "a\x00b"}, "It holds a character that cannot be stored"),
        ({"excluded": "foo@"}, "“foo@”:"),
        ({"excluded": "a.example\nco.uk"}, "Anyone can have a domain under “co.uk”"),
        ({"excluded": "a.example", "excluded_in": []}, "Choose at least one field that exclusions apply to"),
        ({"excluded_in": ["from"]}, "Choose among what is offered"),
        ({"details": ["subject", "passwords"]}, "Choose among what is offered"),
        ({"attachment_kinds": []}, "Choose at least one kind"),
        ({"attachment_kinds": ["exe"]}, "Choose among what is offered"),
        ({"capture": "on", "capture_from": []}, "Choose at least one field that new leads are captured from"),
        ({"skip_automatic": ["love_letters"]}, "Choose among what is offered"),
        ({"lead_source": "x" * 201}, "at most 200 characters"),
        ({"lead_source": "a\x00b"}, "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_saved(
    as_: SignIn, account, ada, changes, said
):
    response = as_(ada).post("/settings/outbound/", outbound(**changes))
    assert response.status_code == 422
    assert said in text(response).replace("&#x27;", "'")
    assert 'aria-invalid="true"' in text(response)
    assert current_settings(account.pk) == Settings()


def test_r036_invalid_entries_are_explained_one_by_one_and_stay_visible(as_: SignIn, account, ada):
    response = as_(ada).post("/settings/outbound/", outbound(excluded="good.example\nfoo@\n127.0.0.1"))
    page = text(response)
    assert "“foo@”:" in page
    assert "“127.0.0.1”: An IP address is not a domain" in page
    assert "good.example\nfoo@\n127.0.0.1" in page


def test_what_is_typed_is_never_markup(as_: SignIn, account, ada):
    evil = "<script>alert(1)</script>"
    page = text(as_(ada).post("/settings/outbound/", outbound(excluded=evil, lead_source=evil)))
    assert evil not in page
    as_(ada).post("/settings/outbound/", outbound(keywords=evil, lead_source=evil))
    for url in ("outbound", "audit"):
        assert evil not in text(as_(ada).get(f"/settings/{url}/"))


def test_r032_ten_thousand_keywords_can_be_saved_and_shown(as_: SignIn, account, ada):
    many = "\n".join(f"keyword {number}" for number in range(10_000))
    assert as_(ada).post("/settings/outbound/", outbound(keywords=many)).status_code == 302
    assert len(current_settings(account.pk).outbound.keywords) == 10_000
    assert "keyword 9999" in text(as_(ada).get("/settings/outbound/"))
    assert "and 9,988 more" in text(as_(ada).get("/settings/audit/"))
    one_less = many.replace("keyword 4711\n", "")
    assert as_(ada).post("/settings/outbound/", outbound(keywords=one_less)).status_code == 302
    assert "<del>keyword 4711</del>" in text(as_(ada).get("/settings/audit/"))
    too_many = "\n".join(f"keyword {number}" for number in range(20_001))
    assert as_(ada).post("/settings/outbound/", outbound(keywords=too_many)).status_code == 422


def test_r045_lead_sources_that_exist_are_offered(as_: SignIn, account, ada, stranger):
    account.leadsource_set.create(name="Trade fair")
    stranger.account.leadsource_set.create(name="Secret source")
    page = text(as_(ada).get("/settings/inbound/"))
    assert '<option value="Trade fair">' in page
    assert "Secret source" not in page


# Advanced


def test_r051_disabling_sync_asks_and_then_stops_every_mailbox(as_: SignIn, google, account, ada, mailbox):
    asked = as_(ada).post("/settings/advanced/", advanced(sync_disabled="on"))
    assert asked.status_code == 422
    assert "1 mailbox stops syncing at once" in text(asked)
    assert not SyncStop.objects.exists()
    as_(ada).post("/settings/advanced/", advanced(sync_disabled="on", confirmed="disable"))
    assert SyncStop.objects.get().ended_at is None
    page = text(as_(ada).get("/settings/advanced/"))
    assert "Switched off" in page
    assert "Caught up on" in page


@pytest.mark.parametrize(("missed", "skips"), [("catch_up", False), ("skip", True), ("", False)])
def test_r051_switching_on_again_chooses_what_becomes_of_mail(as_: SignIn, account, ada, missed, skips):
    save_settings(account, replace(Settings(), sync_disabled=True), ada)
    as_(ada).post("/settings/advanced/", advanced(missed=missed))
    stop = SyncStop.objects.get()
    assert stop.ended_at
    assert stop.skips_missed is skips


def test_r052_internal_domains(as_: SignIn, account, ada):
    refused = as_(ada).post("/settings/advanced/", advanced(skip_internal="on"))
    assert "Enter at least one internal domain" in text(refused)
    refused = as_(ada).post("/settings/advanced/", advanced(internal_domains="jane@northwind.example"))
    assert "“jane@northwind.example”: Enter a domain, not an address." in text(refused)
    form = advanced(skip_internal="on", internal_domains="Northwind.example\n@branch.example")
    as_(ada).post("/settings/advanced/", form)
    saved = current_settings(account.pk)
    assert (saved.skip_internal, saved.internal_domains) == (True, {"northwind.example", "branch.example"})


def test_r050_losing_access_pauses_the_mailbox_and_says_so(as_: SignIn, google, account, ada, mailbox):
    page = as_(ada).post("/settings/advanced/", advanced(roles=["marketing_user"]), follow=True)
    assert "1 mailbox was paused" in text(page)
    mailbox.refresh_from_db()
    assert mailbox.state == MailboxState.PAUSED
    refused = as_(ada).post("/settings/advanced/", advanced(roles=[]))
    assert "Choose at least one role" in text(refused)


def test_r044_leads_are_found_by_several_fields_in_order(as_: SignIn, account, ada):
    define_field(account, "Contact person", FieldType.EMAIL)
    assert "Contact person" in text(as_(ada).get("/settings/advanced/"))
    form = advanced(search_1="contact_person", search_2="email", search_all="yes")
    as_(ada).post("/settings/advanced/", form)
    saved = current_settings(account.pk)
    assert (saved.search_fields, saved.search_all) == (("contact_person", "email"), True)
    twice = as_(ada).post("/settings/advanced/", advanced(search_2="email"))
    assert "This field comes earlier already" in text(twice)
    assert as_(ada).post("/settings/advanced/", advanced(search_1="password")).status_code == 422


def test_r008_the_administrator_limits_the_history_a_rep_imports(as_: SignIn, google, account, ada, rita):
    as_(ada).post("/settings/advanced/", advanced(longest_import="7"))
    mailbox = make_mailbox(google, rita)
    type(mailbox).objects.update(state=MailboxState.CONNECTED, activated_at=None, cursor=None)
    page = text(as_(rita).get("/my-inbox/"))
    assert "And the last 7 days" in page
    assert "And the last 30 days" not in page
    refused = as_(rita).post("/my-inbox/activate/", {"import_days": "30"})
    assert refused.status_code == 422
    assert as_(ada).post("/settings/advanced/", advanced(longest_import="99999")).status_code == 422
    as_(ada).post("/settings/advanced/", advanced(longest_import="0"))
    assert "And the last" not in text(as_(rita).get("/my-inbox/"))


# Two people at once


def test_the_second_who_saves_is_told_and_loses_nothing(as_: SignIn, account, ada):
    max_ = make_rep(account, "Max", Role.ADMINISTRATOR)
    page = text(as_(ada).get("/settings/inbound/"))
    assert 'name="seen" value="0"' in page
    as_(max_).post("/settings/inbound/", inbound(excluded="rival.example"))
    second = as_(ada).post("/settings/inbound/", inbound(seen="0", excluded="mine.example", capture="on"))
    assert second.status_code == 409
    shown = text(second)
    assert "Max" in shown
    assert "rival.example" in shown
    assert "mine.example" in shown
    assert current_settings(account.pk).inbound.excluded == {"rival.example"}
    seen = str(AuditEntry.objects.latest("pk").pk)
    assert f'name="seen" value="{seen}"' in shown
    as_(ada).post("/settings/inbound/", inbound(seen=seen, excluded="mine.example"))
    assert current_settings(account.pk).inbound.excluded == {"mine.example"}


def test_who_saved_it_on_another_tab_is_not_told_of_someone_else(as_: SignIn, account, ada):
    client = as_(ada)
    client.post("/settings/inbound/", inbound(seen="0", excluded="first.example"))
    second = client.post("/settings/inbound/", inbound(seen="0", excluded="second.example"))
    assert second.status_code == 409
    shown = text(second)
    assert "You saved these settings yourself" in shown
    assert "Someone else" not in shown
    assert "first.example" in shown
    as_(make_rep(account, "Max", Role.ADMINISTRATOR)).post(
        "/settings/inbound/", inbound(excluded="third.example")
    )
    assert "Someone else" in text(client.post("/settings/inbound/", inbound(seen="0", excluded="x.example")))


def test_two_people_at_different_pages_do_not_disturb_each_other(as_: SignIn, account, ada):
    max_ = make_rep(account, "Max", Role.ADMINISTRATOR)
    as_(max_).post("/settings/inbound/", inbound(seen="0", excluded="rival.example"))
    assert as_(ada).post("/settings/outbound/", outbound(seen="0", capture="on")).status_code == 302
    saved = current_settings(account.pk)
    assert saved.inbound.excluded == {"rival.example"}
    assert saved.outbound.capture


@pytest.mark.parametrize("seen", ["", "-1", "x", "9" * 30])
def test_a_form_that_does_not_know_what_was_changed_overwrites_nothing(as_: SignIn, account, ada, seen):
    as_(ada).post("/settings/inbound/", inbound(excluded="rival.example"))
    response = as_(ada).post("/settings/inbound/", inbound(seen=seen))
    assert response.status_code in {409, 422}
    assert current_settings(account.pk).inbound.excluded == {"rival.example"}


def test_access_and_advanced_tell_of_changes_meanwhile_too(as_: SignIn, account, ada):
    save_access_rule(account, Purpose.CONFIGURE, AccessMode.ROLE, roles=["sales_manager"], by=ada)
    save_settings(account, replace(Settings(), longest_import=7), ada)
    stale = as_(ada).post("/settings/access/", {"seen": "0", "mode": "role"})
    assert stale.status_code == 409
    assert "Sales Manager" in text(stale)
    stale = as_(ada).post("/settings/advanced/", advanced(seen="0", longest_import="90"))
    assert stale.status_code == 409
    assert "Days of earlier mail a user may import" in text(stale)
    assert current_settings(account.pk).longest_import == 7


# The preview


def test_the_preview_tells_what_a_draft_would_change_and_stores_nothing(
    as_: SignIn, google, account, ada, mailbox, carol
):
    sent = mail(to="carol@customer.example", from_=mailbox.address, subject="Spring order")
    google.send(mailbox.address, sent)
    google.deliver(mailbox.address, mail(from_="new@person.example", subject="A private matter"))
    before = (current_settings(account.pk), Lead.objects.count(), AuditEntry.objects.count())
    form = outbound(behaviour="keywords", keywords="autumn")
    page = text(as_(ada).post("/settings/outbound/preview/", form, headers={"HX-Request": "true"}))
    assert "1 of 1 mails would come out otherwise" in page
    assert "Spring order" in page
    assert "Sent mail of the last 7 days" in page
    assert "No keyword found" in page
    assert (current_settings(account.pk), Lead.objects.count(), AuditEntry.objects.count()) == before
    whole = text(as_(ada).post("/settings/outbound/preview/", form))
    assert "<html" in whole
    assert "autumn" in whole


def test_the_preview_hides_what_is_in_no_crm_unless_it_is_ones_own(
    as_: SignIn, google, account, ada, mailbox
):
    google.deliver(mailbox.address, mail(from_="new@person.example", subject="A private matter"))
    form = inbound(capture="on")
    page = text(as_(ada).post("/settings/inbound/preview/", form, headers={"HX-Request": "true"}))
    assert "1 of 1 mails would come out otherwise" in page
    assert "A private matter" not in page
    assert "new@person.example" not in page
    assert "person.example" in page
    save_access_rule(account, Purpose.CONFIGURE, AccessMode.ROLE, roles=["sales_user"], by=ada)
    own = text(as_(mailbox.user).post("/settings/inbound/preview/", form, headers={"HX-Request": "true"}))
    assert "A private matter" in own


def test_the_preview_looks_into_nobodys_mailbox_whom_one_may_not_see(
    as_: SignIn, google, account, ada, mailbox, sam
):
    google.deliver(mailbox.address, mail(from_="new@person.example", subject="A private matter"))
    save_access_rule(account, Purpose.CONFIGURE, AccessMode.ROLE, roles=["sales_user"], by=ada)
    form = inbound(capture="on", mailbox=str(mailbox.pk))
    page = text(as_(sam).post("/settings/inbound/preview/", form, headers={"HX-Request": "true"}))
    assert "There is no received mail of the last 7 days" in page
    assert mailbox.address not in text(as_(sam).get("/settings/inbound/"))


def test_the_preview_of_a_faulty_draft_says_what_to_correct(as_: SignIn, google, account, ada, mailbox):
    form = outbound(behaviour="keywords", excluded="foo@")
    page = text(as_(ada).post("/settings/outbound/preview/", form, headers={"HX-Request": "true"}))
    assert "The draft cannot be tried yet" in page
    assert "“foo@”" in page


def test_the_preview_survives_a_mailbox_that_cannot_be_read(as_: SignIn, google, account, ada, mailbox):
    google.revoke(mailbox.address)
    page = text(as_(ada).post("/settings/outbound/preview/", outbound(), headers={"HX-Request": "true"}))
    assert mailbox.address in page
    assert "Reconnect the mailbox" in page


def test_the_preview_of_a_direction_fetches_and_counts_that_direction_alone(
    as_: SignIn, google, account, ada, mailbox, carol
):
    google.send(mailbox.address, mail(to="carol@customer.example", from_=mailbox.address, subject="Order"))
    google.deliver(mailbox.address, mail(from_="carol@customer.example", subject="Thanks"))
    form = inbound(behaviour="keywords", keywords="autumn")
    page = text(as_(ada).post("/settings/inbound/preview/", form, headers={"HX-Request": "true"}))
    assert "1 of 1 mails would come out otherwise" in page
    assert "Thanks" in page
    assert "Order" not in page
    assert spent(google)["messages.get"] == 1


def test_a_third_preview_at_once_is_asked_to_wait(as_: SignIn, google, account, ada, mailbox):
    client = as_(ada)
    with previewing._a_place(), previewing._a_place():
        page = text(client.post("/settings/inbound/preview/", inbound(), headers={"HX-Request": "true"}))
    assert "Try again in a minute." in page
    after = text(client.post("/settings/inbound/preview/", inbound(), headers={"HX-Request": "true"}))
    assert "Try again in a minute." not in after


# The audit trail


def test_r046_the_audit_trail_says_who_changed_what_from_what_to_what(as_: SignIn, account, ada):
    as_(ada).post(
        "/settings/inbound/", inbound(excluded="rival.example", attachment_kinds=None, details=["body"])
    )
    page = text(as_(ada).get("/settings/audit/"))
    assert "Ada" in page
    assert "Inbound: Excluded domains and addresses" in page
    assert "<ins>rival.example</ins>" in page
    assert "<del>Subject</del>" in page


def test_r046_saving_what_is_in_force_already_leaves_no_trace(as_: SignIn, account, ada):
    as_(ada).post("/settings/advanced/", advanced())
    as_(ada).post("/settings/access/", {"seen": "999999999", "mode": "role"})
    assert not AuditEntry.objects.exists()


def test_r046_an_order_that_matters_is_told(as_: SignIn, account, ada):
    define_field(account, "Contact person", FieldType.EMAIL)
    as_(ada).post("/settings/advanced/", advanced(search_1="contact_person", search_2="email"))
    as_(ada).post("/settings/advanced/", advanced(search_1="email", search_2="contact_person"))
    assert "<del>contact_person, email</del> → <ins>email, contact_person</ins>" in text(
        as_(ada).get("/settings/audit/")
    )


def test_r046_the_audit_trail_is_paged_and_filtered_and_of_the_own_account(
    as_: SignIn, account, ada, stranger, django_assert_max_num_queries
):
    rows = [
        AuditEntry(account=account, area=AuditArea.SETTINGS, said=f"Change {n}.", by=ada) for n in range(100)
    ]
    AuditEntry.objects.bulk_create(rows)
    AuditEntry.objects.create(account=account, area=AuditArea.MAILBOX, said="Paused a mailbox.")
    AuditEntry.objects.create(account=stranger.account, area=AuditArea.SETTINGS, said="A stranger's change.")
    client = as_(ada)
    with django_assert_max_num_queries(15):
        first = text(client.get("/settings/audit/"))
    assert "Change 99." in first
    assert "A stranger" not in first
    following = first.split('href="?after=')[1].split('"')[0].replace("&amp;", "&")
    assert "Change 50." in text(client.get(f"/settings/audit/?after={following}"))
    only = text(client.get("/settings/audit/?area=mailbox"))
    assert "Paused a mailbox." in only
    assert "Change 99." not in only
    assert client.get("/settings/audit/?area=%00&after=x").status_code == 404
    assert client.get("/settings/audit/?area='%20or%201=1").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_every_page_takes_few_queries(as_: SignIn, account, ada, page, django_assert_max_num_queries):
    client = as_(ada)
    with django_assert_max_num_queries(20):
        client.get(f"/settings/{page}/")


def test_times_are_real(account):
    assert SetUp.objects.get(account=account).completed_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("language", "said"), [("", "Hosting region</dt><dd>this server"), ("de", "<dd>dieser Server")]
)
def test_r011_a_region_that_is_not_named_is_said_in_the_readers_language(
    as_: SignIn, account, ada, language, said
):
    User.objects.filter(pk=ada.pk).update(language=language)
    assert said in text(as_(ada).get("/settings/security/"))


def test_r012_the_last_step_says_who_else_has_access(as_: SignIn, fresh, ada):
    client = as_(ada)
    SetUp.objects.update_or_create(
        account=fresh, defaults={"steps": list(STEPS[:-1]), "providers": ["gmail"]}
    )
    assert "Besides administrators: nobody else" in text(client.get("/settings/done/"))
    field = UserField.objects.create(account=fresh, name="connects", label="Connects")
    save_access_rule(fresh, Purpose.CONFIGURE, AccessMode.FIELD, roles=(), field=field, by=ada)
    assert "users whose field “Connects” is Yes" in text(client.get("/settings/done/"))
    User.objects.filter(pk=ada.pk).update(language="de")
    assert "Benutzer, deren Feld „Connects“ auf Ja steht" in text(client.get("/settings/done/"))


def test_r020_what_came_of_a_test_is_said_on_the_card_of_the_provider(as_: SignIn, google, account, ada):
    page = text(as_(ada).post("/settings/provider/gmail/client/test/", follow=True))
    said, card = page.index("Gmail knows the client."), page.index('id="gmail"')
    assert page.count("Gmail knows the client.") == 1
    assert card < said < page.index('id="outlook"')
    page = text(as_(ada).get("/settings/provider/?on=nonsense"))
    assert "nonsense" not in page


def test_r046_what_a_new_destination_holds_is_told_value_by_value(as_: SignIn, account, ada):
    settings = {"plan": "pro", "region": "", "lead_fields": {"Phone": "phone"}}
    record(account, ada, AuditArea.DESTINATIONS, "Added it.", after={"name": "LSQ", "settings": settings})
    page = text(as_(ada).get("/settings/audit/"))
    assert "{&#x27;" not in page
    assert "Settings: Lead fields: Phone" in page
    assert "Region" not in page
    assert "nothing" not in page


def test_r046_the_audit_trail_is_in_one_language_whoever_saves(as_: SignIn, account, ada):
    User.objects.filter(pk=ada.pk).update(language="de")
    as_(ada).post("/settings/access/", {"seen": "999999999", "mode": "role", "roles": ["sales_manager"]})
    said = AuditEntry.objects.get(area=AuditArea.ACCESS).said
    assert said == "Changed who may configure the connector: Sales Manager."

"""Mail, journal, mailboxes, settings, users and destinations by the API."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from django.conf import settings as django_settings

from postroom.connector.models import AuditEntry, JournalEntry, SettingsVersion
from postroom.connector.policies import current_settings
from postroom.crm.models import Activity, Attachment
from postroom.policy.settings import to_data
from postroom.vault.blobs import BlobStore
from tests.api.room import program


def items(answer) -> list[dict[str, object]]:
    assert answer.status_code == 200, answer.content
    return orjson.loads(answer.content)["items"]


def shown(answer) -> dict[str, object]:
    return orjson.loads(answer.content)


def test_a_mail_is_shown_with_text_safe_html_and_its_files(sam, rita, filed):
    mail = shown(program(sam).get(f"/activities/{filed.activity.pk}"))
    assert mail["kind"] == "email_received"
    assert mail["from"] == {"address": "carol@customer.example", "name": "Carol"}
    assert mail["to"] == [{"address": rita.email, "name": "Rita"}]
    assert mail["reps"] == [{"user_id": rita.pk, "name": "Rita", "sent": False}]
    assert "the plan" in str(mail["text"])
    assert "<b>the plan</b>" in str(mail["html"])
    assert "script" not in str(mail["html"])
    assert "spy.example" not in str(mail["html"])
    assert mail["left_out"] == []
    assert mail["files"] == [
        {
            "id": filed.attachment.pk,
            "filename": "plän.txt",
            "content_type": "text/plain",
            "size": 8,
            "inline": False,
            "captured": True,
            "reason": "",
        }
    ]


def test_what_the_policy_left_out_is_named(ada, filed):
    filed.activity.message.details = ["subject"]
    filed.activity.message.save()
    mail = shown(program(ada).get(f"/activities/{filed.activity.pk}"))
    assert mail["left_out"] == ["cc", "bcc", "body", "attachments"]


def test_activities_are_listed_by_lead_kind_and_time(ada, filed):
    asks, lead, other = program(ada), filed.lead.pk, filed.other.pk
    at = filed.activity.happened_at
    stamp = at.isoformat().replace("+00:00", "Z")
    later = (at + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    for query, number in (
        ("", 1),
        (f"?lead_id={lead}", 1),
        (f"?lead_id={other}", 0),
        ("?kind=email_received", 1),
        ("?kind=email_sent", 0),
        (f"?since={stamp}", 1),
        (f"?since={later}", 0),
        (f"?until={stamp}", 0),
        (f"?until={later}", 1),
        ("?until=9999-12-31T23:59:59Z", 1),
        ("?since=0001-01-01T00:00:00%2B14:00", 1),
    ):
        assert len(items(asks.get(f"/activities{query}"))) == number, query
    first = items(asks.get("/activities"))[0]
    assert first["preview"] == "See the plan"
    assert first["attachments"] == 1


def test_pages_of_mail_hold_each_once(ada, filed):
    """Also those of one moment."""
    Activity.objects.create(
        account=filed.lead.account,
        lead=filed.other,
        message=filed.activity.message,
        kind="email_sent",
        happened_at=filed.activity.happened_at,
    )
    asks = program(ada)
    first = orjson.loads(asks.get("/activities?limit=1").content)
    second = orjson.loads(asks.get(f"/activities?limit=1&after={first['next']}").content)
    seen = [page["items"][0]["lead_id"] for page in (first, second)]
    assert seen == [filed.other.pk, filed.lead.pk]
    assert second["next"] is None


def test_an_attachment_is_downloaded_and_not_twice(ada, filed):
    asks, path = program(ada), f"/attachments/{filed.attachment.pk}"
    answer = asks.get(path)
    assert b"".join(answer.streaming_content) == b"the plan"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''pl%C3%A4n.txt"
    assert asks.get(path, If_None_Match=answer["ETag"]).status_code == 304


def test_an_attachment_without_bytes_is_not_there(ada, filed):
    asks, path = program(ada), f"/attachments/{filed.attachment.pk}"
    BlobStore(django_settings.POSTROOM.blob_url).delete(filed.attachment.account_id, filed.attachment.blob)
    assert asks.get(path).status_code == 404
    Attachment.objects.update(blob="", reason="Too large.")
    assert asks.get(path).status_code == 404


def test_a_journal_entry_explains_the_decision(rita, filed):
    entry = shown(program(rita).get(f"/journal/{filed.entry.pk}"))
    assert entry["rule"] == "synced"
    assert entry["rule_name"] == "Synced"
    assert entry["reason"] == "Synced to lead Carol."
    assert (entry["settings_version"], entry["rep_settings_version"]) == (0, None)
    JournalEntry.objects.update(rep_settings_version=2)
    assert shown(program(rita).get(f"/journal/{filed.entry.pk}"))["rep_settings_version"] == 2
    assert (entry["lead_id"], entry["lead_name"]) == (filed.lead.pk, "Carol")


def test_the_journal_is_searched_and_filtered(ada, rita, sam, filed):
    asks = program(ada)
    for query, number in (
        ("", 1),
        ("?q=plan", 1),
        ("?q=carol", 1),
        ("?q=nothing", 0),
        ("?outcome=skipped", 0),
        ("?outcome=synced", 1),
        (f"?user_id={rita.pk}", 1),
        (f"?user_id={sam.pk}", 0),
        (f"?lead_id={filed.lead.pk}", 1),
        ("?captured=true", 0),
        ("?since=9000-01-01T00:00:00Z", 0),
        ("?until=2020-01-01T00:00:00Z", 0),
    ):
        assert len(items(asks.get(f"/journal{query}"))) == number, query
    assert items(program(sam).get("/journal?q=plan")) == []


def test_the_journal_reaches_60_days_back_whatever_is_asked(ada, filed):
    asks = program(ada)
    JournalEntry.objects.update(recorded_at=datetime.now(UTC) - timedelta(days=61))
    assert items(asks.get("/journal?since=2000-01-01T00:00:00Z")) == []
    assert asks.get(f"/journal/{filed.entry.pk}").status_code == 404
    JournalEntry.objects.update(recorded_at=datetime.now(UTC) - timedelta(days=59))
    assert len(items(asks.get("/journal?since=2000-01-01T00:00:00Z"))) == 1


def test_a_rep_pauses_and_resumes_their_mailbox(rita, filed):
    asks, path = program(rita), f"/mailboxes/{filed.mailbox.pk}"
    epoch = filed.mailbox.epoch
    assert shown(asks.post(f"{path}/pause"))["state"] == "paused"
    assert shown(asks.post(f"{path}/pause"))["state"] == "paused"
    assert shown(asks.post(f"{path}/resume"))["state"] == "active"
    filed.mailbox.refresh_from_db()
    assert filed.mailbox.epoch > epoch


def test_what_an_administrator_deactivated_a_rep_does_not_resume(ada, rita, filed):
    path = f"/mailboxes/{filed.mailbox.pk}"
    assert shown(program(ada).post(f"{path}/deactivate"))["state_reason"].startswith("Deactivated by Ada")
    for action in ("resume", "pause"):
        assert program(rita).post(f"{path}/{action}").status_code == 409
    assert program(rita).post(f"{path}/activate").status_code == 403
    assert AuditEntry.objects.filter(area="mailbox", by=ada).exists()
    assert shown(program(ada).post(f"{path}/activate"))["state"] == "active"


def test_mailboxes_are_searched_and_filtered(ada, filed):
    asks = program(ada)
    for query, number in (("", 1), ("?q=rita", 1), ("?q=sam", 0), ("?state=active", 1)):
        assert len(items(asks.get(f"/mailboxes{query}"))) == number, query
    for query in ("?state=paused", "?provider=outlook"):
        assert items(asks.get(f"/mailboxes{query}")) == [], query


def test_settings_are_read_changed_and_saved(ada, account):
    asks = program(ada)
    before = shown(asks.get("/settings"))
    assert before["version"] == 0
    draft = {**before, "skip_internal": True, "internal_domains": ["Northwind.Example"]}
    draft["inbound"]["excluded"] = ["Spam.example", "jane@X.example", "spam.example"]
    for name in ("saved_at", "saved_by_id"):
        del draft[name]
    saved = asks.put("/settings", draft)
    assert saved.status_code == 200, saved.content
    after = shown(saved)
    assert (after["version"], after["saved_by_id"]) == (1, ada.pk)
    assert after["internal_domains"] == ["northwind.example"]
    assert after["inbound"]["excluded"] == ["jane@x.example", "spam.example"]
    assert shown(asks.get("/settings")) == after
    assert AuditEntry.objects.get(area="settings").by == ada


def test_settings_that_someone_changed_meanwhile_are_a_conflict(ada, account):
    asks, draft = program(ada), {**to_data(current_settings(account.pk)), "version": 0}
    assert asks.put("/settings", {**draft, "longest_import": 7}).status_code == 200
    stale = asks.put("/settings", {**draft, "longest_import": 14})
    assert stale.status_code == 409
    assert shown(stale)["version"] == 1
    assert current_settings(account.pk).longest_import == 7


@pytest.mark.parametrize(
    ("side", "changes", "path"),
    [
        ("", {"skip_internal": True}, "internal_domains"),
        ("", {"internal_domains": ["a@b.example"]}, "internal_domains"),
        ("", {"search_fields": ["shoe"]}, "search_fields"),
        ("", {"search_fields": ["email", "email"]}, "search_fields"),
        ("", {"search_fields": []}, "search_fields"),
        ("", {"longest_import": -1}, "longest_import"),
        ("inbound", {"behaviour": "keywords"}, "inbound.keywords"),
        ("inbound", {"keywords": ["x" * 300], "behaviour": "keywords"}, "inbound.keywords"),
        ("outbound", {"excluded": ["not a domain"]}, "outbound.excluded"),
        ("outbound", {"excluded_in": ["from"]}, "outbound.excluded_in"),
        ("inbound", {"details": ["shoe"]}, "inbound.details.0"),
        ("inbound", {"enabled": "yes"}, "inbound.enabled"),
    ],
)
def test_settings_are_checked_as_the_forms_check_them(ada, account, side, changes, path):
    draft = {**to_data(current_settings(account.pk)), "version": 0}
    target = draft[side] if side else draft
    target |= changes
    answer = program(ada).put("/settings", draft)
    assert answer.status_code == 422
    assert path in shown(answer)["errors"]
    assert not SettingsVersion.objects.exists()


def test_switching_the_sync_off_stops_every_mailbox(ada, account, filed):
    asks, draft = program(ada), {**to_data(current_settings(account.pk)), "version": 0}
    assert asks.put("/settings", {**draft, "sync_disabled": True}).status_code == 200
    epoch = filed.mailbox.epoch
    filed.mailbox.refresh_from_db()
    assert filed.mailbox.epoch > epoch
    again = {**draft, "version": 1, "sync_disabled": False, "missed": "skip"}
    assert asks.put("/settings", again).status_code == 200
    assert AuditEntry.objects.filter(area="sync_switch").count() == 2


def test_users_are_those_whom_one_may_see(ada, max_, rita, sam):
    for user, seen in ((ada, 4), (max_, 2), (sam, 1)):
        assert len(items(program(user).get("/users"))) == seen
    assert [user["name"] for user in items(program(ada).get("/users?q=rit"))] == ["Rita"]
    assert [user["name"] for user in items(program(ada).get("/users?role=sales_manager"))] == ["Max"]


def test_destinations_show_what_became_of_deliveries_and_no_secret(ada, filed):
    asks = program(ada)
    destination = shown(asks.get(f"/destinations/{filed.destination.pk}"))
    assert destination["waiting"] >= 1
    assert "secrets" not in str(destination)
    path = f"/destinations/{filed.destination.pk}/deliveries"
    assert filed.delivery.pk in [delivery["id"] for delivery in items(asks.get(f"{path}?state=to_do"))]
    assert items(asks.get(f"{path}?state=delivered")) == []
    assert items(asks.get(f"{path}?lead_id=999999")) == []
    delivery = shown(asks.get(f"/deliveries/{filed.delivery.pk}"))
    assert delivery["tries"][0]["said"] == "Busy."

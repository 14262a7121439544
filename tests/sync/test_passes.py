"""A pass over a mailbox, against the sandbox over a real socket."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings

from postroom.connector.models import JournalEntry, Mailbox, MailboxState, ProcessedMail
from postroom.connector.policies import current_settings, save_rep_settings, save_settings
from postroom.crm.models import Activity, Attachment, Lead, MessageBody, StoredMessage
from postroom.mail.message import Direction
from postroom.policy.settings import FIELDS, Detail, Field, RepDirection, RepSettings
from postroom.sync import passes
from postroom.vault.blobs import BlobStore
from tests.mails import mail
from tests.sync.conftest import change_policy, journal, make_lead, make_mailbox

RITA = "rita@northwind.example"


def test_r004_a_received_mail_becomes_an_activity_on_its_lead(google, mailbox, carol, sync):
    when = (datetime.now(UTC) - timedelta(hours=5)).replace(microsecond=0)
    google.deliver(
        RITA, mail(subject="Your quote", text="Looks good"), internal_date=int(when.timestamp() * 1000)
    )
    report = sync(mailbox)
    activity = Activity.objects.get()
    assert (report.synced, report.skipped) == (1, 0)
    assert (activity.lead, activity.get_kind_display()) == (carol, "Email Received")
    assert activity.happened_at == when
    assert activity.message.subject == "Your quote"
    assert activity.message.body.text.strip() == "Looks good"
    carol.refresh_from_db()
    assert carol.last_activity_at == activity.happened_at


def test_r004_a_sent_mail_is_email_sent(google, mailbox, carol, sync):
    google.send(RITA, mail(from_=RITA, to="carol@customer.example"))
    sync(mailbox)
    assert Activity.objects.get().get_kind_display() == "Email Sent"


def test_r005_one_activity_on_each_lead_and_one_stored_message(google, mailbox, account, carol, sync):
    dan = make_lead(account, "dan@customer.example")
    google.send(RITA, mail(from_=RITA, to="carol@customer.example", cc="Dan@Customer.Example"))
    sync(mailbox)
    assert set(Activity.objects.values_list("lead", flat=True)) == {carol.pk, dan.pk}
    assert StoredMessage.objects.count() == 1


def test_r006_the_same_mail_in_two_mailboxes_is_one_activity_with_both_reps(
    google, mailbox, sam, carol, sync
):
    other = make_mailbox(google, sam)
    raw = mail(to="rita@northwind.example, sam@northwind.example")
    google.deliver(RITA, raw)
    google.deliver(sam.email, raw)
    sync(mailbox)
    sync(other)
    activity = Activity.objects.get()
    assert activity.kind == "email_received"
    assert {copy.user for copy in activity.message.copies.all()} == {mailbox.user, sam}
    assert JournalEntry.objects.filter(outcome="synced").count() == 2


@pytest.mark.parametrize("first", ["sender", "recipient"])
def test_r006_a_mail_that_any_rep_sent_is_email_sent(google, mailbox, sam, carol, sync, first):
    other = make_mailbox(google, sam)
    google.send(sam.email, mail(from_=sam.email, to=f"carol@customer.example, {RITA}"))
    order = [other, mailbox] if first == "sender" else [mailbox, other]
    for each in order:
        sync(each)
    assert Activity.objects.get().kind == "email_sent"


def test_r007_a_pass_without_news_writes_nothing(google, mailbox, carol, sync):
    google.deliver(RITA, mail())
    sync(mailbox)
    rows = (Activity.objects.count(), JournalEntry.objects.count(), ProcessedMail.objects.count())
    sync(mailbox)
    assert rows == (Activity.objects.count(), JournalEntry.objects.count(), ProcessedMail.objects.count())


def test_r007_an_expired_cursor_loses_and_doubles_nothing(google, mailbox, carol, sync):
    google.deliver(RITA, mail(subject="before"))
    sync(mailbox)
    google.deliver(RITA, mail(subject="meanwhile"))
    google.send(RITA, mail(from_=RITA, to="carol@customer.example", subject="answer"))
    google.expire_history(RITA)
    sync(mailbox)
    assert sorted(StoredMessage.objects.values_list("subject", flat=True)) == [
        "answer",
        "before",
        "meanwhile",
    ]
    assert Activity.objects.count() == 3
    google.deliver(RITA, mail(subject="after"))
    sync(mailbox)
    assert Activity.objects.count() == 4


def test_r007_duplicated_and_reordered_pages_double_nothing(google, mailbox, carol, sync):
    for number in range(7):
        google.deliver(RITA, mail(subject=f"mail {number}"))
    google.fault("duplicate", method="history.list", times=3)
    google.fault("reorder", method="history.list", times=3)
    sync(mailbox)
    sync(mailbox)
    assert Activity.objects.count() == 7


def test_r003_drafts_spam_trash_and_archive_never_sync(google, mailbox, carol, sync):
    for label in ("DRAFT", "SPAM", "TRASH", "CATEGORY_PROMOTIONS"):
        google.deliver(RITA, mail(subject=label), labels=(label,))
    sync(mailbox)
    assert not Activity.objects.exists()
    assert not StoredMessage.objects.exists()


def test_r003_a_mail_that_enters_the_inbox_later_syncs_then(google, mailbox, carol, sync):
    spam = google.deliver(RITA, mail(), labels=("SPAM",))
    sync(mailbox)
    assert not Activity.objects.exists()
    google.to_inbox(RITA, spam.id)
    sync(mailbox)
    assert Activity.objects.count() == 1


def test_r003_a_mail_deleted_later_stays(google, mailbox, carol, sync):
    message = google.deliver(RITA, mail())
    sync(mailbox)
    google.delete(RITA, message.id)
    sync(mailbox)
    assert Activity.objects.count() == 1


def test_r003_a_mail_that_was_gone_and_comes_back_syncs_then(google, mailbox, carol, sync):
    message = google.deliver(RITA, mail())
    google.trash(RITA, message.id)
    sync(mailbox)
    assert journal(mailbox) == [("skipped", "gone")]
    google.to_inbox(RITA, message.id)
    sync(mailbox)
    assert Activity.objects.count() == 1


def test_a_mail_deleted_before_it_is_read_is_accounted_for(google, mailbox, carol, sync):
    gone = google.deliver(RITA, mail())
    trashed = google.deliver(RITA, mail())
    google.delete(RITA, gone.id)
    google.trash(RITA, trashed.id)
    google.deliver(RITA, mail(subject="stays"))
    sync(mailbox)
    assert StoredMessage.objects.get().subject == "stays"
    assert sorted(journal(mailbox)) == [("skipped", "gone"), ("skipped", "gone"), ("synced", "synced")]


def test_r008_the_sync_starts_at_the_moment_of_connecting(google, account, rita, carol, sync):
    google.add_account(RITA)
    google.deliver(RITA, mail(subject="old"))
    mailbox = make_mailbox(google, rita)
    google.deliver(RITA, mail(subject="new"))
    sync(mailbox)
    assert [m.subject for m in StoredMessage.objects.all()] == ["new"]


def test_r008_an_import_reads_the_days_asked_for_and_goes_on(google, account, rita, carol, sync):
    google.add_account(RITA)
    now = datetime.now(UTC)
    for days in range(40):
        when = int((now - timedelta(days=days, hours=1)).timestamp() * 1000)
        google.deliver(RITA, mail(subject=f"{days} days ago"), internal_date=when)
    mailbox = make_mailbox(google, rita)
    since = int((now - timedelta(days=7)).timestamp())
    cursor = {**mailbox.cursor, "listing": {"since": since, "label": "INBOX"}}
    Mailbox.objects.update(cursor=cursor, state=MailboxState.IMPORTING)
    google.deliver(RITA, mail(subject="just now"))
    sync(mailbox)
    assert Activity.objects.count() == 8
    assert mailbox.state == MailboxState.ACTIVE
    assert mailbox.import_done == 8


def test_r040_what_is_not_chosen_is_not_stored(google, mailbox, account, carol, sync):
    change_policy(account, "inbound", details=frozenset())
    google.deliver(
        RITA,
        mail(
            cc="dan@customer.example",
            subject="Secret subject",
            text="secret body",
            attachments=(("a.txt", "text/plain", b"secret bytes"),),
        ),
    )
    sync(mailbox)
    message = Activity.objects.get().message
    assert (message.subject, message.cc, message.bcc, message.details) == ("", [], [], [])
    assert message.from_address == "carol@customer.example"
    assert not MessageBody.objects.exists()
    assert not Attachment.objects.exists()
    assert JournalEntry.objects.get().subject == ""


def test_attachments_are_kept_by_content(google, mailbox, account, carol, sync):
    content = b"%PDF-1.7\n" + bytes(range(256)) * 5000
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", content),)))
    sync(mailbox)
    row = Attachment.objects.get()
    assert (row.filename, row.content_type, row.size, row.reason) == (
        "plan.pdf",
        "application/pdf",
        len(content),
        "",
    )
    store = BlobStore(django_settings.POSTROOM.blob_url)
    assert b"".join(store.read(account.pk, row.blob)) == content


def test_the_bytes_of_a_skipped_mail_are_never_fetched(google, mailbox, sync):
    google.deliver(RITA, mail(attachments=(("plan.pdf", "application/pdf", b"x" * 100_000),)))
    sync(mailbox)
    assert journal(mailbox) == [("skipped", "no_lead")]
    assert "messages.attachments.get" not in spent(google)


def test_a_direction_that_is_off_costs_no_fetch(google, mailbox, account, carol, sync):
    change_policy(account, "inbound", enabled=False)
    google.deliver(RITA, mail())
    sync(mailbox)
    assert journal(mailbox) == [("skipped", "direction_off")]
    assert "messages.get" not in spent(google)


def test_a_skipped_mail_leaves_its_rule_and_nothing_of_its_content(google, mailbox, account, carol, sync):
    change_policy(account, "inbound", excluded=frozenset({"customer.example"}))
    google.deliver(RITA, mail(subject="Merger", text="hush"))
    sync(mailbox)
    row = JournalEntry.objects.get()
    assert (row.outcome, row.rule, row.settings_version) == ("skipped", "excluded", 1)
    assert (row.subject, row.counterpart, row.lead, row.message) == ("", "", None, None)
    assert "Merger" not in str(row.__dict__)
    assert "customer.example" not in str(row.__dict__)
    assert not StoredMessage.objects.exists()


def test_the_journal_names_the_version_of_the_reps_own_settings_where_they_took_part(
    google, mailbox, account, rita, carol, sync
):
    own = RepSettings(inbound=RepDirection(excluded=frozenset({"customer.example"})))
    save_rep_settings(rita, own, rita)
    google.deliver(RITA, mail(subject="not let"))
    sync(mailbox)
    change_policy(account, "inbound", user_exclusions=True)
    google.deliver(RITA, mail(subject="let"))
    google.send(RITA, mail(from_=RITA, to="carol@customer.example"))
    sync(mailbox)
    rows = JournalEntry.objects.values_list("direction", "rule", "settings_version", "rep_settings_version")
    assert sorted(rows, key=str) == [
        ("received", "excluded", 1, 1),
        ("received", "synced", 0, None),
        ("sent", "synced", 1, None),
    ]


def test_r042_a_captured_lead_has_name_and_source(google, mailbox, account, sync):
    change_policy(account, "inbound", capture=True, lead_source="Mailbox")
    google.deliver(RITA, mail(from_="Erin Example <Erin@New.Example>"))
    sync(mailbox)
    lead = Lead.objects.get()
    assert (lead.first_name, lead.last_name, lead.email_key) == ("Erin", "Example", "erin@new.example")
    assert lead.source.name == "Mailbox"
    row = JournalEntry.objects.get()
    assert (row.lead, row.captured, row.counterpart) == (lead, True, "Erin@New.Example")


def test_r045_the_source_of_an_existing_lead_is_left_alone(google, mailbox, account, carol, sync):
    change_policy(account, "inbound", capture=True, lead_source="Mailbox")
    google.deliver(RITA, mail())
    sync(mailbox)
    carol.refresh_from_db()
    assert carol.source is None


def test_several_mails_of_one_new_person_make_one_lead(google, mailbox, account, sync):
    change_policy(account, "inbound", capture=True)
    for number in range(3):
        google.deliver(RITA, mail(subject=str(number)))
    sync(mailbox)
    assert Lead.objects.count() == 1
    assert Activity.objects.count() == 3
    assert JournalEntry.objects.filter(captured=True).count() >= 1


def test_r046_new_settings_apply_to_what_arrives_afterwards(google, mailbox, account, carol, sync):
    google.deliver(RITA, mail(subject="before"))
    sync(mailbox)
    change_policy(account, "inbound", details=frozenset({Detail.BODY}))
    google.deliver(RITA, mail(subject="after"))
    sync(mailbox)
    assert sorted(StoredMessage.objects.values_list("subject", flat=True)) == ["", "before"]
    assert set(JournalEntry.objects.values_list("settings_version", flat=True)) == {0, 1}


def test_r046_a_change_in_the_midst_of_a_page_counts_for_the_rest_of_it(
    google, mailbox, account, carol, sync, monkeypatch
):
    for number in range(6):
        google.deliver(RITA, mail(subject=str(number)))
    real = passes.commit

    def change_after(*args: object) -> object:
        committed = real(*args)
        change_policy(account, "inbound", details=frozenset())
        return committed

    monkeypatch.setattr(passes, "BATCH_MAILS", 2)
    monkeypatch.setattr(passes, "commit", change_after)
    sync(mailbox)
    versions = JournalEntry.objects.order_by("pk").values_list("settings_version", flat=True)
    assert list(versions) == [0, 0, 1, 1, 1, 1]
    assert StoredMessage.objects.exclude(subject="").count() == 2


@pytest.mark.parametrize("batch", [1, 2, 3, 50])
def test_r043_an_answer_right_after_the_mail_that_made_the_lead_has_a_lead(
    google, mailbox, account, sync, monkeypatch, batch
):
    monkeypatch.setattr(passes, "BATCH_MAILS", batch)
    change_policy(account, "outbound", capture=True, capture_from=frozenset({Field.TO}))
    change_policy(account, "inbound", capture=False)
    google.deliver(RITA, mail(from_="erin@customer.example", subject="Who are you?"))
    google.send(RITA, mail(from_=RITA, to="erin@customer.example", subject="An offer"))
    google.deliver(RITA, mail(from_="erin@customer.example", subject="Yes"))
    google.deliver(RITA, mail(from_="erin@customer.example", subject="And now"))
    google.deliver(RITA, mail(from_="nobody@customer.example", subject="No"))
    sync(mailbox)
    subjects = Activity.objects.order_by("happened_at", "pk").values_list("message__subject", flat=True)
    assert set(subjects) == {"An offer", "Yes", "And now"}
    assert Lead.objects.get().email == "erin@customer.example"
    assert [row[1] for row in journal(mailbox)].count("no_lead") == 2
    assert not sync(mailbox).synced


def test_an_alias_of_the_rep_is_no_counterpart(google, account, rita, sync):
    mailbox = make_mailbox(google, rita, aliases=("sales@northwind.example",))
    change_policy(account, "inbound", capture=True, capture_from=frozenset(FIELDS[Direction.RECEIVED]))
    google.deliver(RITA, mail(from_="sales@northwind.example", to=RITA))
    sync(mailbox)
    assert journal(mailbox) == [("skipped", "no_counterpart")]


def test_r051_nothing_is_read_while_sync_is_disabled(google, mailbox, account, carol, sync):
    save_settings(account, replace(current_settings(account.pk), sync_disabled=True), None)
    google.deliver(RITA, mail())
    sync(mailbox)
    assert not JournalEntry.objects.exists()
    assert not spent(google)
    save_settings(account, replace(current_settings(account.pk), sync_disabled=False), None)
    sync(mailbox)
    assert Activity.objects.count() == 1


def spent(google) -> dict[str, int]:
    """Gmail requests by method so far."""
    return {method: spent.requests for method, spent in google.ledger.spent[RITA].items()}

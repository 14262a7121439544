"""What rooms that know no Django say, on German pages (reasons, refusals, errors)."""

import ast
import csv
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from postroom.connector.models import Mailbox
from postroom.connector.policies import save_settings
from postroom.destinations.managing import create_destination
from postroom.destinations.models import Delivery, DeliveryAttempt, Destination, DestinationState
from postroom.policy.settings import Settings
from postroom.web.sentences import SENTENCES, told
from tests.mails import mail
from tests.sync.conftest import change_policy

ROOT = Path(__file__).parent.parent.parent / "postroom"
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de"}
WHOLE = (
    *("policy/problems.py", "policy/entries.py", "policy/keywords.py", "connector/tags.py"),
    *("crm/csv_file.py", "crm/importing.py", "providers/gmail/refusals.py", "providers/outlook/refusals.py"),
    "vault/secrets.py",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "destinations").rglob("*.py")),
)
"""Every sentence of these rooms is one that people read on a page."""
NOT_SHOWN = (
    "“x” is not a kind of automatic mail.",
    "x does not apply in this direction.",
    "“x”: Write it as x.",
    # What the audit trail keeps, in English (decision 11).
    "Added the destination x (x).",
    "Changed the destination x.",
    "Paused the destination x.",
    "Resumed the destination x.",
    "Removed the destination x.",
    "Dropped x deliveries to x that were given up.",
    "Had x deliveries to x sent again.",
    # What only the log of a worker says.
    "A receiver has an outcome for each parcel.",
    "Destination %s was changed or taken over; this drain ends.",
    "x is an address inside.",
)
"""Faults that no form lets through, and what people read elsewhere than on a page."""


def sentences_of(path: str) -> set[str]:
    """Every text that ends as a sentence does, or with what another said, and is no docstring.

    With "x" for what is filled in.
    """
    tree = ast.parse((ROOT / path).read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = {_text(node) for node in ast.walk(tree) if id(node) not in docs and id(node) not in parts}
    # What stands before it is a sentence of its own.
    found = {re.sub(r"^x (?=[A-Z])", "", text) for text in texts}
    return {text for text in found if re.search(r"[a-z] [a-z].*\.$|[a-z] [a-z].*: x$|[a-z]+ says: x$", text)}


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def in_german(text: str) -> str:
    with translation.override("de"):
        return told(text)


@pytest.mark.parametrize("path", WHOLE)
def test_every_sentence_of_a_room_is_told_in_german(path):
    left = {text for text in sentences_of(path) - set(NOT_SHOWN) if in_german(text) == text}
    assert left == set(), "Add it to web/sentences.py, and run `make messages`."


def test_what_the_triggers_of_the_outbox_note_is_told_in_german():
    migrations = sorted((ROOT / "destinations" / "migrations").glob("*.py"))
    noted = {said for path in migrations for said in re.findall(r"said = '([^']+)'", path.read_text())}
    assert len(noted) > 1
    assert {said for said in noted if in_german(said) == said} == set()


@pytest.mark.parametrize(
    ("said", "german"),
    [
        ("LeadSquared says: Invalid Email. Try again.", "LeadSquared sagt: Invalid Email. Try again."),
        ("LeadSquared says: no reason given", "LeadSquared nennt keinen Grund."),
        ("LeadSquared broke off: no answer", "LeadSquared brach ab, ohne zu antworten."),
        (
            "The endpoint answered 500 Internal Server Error: Boom. Sorry.",
            "Der Endpunkt antwortete mit 500 Internal Server Error: Boom. Sorry.",
        ),
        (
            "LeadSquared made the lead without its fields: LeadSquared says: Phone is not unique.",
            "LeadSquared hat den Lead ohne seine Felder angelegt: LeadSquared sagt: Phone is not unique.",
        ),
        (
            "LeadSquared has no activity type with code 7; choose another. LeadSquared says: Gone.",
            "LeadSquared hat keinen Aktivitätstyp mit dem Code 7; wählen Sie einen anderen."
            " LeadSquared sagt: Gone.",
        ),
    ],
)
def test_words_of_the_other_side_stay_as_they_are(said, german):
    assert in_german(said) == german


def test_what_stood_in_a_sentence_stands_in_its_translation():
    sample = "Two columns are set to Email. Choose it for one of them."
    assert in_german(sample) == "Zwei Spalten sind auf Email gestellt. Wählen Sie es nur für eine."
    with translation.override("en"):
        assert told(sample) == sample
    several = "Gmail is overloaded. “foo@”: Enter a domain, not an address."
    assert in_german("“foo@”: Enter a domain, not an address.").startswith("“foo@”: Geben Sie")
    assert in_german(several).startswith("Gmail ist überlastet.")
    assert in_german("Something that nobody translated.") == "Something that nobody translated."
    assert in_german("An address in From is on the exclusion list.").startswith("Eine Adresse in „Von“")
    assert in_german("") == ""


def test_words_without_end_are_given_up_before_anybody_waits_for_them():
    with translation.override("de"):
        for words in ("A. " * 3000, "Choose yes or no. " * 39, "Choose yes or no. " * 3000):
            assert told(f"Something else: {words}zz").startswith("Something else: ")
        assert told("Choose yes or no. Choose yes or no.") == " ".join([told("Choose yes or no.")] * 2)


def test_every_sentence_can_be_found_again():
    for template in SENTENCES:
        sample = re.sub(r"%\(\w+\)s", "x", template)
        assert in_german(sample) != sample, template


def test_the_journal_tells_its_reasons_in_german(as_, rita, google, mailbox, account, carol, sync):
    change_policy(account, "inbound", excluded=frozenset({"rival.example"}))
    google.deliver(mailbox.address, mail(from_="spy@rival.example"))
    google.deliver(mailbox.address, mail(from_="nobody@stranger.example"))
    google.deliver(mailbox.address, mail(from_="carol@customer.example"))
    sync(mailbox)
    page = as_(rita).get("/journal/", **GERMAN).content.decode()
    assert "Eine Adresse in „Von“ steht auf der Ausschlussliste." in page
    assert "Synchronisiert: empfangene Mail." in page
    for english in ("exclusion list", "Nobody on this mail", "Synced:"):
        assert english not in page


def test_settings_my_inbox_and_imports_say_in_german_what_is_wrong(as_, ada, rita, mailbox, account):
    save_settings(account, Settings(), ada)
    form = {"enabled": "on", "behaviour": "keywords", "excluded": "foo@", "seen": "999999999"}
    page = as_(ada).post("/settings/inbound/", form, **GERMAN).content.decode()
    assert "“foo@”: Das ist keine Adresse" in page
    del form["excluded"]
    page = as_(ada).post("/settings/inbound/", form, **GERMAN).content.decode()
    assert "Fügen Sie mindestens ein Schlüsselwort hinzu" in page
    Mailbox.objects.update(last_error="Gmail is overloaded.")
    assert "Gmail ist überlastet." in as_(rita).get("/my-inbox/", **GERMAN).content.decode()
    assert "Gmail ist überlastet." in as_(ada).get("/mailboxes/", **GERMAN).content.decode()


def test_the_log_of_a_destination_tells_in_german_what_was_said(as_, ada, carol, account):
    place = create_destination(account, "webhook", "Lager", {}, {}, None)
    answer = "The endpoint answered 500 Internal Server Error: Out of paper."
    delivery = Delivery.objects.create(
        account=account,
        destination=place,
        event="lead.updated",
        lead_id=carol.pk,
        subject_id=carol.pk,
        due_at=datetime.now(UTC),
        said="The worker ended before an answer came.",
    )
    DeliveryAttempt.objects.create(
        account=account, delivery=delivery, at=datetime.now(UTC), outcome="later", said=answer
    )
    Destination.objects.update(
        state=DestinationState.STOPPED,
        last_error="The webhook has no secret to sign with. Make one.",
        settings={"mirror": True},
        mirror={"said": "LeadSquared cannot be reached: Name or service not known"},
    )
    page = as_(ada).get(f"/settings/destinations/{place.pk}/", **GERMAN).content.decode()
    for german in (
        "Der Worker endete, bevor eine Antwort kam.",
        "Der Endpunkt antwortete mit 500 Internal Server Error: Out of paper.",
        "Der Webhook hat kein Geheimnis zum Signieren. Erzeugen Sie eines.",
        "LeadSquared ist nicht erreichbar: Name or service not known",
    ):
        assert german in page
    assert (
        "Der Webhook hat kein Geheimnis" in as_(ada).get("/settings/destinations/", **GERMAN).content.decode()
    )


def test_the_journal_is_downloaded_in_the_language_of_whoever_reads_it(
    as_, rita, google, mailbox, carol, sync
):
    google.deliver(mailbox.address, mail(from_="nobody@stranger.example"))
    sync(mailbox)
    response = as_(rita).get("/journal/csv/", **GERMAN)
    text = b"".join(response.streaming_content).decode().removeprefix("\ufeff")
    [row] = csv.DictReader(StringIO(text))
    assert (row["Richtung"], row["Ergebnis"]) == ("empfangen", "Ausgelassen")
    assert row["Grund"] == ("Niemand an dieser Mail ist ein Lead, und neue Leads werden nicht erfasst.")


@pytest.mark.parametrize("name", ["destination", "reconnect", "access_lost"])
def test_notices_by_mail_say_the_reason_in_the_language_of_their_reader(name, rita, mailbox, account):
    place = create_destination(account, "webhook", "Lager", {}, {}, None)
    place.last_error = mailbox.state_reason = "The webhook has no secret to sign with. Make one."
    shown = {"destination": place, "mailbox": mailbox, "user": rita, "is_stopped": True, "is_own": True}
    with translation.override("de"):
        letter = render_to_string(f"notices/{name}.txt", {**shown, "number": 1, "url": "http://x.example"})
    assert "Der Webhook hat kein Geheimnis zum Signieren." in letter
    assert "no secret" not in letter

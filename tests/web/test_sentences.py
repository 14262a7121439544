"""What rooms that know no Django say, on German pages (reasons, refusals, errors)."""

import ast
import re
from pathlib import Path

import pytest
from django.utils import translation

from postroom.connector.models import Mailbox
from postroom.connector.policies import save_settings
from postroom.policy.settings import Settings
from postroom.web.sentences import SENTENCES, told
from tests.mails import mail
from tests.sync.conftest import change_policy

ROOT = Path(__file__).parent.parent.parent / "postroom"
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de"}
WHOLE = (
    *("policy/problems.py", "policy/entries.py", "policy/keywords.py", "connector/tags.py"),
    *("crm/csv_file.py", "crm/importing.py", "providers/gmail/refusals.py", "providers/outlook/refusals.py"),
)
"""Every sentence of these rooms is one that people read on a page."""
NOT_SHOWN = (
    "“x” is not a kind of automatic mail.",
    "x does not apply in this direction.",
    "“x”: Write it as x.",
)
"""Faults that no form lets through."""


def sentences_of(path: str) -> set[str]:
    """Every text that ends as a sentence does, and is no docstring; "x" for what is filled in."""
    tree = ast.parse((ROOT / path).read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found = {_text(node) for node in ast.walk(tree) if id(node) not in docs and id(node) not in parts}
    return {text for text in found if re.search(r"[a-z] [a-z].*\.$", text)}


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

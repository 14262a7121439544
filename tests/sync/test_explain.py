"""Why a mail is synced or not, asked of a file."""

from dataclasses import replace
from io import StringIO

import orjson
import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from postroom.cli import app
from postroom.connector import mailboxes
from postroom.connector.models import JournalEntry
from postroom.connector.policies import current_settings, save_rep_settings, save_settings
from postroom.crm.models import StoredMessage
from postroom.organisations.models import Account, User
from postroom.policy.settings import RepDirection, RepSettings
from postroom.sync.explain import (
    NoSuchRep,
    UnreadableFile,
    explain_file,
    explain_mail,
    find_rep,
    shown,
    to_data,
)
from tests.connector.conftest import account, mailbox, make_person, rita
from tests.mails import mail
from tests.sync.conftest import change_policy, make_lead

__all__ = ["account", "mailbox", "rita"]

RITA = "rita@northwind.example"


def told(raw: bytes, user: User) -> str:
    console = Console(width=200, record=True, file=StringIO())
    console.print(shown(explain_mail(raw, user)))
    return console.export_text()


def test_it_names_outcome_rule_setting_and_version_and_what_was_tested(account, mailbox, rita):
    change_policy(account, "inbound", excluded=frozenset({"customer.example"}))
    text = told(mail(subject="Offer [bold]"), rita)
    assert "Not synced" in text
    assert "Excluded (excluded)" in text
    assert "inbound.excluded" in text
    assert "Version" in text
    assert "carol@customer.example is covered by the entry “customer.example”." in text
    assert "Sync of received mail is on." in text
    assert "Offer [bold]" in text


def test_it_names_the_version_of_the_reps_own_settings_where_they_took_part(account, mailbox, rita):
    assert "Rep's version" not in told(mail(), rita)
    change_policy(account, "inbound", user_exclusions=True)
    own = RepDirection(excluded=frozenset({"customer.example"}))
    save_rep_settings(rita, RepSettings(inbound=own), rita)
    text = told(mail(), rita)
    assert "Excluded (excluded)" in text
    assert "1, of the rep's own keywords and exclusions" in text
    assert to_data(explain_mail(mail(), rita))["decision"]["rep_settings_version"] == 1


def test_a_mail_that_syncs_shows_its_leads_and_attachments(account, mailbox, rita):
    lead = make_lead(account, "carol@customer.example")
    plan, song = ("plan.pdf", "application/pdf", b"%PDF-1.7"), ("x.exe", "application/x-dosexec", b"MZ")
    text = told(mail(attachments=(plan, song)), rita)
    assert f"carol@customer.example: lead {lead.pk}, by email" in text
    assert "plan.pdf: captured" in text
    assert "x.exe: Attachments of this kind are not captured." in text


def test_what_the_rep_wrote_counts_as_sent(mailbox, rita):
    assert explain_mail(mail(from_=RITA, to="carol@customer.example"), rita).direction == "sent"
    assert explain_mail(mail(), rita).direction == "received"


def test_what_stands_in_the_way_beside_the_policy_is_noted(account, mailbox, rita):
    assert explain_mail(mail(), rita).notes == ()
    mailboxes.pause(mailbox)
    save_settings(account, replace(current_settings(account.pk), sync_disabled=True), None)
    found = explain_mail(mail(), rita)
    assert found.decision.rule == "sync_disabled"
    assert found.notes == (
        "The mailbox rita@northwind.example does not sync at the moment: Paused.",
        "Sync is switched off for all users at the moment.",
    )


def test_a_user_without_a_mailbox_can_be_asked_for(account):
    sam = make_person(account, "Sam")
    found = explain_mail(mail(from_="sam@northwind.example", to="sam@northwind.example"), sam)
    assert found.decision.rule == "no_counterpart"
    assert found.notes == ("Sam has connected no mailbox, so nothing syncs yet.",)


def test_a_rep_is_found_by_any_own_address(account, mailbox, rita):
    mailbox.aliases = ["sales@northwind.example"]
    mailbox.save()
    for address in (RITA, "Rita@Northwind.Example", "sales@northwind.example"):
        assert find_rep(address) == rita
    with pytest.raises(NoSuchRep, match=r"Nobody here has the address x@y\.example"):
        find_rep("x@y.example")


def test_leads_of_another_account_are_not_told_of(account, mailbox, rita):
    make_lead(Account.objects.create(name="Other"), "carol@customer.example")
    assert explain_mail(mail(), rita).decision.rule == "no_lead"


def test_nothing_is_written(account, mailbox, rita, tmp_path):
    file = tmp_path / "mail.eml"
    file.write_bytes(mail())
    make_lead(account, "carol@customer.example")
    assert explain_file(file, RITA).decision.syncs
    assert not StoredMessage.objects.exists()
    assert not JournalEntry.objects.exists()


def test_it_is_data_for_the_api(account, mailbox, rita):
    data = orjson.loads(orjson.dumps(to_data(explain_mail(mail(), rita))))
    assert data["decision"]["rule"] == "no_lead"
    assert data["decision"]["tested"][-1]["stops"] is True
    assert (data["rep"], data["direction"], data["attachments"]) == (RITA, "received", [])


def test_a_file_that_is_missing_a_folder_or_empty_is_told_in_a_sentence(mailbox, tmp_path):
    (tmp_path / "empty.eml").touch()
    for name, said in (("none.eml", "cannot be read"), (".", "cannot be read"), ("empty.eml", "is empty")):
        with pytest.raises(UnreadableFile, match=said):
            explain_file(tmp_path / name, RITA)


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments])


def test_the_command_line_tells_and_exits_with_0(mailbox, tmp_path):
    file = tmp_path / "mail.eml"
    file.write_bytes(mail(subject="Offer"))
    result = explain(str(file), "--as", RITA)
    assert (result.exit_code, "No lead (no_lead)" in result.output) == (0, True)
    data = orjson.loads(explain(str(file), "--as", RITA, "--json").output)
    assert data["decision"]["rule"] == "no_lead"


def test_the_command_line_says_what_is_wrong_and_exits_with_2(mailbox, tmp_path):
    missing = explain(str(tmp_path / "[none].eml"), "--as", RITA)
    assert (missing.exit_code, "[none].eml cannot be read" in missing.output.replace("\n", "")) == (2, True)
    file = tmp_path / "mail.eml"
    file.write_bytes(mail())
    unknown = explain(str(file), "--as", "x@y.example")
    assert (unknown.exit_code, unknown.output.strip()) == (2, "Nobody here has the address x@y.example.")

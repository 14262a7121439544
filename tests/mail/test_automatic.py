"""The kinds of mail that an administrator can leave out, and what must not be taken for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.automatic import AutomaticKind, automatic_kinds

AUTO_REPLY, BOUNCE = AutomaticKind.AUTO_REPLY, AutomaticKind.BOUNCE
LIST, CALENDAR = AutomaticKind.LIST, AutomaticKind.CALENDAR

REPORT = """From: Mail Delivery Subsystem <mailer-daemon@mx.example>
Content-Type: multipart/report; report-type={}; boundary=b

--b

It failed.
--b
Content-Type: message/{}

Action: failed
--b--
"""
INVITATION = """From: carol@x.example
Content-Type: multipart/alternative; boundary=b

--b

Let us meet.
--b
Content-Type: text/calendar; method=REQUEST

BEGIN:VCALENDAR
METHOD:REQUEST
END:VCALENDAR
--b--
"""
CALENDAR_FILE = """From: carol@x.example
Content-Type: multipart/mixed; boundary=b

--b

My week.
--b
Content-Type: text/calendar; name={name}
Content-Disposition: attachment; filename={name}

BEGIN:VCALENDAR
{method}
END:VCALENDAR
--b--
"""


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("From: a@x.example\n\nHi", set()),
        ("Auto-Submitted: auto-replied\n\n", {AUTO_REPLY}),
        ("Auto-Submitted: Auto-Replied (vacation); owner=x\n\n", {AUTO_REPLY}),
        ("Auto-Submitted: auto-generated\nIn-Reply-To: <m@x.example>\n\n", {AUTO_REPLY}),
        ("Auto-Submitted: auto-generated\n\n", set()),
        ("Auto-Submitted: no\nIn-Reply-To: <m@x.example>\n\n", set()),
        ("X-Autoreply: yes\n\n", {AUTO_REPLY}),
        ("X-Autoreply: no\n\n", set()),
        ("X-Autorespond: Away\n\n", {AUTO_REPLY}),
        ("Precedence: auto_reply\n\n", {AUTO_REPLY}),
        ("Precedence: bulk\n\n", set()),
        ("X-Auto-Response-Suppress: All\n\n", set()),
        ("List-Id: Sales <sales.x.example>\n\n", {LIST}),
        ("List-Unsubscribe: <https://x.example/u>\n\n", {LIST}),
        ("Precedence: list\n\n", {LIST}),
        ("List-Id:\n\n", set()),
        ("List-Id: a <b.c>\nAuto-Submitted: auto-replied\n\n", {LIST, AUTO_REPLY}),
        (REPORT.format("delivery-status", "delivery-status"), {BOUNCE}),
        (REPORT.format('"Delivery-Status"', "delivery-status"), {BOUNCE}),
        (REPORT.format("global-delivery-status", "global-delivery-status"), {BOUNCE}),
        (REPORT.format("disposition-notification", "disposition-notification"), set()),
        (REPORT.format("feedback-report", "feedback-report"), set()),
        ("Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\n\nfailed", {BOUNCE}),
        ("Return-Path: < >\nFrom: Postmaster <postmaster@mx.example>\n\nfailed", {BOUNCE}),
        ("X-Failed-Recipients: a@x.example\n\n", {BOUNCE}),
        ("Return-Path: <>\nFrom: carol@x.example\nAuto-Submitted: auto-replied\n\n", {AUTO_REPLY}),
        ("Return-Path: <>\nFrom: carol@x.example\n\n", set()),
        ("Return-Path: <p@x.example>\nFrom: postmaster@x.example\n\nLet us talk.", set()),
        ("Return-Path: <>\nFrom: MAILER-DAEMON@x\nAuto-Submitted: auto-replied\n\n", {BOUNCE}),
        (INVITATION, {CALENDAR}),
        ("Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nMETHOD:REPLY", {CALENDAR}),
        ("Content-Class: urn:content-classes:calendarmessage\n\n", {CALENDAR}),
        (CALENDAR_FILE.format(name="invite.ics", method=""), {CALENDAR}),
        (CALENDAR_FILE.format(name="week.ics", method="METHOD:CANCEL"), {CALENDAR}),
        (CALENDAR_FILE.format(name="week.ics", method="METHOD:PUBLISH"), set()),
        (CALENDAR_FILE.format(name="week.ics", method="X-METHOD:REQUEST"), set()),
        ("\nMETHOD:REQUEST", set()),
    ],
)
def test_a_mail_is_of_the_kinds_its_fields_and_parts_name(read, source, kinds):
    assert automatic_kinds(read(source)) == kinds


def test_kinds_are_words_that_settings_can_keep():
    assert {str(kind) for kind in AutomaticKind} == {"auto_reply", "bounce", "list", "calendar"}


FIELDS = st.sampled_from(["Auto-Submitted", "Precedence", "Return-Path", "From", "Content-Type", "List-Id"])


@given(st.lists(st.tuples(FIELDS, st.text())))
def test_any_fields_give_some_kinds(read, fields):
    source = "".join(f"{name}: {value}\n" for name, value in fields) + "\n"
    assert automatic_kinds(read(source.encode("utf-8", "replace"))) <= set(AutomaticKind)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("flanker/bounce/delayed.eml", {BOUNCE}),
        ("flanker/bounce/delayed-broken.eml", {BOUNCE}),
        ("flanker/bounce/mailbox-full.eml", {BOUNCE}),
        ("flanker/bounce/office365.eml", {BOUNCE}),
        ("mikel-mail/multipart_report_emails/report_530.eml", {BOUNCE}),
        ("flanker/complaints/yahoo.eml", set()),
        ("flanker/disposition-notification.eml", set()),
        ("flanker/iphone.eml", set()),
    ],
)
def test_real_mail_is_told_apart(read, corpus, name, kinds):
    assert automatic_kinds(read((corpus / "mail" / name).read_bytes())) == kinds

"""Quoted history is told from a writer's own text, and nothing of a text is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.quotes import split_quotes

HEADER = "From: Carol <c@x.example>\nSent: Monday\nTo: Rita\nSubject: Offer\n\nHi\n"


@pytest.mark.parametrize(
    "history",
    [
        "On Mon, 4 May 2026 at 10:00, Carol <c@x.example> wrote:\n> Hi\n",
        "On Mon, 4 May 2026 at 10:00, Carol Jones of Customer\n<c@x.example> wrote:\n\n> Hi\n",
        "On 4 May 2026, Carol wrote:\n\nHi\n",
        "Am 04.05.2026 um 10:00 schrieb Carol:\n> Hi\n",
        "Am Mo., 4. Mai 2026 um 10:00 Uhr schrieb Carol <c@x.example>:\n> Hi\n",
        "Le 4 mai 2026 à 10:00, Carol <c@x.example> a écrit :\n> Hi\n",
        "El lun, 4 may 2026 a las 10:00, Carol (<c@x.example>) escribió:\n> Hi\n",
        "Il giorno lun 4 mag 2026 Carol ha scritto:\n> Hi\n",
        "Em seg., 4 de mai. de 2026, Carol escreveu:\n> Hi\n",
        "Op ma 4 mei 2026 schreef Carol <c@x.example>:\n> Hi\n",
        "Den mån 4 maj 2026 skrev Carol <c@x.example>:\n> Hi\n",
        "-----Original Message-----\n" + HEADER,
        "-----Ursprüngliche Nachricht-----\n" + HEADER,
        "---------- Forwarded message ---------\n" + HEADER,
        "Begin forwarded message:\n\n> Hi\n",
        HEADER,
        "________________________________\n" + HEADER,
        "________________________________\n\n*From:* Carol\n*Sent:* Monday\n*To:* Rita\n",
        "Von: Carol\nGesendet: Montag\nAn: Rita\nBetreff: Angebot\n\nHi\n",
        "De : Carol\nEnvoyé : lundi\nÀ : Rita\nObjet : Offre\n",
        "> Hi\n> there\n",
        "> Hi\n\n>> older\n\n",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_history_is_what_a_mail_program_puts_below(history, newline):
    own, quoted = "Thanks, Carol!\n\n".replace("\n", newline), history.replace("\n", newline)
    assert split_quotes(own + quoted) == (own, quoted)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thanks!\n",
        "On this he wrote: a lot.\nMore.\n",
        "On Monday I wrote:\nnothing of a date here.\n",
        "On 4 May 2026 Carol wrote:\n",
        "From: the beginning\nit was clear.\n",
        "From: A\nTo: B\nthe road is long.\n",
        "> Hi\nMy answer\n> More\nAnother answer\n",
        "On 4 May 2026, Carol wrote:\n> Hi\nMy answer below\n",
        "> only\n> quotes\n",
        "a > b\n",
        "-- \nRita Rep\n",
        "__________\nfooter\n",
    ],
)
def test_what_may_be_the_writers_own_is_left_alone(text):
    assert split_quotes(text) == (text, "")


def test_a_mail_that_only_forwards_has_no_own_text():
    assert split_quotes("-----Original Message-----\n" + HEADER)[0] == ""


LINES = st.sampled_from(
    [
        "> a",
        "On 1 May, C wrote:",
        "From: a",
        "Sent: b",
        "To: c",
        "",
        "text",
        "_" * 32,
        "Le 1 a écrit :",
        "\r",
        "\v",
    ]
)


@given(st.one_of(st.text(), st.lists(LINES).map("\n".join)))
def test_no_character_is_ever_lost(text):
    own, quoted = split_quotes(text)
    assert own + quoted == text


@pytest.mark.parametrize(
    "line", ["On 1 wrote:\n> q\n", "On \n", "From: a\n", "-" * 50, "> \n", "\n", "On 1\n"]
)
def test_a_hundred_thousand_odd_lines_are_split_too(line):
    text = line * 100_000 + "end"
    own, quoted = split_quotes(text)
    assert own + quoted == text

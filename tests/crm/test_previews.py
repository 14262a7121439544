"""The line by which a mail is recognised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.crm import previews
from postroom.crm.previews import LENGTH, preview

HISTORY = (
    "\n\nOn Tue, 3 Mar 2026 at 10:00, Rita <rita@northwind.example> wrote:\n" + "> an older line\n" * 200
)
LINES = st.sampled_from(
    [
        "Thank you for the offer, which we take as it is.",
        "",
        "> an older line",
        "On Tue, 3 Mar 2026, Rita wrote:",
        "-----Original Message-----",
        "From: Rita <rita@northwind.example>",
        "Sent: Tuesday",
        "To: Carl",
        "word " * 60,
    ]
)


@pytest.mark.parametrize(
    ("text", "html", "line"),
    [
        ("", "", ""),
        ("Hello\r\n  there ", "", "Hello there"),
        ("Yes." + HISTORY, "", "Yes."),
        ("> only\n> history", "", "> only > history"),
        ("plain", "<p>Hello</p>", "Hello"),
        ("plain", "<style>p {}</style>", "plain"),
        ("", f"<p>Yes.</p><blockquote>{'older ' * 5000}</blockquote>", None),
    ],
)
def test_it_is_the_beginning_of_what_the_writer_wrote(text, html, line):
    found = preview(text, html)
    assert found == line if line is not None else found.startswith("Yes.")
    assert len(found) <= LENGTH


def test_a_long_line_ends_in_an_ellipsis():
    line = preview("word " * 1000, "")
    assert line.endswith("…")
    assert len(line) <= LENGTH


def test_words_behind_a_long_style_are_found():
    html = f"<style>{'p { color: red } ' * 4000}</style><p>Hello there</p>"
    assert preview("", html) == "Hello there"


@given(st.lists(LINES, max_size=60))
def test_looking_at_the_beginning_first_changes_nothing(lines):
    text = "\n".join(lines)
    assert preview(text, "") == _looking_at_all(text, "")


@given(st.lists(LINES, max_size=400))
def test_nor_does_it_in_html(lines):
    html = "".join(f"<p>{line}</p>" for line in lines)
    assert preview("", html) == _looking_at_all("", html)


def _looking_at_all(text: str, html: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(previews, "_FIRST_LOOK", len(text))
        patch.setattr(previews, "_HTML_LOOKS", (16_000,))
        return preview(text, html)

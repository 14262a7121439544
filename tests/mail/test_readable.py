"""R-035: the body is the text that a reader sees."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.markup import tokens
from postroom.mail.readable import html_to_text, plain_text, readable_text

MANY = 100_000


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("of<b>fer</b>", "offer"),
        ("<span>of</span><span>fer</span>", "offer"),
        ("of<!-- x -->fer", "offer"),
        ("special\r\n   offer", "special offer"),
        ("special&nbsp; &#160;offer", "special offer"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<div>one</div>two", "one\ntwo"),
        ("<div><div>one</div></div><div>two</div>", "one\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("one<br><br><br><br>two", "one\n\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1\t2\n3"),
        ("<table><tr><td></td><td>1</td><td> </td><td>2</td></table>", "1\t2"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("&lt;b&gt; &amp; &eacute; &#x1F600; &copy", "<b> & é 😀 ©"),
        ("1 < 2 and 3 > 2, I <3 you", "1 < 2 and 3 > 2, I <3 you"),
        ("C++ &amp; 50% off #42", "C++ & 50% off #42"),
        ("<pre>a\n  b\n\n\nc</pre>", "a\n  b\n\nc"),
        ("<pre>a\r\nb</pre>", "a\nb"),
        ("<P CLASS=x>UPPER</P>", "UPPER"),
        ('<a href="a>b">link</a>', "link"),
        ("<a title='>' b=c/>x</a>", "x"),
        ("<custom-tag>x</custom-tag>y", "xy"),
        ("", ""),
        ("plain text", "plain text"),
    ],
)
def test_r035_a_page_reads_as_its_text(html, text):
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "unseen",
    [
        "<script>seen</script>",
        "<SCRIPT>if (1<2) seen</SCRIPT >",
        "<style>.seen{color:red}</style>",
        "<head><title>seen</title></head>",
        "<!-- seen -->",
        "<!--[if mso]><p>seen</p><![endif]-->",
        "<?xml seen ?>",
        "<!DOCTYPE seen>",
        "<noscript>seen</noscript>",
        "<template><p>seen</p></template>",
        "<iframe>seen</iframe>",
        "<div hidden>seen</div>",
        "<div hidden=''><p>seen</p></div>",
        "<div style='display:none'>seen<div>seen</div>seen</div>",
        '<DIV STYLE="DISPLAY : NONE !important">seen</DIV>',
        "<span style='color:red;visibility:hidden'>seen</span>",
        "<span style='opacity:0'>seen</span>",
        "<div style='display/**/:none'>seen</div>",
        "<div style='max-height:0;overflow:hidden'>seen</div>",
        "<div style='font-size:0px'>seen</div>",
        "<div style='font-size:0'><b>seen</b></div>",
        "<div style='display:none'><p style='display:block'>seen</p></div>",
        "<p style='display:none'>seen<p>",
        "<table><tr><td style='display:none'>seen<td></td></tr></table>",
        "<div><p style='display:none'>seen</div>",
        "<img title='seen' src='seen.png'>",
        "<p data-x='seen'></p>",
        "<input value='seen'>",
    ],
)
def test_r035_what_a_reader_does_not_see_is_not_text(unseen):
    assert html_to_text(f"before {unseen} after").split() == ["before", "after"]


@pytest.mark.parametrize(
    "html",
    [
        "<td style='font-size:0px'><p style='font-size:13px'>seen</p></td>",
        "<div style='opacity:0.9'>seen</div>",
        "<div style='max-height:0'>seen</div>",
        "<div style='height:10px;overflow:hidden'>seen</div>",
        "<div style='font-size:0.9em'>seen</div>",
        "<div data-x='display:none'>seen</div>",
        "<!--[if !mso]><!-->seen<!--<![endif]-->",
        "<![if !mso]>seen<![endif]>",
        "<div style='display:none'>x</div></div></b>seen",
        "<b hidden>x</b>seen",
        "<img alt='seen' src='https://x.example/1.png'>",
        "<IMG ALT=seen>",
        "<textarea>seen</textarea>",
        "<button>seen</button>",
        "<details>seen</details>",
    ],
)
def test_r035_what_a_reader_sees_is_text(html):
    assert html_to_text(html) == "seen"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("of&shy;fer", "offer"),
        ("of\u200bfer of\ufefffer of\u2060fer", "offer offer offer"),
        ("of&zwnj;fer of&zwj;fer", "offer offer"),
        ("of\u202e\u202cfer", "offer"),
        ("Hi&nbsp;&zwnj;&nbsp;&zwnj;&nbsp;there", "Hi there"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
    ],
)
def test_invisible_characters_neither_split_nor_hide_a_word(html, text):
    assert html_to_text(html) == text
    assert html_to_text(f"<p>{html}</p>") == text


def test_a_tag_that_never_ends_hides_the_rest_as_in_a_browser():
    assert html_to_text("seen<a href='x") == "seen"
    assert html_to_text("seen<!-- never ended") == "seen"


@pytest.mark.parametrize(
    ("html", "text", "readable"),
    [
        ("<p>offer</p>", "nothing", "offer"),
        ("<p>nothing</p>", "offer", "nothing"),
        ("<p></p><img src=x>", "offer", "offer"),
        ("", "of\u00adfer\r\nnow", "offer\nnow"),
        ("", "", ""),
    ],
)
def test_r035_html_is_what_counts_unless_it_says_nothing(read, html, text, readable):
    message = replace(read("Subject: x\n\n"), html=html, text=text)
    assert readable_text(message) == readable


@given(st.text())
def test_any_text_gives_text_that_can_be_stored(html):
    for text in (html_to_text(html), plain_text(html)):
        assert "\0" not in text
        text.encode()


MARKUP = st.lists(
    st.sampled_from(
        (
            *("<", ">", "/", "=", '"', "'", "-", "!", "?", " ", "x", "\ud800", "<p>", "</p>", "<b hidden>"),
            *("<td style='font-size:0'>", "</td>", "<!--", "-->", "<style>", "</style>", "<script", "&#0;"),
            *("display:none", "&nbsp;", "&#xd800;", "<pre>\n"),
        )
    )
).map("".join)


@given(MARKUP)
def test_any_markup_gives_text_without_white_space_around_its_lines(html):
    text = html_to_text(html)
    text.encode()
    assert "\n\n\n" not in text
    assert text == text.strip("\n")


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "<div>",
            "<font a=1><p>",
            "<b>",
            "<table><td>",
            "<div style='font-size:0'>",
            "<p hidden>",
            "</div>",
        ),
        *("<!--", "<a ", "<a b='", "<", "&#", "<style>", "<pre>\n"),
    ],
)
def test_the_tokens_of_a_hostile_page_are_no_more_than_its_brackets(piece):
    html = piece * MANY
    assert sum(1 for _ in tokens(html)) <= html.count("<") + 1
    html_to_text(html)


def test_text_survives_a_thousand_levels():
    assert html_to_text("<div>" * 1000 + "seen" + "</div>" * 1000) == "seen"
    assert html_to_text("<blockquote>" * MANY + "seen") == "seen"

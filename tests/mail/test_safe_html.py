"""R-080: a mail's HTML is shown without script, without a load until asked, with quotes folded."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from postroom.mail.markup import names
from postroom.mail.safe_html import QUOTED, safe_html

REMOTE = "https://tracker.example/pixel.png"
FOLD = f"<details><summary>{QUOTED}</summary>"
OPEN_FOLD = f"<details open><summary>{QUOTED}</summary>"

CAPABLE = names(
    "script style link meta base iframe frame frameset object embed applet form input button select "
    "textarea svg math template noscript audio video source track portal title area map"
)
HARMLESS_DATA = re.compile(r"data:image/(png|jpeg|jpg|gif|webp|bmp|avif);base64,[\w+/=]*")
PROXY = "/part/"


def shown(html: str, *, remote_images: bool = False) -> str:
    return safe_html(html, remote_images=remote_images, cid=lambda content_id: f"{PROXY}{content_id}").html


def dangers(html: str) -> list[str]:
    """What in ``html``, as a browser parses it, could run, submit or load."""
    tree = LexborHTMLParser(f"<!DOCTYPE html><body>{html}")
    found: list[str] = []
    for node in tree.css("body *"):
        if node.tag in CAPABLE:
            found.append(f"<{node.tag}>")
        for name, value in node.attributes.items():
            found += [f"{node.tag} {name}={value}"] * is_dangerous(name, value or "")
    return found


def is_dangerous(name: str, value: str) -> bool:
    squeezed = re.sub(r"[\x00-\x20]", "", value).lower()
    if name.startswith("on") or name in {
        "srcdoc",
        "srcset",
        "action",
        "formaction",
        "ping",
        "poster",
        "xmlns",
    }:
        return True
    if name in {"src", "background"}:
        return not (squeezed.startswith(PROXY) or HARMLESS_DATA.fullmatch(squeezed))
    if name == "href":
        return not squeezed.startswith(("http:", "https:", "mailto:", "tel:"))
    if name == "style":
        return bool(re.search(r"url|expression|import|position|behavior|binding|\\|javascript", squeezed))
    shown_as_text = name in {"title", "alt", "abbr", "summary", "lang"}
    return not shown_as_text and squeezed.startswith(("javascript:", "vbscript:", "data:"))


def test_every_payload_of_the_corpus_comes_out_harmless(corpus):
    payloads = json.loads((corpus / "html" / "dompurify.json").read_text())
    assert len(payloads) > 100
    left = {each["payload"]: dangers(shown(each["payload"])) for each in payloads}
    assert {payload: found for payload, found in left.items() if found} == {}


def test_the_check_of_the_payloads_does_find_danger():
    live = (
        "<img src=x onerror=x><a href=' java\nscript:x'>x</a><svg><script>x</script></svg><p style=a:url()>"
    )
    assert len(dangers(live)) >= 5


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<p onclick=x>Hi</p>", "<p>Hi</p>"),
        ("<script>x</script>Hi", "Hi"),
        ("<style>p{}</style><title>x</title>Hi", "Hi"),
        ("<form action=/x><input name=a><button>Go</button></form>", "Go"),
        ("<noscript><p>x</p></noscript>Hi", "Hi"),
        ("<svg onload=x><text>x</text></svg>Hi", "Hi"),
        ("<meta http-equiv=refresh content='0;url=x'><base href=x>Hi", "Hi"),
        ("<body style='color:#fff;background-color:#000'>Hi</body>", None),
        ("<p id=x class='y z'>Hi</p>", "<p>Hi</p>"),
        ("<div hidden>x</div>", '<div hidden="">x</div>'),
        ("<font color=red size=2>x</font>", '<font color="red" size="2">x</font>'),
        ("1 < 2", "1 &lt; 2"),
        ("<<!-- -->script>x</script>", "&lt;script&gt;x"),
        ("", ""),
    ],
)
def test_what_lays_out_text_stays_and_what_acts_goes(html, safe):
    expected = '<div style="color:#fff;background-color:#000">Hi</div>' if safe is None else safe
    assert shown(html) == expected


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color:red", "color:red"),
        ("COLOR : Red ; Font-Size:12px", "color:Red;font-size:12px"),
        ("width:calc(100% - 2px);color:rgb(1, 2, 3)", "width:calc(100% - 2px);color:rgb(1, 2, 3)"),
        ("position:fixed;top:0;z-index:9;color:red", "color:red"),
        ("background:url(https://x.example/a.png);color:red", "color:red"),
        ("background:#fff URL('x');color:red", "color:red"),
        ("background:ur\\6c(x);color:red", "color:red"),
        ("background:u/**/rl(x);color:red", "color:red"),
        ("background-image:image-set('x' 1x);color:red", "color:red"),
        ("width:expression(alert(1));color:red", "color:red"),
        ("color:var(--x);--x:red;behavior:url(x)", ""),
        ("list-style-position:inside", "list-style-position:inside"),
        ("display:none", "display:none"),
    ],
)
def test_styles_keep_what_lays_out_text(style, kept):
    attribute = f' style="{kept}"' if kept else ""
    assert shown(f'<p style="{style}">x</p>') == f"<p{attribute}>x</p>"


@pytest.mark.parametrize(
    "url", ["https://x.example/?a=1", "http://x.example", "mailto:a@x.example", "tel:+49"]
)
def test_a_link_opens_apart_and_tells_nobody_where_from(url):
    link = LexborHTMLParser(shown(f'<a href="{url}" target=_top rel=opener>x</a>')).css_first("a")
    assert link is not None
    assert link.attributes["href"] == url
    assert link.attributes["target"] == "_blank"
    assert set((link.attributes["rel"] or "").split()) == {"noopener", "noreferrer", "nofollow"}


@pytest.mark.parametrize(
    "url",
    [
        "javascript:x",
        " JaVa&#9;Script:x",
        "vbscript:x",
        "data:text/html,x",
        "cid:x",
        "/admin",
        "#x",
        "file:///x",
        "",
    ],
)
def test_a_link_to_anything_else_leads_nowhere(url):
    assert "href" not in shown(f'<a href="{url}">x</a>')


@pytest.mark.parametrize(
    "html",
    [
        f"<img src={REMOTE} alt=logo>",
        f"<table background={REMOTE}><tr><td>x</table>",
        "<img src=//tracker.example/pixel.png>",
        f"<img src=' {REMOTE} '>",
    ],
)
def test_remote_images_are_held_back_and_counted_until_asked_for(html):
    held, asked = (safe_html(html, remote_images=asked, cid={}) for asked in (False, True))
    assert (held.blocked, "tracker" in held.html) == (1, False)
    assert (asked.blocked, REMOTE in asked.html) == (0, True)


def test_a_held_back_image_shows_its_alt():
    assert shown(f"<img src={REMOTE} alt=logo>") == '<img alt="logo">'


@pytest.mark.parametrize(
    "html",
    [
        f"<img srcset='{REMOTE} 2x'>",
        f"<picture><source srcset={REMOTE}></picture>",
        f"<p style='background:url({REMOTE})'>x</p>",
        f"<video poster={REMOTE} src={REMOTE}></video>",
        f"<link rel=stylesheet href={REMOTE}>",
        f"<style>@import '{REMOTE}'</style>",
        f"<svg><image href={REMOTE} /></svg>",
        f"<input type=image src={REMOTE}>",
        f"<bgsound src={REMOTE}>",
        f"<body background={REMOTE}>x",
    ],
)
def test_no_other_way_of_loading_is_kept(html):
    for remote_images in (False, True):
        result = safe_html(html, remote_images=remote_images, cid={})
        assert "tracker" not in result.html
        assert result.blocked == 0


@pytest.mark.parametrize(
    ("src", "shown_as"),
    [
        ("cid:logo@x", "/part/1.2"),
        ("CID:logo%40x", "/part/1.2"),
        ("cid:&lt;logo@x&gt;", "/part/1.2"),
        ("cid:unknown", None),
        ("data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw0KGgo="),
        ("data:image/svg+xml;base64,PHN2Zz4=", None),
        ("data:text/html,x", None),
        ("logo.png", None),
    ],
)
def test_images_come_from_the_mail_itself(src, shown_as):
    for cid in ({"logo@x": "/part/1.2"}, {"logo@x": "/part/1.2"}.get):
        result = safe_html(f'<img src="{src}">', remote_images=False, cid=cid)
        assert result.html == ("<img>" if shown_as is None else f'<img src="{shown_as}">')


@pytest.mark.parametrize(
    ("html", "folded"),
    [
        (
            "Hi<blockquote>old<blockquote>older</blockquote></blockquote>",
            f"Hi{FOLD}<blockquote>old<blockquote>older</blockquote></blockquote></details>",
        ),
        (
            "Hi<blockquote>a</blockquote>answer<blockquote>b</blockquote>",
            f"Hi{FOLD}<blockquote>a</blockquote></details>answer{FOLD}<blockquote>b</blockquote></details>",
        ),
        (
            "Hi<div class='x gmail_quote'><div>On ... wrote:</div><br>old</div>end",
            f'Hi{FOLD}<div class="x gmail_quote"><div>On ... wrote:</div><br>old</div></details>end',
        ),
        (
            "<div>Hi<hr><div id=x_divRplyFwdMsg>From: C</div><p>old</p></div><p>end</p>",
            f'<div>Hi<hr>{FOLD}<div id="x_divRplyFwdMsg">From: C</div><p>old</p></details></div><p>end</p>',
        ),
        ("Hi<div id=divRplyFwdMsg>x</div>old", f'Hi{FOLD}<div id="divRplyFwdMsg">x</div>old</details>'),
        ("<blockquote>all of it</blockquote>", f"{OPEN_FOLD}<blockquote>all of it</blockquote></details>"),
        ("no quotes", "no quotes"),
    ],
)
def test_r080_quoted_history_is_folded(html, folded):
    assert shown(html) == folded


@pytest.mark.parametrize(
    "html",
    [
        "<font a=1><p>" * 600,
        "".join(f"<font a={n}><p>" for n in range(3000)),
        "<div>" * 10_000,
        "<b><p>" * 50_000,
    ],
)
def test_html_too_entangled_to_parse_is_shown_as_its_text(html):
    result = safe_html(f"{html}<script>x</script>1 < 2", remote_images=False, cid={})
    assert result.simplified
    assert result.html.startswith('<div style="white-space:pre-wrap">')
    assert "1 &lt; 2" in result.html


@pytest.mark.parametrize(
    "html",
    [
        "<table>" + "<tr><td><p><b>x</b><br></p></td></tr>" * 5000 + "</table>",
        "<ul>" + "<li>x" * 10_000 + "</ul>",
        "<p>x" * 10_000,
        "<table>" + "<tr><td>x<td><font color=red>y</font>" * 5000 + "</table>",
        "<div>" * 1000 + "x" + "</div>" * 1000,
        "<div>" * 400 + "<p>x</p>" * 5000 + "</div>" * 400,
    ],
)
def test_a_long_or_deep_page_is_not_too_entangled(html):
    assert not safe_html(html, remote_images=False, cid={}).simplified


@pytest.mark.parametrize(
    "html",
    [
        "<svg><style>" + "<font a=1><p>" * 2000,
        "<div><!-- </div> -->" * 9000,
        "<div><x a='</div>'>" * 9000,
        "<div><style></div></style>" * 9000,
        "<math><title>" + "<div>" * 9000,
    ],
)
def test_a_tag_hidden_from_one_reader_is_hidden_from_the_other(html):
    """What counts as open must be what the parser opens, or the guard could be passed."""
    result = safe_html(html, remote_images=False, cid={})
    assert result.simplified or result.html.count("<") < 1000


PIECES = st.sampled_from(
    (
        *("<", ">", "'", '"', "=", "/", "`", "x", "\0", "\ud800", "&lt;", "<!--", "-->", "<![CDATA[", "]]>"),
        *("<a href=", "<img src=x onerror=x>", "javascript:x", "<p title='", "</style>", "<svg>", "<math>"),
        *("<style>", "<mtext>", "<table>", "<noscript>", "<template>", "<textarea>", "<xmp>", "<form>"),
    )
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_markup_comes_out_harmless(html):
    assert dangers(shown(html)) == []


@given(st.text())
def test_any_text_can_be_shown(html):
    shown(html).encode()


@pytest.mark.parametrize("run", ["&", "\xa0", "&</x>", "&nbsp;"])
def test_a_body_of_nothing_but_what_is_escaped_is_shown_before_anybody_gives_up(run):
    """Escaped at one go it would keep a server busy for minutes, at each look at the mail."""
    count = 4_000_000 // len(run)
    text = shown(f"<p>{run * count}</p>").removeprefix("<p>").removesuffix("</p>")
    assert text == {"&": "&amp;", "&</x>": "&amp;"}.get(run, "&nbsp;") * count


@pytest.mark.parametrize("character", ["&", "\xa0"])
def test_an_attribute_of_nothing_but_what_is_escaped_goes(character):
    assert shown(f'<p title="{character * 4_000_000}">x</p>') == "<p>x</p>"
    assert "&amp;b=2" in shown('<a href="https://x.example/?a=1&b=2">x</a>')


def test_entities_stay_whole_in_a_long_text():
    assert shown("&lt;b&gt; &eacute; " * 3000) == "&lt;b&gt; é " * 3000
    assert shown("&lt;!----&gt;" * 3000) == "&lt;!----&gt;" * 3000

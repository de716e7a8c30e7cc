"""Links are rewritten in place, and nothing else changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_world import ACCOUNT, BASE, MESSAGE, PERSON
from selectolax.lexbor import LexborHTMLParser

from heliograph.events.engagement import TRAP
from heliograph.outbound.messages.mail.instrument import apply, changes, instrument
from heliograph.outbound.messages.templates.anchors import Anchor, scan
from heliograph.refs import ClickRef, MessageRef, Refs
from heliograph.signing import Keyring
from heliograph.url_parameters import parameters

REFS = Refs(Keyring({1: b"k" * 32}, 1))
REF = MessageRef(ACCOUNT, MESSAGE, PERSON)
CLICK = re.compile(re.escape(BASE) + r"/c/([A-Za-z0-9_-]+)")


def clicks(html: str) -> list[ClickRef]:
    return [REFS.read_click(token) for token in CLICK.findall(html)]


def where(html: str) -> list[str]:
    """Where the tracked links of the instrumented HTML lead."""
    return [click.url for change in changes(html, REF, REFS, BASE) for click in clicks(change.text)]


@pytest.mark.parametrize(
    ("html", "leads_to"),
    [
        ('<a href="https://x.example/">x</a>', ["https://x.example/"]),
        ("<a href='https://x.example/'>x</a>", ["https://x.example/"]),
        ("<a href=https://x.example/>x</a>", ["https://x.example/"]),
        ("<A CLASS=b HREF = \"HTTPS://X.example/A\" >x</A>", ["HTTPS://X.example/A"]),
        ('<a\nhref\n=\n"https://x.example/"\n>x</a>', ["https://x.example/"]),
        ('<a/href="https://x.example/">x</a>', ["https://x.example/"]),
        ('<a href=" https://x.example/\n">x</a>', ["https://x.example/"]),
        ('<area shape="rect" href="https://x.example/map">', ["https://x.example/map"]),
        ('<a href="https://x.example/?a=1&amp;b=2">x</a>', ["https://x.example/?a=1&b=2"]),
        ('<a href="https://x.example/?a=1&b=2">x</a>', ["https://x.example/?a=1&b=2"]),
        # HTML 13.2.5.73: in an attribute `&copy=` is no copyright sign, `&copy;` is
        ('<a href="https://x.example/?a=1&copy=2&reg=3">x</a>', ["https://x.example/?a=1&copy=2&reg=3"]),
        ('<a href="https://x.example/&copy;">x</a>', ["https://x.example/\N{COPYRIGHT SIGN}"]),
        ('<a href="https://x.example/&copy">x</a>', ["https://x.example/\N{COPYRIGHT SIGN}"]),
        ('<a href="https://x.example/?a&ampx=1&zzz;&#0;">x</a>', ["https://x.example/?a&ampx=1&zzz;\ufffd"]),
        ('<a href="https://x.example/&#x41;&#66;">x</a>', ["https://x.example/AB"]),
        ('<a href="https://x.example/first" href="https://x.example/second">x</a>', ["https://x.example/first"]),
        ('<a title="a > b" href="https://x.example/">x</a>', ["https://x.example/"]),
        ('<p title=it\'s><a href="https://x.example/">x</a>', ["https://x.example/"]),
        ('a < b <a href="https://x.example/">x</a>', ["https://x.example/"]),
        # left alone
        ('<a href="mailto:joe@x.example">x</a><a href="tel:+15551234567">y</a><a href="sms:1">z</a>', []),
        ('<a href="#top">x</a><a href="/relative">y</a><a href="//x.example/">z</a><a href="">w</a><a href>v</a>', []),
        ('<a href="javascript:alert(1)">x</a><a href="ftp://x.example/">y</a><a href="https://">z</a>', []),
        ('<a data-notrack href="https://x.example/">x</a>', []),
        (f'<a href="{BASE}/u/token">x</a><a href="{BASE}/c/token">y</a>', []),
        (f'<a href="{BASE}/shop">x</a>', [f"{BASE}/shop"]),
        ('<abbr href="https://x.example/">x</abbr><link href="https://x.example/a.css">', []),
        ('<img alt="<a href=\'https://x.example/\'>">', []),
        ("<style>a{content:'<a href=\"https://x.example/\">'}</style>", []),
        ('<textarea><a href="https://x.example/">x</a></textarea>', []),
        ('<!-- <a href="https://x.example/">x</a> -->', []),
        ('<!--><a href="https://x.example/">x</a>', ["https://x.example/"]),
        ('<!-- never ends <a href="https://x.example/">x</a>', []),
        # what only Word sees is a mail too
        ('<!--[if mso]><v:roundrect href="https://x.example/vml"></v:roundrect><![endif]-->', ["https://x.example/vml"]),
        ('<!--[if gte mso 9]><a\nhref=https://x.example/>x</a><![endif]-->', ["https://x.example/"]),
        ('<!--[IF mso]><v:rect HREF="https://x.example/"/><p title="--><a href="https://x.example/b">', ["https://x.example/", "https://x.example/b"]),
        ('<!--[if mso]><a href="https://x.example/ --><a href="https://x.example/b">x</a>', ["https://x.example/b"]),
        ('<!--[if mso]><a data-notrack href="https://x.example/">x</a><![endif]-->', []),
        ('<!-- [if mso]><a href="https://x.example/">x</a> -->', []),
        ('<!--[if mso]>never ends <a href="https://x.example/">x</a>', []),
        ('<!--[if !mso]><!--><a href="https://x.example/">x</a><!--<![endif]-->', ["https://x.example/"]),
        ('<![if !mso]><a href="https://x.example/">x</a><![endif]>', ["https://x.example/"]),
    ],
)  # fmt: skip
def test_a_link_leads_where_it_led(html: str, leads_to: list[str]) -> None:
    assert where(html) == leads_to


def test_a_link_keeps_its_place_and_its_name() -> None:
    html = (
        '<a href="https://x.example/1">1</a><a href="mailto:a@b">-</a>'
        '<a href="https://x.example/2" name="Home &amp; Page">2</a>'
        '<a href="https://x.example/3" name="a" data-name="Hero">3</a>'
    )
    found = clicks(instrument(html, REF, REFS, BASE))
    assert [(click.link, click.name) for click in found] == [(0, ""), (1, "Home & Page"), (2, "Hero")]
    assert {click.message for click in found} == {REF}


def test_the_pixel_stands_before_the_last_end_of_the_body() -> None:
    html = "<html><body><p>Hi</p><!-- </body> --></body></html>"
    made = instrument(html, REF, REFS, BASE, hooks=False)
    assert re.fullmatch(
        re.escape("<html><body><p>Hi</p><!-- </body> -->")
        + rf'<img src="{re.escape(BASE)}/o/([A-Za-z0-9_-]+)\.gif" width="1" height="1" alt="" [^>]*>'
        + re.escape("</body></html>"),
        made,
    )
    assert REFS.read_open(made.split("/o/")[1].split(".gif")[0]) == REF


def test_the_pixel_stands_at_the_end_where_there_is_no_body() -> None:
    assert instrument("<p>Hi", REF, REFS, BASE, hooks=False).startswith("<p>Hi<img ")
    assert instrument("<p>Hi", REF, REFS, BASE).startswith("<p>Hi<style data-ignore-inlining>")


def test_our_own_mails_have_all_hooks_for_little_more_than_a_kilobyte() -> None:
    """LIT-1, LIT-4: the same reference in every hook, as bare first keys."""
    plain = instrument("<p>Hi</body>", REF, REFS, BASE, hooks=False)
    made = instrument("<p>Hi</body>", REF, REFS, BASE)
    found = re.findall(re.escape(BASE) + r"/o/([\w-]+)\.gif(\?\w+)?", made)
    assert [key for _, key in found] == ["?rd", "?rl", "?p", "?f", "?f", "?f", "?f", ""]
    assert {REFS.read_open(token) for token, _ in found} == {REF}
    assert len(made) - len(plain) < 1_500


def test_a_message_without_a_person_ties_nobody() -> None:
    """STD-7"""
    nobody = REF._replace(person=None)
    made = instrument('<a href="https://x.example/">x</a>', nobody, REFS, BASE)
    assert [click.message.person for click in clicks(made)] == [None]


def test_a_destination_that_clients_would_cut_is_left_alone() -> None:
    long = "https://x.example/?" + "a" * 2048
    assert where(f'<a href="{long}">x</a>') == []
    assert where(f'<a href="{long[:2048]}">x</a>') == [long[:2048]]


def test_a_real_button_keeps_every_byte_but_the_one_value() -> None:
    html = """\
<table role=presentation border=0 cellpadding=0><tr><td>
<!--[if mso]><v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="https://x.example/buy?a=1&amp;b=2"
 style="height:40px;v-text-anchor:middle;width:200px;" arcsize="10%" stroke="f" fillcolor="#d62828"><w:anchorlock/>
<center style="color:#ffffff;">Buy</center></v:roundrect><![endif]-->
<!--[if !mso]><!-- --><a href="https://x.example/buy?a=1&amp;b=2" style='background:url("a.png")'  target=_blank >Buy</a>\
<!--<![endif]-->
</TD></tr></table>
"""
    made = instrument(html, REF, REFS, BASE, hooks=False)
    assert [click.url for click in clicks(made)] == ["https://x.example/buy?a=1&b=2"] * 2
    without_pixel = re.sub(r'<img src="[^"]*" width="1"[^>]*>', "", made)
    assert CLICK.sub("https://x.example/buy?a=1&amp;b=2", without_pixel) == html


PIECES = st.sampled_from(
    [
        '<a href="https://x.example/a?b=1&amp;c=2">', "<a href=https://x.example>", "<a href='mailto:x@y'>", "</a>",
        "<!--", "-->", "--!>", "<!-->", "<![if x]>", "<", ">", '"', "'", "=", "/", " ", "\n", "<style>", "</style>",
        "<p title=\"", "</body>", "<BODY>", "<a", " href", "&#xD800;", "&#99999999999;", "\x00", "\ud800", "é", "<p>",
        "<script>", "</script>", "<textarea>", "text", "<a href=\"https://\ud800.example/\">", "<area href=http://a >",
        "<!--[if mso]>", "<![endif]-->", "<v:roundrect href='https://x.example/v'>", "<!--[if !mso]><!-->", "<v:rect",
    ]
)  # fmt: skip
HTML = st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=40).map("".join)


@given(HTML)
def test_only_the_links_change_whatever_the_html(html: str) -> None:
    made = changes(html, REF, REFS, BASE)
    assert instrument(html, REF, REFS, BASE) == apply(html, made)
    anchors = {(found.start, found.end) for found in scan(html) if isinstance(found, Anchor)}
    links = [change for change in made if change.start != change.end]
    assert {(change.start, change.end) for change in links} <= anchors
    # What is taken back is the text as it was: between the changes nothing moved.
    rest = "".join(
        html[a:b]
        for a, b in zip([0, *(c.end for c in made)], [*(c.start for c in made), len(html)], strict=True)
    )
    back = instrument(html, REF, REFS, BASE)
    for change in made:
        assert change.text in back
        back = back.replace(change.text, "", 1)
    assert back == rest


@given(HTML)
def test_a_second_pass_finds_nothing_more_to_track(html: str) -> None:
    once = instrument(html, REF, REFS, BASE)
    again = changes(once, REF, REFS, BASE)
    assert [change for change in again if change.start != change.end] == []


ATTRIBUTE = st.tuples(
    st.sampled_from(["href", "HREF", "class", "title", "data-x", "x:y"]),
    st.sampled_from(
        ["https://x.example/", "https://y.example/?a=1&amp;b=2&copy=3", "a > b", "it", "&lt;a&gt;", ""]
    ),
    st.sampled_from(['="%s"', "='%s'", ' = "%s"', "\n=\n'%s'"]),
)
TAG = st.tuples(st.sampled_from(["a", "area", "p", "b", "img", "span"]), st.lists(ATTRIBUTE, max_size=4))


@settings(max_examples=200)
@given(st.lists(TAG, max_size=8))
def test_the_scanner_sees_the_links_that_an_html_parser_sees(
    tags: list[tuple[str, list[tuple[str, str, str]]]],
) -> None:
    html = "<body>"
    for name, attributes in tags:
        html += f"<{name} " + " ".join(key + form % value for key, value, form in attributes) + f">x</{name}>"
    seen = [found.href for found in scan(html) if isinstance(found, Anchor)]
    parser = LexborHTMLParser(html)
    assert seen == [node.attributes["href"] or "" for node in parser.css("a[href], area[href]")]


@pytest.mark.parametrize(
    "piece", ['<a href="', "<a ", "<!--", "<style>", "<p title='", '<b a=">', "<![", "</body a='"]
)
def test_hostile_html_costs_linear_time(piece: str) -> None:
    """A quadratic scanner would need minutes for this."""
    hostile = piece * 100_000
    assert len(instrument(hostile, REF, REFS, BASE)) >= len(hostile)


def test_the_hidden_link_is_put_in_only_where_it_is_asked_for() -> None:
    """STD-6"""
    html = '<body><a href="https://x.example/a">a</a><a href="https://x.example/b">b</a></body>'
    assert [click.name for click in clicks(instrument(html, REF, REFS, BASE))] == ["", ""]
    trapped = instrument(html, REF, REFS, BASE, trap=True)
    assert [(click.link, click.name, click.url) for click in clicks(trapped)][2] == (
        2,
        TRAP,
        "https://x.example/a",
    )
    hidden = LexborHTMLParser(trapped).css("a")[2]
    assert hidden.text() == ""
    assert "display:none" in (hidden.attributes["style"] or "")
    assert hidden.attributes["aria-hidden"] == "true"


def test_a_mail_without_links_gets_no_hidden_one() -> None:
    assert clicks(instrument("<body><p>x</p></body>", REF, REFS, BASE, trap=True)) == []


def test_no_author_can_name_a_link_as_the_hidden_one() -> None:
    (click,) = clicks(instrument(f'<a data-name="{TRAP}" href="https://x.example/">x</a>', REF, REFS, BASE))
    assert click.name == ""


def test_links_lead_with_parameters_and_nothing_else_changes() -> None:
    html = '<a href="https://x.example/?a=1&amp;utm_source=own#top">x</a><a href="mailto:a@b">y</a>'
    append = parameters("utm_source=s&utm_campaign={template}", {"template": "c"})
    made = instrument(html, REF, REFS, BASE, hooks=False, append=append)
    (click,) = clicks(made)
    assert click.url == "https://x.example/?a=1&utm_source=own&utm_campaign=c#top"
    without_pixel = re.sub(r'<img src="[^"]*" width="1"[^>]*>', "", made)
    assert CLICK.sub("https://x.example/?a=1&amp;utm_source=own#top", without_pixel) == html
    full = "https://x.example/?" + "a" * 2020
    assert (
        clicks(
            instrument(f'<a href="{full}">x</a>', REF, REFS, BASE, append=parameters("b=" + "c" * 50, {}))
        )[0].url
        == full
    )

"""Rules of `style` elements go into tags, and nothing else changes; MJML becomes HTML; mistakes keep their place."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_world import ACCOUNT
from selectolax.lexbor import LexborHTMLParser

from heliograph.clock import ManualClock
from heliograph.outbound.messages.templates.compose import Composed, Composer
from heliograph.outbound.messages.templates.inlining import inline
from heliograph.outbound.messages.templates.mjml import Unreadable, convert
from heliograph.outbound.messages.templates.origin import Insertion, insert, line_and_column

STYLE = re.compile(r' style="[^"]*"')


def style_of(html: str, selector: str) -> str:
    node = LexborHTMLParser(inline(html)[0]).css_first(selector)
    assert node is not None
    return node.attributes.get("style") or ""


@pytest.mark.parametrize(
    ("html", "style"),
    [
        ("<style>p{color:red}</style><p>x", "color: red"),
        ("<style>p{color:red}</style><p style='color:blue'>x", "color:blue"),
        ("<style>p{color:red}</style><p style=margin:0>x", "color: red; margin:0"),
        ("<style>p{color:red}</style><p style>x", "color: red"),
        ("<style>p{color:red !important}</style><p style='color:blue'>x", "color: red !important; color:blue"),
        ("<style>p{font-family:\"A B\"}</style><p>x", "font-family: 'A B'"),
        ("<style>p{color:{{ account.name }}}</style><p>x", "color: {{ account.name }}"),
        ("<style>p{color:red}</style><p style='margin:{{ a }}'>x", "color: red; margin:{{ a }}"),
        ("<style>.a{color:red} p{margin:0}</style><p {% if x %}class=a{% endif %}>x", "margin: 0; color: red"),
        # left alone
        ("<style data-ignore-inlining>p{color:red}</style><p>x", ""),
        ('<style data-css-inline="ignore">p{color:red}</style><p>x', ""),
        ("<style media=print>p{color:red}</style><p>x", ""),
        ("<style>@media (max-width:600px){p{color:red}}</style><p>x", ""),
        ("<style>p:hover{color:red}</style><p>x", ""),
        ("<style>{% if x %}p{color:red}{% endif %}</style><p>x", ""),
    ],
)  # fmt: skip
def test_a_rule_goes_into_the_tags_that_it_matches(html: str, style: str) -> None:
    """LH-126: what is marked, as tracking codes are, is left alone."""
    assert style_of(html, "p") == style


def test_what_only_word_reads_and_what_only_newer_programs_know_is_untouched() -> None:
    html = """<html><head><style>td{color:red} @media (max-width:600px){td{color:blue !important}}</style></head>
<body><!--[if mso]><table><tr><td width=600><![endif]-->
<TABLE border=0><tr>{% for one in event.items %}<td  class='x'>{{ one }}</TD>{% endfor %}</tr></table>
<!--[if mso]></td></tr></table><![endif]--></body></html>"""
    made, _ = inline(html)
    assert STYLE.sub("", made) == html
    assert made.count("style=") == 1


PIECES = st.sampled_from(
    [
        "<style>p{color:red} .a, td{margin:0}</style>", "<p>", "<p class=a>", "<td style='a:b'>", "</p>", "<!--", "-->",
        "{{ a }}", "{% if a %}", "{% endif %}", "<table>", "<tr>", "<", ">", '"', "<p style=x>", "<p style", "\n", "é",
        "<!--[if mso]><p><![endif]-->", "<style data-ignore-inlining>p{top:0}</style>", "{{", "%}", "<style>", "qz000",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_nothing_but_styles_is_put_in_and_every_place_is_known(html: str) -> None:
    made, origin = inline(html)
    places = [origin.place(offset) for offset in range(len(made) + 1)]
    assert places[-1] == line_and_column(html, len(html))
    # Every character of the text is still there, in order, and what it comes from is its own place.
    position = 0
    for offset, character in enumerate(made):
        if (
            position < len(html)
            and character == html[position]
            and places[offset] == line_and_column(html, position)
        ):
            position += 1
    assert position == len(html)


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.text(max_size=5)), max_size=5),
    st.lists(st.tuples(st.integers(0, 30), st.text(max_size=5)), max_size=5),
)
def test_insertions_can_be_made_twice_and_places_still_lead_back(
    text: str, first: list[tuple[int, str]], second: list[tuple[int, str]]
) -> None:
    def sorted_into(size: int, some: list[tuple[int, str]]) -> list[Insertion]:
        return sorted(Insertion(min(at, size), new) for at, new in some)

    once, origin = insert(text, sorted_into(len(text), first))
    twice, origin = insert(once, sorted_into(len(once), second), origin)
    assert origin.place(len(twice)) == line_and_column(text, len(text))
    assert len(twice) == len(text) + sum(len(new) for _, new in (*first, *second))


@pytest.mark.parametrize(
    "html",
    [
        "<style>" + "div div p{color:red}" * 5000 + "</style>" + "<div>" * 3000 + "<p>" * 9000,
        "<style>" + "p{" * 50_000,
        "<p style='" * 20_000,
        "<style>p{top:0}</style>" + "{{ a" * 50_000,
        "<style>p{color:{{ a }}}</style>" + "<p>{{ a }}" * 5000,
    ],
)
def test_hostile_styles_cost_bounded_time(html: str) -> None:
    began = time.process_time()
    inline(html)
    assert time.process_time() - began < 5


MJML = """<mjml><mj-head><mj-style inline="inline">.big div { color: #d62828 !important }</mj-style></mj-head>
<mj-body><mj-section>
{% for item in event.items %}
<mj-column><mj-text css-class="big">{{ item.name }}</mj-text></mj-column>
{% endfor %}
</mj-section><mj-section><mj-column>
  <mj-button href="https://x.example/{{ event.id }}">Buy</mj-button><mj-text>{{ event.nothing.at_all }}</mj-text>
</mj-column></mj-section></mj-body></mjml>"""


def composed(mjml: str, **event: object) -> object:
    parts = {"subject": "x", "mjml": mjml}
    return Composer(ManualClock()).compose((ACCOUNT, "t", 1), parts, {"event": event})


def test_mjml_becomes_html_with_loops_over_components() -> None:
    made = composed(
        MJML.replace(".at_all", ""), items=[{"name": "Tea & co"}, {"name": "Milk"}], id="a&b", nothing=""
    )
    assert isinstance(made, Composed) and made.html is not None
    page = LexborHTMLParser(made.html)
    texts = [node.text(strip=True) for node in page.css(".big div")]
    assert texts == ["Tea & co", "Milk"]
    assert all("color: #d62828" in (node.attributes["style"] or "") for node in page.css(".big div"))
    link = page.css_first("a")
    assert link is not None and link.attributes["href"] == "https://x.example/a&b"
    assert "Tea & co" in made.text and "<!--[if mso | IE]>" in made.html
    assert made.html.count("<!--[if mso | IE]><td") == 3, "a cell of Word's table for each column"


def test_a_mistake_in_mjml_is_told_where_it_was_written() -> None:
    """S1:L268"""
    made = composed(MJML, items=[], id=1, nothing={})
    assert isinstance(made, tuple)
    (error,) = made
    line = MJML.splitlines()[6]
    assert (error.part, error.line, error.column) == ("BODY", 7, line.index("event.nothing") + 1)
    assert error.message == "event.nothing.at_all is undefined"


def test_a_mistake_in_html_keeps_its_place_when_styles_came_in_before_it() -> None:
    html = '<style>p{color:red;margin:0}</style>\n<p>a</p><p class="x">{{ event.nothing }}</p>'
    made = Composer(ManualClock()).compose((ACCOUNT, "t", 1), {"subject": "x", "html": html}, {"event": {}})
    assert isinstance(made, tuple)
    assert (made[0].line, made[0].column) == (2, 25)


@pytest.mark.parametrize(
    "mjml",
    [
        "", "no mjml", "<mjml>", "<mjml><mj-body>", "<mjml><mj-body><mj-section></mj-body></mjml>",
        "<![if " * 3,
        '<mjml><mj-head><mj-include path="/etc/passwd"/></mj-head><mj-body></mj-body></mjml>',
    ],
)  # fmt: skip
def test_what_is_no_mjml_is_an_error_and_no_file_is_read(mjml: str) -> None:
    made = composed(mjml)
    if mjml == "":  # nothing in, nothing out
        assert isinstance(made, (Composed, tuple))
        return
    assert isinstance(convert(mjml), Unreadable)
    assert isinstance(made, tuple)
    assert made[0].code == "Template syntax error" and made[0].message.startswith("MJML: ")


def test_styles_are_left_in_their_element_where_the_template_wants_it_so() -> None:
    html = "<style>p{color:red}</style><p>x</p>"
    made = Composer(ManualClock()).compose(
        (ACCOUNT, "t", 1), {"subject": "x", "html": html}, {}, inlined=False
    )
    assert isinstance(made, Composed) and made.html == html

"""Templates: what they see, what they cost, and what is said when they are wrong."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_world import ACCOUNT

from heliograph.accounts.model import Account, Policy
from heliograph.clock import SECOND, ManualClock, SystemClock
from heliograph.events.messages import MessageRequested, RenderError
from heliograph.outbound.messages.templates.compose import Composed, Composer, values
from heliograph.outbound.messages.templates.sandbox import HTML, TEXT, Source, parse
from heliograph.react.state.people import Person

NOW = 1_706_702_400_000_000  # 2024-01-31 12:00 UTC
SHOP = Account(number=ACCOUNT, store_id="7", name="The Shop", policy=Policy(time_zone="America/New_York"))
JOE = Person(
    id="018cc251-f400-7000-8000-00000000cafe",
    email="joe@x.example",
    customer_id="42",
    phone=None,
    first_name="Jo<b>e</b>",
    last_name=None,
    gender=None,
    accepts_marketing=True,
    tags=("vip",),
    document={"first_name": "old", "birthdate": "1980-01-01", "rewards": {"points": 7}},
    deleted=False,
)
CONTEXT = {"event": {"items": [{"name": "Tea & co"}], "total": 1999, "text": "a" * 300_000, "many": 10**12}}
REQUEST = MessageRequested(address="joe@x.example", template="welcome", context=CONTEXT)
URLS = {"unsubscribe_url": "https://m.example/u/x?a=1&b=2"}


def compose(person: Person | None = JOE, **parts: str) -> Composed | tuple[RenderError, ...]:
    parts.setdefault("subject", "Hi")
    if "text" not in parts:
        parts.setdefault("html", "<p>Hi</p>")
    filled = values(REQUEST, person, SHOP, NOW, URLS)
    return Composer(ManualClock()).compose((ACCOUNT, "welcome", 1), parts, filled)


def html(source: str, person: Person | None = JOE) -> str:
    composed = compose(person, html=source)
    assert isinstance(composed, Composed), composed
    assert composed.html is not None
    return composed.html


def error(**parts: str) -> RenderError:
    composed = compose(**parts)
    assert not isinstance(composed, Composed), composed
    (found,) = composed
    return found


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ person.first_name }}", "Jo&lt;b&gt;e&lt;/b&gt;"),
        ("{{ person.first_name | safe }}", "Jo<b>e</b>"),
        ("{{ person.first_name | raw }}", "Jo<b>e</b>"),
        ("{{ person.birthdate }} {{ person.rewards.points }} {{ person.tags | first }}", "1980-01-01 7 vip"),
        ("{{ person.last_name }}|{{ person.phone }}", "|"),
        ("{{ person.middle_name | default: 'there' }}", "there"),
        ("{% if person.middle_name %}a{% else %}b{% endif %}{% if event.coupon == nil %}c{% endif %}", "bc"),
        ("{% for item in event.items %}{{ item.name }}{% endfor %}", "Tea &amp; co"),
        ("{{ account.name }} {{ account.number }}", f"The Shop {ACCOUNT}"),
        ('<a href="{{ unsubscribe_url }}">', '<a href="https://m.example/u/x?a=1&amp;b=2">'),
        ("{{ 'now' | date: '%Y-%m-%d %H:%M' }} {{ now | date: '%H' }}", "2024-01-31 07:00 07"),
        ("{{ '2024-02-01T10:00:00+02:00' | date: '%-d %b, %H:%M' }}", "1 Feb, 03:00"),
        ("{{ 'Thu, 01 Feb 2024 10:00:00 +0200' | date: '%H:%M' }} {{ 1706702400 | date: '%H' }}", "03:00 07"),
        ("{{ 'no date' | date: '%H' }}{{ nil | date: '%H' }}", "no date"),
        ("{% for i in (1..3) %}{{ i }}{% endfor %}", "123"),
    ],
)
def test_a_template_sees_person_event_account_and_dates(source: str, shown: str) -> None:
    assert html(source) == shown


def test_somebody_unknown_is_empty_not_an_error() -> None:
    assert html("Hi {{ person.first_name }}, {{ person.email }}", person=None) == "Hi , joe@x.example"


def test_nothing_is_escaped_in_subject_and_text() -> None:
    composed = compose(subject="{{ event.items[0].name }}", text="{{ person.first_name }}")
    assert composed == Composed("Tea & co", None, "Jo<b>e</b>")


def test_our_own_names_win_over_the_context() -> None:
    request = MessageRequested(
        address="a@b", template="t", context={"person": {"id": "evil"}, "unsubscribe_url": "x"}
    )
    seen = values(request, JOE, SHOP, NOW, URLS)
    assert seen["unsubscribe_url"] == URLS["unsubscribe_url"]
    assert isinstance(seen["person"], dict) and seen["person"]["id"] == JOE.id


@pytest.mark.parametrize(
    ("source", "code", "message", "line", "column"),
    [
        (
            "<p>\n  {{ person.frist_name }}",
            "Template merge exception",
            "person.frist_name is undefined",
            2,
            6,
        ),
        (
            "{% for i in event.nothing %}{% endfor %}",
            "Template merge exception",
            "event.nothing is undefined",
            1,
            13,
        ),
        (
            "{{ event.total | divided_by: 0 }}",
            "Template merge exception",
            "divided_by: can't divide by 0",
            1,
            18,
        ),
        ("{{ event.total | nothing }}", "Template merge exception", "unknown filter 'nothing'", 1, 18),
        ("{% if event.total", "Template syntax error", "missing tag name or closing delimiter", 1, 1),
        (
            "a\n {% if b %}{% if event %}c{% endif %}",
            "Template syntax error",
            "the block if has no endif",
            2,
            2,
        ),
        (
            "{% for a in b %}\n{% if a %}x{% endif %}",
            "Template syntax error",
            "the block for has no endfor",
            1,
            1,
        ),
        ("<p>{% endif %}", "Template syntax error", "unexpected tag 'endif'", 1, 7),
        ("{% include 'x' %}", "Template syntax error", "unexpected tag 'include'", 1, 4),
        ("{% render 'x' %}", "Template syntax error", "unexpected tag 'render'", 1, 4),
    ],
)
def test_a_mistake_is_told_with_its_place(
    source: str, code: str, message: str, line: int, column: int
) -> None:
    """S1:L268"""
    found = error(html=source)
    assert found == RenderError(code=code, message=message, part="BODY", line=line, column=column)


def test_a_mistake_in_the_subject_is_told_as_such() -> None:
    assert error(subject="{{ person.frist_name }}").part == "SUBJECT"
    assert error(text="{{ person.frist_name }}").part == "TEXT"


def test_every_wrong_part_is_told_at_once() -> None:
    found = compose(subject="{{ a.b }}", html="{{ c.d }}", text="{{ e.f }}")
    assert not isinstance(found, Composed)
    assert [wrong.part for wrong in found] == ["SUBJECT", "BODY", "TEXT"]


def test_a_template_without_a_body_is_incomplete() -> None:
    found = Composer(ManualClock()).compose((ACCOUNT, "t", 1), {}, {})
    assert not isinstance(found, Composed)
    assert [wrong.message for wrong in found] == ["there is no subject", "there is neither html nor text"]


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..event.many) %}{% endfor %}",
        "{% for i in (1..event.many) reversed %}{% endfor %}",
        "{{ (1..1000000000) | join: ',' }}",
        "{% assign r = (1..1000000000000) %}{% if r contains 'x' %}{% endif %}",
        "{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}",
        "{% for i in (1..9000) %}" + "{% if 1 == 1 %}{% endif %}" * 5000 + "{% endfor %}",
        "{{ event.text | replace: 'a', event.text }}",
        "{% assign x = event.text %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}",
        "{% assign x = 9 %}{% for i in (1..60) %}{% assign x = x | times: x %}{% endfor %}",
        "{% for i in (1..9) %}{{ event.text }}{% endfor %}",
        "{% capture x %}{% for i in (1..9) %}{{ event.text }}{% endfor %}{% endcapture %}",
        "{{ event.text | split: '' | uniq | size }}",
        "{% if true %}" * 60 + "{% endif %}" * 60,
        "x" * 600_000,
    ],
)
def test_a_template_cannot_take_the_machine(source: str) -> None:
    began = time.process_time()
    assert error(html=source).code == "Template limit exceeded"
    assert time.process_time() - began < 5


def test_a_template_cannot_take_the_time() -> None:
    source = parse("{% for i in (1..9999) %}{{ event.text | upcase | size }}{% endfor %}", HTML, "BODY")
    assert isinstance(source, Source)
    began = time.process_time()
    found = source.render(CONTEXT, SystemClock(), "BODY")
    assert isinstance(found, RenderError) and found.message == "it takes longer than 0.5 seconds"
    assert time.process_time() - began < 5


def test_a_machine_that_stands_still_is_no_fault_of_a_templates() -> None:
    class Leaping(ManualClock):
        """Each look at it finds ten seconds gone, in which nothing was worked."""

        def monotonic(self) -> float:
            self._now += 10 * SECOND
            return super().monotonic()

    source = parse("{% for i in (1..9) %}{{ i | plus: 1 }}{% endfor %}", HTML, "BODY")
    assert isinstance(source, Source)
    assert source.render(CONTEXT, Leaping(), "BODY") == "2345678910"


def test_a_date_format_cannot_take_the_memory() -> None:
    assert error(html="{{ 'now' | date: '%999999999d' }}").message == "date: the format is too long"


@pytest.mark.parametrize(
    "hidden", ["person.__class__", "person.tags.__class__", "account.__dict__", "now.__class__"]
)
def test_a_template_sees_values_and_no_objects(hidden: str) -> None:
    assert error(html=f"{{{{ {hidden} }}}}").code == "Template merge exception"


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("a\r\nBcc: x@y", "a Bcc: x@y"),
        ("a\nb", "a b"),
        ("a\x1bb", "a b"),
        ("a\x00b", "ab"),
        ("a\u2028b\x85c", "a b c"),
        (" a \t b ", "a b"),
        ("a\ud800b", "a\ufffdb"),
        ("x" * 600, "x" * 500),
    ],
)
def test_a_subject_is_one_line(value: str, subject: str) -> None:
    """No header can be put in: RFC 5322 section 2.2"""
    parts = {"subject": "{{ s }}", "text": "x"}
    composed = Composer(ManualClock()).compose((ACCOUNT, "t", 1), parts, {"s": value})
    assert isinstance(composed, Composed)
    assert composed.subject == subject


def test_the_preheader_comes_first_in_the_body_and_is_hidden() -> None:
    composed = compose(
        html="<html><body class='x'><p>Hi</p></body></html>", preheader="Tea & {{ person.first_name }}"
    )
    assert isinstance(composed, Composed) and composed.html is not None
    before, after = composed.html.split("<div style=", 1)
    assert before == "<html><body class='x'>"
    assert after.endswith('mso-hide:all">Tea & Jo&lt;b&gt;e&lt;/b&gt;</div><p>Hi</p></body></html>')
    assert composed.text == "Hi\n"


def test_a_template_may_place_its_preheader_itself() -> None:
    composed = compose(html="<i>{{ preheader }}</i>", preheader="{{ person.first_name }}")
    assert isinstance(composed, Composed)
    assert composed.html == "<i>Jo&lt;b&gt;e&lt;/b&gt;</i>"


def test_parsed_templates_are_kept_by_their_version() -> None:
    composer = Composer(ManualClock())
    filled: dict[str, Any] = {"n": 1}

    def subject(version: int, source: str) -> str:
        made = composer.compose((ACCOUNT, "t", version), {"subject": source, "text": "x"}, filled)
        assert isinstance(made, Composed)
        return made.subject

    assert subject(1, "one {{ n }}") == "one 1"
    assert subject(1, "another") == "one 1"
    assert subject(2, "two {{ n }}") == "two 1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
FILTERS = st.sampled_from(sorted(HTML.filters))


@settings(max_examples=300)
@given(JSON, FILTERS, FILTERS, JSON, st.booleans())
def test_whatever_is_sent_a_template_gives_text_or_an_error(
    value: object, first: str, second: str, other: object, escaped: bool
) -> None:
    source = parse(f"{{{{ v | {first}: w | {second} }}}}", HTML if escaped else TEXT, "BODY")
    assert isinstance(source, Source)
    found = source.render(
        {"v": value, "w": other, "now": values(REQUEST, None, SHOP, NOW, {})["now"]}, ManualClock(), "X"
    )
    if isinstance(found, str):
        found.encode()  # what comes out can be written

"""Live pictures in templates: the tags, what they write, and what they refuse."""

from __future__ import annotations

from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from heliograph.clock import ManualClock
from heliograph.events.messages import RenderError
from heliograph.outbound.messages.mail.instrument import instrument
from heliograph.outbound.messages.templates.live import Live
from heliograph.outbound.messages.templates.sandbox import HTML, TEXT, Source, parse
from heliograph.refs import MessageRef, Refs
from heliograph.signing import Keyring

ID = "4tlp0c37f9a462juv1bzukoj4"
LIVE = Live("https://image.example", "https://click.example", "TOKEN-1_2")
VALUES: dict[str, Any] = {
    "now": datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
    "cart": {
        "expires_at": "2026-03-01T12:00:00Z",
        "local": "2026-03-01 12:00",
        "unix": 1772366400,
        "none": None,
    },
    "person": {"points": 70, "cake": 'van"illa & <b>', "long": "x" * 5000, "tags": ["a"]},
}


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def rendered(source: str, environment: Any = HTML, live: Live | None = LIVE) -> str | RenderError:
    parsed = parse(source, environment, "BODY")
    assert isinstance(parsed, Source), parsed
    return parsed.render(VALUES, ManualClock(), "BODY", live)


def tags(source: str) -> list[tuple[str, dict[str, str | None]]]:
    html = rendered(source)
    assert isinstance(html, str), html
    return Tags(html).found


def asked(url: str | None) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url or "").query, keep_blank_values=True)


def test_a_timer_is_a_picture_with_a_deadline_and_our_reference() -> None:
    source = f'{{% timer "{ID}", exp: cart.expires_at, width: 600, height: "140", alt: "Kept <until>" %}}'
    ((tag, image),) = tags(source)
    url = urlsplit(image["src"] or "")
    assert (tag, url.scheme, url.netloc, url.path) == ("img", "https", "image.example", f"/t/{ID}.gif")
    assert asked(image["src"]) == {"exp": ["2026-03-01T13:00:00+01:00"], "r": ["TOKEN-1_2"]}
    assert (image["width"], image["height"], image["alt"]) == ("600", "140", "Kept <until>")


def test_the_comma_after_the_id_may_be_left_out() -> None:
    assert tags(f'{{% timer "{ID}" exp: cart.expires_at %}}') == tags(
        f'{{% timer "{ID}", exp: cart.expires_at %}}'
    )


@pytest.mark.parametrize(
    ("value", "exp"),
    [
        ("cart.unix", "2026-03-01T13:00:00+01:00"),
        ("cart.local", "2026-03-01T12:00:00+01:00"),
        ("now", "2026-01-01T00:00:00+01:00"),
    ],
)
def test_a_deadline_is_read_as_the_date_filter_reads_dates(value: str, exp: str) -> None:
    """A text without a zone is in the account's."""
    ((_, image),) = tags(f'{{% timer "{ID}", exp: {value} %}}')
    assert asked(image["src"])["exp"] == [exp]


@pytest.mark.parametrize("value", ["cart.none", '"soon"', "person.tags"])
def test_a_deadline_that_is_none_leaves_the_published_one(value: str) -> None:
    ((_, image),) = tags(f'{{% timer "{ID}", exp: {value} %}}')
    assert "exp" not in asked(image["src"])


def test_a_bar_says_its_value() -> None:
    ((_, image),) = tags(f'{{% progress "{ID}", cur: person.points, max: 100 %}}')
    assert (image["src"] or "").startswith(f"https://image.example/pb/{ID}.png?")
    assert asked(image["src"]) == {"cur": ["70"], "max": ["100"], "r": ["TOKEN-1_2"]}


def test_a_polls_option_is_a_linked_picture() -> None:
    link, image = tags(f'{{% poll "{ID}", option: 2 %}}')
    assert (link[0], image[0]) == ("a", "img")
    assert link[1]["href"] == f"https://click.example/st/{ID}/2?r=TOKEN-1_2"
    assert image[1]["src"] == f"https://image.example/st/{ID}/2.png?r=TOKEN-1_2"


def test_a_conditional_picture_and_its_link_say_the_same() -> None:
    link, image = tags(f'{{% conditional "{ID}", cake: person.cake %}}')
    said = {"cake": ['van"illa & <b>'], "r": ["TOKEN-1_2"]}
    assert asked(link[1]["href"]) == asked(image[1]["src"]) == said
    assert (link[1]["href"] or "").startswith(f"https://click.example/ci/{ID}?")


def test_our_own_links_are_not_tracked_twice_and_others_are() -> None:
    refs = Refs(Keyring({1: b"k" * 32}, 1))
    ref = MessageRef("000000000001", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", None)
    html = rendered(f'{{% poll "{ID}", option: 1 %}}{{% timer "{ID}", link: "https://shop.example" %}}')
    assert isinstance(html, str)
    vote, _, link, *_ = Tags(instrument(html, ref, refs, "https://mail.example")).found
    assert (vote[1]["href"] or "").startswith("https://click.example/st/")
    assert (link[1]["href"] or "").startswith("https://mail.example/c/")


def test_where_no_html_is_written_the_text_stands_alone() -> None:
    assert rendered(f'{{% timer "{ID}", alt: "Ends soon" %}}', TEXT) == "Ends soon"


def test_a_long_value_is_cut() -> None:
    ((_, image),) = tags(f'{{% progress "{ID}", cur: person.long %}}')
    assert len(asked(image["src"])["cur"][0]) == 500


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (f'{{% poll "{ID}" %}}', "option"),
        (f'{{% poll "{ID}", option: 0 %}}', "option"),
        (f'{{% timer "{ID}", width: "wide" %}}', "width"),
        (f'{{% conditional "{ID}", cake: person.tags %}}', "cake"),
        ("{% timer nothing.at.all %}", "nothing"),
        ("{% timer person.tags %}", "the id"),
        (f'{{% timer "{ID}", exp: cart.nothing %}}', "nothing"),
        (f'{{% progress "{ID}", cur: nothing %}}', "nothing"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source: str, says: str) -> None:
    found = rendered(source)
    assert isinstance(found, RenderError) and says in found.message and found.line == 1


@pytest.mark.parametrize("source", ["{% timer %}", '{% timer "x" exp %}', '{% timer "x", exp: %}'])
def test_a_tag_that_is_not_complete_does_not_parse(source: str) -> None:
    assert isinstance(parse(source, HTML, "BODY"), RenderError)


def test_without_a_message_there_are_no_pictures() -> None:
    assert isinstance(rendered(f'{{% timer "{ID}" %}}', live=None), RenderError)

"""The preference page: topics, channels, a pause or everything, in the reader's language; POST alone changes anything."""

from __future__ import annotations

import tomllib
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from urllib.parse import urlencode

import msgspec
import pytest

from heliograph.clock import SECOND
from heliograph.events import codec
from heliograph.events.consent import ConsentGranted, SuppressionAdded
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import MessageRequested, MessageSent
from heliograph.events.people import Customer, PersonCreated
from heliograph.events.preferences import SubscriptionTopicSaved
from heliograph.inbound import consent
from heliograph.inbound.consent.words import LANGUAGES, preferred
from heliograph.react.state import people
from heliograph.react.state.folds import FOLDS
from heliograph.refs import MessageRef

ACCOUNT = "000000000001"
NOW = 1_700_000_000 * SECOND
MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
FORM = {"content-type": "application/x-www-form-urlencoded"}
ANN = Customer(id="42", email="ann@x.example", sms_phone_number_e164="+12025550137")
FILES = sorted(Path(consent.__path__[0]).joinpath("languages").glob("*.toml"))


class Page(HTMLParser):
    """What a page offers: its fields as a browser would send them, and what is ticked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden: list[tuple[str, str]] = []
        self.boxes: dict[tuple[str, str], bool] = {}
        self.buttons: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.attributes.setdefault(tag, found)
        if tag == "input" and found["type"] == "hidden":
            self.hidden.append((found["name"], found["value"]))
        if tag == "input" and found["type"] == "checkbox":
            self.boxes[found["name"], found["value"]] = "checked" in found
        if tag == "button":
            self.buttons.append(found.get("value", ""))

    def body(self, do: str = "save", **changes: bool) -> bytes:
        """The form as it is sent with these boxes changed: `here`, `sms`, or a topic's name."""
        sent = [*self.hidden, ("do", do)]
        for (name, value), ticked in self.boxes.items():
            if changes.get(value if name == "topic" else name, ticked):
                sent.append((name, value))
        return urlencode(sent).encode()


@pytest.fixture
def fold(state):
    def happen(*told: Data, id: str | None = None) -> None:
        events: list[AnyEvent] = [
            codec.make(data, account=ACCOUNT, subject="email:ann@x.example", now=NOW, id=id) for data in told
        ]
        with state.begin() as connection:
            for one in FOLDS:
                one.apply(connection, [event for event in events if event.kind in one.kinds])

    return happen


@pytest.fixture
def link(refs, fold) -> str:
    fold(PersonCreated(person=ANN))
    fold(
        SubscriptionTopicSaved(name="news", titles={"en": "News", "de": "Neues"}),
        SubscriptionTopicSaved(name="offers", titles={"en": "Offers & <deals>"}, default=False),
    )
    fold(MessageRequested(address="ann@x.example", template="cart"), id=MESSAGE)
    fold(MessageSent(message=MESSAGE, address="ann@x.example", topic="news"))
    return f"/p/{refs.unsubscribe(MessageRef(ACCOUNT, MESSAGE, None))}"


async def events(journal) -> list[AnyEvent]:
    return [codec.decode(entry) for entry in await journal.read(0)]


async def post(ask, link: str, page: Page, do: str = "save", **changes: bool):
    return await ask(link, method="POST", headers=FORM, content=page.body(do, **changes))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_at_it_changes_nothing_and_shows_how_it_stands(ask, journal, link, method) -> None:
    reply = await ask(link, method=method)
    page = Page(reply.body.decode())
    assert reply.status == 200
    assert page.boxes == {
        ("here", "1"): True,
        ("sms", "1"): False,
        ("topic", "news"): True,
        ("topic", "offers"): False,
    }
    assert page.buttons == ["save", "pause", "leave_all"]
    assert "a…@x.example" in reply.body.decode() and "ann@" not in reply.body.decode()
    assert await events(journal) == []


async def test_saving_records_what_was_changed_and_nothing_else(ask, journal, link) -> None:
    page = Page((await ask(link)).body.decode())
    reply = await post(ask, link, page, news=False, offers=True)
    after = Page(reply.body.decode())
    assert (after.boxes["topic", "news"], after.boxes["topic", "offers"]) == (False, True)
    assert 'role="status"' in reply.body.decode()
    left, joined = await events(journal)
    assert (left.data.topic, left.data.wanted, left.data.address) == ("news", False, "ann@x.example")
    assert (joined.data.topic, joined.data.wanted) == ("offers", True)
    assert (left.data.message, left.data.how, left.data.ip) == (MESSAGE, "preferences", "203.0.113.77")


async def test_saving_what_was_not_changed_records_nothing(ask, journal, link) -> None:
    page = Page((await ask(link)).body.decode())
    await post(ask, link, page)
    assert await events(journal) == []


async def test_a_second_thought_counts_though_state_has_not_seen_the_first(ask, journal, link, clock) -> None:
    page = Page((await ask(link)).body.decode())
    page = Page((await post(ask, link, page, news=False)).body.decode())
    await clock.advance(1)
    await post(ask, link, page, news=True)
    assert [(event.data.topic, event.data.wanted) for event in await events(journal)] == [
        ("news", False),
        ("news", True),
    ]


async def test_a_double_click_is_recorded_once(ask, journal, link) -> None:
    page = Page((await ask(link)).body.decode())
    for _ in range(2):
        await post(ask, link, page, news=False)
    assert len(await events(journal)) == 1


async def test_a_topic_that_was_not_on_their_page_is_not_left(ask, journal, link, fold) -> None:
    page = Page((await ask(link)).body.decode())
    fold(SubscriptionTopicSaved(name="later"))
    await post(ask, link, page, news=False)
    assert [event.data.topic for event in await events(journal)] == ["news"]


async def test_mail_can_be_left_and_joined_again(ask, journal, link, clock, fold) -> None:
    page = Page((await ask(link)).body.decode())
    page = Page((await post(ask, link, page, here=False)).body.decode())
    fold(SuppressionAdded(address="ann@x.example", type="unsubscribed"))
    assert not Page((await ask(link)).body.decode()).boxes["here", "1"]
    await clock.advance(1)
    await post(ask, link, page, here=True)
    left, joined = await events(journal)
    assert (left.kind, left.data.channel, left.data.address) == (
        "unsubscription.requested",
        "email",
        "ann@x.example",
    )
    assert (joined.kind, joined.data.address) == ("subscription.confirmed", "ann@x.example")


async def test_a_number_joins_by_asking_and_leaves_at_once(ask, journal, link, fold) -> None:
    """A mail does not prove whose phone it is."""
    await post(ask, link, Page((await ask(link)).body.decode()), sms=True)
    fold(ConsentGranted(channel="sms", address="+12025550137", requested_at=1))
    page = Page((await ask(link)).body.decode())
    assert page.boxes["sms", "1"]
    await post(ask, link, page, sms=False)
    asked, left = await events(journal)
    assert (asked.kind, asked.data.phone, asked.data.email) == (
        "subscription.requested",
        "+12025550137",
        None,
    )
    assert (left.kind, left.data.channel, left.data.address) == (
        "unsubscription.requested",
        "sms",
        "+12025550137",
    )


async def test_everything_is_left_by_one_button(ask, journal, link) -> None:
    page = Page((await ask(link)).body.decode())
    reply = await post(ask, link, page, "leave_all")
    assert not any(ticked for (name, _), ticked in Page(reply.body.decode()).boxes.items() if name != "topic")
    assert [(event.kind, event.data.channel) for event in await events(journal)] == [
        ("unsubscription.requested", "email"),
        ("unsubscription.requested", "sms"),
    ]


async def test_a_pause_lasts_thirty_days_and_can_be_ended(ask, journal, link, clock, fold) -> None:
    page = Page((await ask(link)).body.decode())
    reply = await post(ask, link, page, "pause")
    (event,) = await events(journal)
    assert event.data.until == clock.now() + 30 * 86_400 * SECOND
    assert Page(reply.body.decode()).buttons == ["save", "resume", "leave_all"]
    fold(event.data)
    page = Page((await ask(link)).body.decode())
    assert "resume" in page.buttons
    await clock.advance(1)
    await post(ask, link, page, "resume")
    assert (await events(journal))[-1].data.until == clock.now()


@pytest.mark.parametrize("content", [b"", b"List-Unsubscribe=One-Click", b"topic=news&do=leave_all"])
async def test_what_is_no_form_of_ours_changes_nothing(ask, journal, link, content) -> None:
    assert (await ask(link, method="POST", headers=FORM, content=content)).status == 200
    assert await events(journal) == []


async def test_a_forged_or_forgotten_link_is_404(ask, journal, refs, link) -> None:
    unknown = refs.unsubscribe(MessageRef(ACCOUNT, MESSAGE.replace("0190", "0191"), None))
    stranger = refs.unsubscribe(MessageRef("000000000002", MESSAGE, None))
    for token in (
        "",
        "x",
        refs.confirm(MessageRef(ACCOUNT, MESSAGE, None)),
        link[3:] + "A",
        unknown,
        stranger,
    ):
        for method in ("GET", "POST"):
            assert (await ask(f"/p/{token}", method=method, headers=FORM, content=b"seen=1")).status == 404
    assert await events(journal) == []


async def test_an_unreadable_state_is_said_openly(ask, journal, link, state) -> None:
    with state.begin() as connection:
        connection.exec_driver_sql("DROP TABLE topic_choices")
    assert (await ask(link)).status == 503


async def test_every_text_is_escaped(ask, link) -> None:
    html = (await ask(link)).body.decode()
    assert "Offers &amp; &lt;deals&gt;" in html and "Poe &amp; Sons &lt;Books&gt;" in html


@pytest.mark.parametrize("language", sorted(LANGUAGES))
async def test_pages_speak_the_readers_language(ask, refs, link, language) -> None:
    for path in (link, link.replace("/p/", "/u/"), f"/k/{refs.confirm(MessageRef(ACCOUNT, MESSAGE, None))}"):
        reply = await ask(path, headers={"accept-language": f"{language};q=0.9, xx"})
        page = Page(reply.body.decode())
        assert page.attributes["html"]["lang"] == language
        assert not set("{}") & set(reply.body.decode().partition("</style>")[2])
    assert (
        LANGUAGES[language]["unsubscribe"]
        in (await ask(link.replace("/p/", "/u/"), headers={"accept-language": language})).body.decode()
    )


async def test_what_a_shop_knows_of_a_persons_language_comes_first(ask, link, state) -> None:
    whole = b'{"person":{"id":"42","email":"ann@x.example","language":"de-AT"}}'
    event = codec.make(PersonCreated(person=ANN), account=ACCOUNT, subject="email:ann@x.example", now=NOW)
    with state.begin() as connection:
        people.FOLD.apply(connection, [msgspec.structs.replace(event, raw=whole)])
    html = (await ask(link, headers={"accept-language": "fr"})).body.decode()
    assert Page(html).attributes["html"]["lang"] == "de"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.1, pt-BR;q=0.2", "pt"),
        ("de;q=0, nl", "nl"),
        ("xx, *", "en"),
        ("de;q=nonsense, fr;q=nan, it;q=0.1", "it"),
        (",;;,", "en"),
    ],
)
def test_the_language_is_the_one_that_a_browser_likes_best(header: str, language: str) -> None:
    """RFC 9110 section 12.5.4"""
    assert preferred(header) == language
    assert preferred(header, "es_MX") == "es"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_language_says_everything_with_the_same_blanks(file: Path) -> None:
    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    words, english = tomllib.loads(file.read_text()), LANGUAGES["en"]
    assert words.keys() == english.keys()
    assert {name: blanks(text) for name, text in words.items()} == {
        name: blanks(text) for name, text in english.items()
    }
    assert {"en", "de", "fr", "es", "it", "nl", "pt"} <= {known.stem for known in FILES}

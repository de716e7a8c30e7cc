"""Remarkety's topics, held against the document's own examples, byte for byte in keys, order and types. RM-16"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from feed_world import email_message as mail
from feed_world import event, text_message

from heliograph.clock import from_datetime
from heliograph.events.consent import (
    SUPPRESSION_TYPES,
    ConsentGranted,
    ConsentWithdrawn,
    SuppressionAdded,
    SuppressionRemoved,
)
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import Data, Redacted, Unknown, new_id
from heliograph.events.messages import (
    Campaign,
    MessageBounced,
    MessageComplained,
    MessageDelivered,
    MessageSent,
    SmsReceived,
)
from heliograph.outbound.feeds.dialect import About, Context, Rendered
from heliograph.outbound.feeds.dialects.remarkety import TOPICS, RemarketyOptions, render, umk

VECTORS = Path(__file__).parent / "vectors"
SEED_ID = "5acf31d0-b224-7109-3757-5625acf31d0b"  # the message whose umk is that of the examples
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/83.0.4103.61 Safari/537.36"
)
HOP_COUNT = (
    "554 5.4.14 Hop count exceeded - possible mail loop ATTR34"
    " [SN1NAM04FT063.eop-NAM04.prod.protection.outlook.com]"
)
CART = mail(SEED_ID, "john@doe.com", Campaign(id=13118, name="Abandoned cart #1"))
WELCOME = text_message(
    SEED_ID, "+15417540000", Campaign(id=111112, name="Welcome Campaign"), sender="+15417541111"
)
NOON = "2018-04-12T12:50:00+00:00"
SUMMER = "2020-07-19T10:12:15.296+00:00"


class Example(NamedTuple):
    """What must have happened for the document's example to be sent."""

    topic: str
    at: str
    data: Data
    message: About | None = None
    email: str = ""


EXAMPLES = (
    Example("email/sent", NOON, MessageSent(message=SEED_ID, address="john@doe.com"), CART),
    Example(
        "email/clicked",
        NOON,
        LinkClicked(message=SEED_ID, url="https://my.website.com/some-page", user_agent=GMAIL, ip="1.2.3.4"),
        CART,
    ),
    Example("email/opened", NOON, MessageOpened(message=SEED_ID, user_agent=GMAIL, ip="1.2.3.4"), CART),
    Example("email/delivered", NOON, MessageDelivered(message=SEED_ID, address="john@doe.com"), CART),
    Example(
        "email/bounced",
        NOON,
        MessageBounced(
            message=SEED_ID,
            address="john@doe.com",
            category="Transient Failure",
            code=70,
            bounce_class="soft",
            details=HOP_COUNT,
        ),
        CART,
    ),
    Example("email/spam", NOON, MessageComplained(message=SEED_ID, address="john@doe.com"), CART),
    Example(
        "email/unsubscribed",
        NOON,
        ConsentWithdrawn(address="john@doe.com", message=SEED_ID, how="one_click"),
        CART,
    ),
    Example(
        "newsletter/subscribed",
        "2018-04-12T12:55:01+00:00",
        ConsentGranted(
            address="john@doe.com",
            requested_at=from_datetime(datetime.fromisoformat(NOON)),
            confirmed_at=from_datetime(datetime.fromisoformat("2018-04-12T12:55:00+00:00")),
            signup_ip="1.2.3.4",
            optin_ip="1.2.3.4",
        ),
    ),
    Example(
        "sms/sent",
        SUMMER,
        MessageSent(
            message=SEED_ID,
            channel="sms",
            address="+15417540000",
            sender="+15417541111",
            body="Sample message content.",
            characters=92,
            country="US",
        ),
        WELCOME,
        "john@doe.com",
    ),
    Example(
        "sms/clicked",
        SUMMER,
        LinkClicked(message=SEED_ID, url="https://www.remarkey.com", user_agent=CHROME, ip="1.1.1.1"),
        WELCOME,
        "john@doe.com",
    ),
    Example(
        "sms/replied",
        NOON,
        SmsReceived(sender="+15417541111", to="+15417540000", body="Message content body"),
    ),
    Example(
        "sms/unsubscribed",
        NOON,
        ConsentWithdrawn(channel="sms", address="+15417543010", message=SEED_ID, how="link"),
        text_message(SEED_ID, "+15417543010", Campaign(id=11111, name="Abandoned cart #1")),
        "john@doe.com",
    ),
    Example(
        "email-suppression/added",
        NOON,
        SuppressionAdded(
            address="john@doe.com", type="unsubscribed", reason="Recipient unsubscribed", ip="1.1.1.1"
        ),
    ),
    Example(
        "email-suppression/removed",
        NOON,
        SuppressionRemoved(
            address="john@doe.com", type="unsubscribed", reason="Customer re-subscribed", ip="1.1.1.1"
        ),
    ),
)


def told(
    data: Data,
    message: About | None = None,
    *,
    at: str = NOON,
    email: str = "",
    options: RemarketyOptions | None = None,
) -> Rendered | None:
    happened = event(data, at=from_datetime(datetime.fromisoformat(at)))
    return render(happened, Context(options or RemarketyOptions(), message, email))


def body(rendered: Rendered | None) -> dict[str, Any]:
    assert rendered is not None
    decoded: dict[str, Any] = json.loads(rendered.body)
    return decoded


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.topic)
def test_the_example_of_the_document_comes_out_key_for_key(example: Example) -> None:
    """RM-16, RM-14"""
    expected = json.loads((VECTORS / f"{example.topic.replace('/', '.')}.json").read_text())
    rendered = told(example.data, example.message, at=example.at, email=example.email)
    assert rendered is not None
    assert rendered.topic == example.topic
    assert body(rendered) == expected
    assert list(body(rendered)) == list(expected)
    assert [type(value) for value in body(rendered).values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.topic)
def test_the_headers_are_those_of_the_document(example: Example) -> None:
    """RM-14"""
    rendered = told(example.data, example.message, at=example.at, email=example.email)
    assert rendered is not None
    assert rendered.headers == {
        "Content-Type": "application/json",
        "User-Agent": "Remarkety",
        "Cache-Control": "no-cache",
        "X-Event-Topic": example.topic,
    }


def test_there_is_an_example_of_every_topic() -> None:
    assert [example.topic for example in EXAMPLES] == [topic.name for topic in TOPICS]
    assert {path.stem.replace(".", "/", 1) for path in VECTORS.glob("*.json")} == {
        topic.name for topic in TOPICS
    }


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_body_has_the_keys_of_its_example_and_no_other_but_the_group(topic: Any) -> None:
    """RM-16: `campaign_group` is a common field (S3:L785) in no example; sms/replied can be given a time (L903)."""
    example = json.loads((VECTORS / f"{topic.name.replace('/', '.')}.json").read_text())
    keys = [field.encode_name for field in msgspec.structs.fields(topic.body)]
    extra = {"campaign_group"} | ({"timestamp"} if topic.name == "sms/replied" else set())
    assert [key for key in keys if key not in extra] == list(example)


def test_a_campaign_of_a_group_names_it() -> None:
    """S3:L785"""
    grouped = mail(SEED_ID, "john@doe.com", Campaign(id=7, name="Winter", group="Seasons"))
    keys = body(told(MessageSent(message=SEED_ID, address="john@doe.com"), grouped))
    assert list(keys) == ["timestamp", "email", "campaign_name", "campaign_group", "campaign_id", "umk"]
    assert keys["campaign_group"] == "Seasons"


def test_a_mail_of_no_campaign_leaves_the_campaign_out() -> None:
    """RM-16: what is not there is left out, not null."""
    single = mail(SEED_ID, "john@doe.com", None)
    keys = body(told(MessageSent(message=SEED_ID, address="john@doe.com"), single))
    assert list(keys) == ["timestamp", "email", "umk"]


def test_a_text_of_the_system_itself_has_neither_campaign_nor_umk() -> None:
    """RM-16, S3:L886 and S3:L901"""
    system = text_message(SEED_ID, "+15417540000", None, sender="+15417541111")
    sent = MessageSent(message=SEED_ID, channel="sms", address="+15417540000", body="Bye")
    keys = body(told(sent, system, email="john@doe.com"))
    assert not {"campaign_name", "campaign_id", "campaign_group", "umk"} & set(keys)
    assert keys["characters_count"] == 3
    clicked = body(told(LinkClicked(message=SEED_ID, url="https://a.test/"), system, email="john@doe.com"))
    assert not {"campaign_name", "campaign_id", "campaign_group", "umk"} & set(clicked)


def test_who_declined_by_replying_has_neither_campaign_nor_umk() -> None:
    """S3:L919"""
    keys = body(
        told(ConsentWithdrawn(channel="sms", address="+15417543010", how="reply"), email="john@doe.com")
    )
    assert list(keys) == ["timestamp", "email", "phone_number", "reason"]
    assert keys["reason"] == "Unsubscribed via reply"


def test_who_unsubscribed_without_a_message_is_told_too() -> None:
    keys = body(told(ConsentWithdrawn(address="john@doe.com", how="api")))
    assert keys == {"timestamp": NOON, "email": "john@doe.com"}


def test_without_double_opt_in_there_is_no_opt_in_key() -> None:
    """RM-16"""
    requested = from_datetime(datetime.fromisoformat(NOON))
    keys = body(told(ConsentGranted(address="john@doe.com", requested_at=requested)))
    assert keys == {"timestamp": NOON, "email": "john@doe.com"}


@pytest.mark.parametrize(
    ("bounce_class", "soft"),
    [("hard", False), ("soft", True), ("block", True), ("admin", True), ("undetermined", True)],
)
def test_soft_is_whatever_is_not_hard(bounce_class: Any, soft: bool) -> None:
    """RM-17"""
    bounced = MessageBounced(
        message=SEED_ID, address="a@b.c", category="", code=10, bounce_class=bounce_class, details="550"
    )
    assert body(told(bounced, CART))["soft_bounce"] is soft


@pytest.mark.parametrize("type_", SUPPRESSION_TYPES)
def test_a_suppression_has_one_of_the_nine_types_of_the_document(type_: Any) -> None:
    """RM-12; a role address, which S3 has no word for, was suppressed by the account: manually."""
    nine = set(SUPPRESSION_TYPES) - {"role_suppressed"}
    assert len(nine) == 9
    said = body(told(SuppressionAdded(address="info@doe.com", type=type_)))["type"]
    assert said == ("manually_suppressed" if type_ == "role_suppressed" else type_)


def test_a_topic_of_one_message_shares_its_umk_with_the_others() -> None:
    """S3 "A unique identifier per email message"."""
    facts: tuple[Data, ...] = tuple(example.data for example in EXAMPLES if example.message is CART)
    assert len(facts) == 7
    assert {body(told(data, CART))["umk"] for data in facts} == {"5acf31d0b22410.937575625acf31d0b"}


def test_umks_are_one_for_one_with_messages() -> None:
    ids = [new_id(1_700_000_000_000_000 + number) for number in range(1000)]
    umks = {umk(one) for one in ids}
    assert len(umks) == len(set(ids))
    assert all(re.fullmatch(r"[0-9a-f]{14}\.[0-9a-f]{17}", one) for one in umks)


def test_an_unknown_visitor_is_empty_and_the_keys_stay() -> None:
    """STD-7: an account that drops addresses still sends the key, because receivers index it blindly."""
    keys = body(told(MessageOpened(message=SEED_ID), CART))
    assert (keys["ip"], keys["useragent"]) == ("", "")


def test_what_is_not_ascii_stays_readable() -> None:
    rendered = told(MessageSent(message=SEED_ID, address="jürgen@bücher.example"), CART)
    assert rendered is not None
    assert "jürgen@bücher.example".encode() in rendered.body


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (MessageSent(message=SEED_ID, channel="push", address="token"), None),
        (MessageDelivered(message=SEED_ID, channel="sms", address="+15417540000"), WELCOME),
        (MessageDelivered(message=SEED_ID, channel="push", address="token"), None),
        (
            MessageBounced(
                message=SEED_ID,
                channel="sms",
                address="+1",
                category="",
                code=10,
                bounce_class="hard",
                details="",
            ),
            WELCOME,
        ),
        (MessageOpened(campaign="89r4i3l4", custom_id="7"), None),
        (LinkClicked(url="https://a.test/"), None),
        (LinkClicked(message=SEED_ID, url="https://a.test/"), None),
        (SuppressionAdded(channel="sms", address="+15417540000", type="unsubscribed"), None),
        (SuppressionAdded(address="9f86d081884c7d65", type="deleted"), None),
        (ConsentGranted(channel="sms", address="+15417540000", requested_at=0), None),
        (ConsentWithdrawn(channel="push", address="token"), None),
        (Redacted(), CART),
        (Unknown(), CART),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_document_has_no_word_for_is_not_told(data: Data, message: About | None) -> None:
    assert told(data, message) is None


def test_a_subscription_can_want_some_topics_only() -> None:
    options = RemarketyOptions(topics=("email/opened", "email/clicked"))
    opened = MessageOpened(message=SEED_ID, user_agent=GMAIL, ip="1.2.3.4")
    assert told(opened, CART, options=options) is not None
    assert told(MessageSent(message=SEED_ID, address="john@doe.com"), CART, options=options) is None


def test_the_user_agent_can_be_chosen() -> None:
    """RM-14"""
    rendered = told(EXAMPLES[0].data, CART, options=RemarketyOptions(user_agent="Shop/2"))
    assert rendered is not None
    assert rendered.headers["User-Agent"] == "Shop/2"


def test_a_reply_can_be_given_a_time() -> None:
    """S3:L903 leaves it out; wire-facts 6.4 makes it optional."""
    reply = SmsReceived(sender="+15417541111", to="+15417540000", body="STOP", type="STOP")
    assert "timestamp" not in body(told(reply))
    timed = body(told(reply, at=SUMMER, options=RemarketyOptions(reply_timestamp=True)))
    assert timed["timestamp"] == "2020-07-19T10:12:15.296Z"


def test_the_same_event_gives_the_same_bytes() -> None:
    """RM-15: a retry sends the same body."""
    assert told(EXAMPLES[1].data, CART) == told(EXAMPLES[1].data, CART)


def test_the_table_of_events_names_these_topics() -> None:
    """docs/events.md says what each kind is called on this wire; it may not fall behind."""
    table = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    written: dict[str, list[str]] = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].startswith("`"):
            written[cells[0].strip("`")] = re.findall(r"`([^`]+)`", cells[2])
    ours: dict[str, list[str]] = {}
    for topic in TOPICS:
        ours.setdefault(topic.of.kind, []).append(topic.name)
    assert {kind: sorted(topics) for kind, topics in written.items() if topics} == {
        kind: sorted(topics) for kind, topics in ours.items()
    }

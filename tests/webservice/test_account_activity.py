"""A day's activities: the same items as the feed's, streamed, and zipped on demand. MG-11, MG-13"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from service_world import NAMESPACE, NOW, SCHEMA, Answer, World

from heliograph.clock import SECOND
from heliograph.database import Reading
from heliograph.events.consent import ConsentWithdrawn
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import AnyEvent
from heliograph.events.jobs import JobFailed
from heliograph.events.messages import (
    MessageBounced,
    MessageComplained,
    MessageDeferred,
    MessageDelivered,
    MessageRenderFailed,
    MessageSent,
    MessageSuppressed,
    RenderError,
    SmsReceived,
)
from heliograph.outbound.feeds.dialect import Rendered
from heliograph.outbound.feeds.dialects.messagegears import SCHEMA_DIALECT, SchemaOptions
from heliograph.outbound.feeds.surroundings import surroundings
from heliograph.readers import Readers

DAY = 86_400 * SECOND
READERS = Readers()


def as_a_feed(world: World, event: AnyEvent, options: SchemaOptions) -> Rendered | None:
    """How a feed tells an event."""
    with Reading(world.reading).look() as connection:
        return SCHEMA_DIALECT.render(event, surroundings(connection, [event], options, READERS)[0])


async def a_day(world: World) -> list[AnyEvent]:
    """One of everything that has an item, at noon, of a mail, a text and a notification."""
    mail = (await world.message(correlation_id="My job & yours", recipient_id="r7", job_category="news")).id
    text = (await world.message(channel="sms", address="+15551234567")).id
    push = (await world.message(channel="push", address="device1")).id
    error = RenderError(code="Template merge exception", message="no <such> name", part="SUBJECT", line=1)
    failed: dict[str, Any] = {"code": 0, "bounce_class": "hard"}
    data = [
        MessageSent(message=mail, address="joe@x.example", size=4711),
        MessageOpened(message=mail, ip="192.0.2.1", user_agent="Mozilla/5.0 \x00\x1f(<x>)"),
        LinkClicked(message=mail, url="https://shop.example/?a=1&b=2", name="Home", ip="192.0.2.1"),
        MessageDelivered(message=mail, address="joe@x.example"),
        MessageBounced(message=mail, address="joe@x.example", category="Soft Bounce", details="4", **failed),
        MessageSuppressed(
            message=mail,
            address="joe@x.example",
            code=131,
            category="Unsubscribe Suppression",
            reason="said so",
        ),
        MessageDeferred(message=mail, address="joe@x.example", attempt=1, response="later", retry_at=0),
        ConsentWithdrawn(message=mail, address="joe@x.example"),
        MessageComplained(message=mail, address="joe@x.example"),
        MessageRenderFailed(message=mail, address="joe@x.example", errors=(error, error)),
        JobFailed(job="j", error_code="Transfer Error", error_message="no such file"),
        MessageDelivered(message=text, channel="sms", address="+15551234567"),
        MessageBounced(
            message=text, channel="sms", address="+1", category="INVALID_ADDRESS", details="x", **failed
        ),
        MessageRenderFailed(message=text, channel="sms", address="+1", errors=(error,)),
        SmsReceived(sender="+15551234567", to="12345", body="STOP", type="STOP", country="US"),
        MessageDelivered(message=push, channel="push", address="device1", service="APNS", application="a"),
        MessageBounced(
            message=push, channel="push", address="device1", category="EXPIRED", details="x", **failed
        ),
        MessageRenderFailed(message=push, channel="push", address="device1", errors=(error,)),
    ]
    events = [world.event(one, at=NOW + 12 * 3600 * SECOND + n) for n, one in enumerate(data)]
    await world.happen(*events)
    return events


TYPES = {
    "OPENS": ("OpenActivity", 1),
    "CLICKS": ("ClickActivity", 1),
    "BOUNCES": ("BouncedMessageActivity", 3),
    "DELIVERIES": ("DeliveredMessageActivity", 1),
    "SPAM_COMPLAINTS": ("SpamComplaintActivity", 1),
    "RENDER_ERRORS": ("RenderErrorActivity", 1),
    "UNSUBSCRIBES": ("UnsubActivity", 1),
    "JOB_ERRORS": ("JobErrorActivity", 1),
    "SMS_DELIVERIES": ("SmsDeliveredActivity", 1),
    "SMS_DELIVERY_FAILURES": ("SmsDeliveryFailureActivity", 1),
    "SMS_RENDER_ERRORS": ("SmsRenderErrorActivity", 1),
    "SMS_INBOUNDS": ("SmsInboundActivity", 1),
    "MOBILE_PUSH_DELIVERIES": ("DeliveredMobilePushActivity", 1),
    "MOBILE_PUSH_DELIVERY_FAILURES": ("BouncedMobilePushActivity", 1),
    "MOBILE_PUSH_RENDER_ERRORS": ("RenderErrorMobilePushActivity", 1),
}
"""wire-facts 4.1: each type that the call may ask for, the item it gives, and how many of them that day has."""


def items(answer: Answer) -> list[Any]:
    return list(answer.xml.find(f"{NAMESPACE}ActivityItems"))


def ids(elements: Iterator[Any] | list[Any]) -> set[str]:
    return {one.findtext(f"{NAMESPACE}ActivityId") for one in elements}


async def activity(world: World, type_: str, day: str = "2026-01-01", **more: str) -> Answer:
    return await world.call("AccountActivity", ActivityType=type_, ActivityDate=day, **more)


async def test_each_type_of_a_day_gives_its_items_in_the_schemas_form(world: World) -> None:
    """MG-11, MG-13: every answer is valid by the schema that we serve."""
    await a_day(world)
    for type_, (name, number) in TYPES.items():
        answer = await activity(world, type_)
        assert answer.error is None
        assert answer.text("ActivityDate") == "2026-01-01"
        assert [one.tag for one in items(answer)] == [NAMESPACE + name] * number


async def test_a_day_holds_the_same_items_by_id_and_by_byte_as_the_feed(world: World) -> None:
    """MG-11: each event as the dialect tells it to a queue, its element byte for byte."""
    events = await a_day(world)
    fed: dict[str, bytes] = {}
    options = SchemaOptions(namespace=False)
    for event in events:
        told = as_a_feed(world, event, options)
        if told is not None:
            fed[event.id] = told.body.removeprefix(b"<ActivityItems>").removesuffix(b"</ActivityItems>")
    called: set[str] = set()
    for type_ in (one for one in TYPES if not one.startswith("MOBILE")):
        answer = await activity(world, type_)
        called |= ids(items(answer))
        assert all(fed[one] in answer.raw for one in ids(items(answer)))
    assert called == set(fed)
    assert len(called) == sum(number for type_, (_, number) in TYPES.items() if "MOBILE" not in type_)


async def test_what_an_xsd31_queue_holds_is_valid_by_the_schema_with_and_without_namespace(
    world: World,
) -> None:
    """MG-13: the element order and the types of wire-facts 4.1b; the vendor's reader takes both (wire-facts 4.3)."""
    for event in await a_day(world):
        for namespace in (True, False):
            options = SchemaOptions(namespace=namespace, extras=True)
            told = as_a_feed(world, event, options)
            if told is None:
                continue
            root = etree.fromstring(told.body)
            if not namespace:
                for element in root.iter():
                    element.tag = NAMESPACE + element.tag
            SCHEMA.assertValid(root)
            assert len(root) == 1


async def test_the_schema_refuses_what_the_vendors_reader_refuses() -> None:
    """MG-13: the rows of wire-facts 4.3. Without these the schema would prove nothing."""
    begin = '<ActivityItems xmlns="http://messagegears.com/3.1/webService">'
    uuid = "57e01e05-f10c-48aa-bd29-8a0912e72d40"
    who = (
        "<RequestId>t</RequestId><EmailAddress>a@x.example</EmailAddress>"
        "<Timestamp>2026-01-01T00:00:00.000+00:00</Timestamp>"
    )
    seen = "<IpAddress/><UserAgent/>"
    opened = f"<OpenActivity>{who}{seen}<ActivityId>{uuid}</ActivityId></OpenActivity>"
    clicked = f"<ClickActivity>{who}{seen}<Url/><ActivityId>{uuid}</ActivityId></ClickActivity>"
    delivered = f"<DeliveredMessageActivity>{who}<IpAddress/><MessageSize>1</MessageSize><ActivityId>{uuid}</ActivityId></DeliveredMessageActivity>"
    error = "<JobError><ErrorCode/><ErrorMessage/></JobError>"
    job = f"<RequestId>t</RequestId><Timestamp>2026-01-01T00:00:00Z</Timestamp>{{}}<ActivityId>{uuid}</ActivityId>"
    good = (opened + clicked, delivered, f"<JobErrorActivity>{job.format(error)}</JobErrorActivity>")
    bad = (
        clicked + opened,
        delivered.replace("<MessageSize>1</MessageSize>", ""),
        f"<JobErrorActivity>{job.format(error * 2)}</JobErrorActivity>",
        opened.replace(f"<ActivityId>{uuid}</ActivityId>", "").replace(
            who, f"<ActivityId>{uuid}</ActivityId>{who}"
        ),
        "<DeliveredSmsActivity/>",
    )
    for items_ in good:
        assert SCHEMA.validate(etree.fromstring(f"{begin}{items_}</ActivityItems>")), SCHEMA.error_log
    for items_ in bad:
        assert not SCHEMA.validate(etree.fromstring(f"{begin}{items_}</ActivityItems>")), items_


async def test_an_item_belongs_to_the_day_on_which_it_was_recorded_and_to_no_other(world: World) -> None:
    mail = (await world.message()).id
    opened = MessageOpened(message=mail)
    for at in (NOW - 1, NOW, NOW + DAY - 1, NOW + DAY):
        await world.happen(world.event(opened, at=at))
    late = world.event(opened, at=NOW + DAY + 1)
    await world.happen(late.__class__(**{**_fields(late), "at": NOW - 7 * DAY}))
    counts = {}
    for day in ("2025-12-25", "2025-12-31", "2026-01-01", "2026-01-02"):
        counts[day] = len(items(await activity(world, "OPENS", day)))
    assert counts == {"2025-12-25": 0, "2025-12-31": 1, "2026-01-01": 2, "2026-01-02": 2}


def _fields(event: AnyEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


async def test_another_accounts_activities_are_not_told(world: World) -> None:
    mail = (await world.message()).id
    await world.happen(world.event(MessageOpened(message=mail), account="999999999999"))
    assert items(await activity(world, "OPENS")) == []


async def test_a_day_is_zipped_when_it_shall_be(world: World) -> None:
    """wire-facts 4.1: UseCompression=TRUE."""
    await a_day(world)
    plain = await activity(world, "OPENS")
    zipped = await activity(world, "OPENS", UseCompression="TRUE")
    assert zipped.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(zipped.raw)) as archive:
        assert archive.testzip() is None
        (name,) = archive.namelist()
        body = archive.read(name)
    own = re.compile(rb"<RequestId>t[0-9]{5}-[0-9a-f-]{36}</RequestId><Result>")
    assert own.sub(b"", body) == own.sub(b"", plain.raw)


async def test_a_large_day_is_whole_and_comes_in_many_pieces(world: World) -> None:
    """MG-11: more than fits a page; the pieces are what is in memory."""
    mail = (await world.message()).id
    events = [world.event(MessageOpened(message=mail, ip="192.0.2.1"), at=NOW + n) for n in range(2_500)]
    await world.happen(*events)
    answer = await activity(world, "OPENS")
    assert ids(items(answer)) == {event.id for event in events}
    assert len(items(answer)) == len(events)


@pytest.mark.parametrize(
    "day",
    ["", "yesterday", "2026-02-30", "2026-1-1", "20260101", "2026-01", "2026-01-01T00:00:00Z", "\u0661" * 4],
)
async def test_a_wrong_date_is_refused(world: World, day: str) -> None:
    assert "ActivityDate" in ((await activity(world, "OPENS", day)).error or "")


@pytest.mark.parametrize("type_", ["", "OPEN", "SMS_CLICKS", "MOBILE_PUSH_CLICKS"])
async def test_a_wrong_type_is_refused(world: World, type_: str) -> None:
    assert (await activity(world, type_)).error


async def test_a_wrong_flag_is_refused(world: World) -> None:
    assert (await activity(world, "OPENS", UseCompression="maybe")).error


async def test_a_summary_counts_the_items_of_a_day_or_month(world: World) -> None:
    await a_day(world)
    later = datetime(2026, 1, 31, 23, 59, tzinfo=UTC) + timedelta(seconds=59)
    mail = (await world.message()).id
    await world.happen(world.event(MessageOpened(message=mail), at=int(later.timestamp()) * SECOND))
    day = await world.call("AccountSummary", ActivityDate="2026-01-01")
    month = await world.call("AccountSummary", ActivityDate="2026-01")
    whole = day.xml.find(f"{NAMESPACE}AccountSummary")
    counted = {one.tag.removeprefix(NAMESPACE): int(one.text or 0) for one in whole[1:]}
    assert (day.text("AccountSummary/ActivityDate"), month.text("AccountSummary/ActivityDate")) == (
        "2026-01-01",
        "2026-01",
    )
    assert counted == {
        "Messages": 1,
        "Clicks": 1,
        "Opens": 1,
        "Bounces": 3,
        "Unsubscribes": 1,
        "Deliveries": 1,
        "SpamComplaints": 1,
        "RenderErrors": 1,
        "JobErrors": 1,
    }
    assert month.text("AccountSummary/Opens") == "2"
    assert (await world.call("AccountSummary", ActivityDate="2026-02")).text("AccountSummary/Opens") == "0"
    assert (await world.call("AccountSummary", ActivityDate="2026-13")).error

"""MessageGears' items, held against the document's own examples, element for element. MG-1 to MG-7"""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from feed_world import event
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import from_datetime
from heliograph.events.consent import ConsentWithdrawn
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import Data, Event
from heliograph.events.jobs import JobFailed, RecordHit, RecordMissed, request_id
from heliograph.events.messages import (
    EmailReceived,
    MessageBounced,
    MessageCancelled,
    MessageComplained,
    MessageDeferred,
    MessageDelivered,
    MessageRenderFailed,
    MessageRequested,
    MessageSuppressed,
    RenderError,
    SmsReceived,
)
from heliograph.outbound.feeds.dialect import About, Context, Rendered
from heliograph.outbound.feeds.dialects import messagegears
from heliograph.outbound.feeds.dialects.activities import Known, activity
from heliograph.outbound.feeds.dialects.activity_forms import PAYLOAD_LIMIT, payloads
from heliograph.outbound.feeds.dialects.messagegears import (
    DocumentOptions,
    MessageGearsOptions,
    SchemaOptions,
)

VECTORS = Path(__file__).parent / "vectors" / "messagegears"
JOB = "My Job Id: 101010"
SAFARI = (
    "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_6_4; en-us) AppleWebKit/533.17.8 (KHTML, like Gecko)"
    " Version/5.0.1 Safari/533.17.8"
)
MERGE = RenderError(
    code="Template merge exception",
    message="Expecting a string, date or number here, Expression Recipient.FirstNamex is instead a"
    " freemarker.ext.dom.NodeListModel",
    part="SUBJECT",
    line=1,
    column=10,
)
FAILED: dict[str, Any] = {"message": "m", "bounce_class": "soft", "code": 0}
MADE = from_datetime(datetime(2020, 9, 9, 16, 38, 10, tzinfo=UTC))
LOOKED = {
    "prefix": "DEMO2",
    "record_id": "DEMO2-ofYlGLFP9e5HfcfI40l6TFoJtouGecQIr8nT",
    "ip": "1.2.3.4",
    "request_id": "t25610-2d7e1a55-f161-4af1-8f33-c994a0327a8b",
    "correlation_id": "Your Correlation Id",
    "recipient_id": "Your Recipient Id",
}
EXAMPLES: dict[str, Data] = {
    "ClickActivity": LinkClicked(
        message="m",
        url="http://www.mycompany.com",
        name="Home Page",
        ip="74.60.196.56",
        user_agent=SAFARI,
        web_copy=True,
    ),
    "OpenActivity": MessageOpened(message="m", ip="74.60.196.56", user_agent=SAFARI, web_copy=True),
    "DeliveredMessageActivity": MessageDelivered(message="m", address="joe@gmail.com", ip="74.125.47.27"),
    "BouncedMessageActivity": MessageBounced(
        message="m",
        address="joe@gmail.com",
        category="Invalid Recipient",
        code=10,
        bounce_class="hard",
        details="550-5.1.1 The email account that you tried to reach does not exist.",
        ip="74.125.47.27",
    ),
    "UnsubActivity": ConsentWithdrawn(
        message="m", address="joe@gmail.com", ip="128.234.11.12", user_agent=SAFARI
    ),
    "SpamComplaintActivity": MessageComplained(message="m", address="joe@gmail.com"),
    "JobErrorActivity": JobFailed(
        job="j",
        request_id="t25710-9540c8d8-aa5d-44d7-a9ef-a334072df515",
        correlation_id=JOB,
        error_code="Transfer Error",
        error_message="AmazonClientException retrieving file: s3://mycompany/myfile.txt"
        " - The specified key does not exist.",
    ),
    "RenderErrorActivity": MessageRenderFailed(message="m", address="joe@gmail.com", errors=(MERGE,)),
    "DeliveredMobilePushActivity": MessageDelivered(
        message="m",
        channel="push",
        address="123456789",
        service="APNS",
        application="12345",
        delivery_service="AWS Pinpoint",
    ),
    "BouncedMobilePushActivity": MessageBounced(
        channel="push",
        address="12345678",
        category='AWS Pinpoint Category, such as "TRANSIENT_FAILURE"',
        details="A temporary error occurred. MessageGears will attempt to deliver the message again later.",
        service="APNS",
        application="12345",
        delivery_service="AWS Pinpoint",
        **FAILED,
    ),
    "RenderErrorMobilePushActivity": MessageRenderFailed(
        message="m", channel="push", address="12345678", errors=(MERGE,)
    ),
    "DeliveredSmsActivity": MessageDelivered(message="m", channel="sms", address="123456789"),
    "RenderErrorSmsActivity": MessageRenderFailed(
        message="m",
        channel="sms",
        address="12345678",
        errors=(msgspec.structs.replace(MERGE, part="BODY"),),
    ),
    "BouncedSmsActivity": MessageBounced(
        channel="sms",
        address="12345678",
        category='Sms Failure category, such as "INVALID_ADDRESS"',
        details="The phone number you have attempted to send to is not valid or unrecognizable to our system.",
        **FAILED,
    ),
    "InboundSmsActivity": SmsReceived(
        sender="12345678",
        to="12345",
        type="STOP",
        body='The inbound message sent from the recipient, such as "STOP", "HELP", or a Keyword',
    ),
    "ContextHitActivity": RecordHit(size=4107, created_at=MADE, updated_at=MADE, **LOOKED),
    "ContextMissActivity": RecordMissed(**LOOKED),
}


def example(name: str) -> ElementTree.Element:
    return ElementTree.parse(VECTORS / f"{name}.xml").getroot()


def happened(name: str) -> tuple[Event[Data], About | None]:
    """What must have happened for the document's example to be sent."""
    data = EXAMPLES[name]
    said = {child.tag: child.text or "" for child in example(name)[0]}
    event_ = event(data, at=from_datetime(datetime.fromisoformat(said["Timestamp"])), account="23295228")
    event_ = msgspec.structs.replace(event_, id=said["ActivityId"])
    address = said.get("EmailAddress") or said.get("SmsAddress") or said.get("DeviceId") or ""
    message = About(
        "m",
        getattr(data, "channel", "email"),
        address,
        request_id=said.get("RequestId", ""),
        correlation_id=JOB,
    )
    return event_, message if hasattr(data, "message") else None


def flat(element: ElementTree.Element) -> list[tuple[str, str]]:
    return [(part.tag, (part.text or "").strip()) for part in element.iter()]


def rendered(dialect: Any, event_: Event[Data], message: About | None, options: Any) -> bytes:
    told: Rendered | None = dialect.render(event_, Context(options, message))
    assert told is not None
    return told.body


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_documents_example_is_what_its_event_is_told_as(name: str) -> None:
    """MG-1, MG-4, MG-5: elements, order and text of S1, with the corrections of wire-facts 4.5."""
    options = DocumentOptions(zone="America/New_York")
    event_, message = happened(name)
    ours = ElementTree.fromstring(rendered(messagegears.DOCUMENT_DIALECT, event_, message, options))
    expected = flat(example(name))
    if name == "RenderErrorMobilePushActivity":  # nothing records which service a template failed for
        expected = [(tag, "" if tag in ("Service", "ApplicationId") else text) for tag, text in expected]
    assert flat(ours) == expected


def test_every_example_of_the_document_is_tried() -> None:
    assert {path.stem for path in VECTORS.glob("*.xml")} == set(EXAMPLES)
    assert len(EXAMPLES) == 17


def test_optional_elements_are_left_out_when_there_is_nothing_to_say() -> None:
    """MG-3"""
    click = event(LinkClicked(message="m", url="https://shop.example/", ip="", user_agent=""))
    body = rendered(messagegears.DOCUMENT_DIALECT, click, mail(), DocumentOptions()).decode()
    assert "CorrelationId" not in body and "UrlName" not in body and "Microsite" not in body
    assert "<IpAddress></IpAddress>" in body  # an element that is not optional is there, empty
    assert "/>" not in body and "<?xml" not in body and "<!" not in body


def test_a_jobs_message_carries_its_recipient_and_category() -> None:
    told = rendered(
        messagegears.DOCUMENT_DIALECT,
        event(MessageOpened(message="m")),
        mail()._replace(recipient_id="R 1", job_category="News"),
        DocumentOptions(),
    )
    names = [child.tag for child in ElementTree.fromstring(told)[0]]
    assert names.index("RecipientId") == names.index("EmailAddress") + 1 and names[-1] == "JobCategory"


def test_a_request_id_has_the_day_it_was_made() -> None:
    """MG-5: t25710 is 2010-09-14, the 257th day."""
    assert request_id(from_datetime(datetime(2010, 9, 14, tzinfo=UTC)), "07bc4beb").startswith("t25710-")
    opened = event(MessageOpened(message="m"))
    message = mail()._replace(requested_at=MADE, job="0198c7f2-0000-7000-8000-000000000001")
    body = rendered(messagegears.DOCUMENT_DIALECT, opened, message, DocumentOptions()).decode()
    assert "<RequestId>t25320-0198c7f2-0000-7000-8000-000000000001</RequestId>" in body


@pytest.mark.parametrize(
    ("data", "code", "category"),
    [
        (
            MessageSuppressed(
                message="m", address="a@b.example", code=131, category="Unsubscribe Suppression", reason="r"
            ),
            "131",
            "Unsubscribe Suppression",
        ),
        (
            MessageDeferred(
                message="m", address="a@b.example", attempt=1, response="451 greylisted", retry_at=0
            ),
            "70",
            "Transient Failure",
        ),
    ],
)
def test_what_was_kept_back_or_delayed_is_a_bounce_with_its_code(
    data: Data, code: str, category: str
) -> None:
    """MG-8"""
    item = ElementTree.fromstring(
        rendered(messagegears.DOCUMENT_DIALECT, event(data), mail(), DocumentOptions())
    )[0]
    assert item.tag == "BouncedMessageActivity"
    assert (item.findtext("CategoryCode"), item.findtext("Category")) == (code, category)


@pytest.mark.parametrize(
    ("channel", "tag"), [("sms", "BouncedSmsActivity"), ("push", "BouncedMobilePushActivity")]
)
def test_what_a_cancelled_job_called_back_is_told_in_the_documents_words(channel: Any, tag: str) -> None:
    """MG-9: S1:L316, L391; the document has no word for mail."""
    called_back = event(MessageCancelled(message="m", reason="the job was cancelled"))
    message = mail()._replace(channel=channel, address="+12025550137", job="j")
    item = ElementTree.fromstring(
        rendered(messagegears.DOCUMENT_DIALECT, called_back, message, DocumentOptions())
    )[0]
    assert item.tag == tag
    assert item.findtext("Category") == "JOB_CANCELLED"
    assert item.findtext("Details") == "The job has been cancelled"
    assert activity(called_back, Known(mail(), UTC)) is None


def test_a_miss_may_copy_the_documents_literal() -> None:
    """S1:L429"""
    missed = event(RecordMissed(prefix="P", record_id="P-1"))
    for literal, name in ((False, b"<ContextMissActivity>"), (True, b"<ContextHitActivity>")):
        assert name in rendered(
            messagegears.DOCUMENT_DIALECT, missed, None, DocumentOptions(miss_as_hit=literal)
        )


@given(st.text(), st.text())
def test_any_text_becomes_xml_that_parses_and_that_a_queue_takes(agent: str, url: str) -> None:
    """MG-6"""
    click = event(LinkClicked(message="m", url=url, user_agent=agent))
    body = rendered(messagegears.DOCUMENT_DIALECT, click, mail(), DocumentOptions()).decode()
    assert not re.search("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", body)
    item = ElementTree.fromstring(body)[0]
    legal = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", url)
    assert (item.findtext("Url") or "").replace("\n", "\r") == legal.replace("\r\n", "\r").replace("\n", "\r")


@pytest.mark.parametrize("character", ["a", "&", "ü", "😀"])
def test_an_item_that_is_too_large_is_shortened_to_fit_a_payload(character: str) -> None:
    """MG-2"""
    click = event(LinkClicked(message="m", url=character * 100_000, name=character * 80_000))
    failed = event(
        MessageRenderFailed(
            message="m",
            address="a@b.example",
            errors=(RenderError(code=character * 9000, message=character * 90_000),) * 50,
        )
    )
    for event_ in (click, failed):
        for dialect, options in (
            (messagegears.DOCUMENT_DIALECT, DocumentOptions()),
            (messagegears.SCHEMA_DIALECT, SchemaOptions()),
        ):
            body = rendered(dialect, event_, mail(), options)
            assert len(body) <= PAYLOAD_LIMIT
            ElementTree.fromstring(body)


@given(st.lists(st.integers(1, 30_000), max_size=30))
def test_items_are_packed_in_order_and_no_payload_is_over_the_limit(sizes: list[int]) -> None:
    """MG-2"""
    items = [b"<X>%s</X>" % (b"x" * size) for size in sizes]
    packed = list(payloads(items))
    assert all(len(body) <= PAYLOAD_LIMIT for body in packed)
    inside = b"".join(
        body.removeprefix(b"<ActivityItems>").removesuffix(b"</ActivityItems>") for body in packed
    )
    assert inside == b"".join(items)
    for first, second in pairwise(packed):
        assert len(first) + len(second) - len("<ActivityItems></ActivityItems>") > PAYLOAD_LIMIT - 30_007


SCHEMA_ORDER = {
    "OpenActivity": "RequestId CorrelationId EmailAddress RecipientId Timestamp IpAddress UserAgent ActivityId"
    " Microsite JobCategory",
    "ClickActivity": "RequestId CorrelationId EmailAddress RecipientId Timestamp IpAddress UserAgent Url UrlName"
    " ActivityId Microsite JobCategory",
    "UnsubActivity": "RequestId CorrelationId EmailAddress RecipientId Timestamp IpAddress UserAgent ActivityId"
    " Microsite JobCategory",
    "InboundEmailActivity": "RequestId CorrelationId EmailAddress RecipientId Timestamp ActivityId IpAddress"
    " JobCategory MailFrom Subject Classification ContentId Content",
    "BouncedMessageActivity": "RequestId CorrelationId EmailAddress RecipientId Timestamp Category CategoryCode"
    " Details IpAddress MessageSize ActivityId JobCategory",
    "DeliveredMessageActivity": "RequestId CorrelationId EmailAddress RecipientId Timestamp IpAddress MessageSize"
    " ActivityId JobCategory",
    "SpamComplaintActivity": "RequestId CorrelationId EmailAddress RecipientId Timestamp Isp IpAddress Subject"
    " ActivityId JobCategory",
    "SmsDeliveredActivity": "RequestId CorrelationId SmsAddress RecipientId Timestamp ActivityId JobCategory"
    " SendingSmsNumber",
    "SmsDeliveryFailureActivity": "RequestId CorrelationId SmsAddress RecipientId Timestamp Category CategoryCode"
    " ActivityId JobCategory SendingSmsNumber",
}
"""The vendor's schema as wire-facts 4.1b writes it down, with everything that may be left out."""


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("OpenActivity", MessageOpened(message="m", web_copy=True)),
        ("ClickActivity", LinkClicked(message="m", url="u", name="n", web_copy=True)),
        ("UnsubActivity", ConsentWithdrawn(message="m", address="a", web_copy=True)),
        ("InboundEmailActivity", EmailReceived(message="m", address="a", mail_from="f", subject="s")),
        ("BouncedMessageActivity", EXAMPLES["BouncedMessageActivity"]),
        ("DeliveredMessageActivity", EXAMPLES["DeliveredMessageActivity"]),
        ("SpamComplaintActivity", MessageComplained(message="m", address="a@b.c", ip="1.1.1.1", subject="s")),
        ("SmsDeliveredActivity", MessageDelivered(message="m", channel="sms", address="+15417540000")),
        (
            "SmsDeliveryFailureActivity",
            MessageBounced(
                channel="sms", address="+15417540000", category="ADDRESS_BLOCKED", details="d", **FAILED
            ),
        ),
    ],
)
def test_the_schemas_form_has_the_schemas_order(name: str, data: Data) -> None:
    """MG-1"""
    message = mail()._replace(
        channel=getattr(data, "channel", "email"),
        sender="+15417541111",
        correlation_id="c",
        recipient_id="r",
        job_category="j",
    )
    body = rendered(messagegears.SCHEMA_DIALECT, event(data), message, SchemaOptions(extras=True))
    root = ElementTree.fromstring(body)
    space = "{http://messagegears.com/3.1/webService}"
    assert root.tag == f"{space}ActivityItems" and root[0].tag == space + name
    assert [child.tag.removeprefix(space) for child in root[0]] == SCHEMA_ORDER[name].split()


def test_the_schemas_form_tells_extras_only_to_who_asks() -> None:
    wanted = event(MessageRequested(address="a@b.example", template="t"))
    for extras in (False, True):
        told = messagegears.SCHEMA_DIALECT.render(wanted, Context(SchemaOptions(extras=extras)))
        assert (told is not None) == extras
    pushed = event(MessageDelivered(message="m", channel="push", address="d"))
    message = mail()._replace(channel="push")
    assert messagegears.SCHEMA_DIALECT.render(pushed, Context(SchemaOptions(extras=True), message)) is None


def test_csv_has_every_column_in_every_record() -> None:
    """MG-12"""
    click = event(LinkClicked(message="m", url="https://shop.example/?a=1,2", ip="", user_agent='say "hi"'))
    body = rendered(messagegears.CSV_DIALECT, click, mail(), MessageGearsOptions()).decode()
    (row,) = csv.DictReader(io.StringIO(body))
    assert row["ActivityType"] == "ClickActivity" and row["Url"] == "https://shop.example/?a=1,2"
    assert row["UserAgent"] == 'say "hi"' and row["UrlName"] == "" and row["JobCategory"] == ""
    failed = event(EXAMPLES["RenderErrorActivity"])
    (row,) = csv.DictReader(
        io.StringIO(rendered(messagegears.CSV_DIALECT, failed, mail(), MessageGearsOptions()).decode())
    )
    assert row["RenderErrors"].startswith("Template merge exception: Error on line 1, column 10 in SUBJECT ")


def test_a_subscription_may_want_some_items_only() -> None:
    options = DocumentOptions(activities=("click",))
    render = messagegears.DOCUMENT_DIALECT.render
    assert render(event(MessageOpened(message="m")), Context(options, mail())) is None
    assert render(event(LinkClicked(message="m", url="u")), Context(options, mail())) is not None


def test_a_zone_that_does_not_exist_is_refused_when_it_is_set() -> None:
    with pytest.raises(msgspec.ValidationError, match="no time zone 'Mars/Base'"):
        msgspec.convert({"zone": "Mars/Base"}, DocumentOptions)


def test_what_belongs_to_no_message_has_no_item() -> None:
    for data in (ConsentWithdrawn(address="a@b.example"), MessageOpened(campaign="abcd1234")):
        assert messagegears.DOCUMENT_DIALECT.render(event(data), Context(DocumentOptions())) is None


def mail() -> About:
    return About("0198c7f2-0000-7000-8000-000000000000", "email", "joe@gmail.com", requested_at=MADE)


def test_a_record_that_a_message_asked_for_names_the_messages_request() -> None:
    """MG-7"""
    missed = event(RecordMissed(prefix="D", record_id="D-k", message="m"))
    about = About("m", "email", "joe@x.example", requested_at=0, correlation_id="My job", recipient_id="r7")
    body = rendered(messagegears.DOCUMENT_DIALECT, missed, about, DocumentOptions())
    item = ElementTree.fromstring(body)[0]
    assert item.findtext("RequestId") == "t00170-m"
    assert (item.findtext("CorrelationId"), item.findtext("RecipientId")) == ("My job", "r7")

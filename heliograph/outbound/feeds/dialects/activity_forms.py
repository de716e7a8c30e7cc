"""Activity items as they go out: the order of their elements by form, and the writing of XML and CSV (MG-1 to MG-3, MG-12).

Two forms of XML: `DOCUMENT`, the names and the order of S1's examples; `SCHEMA`, those of the vendor's XSD 3.1, which
its own clients validate against (wire-facts 4.1b). Optional elements are left out when empty; the others are always
there. A payload holds items of one type and at most 64 KiB of UTF-8; text that neither XML 1.0 nor SQS may carry is
dropped (MG-6).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from heliograph.outbound.feeds.dialects.activity import Activity, Elements, Item, escaped

PAYLOAD_LIMIT = 65_536
"""Bytes of one payload: what the vendor's clients make their queues for (MG-2)."""

NESTED_TEXTS, NESTED_CHARACTERS = 8, 500
"""How many errors an item carries at most, and how much of each text: so that any item fits a payload by itself."""

NAMESPACE = "http://messagegears.com/3.1/webService"

_OPEN, _CLOSE = b"<ActivityItems>", b"</ActivityItems>"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) and SQS both refuse."""


class Layout(NamedTuple):
    """An item in one form: its element's name, and its children in order with whether each may be left out."""

    name: str
    fields: tuple[tuple[str, bool], ...]


def _layout(name: str, fields: str) -> Layout:
    """`Url UrlName?`: a question mark says optional."""
    return Layout(name, tuple((field.rstrip("?"), field.endswith("?")) for field in fields.split()))


_JOB = "RequestId CorrelationId? ActivityId"
_MAIL = f"{_JOB} EmailAddress RecipientId? Timestamp"
_PUSH = f"{_JOB} DeviceId Service ApplicationId RecipientId? Timestamp"
_TEXT = f"{_JOB} SmsAddress RecipientId? Timestamp"
_LOOKED = (
    "Timestamp AccountId RequestId? CorrelationId? ActivityId RecipientId? IpAddress Vendor Prefix RecordId"
)

DOCUMENT: dict[Item, Layout] = {
    "click": _layout("ClickActivity", f"{_MAIL} IpAddress UserAgent Url UrlName? Microsite? JobCategory?"),
    "open": _layout("OpenActivity", f"{_MAIL} IpAddress UserAgent Microsite? JobCategory?"),
    "delivery": _layout("DeliveredMessageActivity", f"{_MAIL} IpAddress JobCategory?"),
    "bounce": _layout(
        "BouncedMessageActivity", f"{_MAIL} Category CategoryCode Details IpAddress JobCategory?"
    ),
    "unsub": _layout("UnsubActivity", f"{_MAIL} IpAddress UserAgent Microsite? JobCategory?"),
    "complaint": _layout("SpamComplaintActivity", f"{_MAIL} Isp JobCategory?"),
    "job_error": _layout("JobErrorActivity", f"{_JOB} Timestamp JobError JobCategory?"),
    "render_error": _layout("RenderErrorActivity", f"{_MAIL} RenderErrors JobCategory?"),
    "push_delivery": _layout("DeliveredMobilePushActivity", f"{_PUSH} PushDeliveryService? JobCategory?"),
    "push_bounce": _layout(
        "BouncedMobilePushActivity", f"{_PUSH} Category Details PushDeliveryService? JobCategory?"
    ),
    "push_render_error": _layout("RenderErrorMobilePushActivity", f"{_PUSH} RenderErrors JobCategory?"),
    "sms_delivery": _layout("DeliveredSmsActivity", f"{_TEXT} JobCategory?"),
    "sms_render_error": _layout("RenderErrorSmsActivity", f"{_TEXT} RenderErrors JobCategory?"),
    "sms_bounce": _layout("BouncedSmsActivity", f"{_TEXT} Category Details JobCategory?"),
    "sms_inbound": _layout(
        "InboundSmsActivity", "ActivityId SmsAddress Timestamp To InboundMessageType InboundMessage"
    ),
    "context_hit": _layout("ContextHitActivity", f"{_LOOKED} RecordSize CreateTimestamp UpdateTimestamp"),
    "context_miss": _layout("ContextMissActivity", _LOOKED),
}
"""S1's examples, with the corrections of wire-facts 4.5. Where they lack RecipientId and JobCategory, which the text
promises for every item, these stand where the schema has them."""

_WHO = "RequestId CorrelationId? EmailAddress RecipientId? Timestamp"
_NUMBER = "RequestId CorrelationId? SmsAddress RecipientId? Timestamp"

SCHEMA: dict[Item, Layout] = {
    "open": _layout("OpenActivity", f"{_WHO} IpAddress UserAgent ActivityId Microsite? JobCategory?"),
    "click": _layout(
        "ClickActivity", f"{_WHO} IpAddress UserAgent Url UrlName? ActivityId Microsite? JobCategory?"
    ),
    "unsub": _layout("UnsubActivity", f"{_WHO} IpAddress UserAgent ActivityId Microsite? JobCategory?"),
    "inbound_email": _layout(
        "InboundEmailActivity",
        f"{_WHO} ActivityId IpAddress JobCategory? MailFrom? Subject? Classification ContentId Content",
    ),
    "bounce": _layout(
        "BouncedMessageActivity",
        f"{_WHO} Category CategoryCode Details IpAddress MessageSize ActivityId JobCategory?",
    ),
    "delivery": _layout("DeliveredMessageActivity", f"{_WHO} IpAddress MessageSize ActivityId JobCategory?"),
    "complaint": _layout("SpamComplaintActivity", f"{_WHO} Isp? IpAddress? Subject? ActivityId JobCategory?"),
    "render_error": _layout("RenderErrorActivity", f"{_WHO} RenderErrors ActivityId JobCategory?"),
    "job_error": _layout(
        "JobErrorActivity", "RequestId CorrelationId? Timestamp JobError? ActivityId JobCategory?"
    ),
    "sms_delivery": _layout("SmsDeliveredActivity", f"{_NUMBER} ActivityId JobCategory? SendingSmsNumber?"),
    "sms_bounce": _layout(
        "SmsDeliveryFailureActivity",
        f"{_NUMBER} Category CategoryCode ActivityId JobCategory? SendingSmsNumber?",
    ),
    "sms_render_error": _layout("SmsRenderErrorActivity", f"{_NUMBER} RenderErrors ActivityId JobCategory?"),
    "sms_inbound": _layout(
        "SmsInboundActivity",
        "Timestamp ActivityId SendingSmsNumber? DestinationSmsNumber? SmsBody? From To",
    ),
    "request": _layout(
        "RequestActivity",
        "AccountId RequestId Timestamp ActivityId CorrelationId? JobCategory? CampaignId? RecipientXml",
    ),
}
"""The vendor's XSD 3.1, in the order that its `ActivityItems` has them."""


def xml_item(activity: Activity, layouts: dict[Item, Layout]) -> bytes | None:
    """One item as an element; None where the form has no such item. Shortened to fit a payload by itself."""
    layout = layouts.get(activity.item)
    if layout is None:
        return None
    values = as_schema(activity) if layouts is SCHEMA else activity.values
    values = {name: _cleaned(value) for name, value in values.items()}
    room = PAYLOAD_LIMIT - len(_OPEN) - len(_CLOSE) - len(NAMESPACE) - len(' xmlns=""')
    while len(item := _written(layout, values)) > room:
        longest = max((n for n, v in values.items() if isinstance(v, str)), key=lambda n: len(values[n]))
        if not values[longest]:
            return None  # nothing is left to shorten: an item is left out before anybody waits for it
        values[longest] = str(values[longest])[: -max(64, (len(item) - room) // 6)]
    return item


def as_schema(activity: Activity) -> dict[str, str | Elements]:
    """An item's values by the schema's names, where they are not the document's."""
    values = activity.values
    if activity.item != "sms_inbound":
        return values
    country = values.get("Country", "")
    return values | {
        "SendingSmsNumber": values["SmsAddress"],
        "DestinationSmsNumber": values["To"],
        "SmsBody": values["InboundMessage"],
        "From": (("Country", country),) if country else (),
        "To": (),
    }


def payloads(items: Iterable[bytes], *, namespace: bool = False) -> Iterator[bytes]:
    """Items of one type under one root, in as few payloads as the limit allows (MG-2)."""
    opening = f'<ActivityItems xmlns="{NAMESPACE}">'.encode() if namespace else _OPEN
    waiting: list[bytes] = []
    size = room = len(opening) + len(_CLOSE)
    for item in items:
        if waiting and size + len(item) > PAYLOAD_LIMIT:
            yield b"".join((opening, *waiting, _CLOSE))
            waiting, size = [], room
        waiting.append(item)
        size += len(item)
    if waiting:
        yield b"".join((opening, *waiting, _CLOSE))


def csv_record(activity: Activity) -> bytes | None:
    """One item as two lines of CSV: every column of its type, and what it says (MG-12). Errors of a template or a
    job are one column, one to a line."""
    layout = DOCUMENT.get(activity.item)
    if layout is None:
        return None
    columns = [name for name, _ in layout.fields]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(["ActivityType", *columns])
    rows.writerow([layout.name, *(_flat(_cleaned(activity.values.get(column, ""))) for column in columns)])
    return text.getvalue().encode()


def _written(layout: Layout, values: dict[str, str | Elements]) -> bytes:
    children = tuple(
        [(name, value) for name, optional in layout.fields if (value := values.get(name, "")) or not optional]
    )
    return _element(layout.name, children).encode()


def _element(name: str, value: str | Elements) -> str:
    inside = escaped(value) if isinstance(value, str) else "".join([_element(*child) for child in value])
    return f"<{name}>{inside}</{name}>"


def _cleaned(value: str | Elements) -> str | Elements:
    if isinstance(value, str):
        plain = value.isascii() and value.isprintable()  # nearly always, and asked ten times faster
        return value if plain else _ILLEGAL.sub("", value)
    return tuple(
        (name, _cleaned(child[:NESTED_CHARACTERS] if isinstance(child, str) else child))
        for name, child in value[:NESTED_TEXTS]
    )


def _flat(value: str | Elements) -> str:
    if isinstance(value, str):
        return value
    return "\n".join(": ".join(_flat(text) for _, text in _leaves(child)) for child in _groups(value))


def _groups(value: Elements) -> list[Elements]:
    """Several errors, or the one that stands by itself."""
    inner = [child for _, child in value if not isinstance(child, str)]
    return inner or [value]


def _leaves(value: Elements) -> list[tuple[str, str]]:
    return [(name, child) for name, child in value if isinstance(child, str)]

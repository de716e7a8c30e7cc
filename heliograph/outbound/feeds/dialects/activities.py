"""An event as one of MessageGears' activity items: its elements by the document's names, in no form yet (MG-1).

    event + what is known of its message -> Activity -> `activity_forms`: XML in the document's or the schema's order, CSV

One activity carries the id of its event as `ActivityId`: the
same in the webhook, in the queue, and in the account-activity call, on every delivery (MG-5, MG-11).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from heliograph.bounces.undelivered import BY_CHANNEL, PUSHES
from heliograph.clock import SECOND, to_datetime
from heliograph.events.consent import ConsentWithdrawn
from heliograph.events.engagement import LinkClicked, MessageOpened, Visit
from heliograph.events.event import AnyEvent, Data, Event
from heliograph.events.jobs import JobFailed, RecordHit, RecordLooked, RecordMissed, request_id
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
    SmsReceived,
)
from heliograph.outbound.feeds.dialect import About
from heliograph.outbound.feeds.dialects.activity import SMS_CATEGORIES, Activity, Elements, Item, escaped

VENDOR = "2"
"""What the document's context items show (S1:L420, L437) without a word of what it means: kept where a look-up names
no vendor of its own."""


class Known(NamedTuple):
    """What an item is made from beside its event: the message it is about, and the zone that instants are put in."""

    message: About | None
    zone: tzinfo


def activity(event: AnyEvent, known: Known) -> Activity | None:
    """The item of an event. None where MessageGears has no word for it: an activity that belongs to no message."""
    make = _MAKERS.get(type(event.data))
    return make(event, known) if make else None


def _clicked(event: Event[LinkClicked], known: Known) -> Activity | None:
    data = event.data
    visit = _visit(event, known)
    return Activity("click", visit | {"Url": data.url, "UrlName": data.name}) if visit else None


def _opened(event: Event[MessageOpened], known: Known) -> Activity | None:
    visit = _visit(event, known)
    return Activity("open", visit) if visit else None


def _visit(event: Event[Any], known: Known) -> dict[str, str | Elements] | None:
    data: Visit = event.data
    if known.message is None or known.message.channel != "email":
        return None
    return {
        **_of_message(event, known.message, known.zone),
        "IpAddress": data.ip,
        "UserAgent": data.user_agent,
        "Microsite": "true" if data.web_copy else "",
    }


def _unsubscribed(event: Event[ConsentWithdrawn], known: Known) -> Activity | None:
    data = event.data
    if known.message is None or data.channel != "email":
        return None
    return Activity(
        "unsub",
        {
            **_of_message(event, known.message, known.zone),
            "IpAddress": data.ip,
            "UserAgent": data.user_agent,
            "Microsite": "true" if data.web_copy else "",
        },
    )


def _complained(event: Event[MessageComplained], known: Known) -> Activity | None:
    data = event.data
    if known.message is None or data.channel != "email":
        return None
    return Activity(
        "complaint",
        {
            **_of_message(event, known.message, known.zone),
            "Isp": data.isp or data.address.rpartition("@")[2],
            "IpAddress": data.ip,
            "Subject": data.subject or "",
        },
    )


def _delivered(event: Event[MessageDelivered], known: Known) -> Activity | None:
    data, message = event.data, known.message
    if message is None:
        return None
    values = _of_message(event, message, known.zone)
    match data.channel:
        case "email":
            size = data.size if data.size is not None else message.size
            return Activity("delivery", values | {"IpAddress": data.ip, "MessageSize": str(size or 0)})
        case "sms":
            return Activity("sms_delivery", values)
        case "push":
            return Activity("push_delivery", values | _push(data))


def _bounced(event: Event[MessageBounced], known: Known) -> Activity | None:
    data, message = event.data, known.message
    if message is None:
        return None
    values = _of_message(event, message, known.zone) | {"Category": data.category, "Details": data.details}
    match data.channel:
        case "email":
            size = data.size if data.size is not None else message.size
            return Activity(
                "bounce",
                values
                | {"CategoryCode": str(data.code), "IpAddress": data.ip, "MessageSize": str(size or 0)},
            )
        case "sms":
            known_category = data.category in SMS_CATEGORIES
            code = SMS_CATEGORIES.index(data.category) if known_category else data.code
            return Activity("sms_bounce", values | {"CategoryCode": str(code)})
        case "push":
            return Activity("push_bounce", values | _push(data))


def _kept_back(event: Event[MessageSuppressed], known: Known) -> Activity | None:
    """Codes 130 to 135 (MG-8): a bounce without an attempt."""
    return _not_delivered(event, known, event.data.reason)


def _cancelled(event: Event[MessageCancelled], known: Known) -> Activity | None:
    """JOB_CANCELLED of texts and push messages (S1:L316, L391, MG-9); of mail the document has no word for it."""
    message = known.message
    if message is None or message.channel == "email":
        return None
    why = BY_CHANNEL[message.channel]["JOB_CANCELLED"]
    values = _of_message(event, message, known.zone) | {"Category": why.category, "Details": why.details}
    if message.channel == "push":
        return Activity(
            "push_bounce", values | {"Service": "", "ApplicationId": "", "PushDeliveryService": ""}
        )
    return Activity("sms_bounce", values | {"CategoryCode": str(SMS_CATEGORIES.index(why.category))})


def _deferred(event: Event[MessageDeferred], known: Known) -> Activity | None:
    """Code 70, Transient Failure (S1:L187); of push TRANSIENT_FAILURE or THROTTLED (S1:L305-L315, MG-9)."""
    data, message = event.data, known.message
    if message is not None and data.channel == "push" and data.category in PUSHES:
        told = {"Category": data.category, "Details": PUSHES[data.category].details}
        return Activity("push_bounce", _of_message(event, message, known.zone) | told | _push(data))
    return _not_delivered(event, known, event.data.response)


def _not_delivered(
    event: Event[MessageSuppressed] | Event[MessageDeferred], known: Known, details: str
) -> Activity | None:
    data, message = event.data, known.message
    if message is None or data.channel != "email":
        return None
    return Activity(
        "bounce",
        {
            **_of_message(event, message, known.zone),
            "Category": data.category,
            "CategoryCode": str(data.code),
            "Details": details,
            "IpAddress": "",
            "MessageSize": str(message.size or 0),
        },
    )


def _render_failed(event: Event[MessageRenderFailed], known: Known) -> Activity | None:
    data, message = event.data, known.message
    if message is None:
        return None
    errors: Elements = tuple(
        ("RenderError", (("ErrorCode", error.code), ("ErrorMessage", _where(error) + error.message)))
        for error in data.errors
    )
    item: dict[str, Item] = {"email": "render_error", "sms": "sms_render_error", "push": "push_render_error"}
    return Activity(
        item[data.channel],
        {
            **_of_message(event, message, known.zone),
            "Service": "",
            "ApplicationId": "",
            "RenderErrors": errors,
        },
    )


def _where(error: Any) -> str:
    """`Error on line 1, column 10 in SUBJECT ` (S1:L262); the part alone where no line is known."""
    if error.line is None:
        return f"Error in {error.part} "
    return f"Error on line {error.line}, column {error.column or 1} in {error.part} "


def _job_failed(event: Event[JobFailed], known: Known) -> Activity:
    data = event.data
    return Activity(
        "job_error",
        {
            "RequestId": data.request_id or request_id(event.at, data.job),
            "CorrelationId": data.correlation_id or "",
            "ActivityId": event.id,
            "Timestamp": _timestamp(event.at, known.zone),
            "JobError": (("ErrorCode", data.error_code), ("ErrorMessage", data.error_message)),
            "JobCategory": data.job_category or "",
        },
    )


def _text_received(event: Event[SmsReceived], known: Known) -> Activity:
    data = event.data
    return Activity(
        "sms_inbound",
        {
            "ActivityId": event.id,
            "SmsAddress": data.sender,
            "Timestamp": _timestamp(event.at, known.zone),
            "To": data.to,
            "InboundMessageType": data.type,
            "InboundMessage": data.body,
            "Country": data.country or "",
        },
    )


def _hit(event: Event[RecordHit], known: Known) -> Activity:
    data = event.data
    return Activity(
        "context_hit",
        {
            **_looked(event, data, known.message),
            "RecordSize": str(data.size),
            "CreateTimestamp": _zulu(data.created_at),
            "UpdateTimestamp": _zulu(data.updated_at),
        },
    )


def _missed(event: Event[RecordMissed], known: Known) -> Activity:
    return Activity("context_miss", _looked(event, event.data, known.message))


def _looked(event: AnyEvent, data: RecordLooked, message: About | None) -> dict[str, str | Elements]:
    """What hits and misses share; the request's ids only when a message asked (MG-7)."""
    return {
        "Timestamp": _zulu(event.at),
        "AccountId": event.account,
        "RequestId": data.request_id or (_request_of(message) if message else ""),
        "CorrelationId": data.correlation_id or (message.correlation_id if message else ""),
        "ActivityId": event.id,
        "RecipientId": data.recipient_id or (message.recipient_id if message else ""),
        "IpAddress": data.ip,
        "Vendor": data.vendor or VENDOR,
        "Prefix": data.prefix,
        "RecordId": data.record_id,
    }


def _mail_received(event: Event[EmailReceived], known: Known) -> Activity | None:
    data = event.data
    if known.message is None:
        return None
    return Activity(
        "inbound_email",
        {
            **_of_message(event, known.message, known.zone),
            "IpAddress": data.ip,
            "MailFrom": data.mail_from,
            "Subject": data.subject,
            "Classification": data.classification,
            "ContentId": event.id,
            "Content": data.content,
        },
    )


def _requested(event: Event[MessageRequested], known: Known) -> Activity | None:
    data = event.data
    if data.channel != "email":
        return None
    campaign = data.campaign
    recipient = {"EmailAddress": data.address, "RecipientId": data.recipient_id or ""}
    inside = "".join(f"<{name}>{escaped(text)}</{name}>" for name, text in recipient.items() if text)
    return Activity(
        "request",
        {
            "AccountId": event.account,
            "RequestId": data.request_id or request_id(event.at, data.job or event.id),
            "Timestamp": _timestamp(event.at, known.zone),
            "ActivityId": event.id,
            "CorrelationId": data.correlation_id or "",
            "JobCategory": data.job_category or "",
            "CampaignId": str(campaign.id) if campaign else "",
            "RecipientXml": f"<Recipient>{inside}</Recipient>",
        },
    )


def _of_message(event: AnyEvent, message: About, zone: tzinfo) -> dict[str, str | Elements]:
    """What every item about a message carries."""
    address = {"email": "EmailAddress", "sms": "SmsAddress", "push": "DeviceId"}[message.channel]
    return {
        "RequestId": _request_of(message),
        "CorrelationId": message.correlation_id,
        "ActivityId": event.id,
        address: message.address,
        "RecipientId": message.recipient_id,
        "Timestamp": _timestamp(event.at, zone),
        "JobCategory": message.job_category,
        "SendingSmsNumber": message.sender if message.channel == "sms" else "",
    }


def _request_of(message: About) -> str:
    """The id of the request that a message belongs to: what its caller was given, else our own for job or message."""
    return message.request_id or request_id(message.requested_at, message.job or message.id)


def _push(data: MessageDelivered | MessageBounced | MessageDeferred) -> dict[str, str | Elements]:
    return {
        "Service": data.service or "",
        "ApplicationId": data.application or "",
        "PushDeliveryService": data.delivery_service or "",
    }


def _timestamp(instant: int, zone: tzinfo) -> str:
    """`2010-09-14T15:50:19.491-04:00` (MG-4)."""
    seconds, micros = divmod(instant, SECOND)
    second, offset = _second(seconds, zone)
    return f"{second}.{micros // 1000:03d}{offset}"


@lru_cache(64)  # most of what is told just now happened in the last seconds
def _second(seconds: int, zone: tzinfo) -> tuple[str, str]:
    """A second as `2010-09-14T15:50:19`, and `-04:00`."""
    whole = to_datetime(seconds * SECOND).astimezone(zone).isoformat()
    return whole[:19], whole[19:]


def _zulu(instant: int) -> str:
    """`2020-09-22T16:59:39Z`: the other form of the document, of context items alone (MG-4)."""
    return f"{to_datetime(instant):%Y-%m-%dT%H:%M:%SZ}"


_MAKERS: dict[type[Data], Callable[[Any, Known], Activity | None]] = {
    LinkClicked: _clicked,
    MessageOpened: _opened,
    MessageDelivered: _delivered,
    MessageBounced: _bounced,
    MessageCancelled: _cancelled,
    MessageSuppressed: _kept_back,
    MessageDeferred: _deferred,
    ConsentWithdrawn: _unsubscribed,
    MessageComplained: _complained,
    JobFailed: _job_failed,
    MessageRenderFailed: _render_failed,
    SmsReceived: _text_received,
    RecordHit: _hit,
    RecordMissed: _missed,
    EmailReceived: _mail_received,
    MessageRequested: _requested,
}

KINDS = frozenset(data.kind for data in _MAKERS)
"""The kinds of event that some item tells."""

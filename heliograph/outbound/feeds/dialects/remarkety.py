"""Remarkety's webhooks: JSON over HTTPS, signed with HMAC-SHA256 (S3 "Receiving Events"; RM-14 to RM-17).

`TOPICS` says which event becomes which topic. The bodies are in `payloads`; how receivers check them is in
`heliograph.outbound.feeds.verification`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta

from heliograph.clock import SECOND, to_datetime
from heliograph.egress import Answer
from heliograph.events.consent import ConsentGranted, ConsentWithdrawn, SuppressionAdded, SuppressionRemoved
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import AnyEvent, Data, Event
from heliograph.events.messages import (
    MessageBounced,
    MessageComplained,
    MessageDelivered,
    MessageSent,
    SmsReceived,
)
from heliograph.journal.consumer import Delivered, Outcome, Refused, Retry
from heliograph.outbound.feeds.dialect import Context, Dialect, HmacForm, Options, Rendered
from heliograph.outbound.feeds.dialects.payloads import (
    EmailBounced,
    EmailClicked,
    EmailFact,
    EmailOpened,
    EmailSuppression,
    NewsletterSubscribed,
    SmsClicked,
    SmsReplied,
    SmsSent,
    SmsUnsubscribed,
)
from heliograph.signing import mac_base64, mac_hex

SCHEDULE = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 2700.0)
"""Seconds before each further attempt: "in increasing intervals, for 2 hours" (S3:L777, RM-15); 1 h 54 min in all."""

EXCERPT = 120  # characters of an answer that an operator is shown

SUPPRESSION_TYPES = {"role_suppressed": "manually_suppressed"}
"""Ours -> S3's closed list. A role address (info@, postmaster@) is kept out by policy, not by its owner's doing."""

WITHDRAWN = {
    "link": "Unsubscribed via link",
    "one_click": "Unsubscribed via link",
    "page": "Unsubscribed via link",
    "reply": "Unsubscribed via reply",
}
"""How a text was declined, in the words of S3's example; for any other way the account did it."""


TopicName = Literal[
    "email/sent",
    "email/clicked",
    "email/opened",
    "email/delivered",
    "email/bounced",
    "email/spam",
    "email/unsubscribed",
    "newsletter/subscribed",
    "sms/sent",
    "sms/clicked",
    "sms/replied",
    "sms/unsubscribed",
    "email-suppression/added",
    "email-suppression/removed",
]


class RemarketyOptions(Options, frozen=True, kw_only=True):
    """What a subscription in this dialect may set."""

    user_agent: Annotated[
        str,
        Meta(pattern=r"^[ -~]{1,200}$", description="the User-Agent header; some receivers filter by it"),
    ] = "Remarkety"
    topics: Annotated[
        tuple[TopicName, ...], Meta(description="only these topics, such as email/opened; none named: all")
    ] = ()
    reply_timestamp: Annotated[
        bool, Meta(description="give sms/replied a timestamp, which the document leaves out")
    ] = False


_Context = Context[RemarketyOptions]


class Topic(NamedTuple):
    """A topic: the event it tells, the shape of its body, and what makes that body (None: not this event)."""

    name: TopicName
    of: type[Data]
    body: type[msgspec.Struct]
    build: Callable[[Any, _Context], msgspec.Struct | None]


def umk(message: str) -> str:
    """A message's "unique identifier per email message", in the form of the examples: 14 hex digits, a dot, 17.

    It is the message's id without its version digit, which says nothing: so it is one for one, and the same
    in every topic about that message.
    """
    digits = message.replace("-", "")
    return f"{digits[:12]}{digits[13:15]}.{digits[15:]}"


def render(event: AnyEvent, context: _Context) -> Rendered | None:
    """The webhook of an event. None when no topic tells it, or the subscription leaves that topic out."""
    options = context.options
    for topic in _BY_DATA.get(type(event.data), ()):
        body = topic.build(event, context)
        if body is not None:
            if options.topics and topic.name not in options.topics:
                return None
            headers = {
                "Content-Type": "application/json",
                "User-Agent": options.user_agent,
                "Cache-Control": "no-cache",
                "X-Event-Topic": topic.name,
            }
            return Rendered(topic.name, headers, _ENCODER.encode(body))
    return None


def sign(secret: str, body: bytes, form: HmacForm) -> dict[str, str]:
    """The HMAC of the exact bytes of the body under the bytes of the secret as it is written (RM-14)."""
    mac = mac_base64 if form == "base64" else mac_hex
    return {"X-Event-Hmac-SHA256": mac(secret.encode(), body)}


def verdict(answer: Answer) -> Outcome:
    """2xx is a delivery; 5xx is tried again; S3 promises nothing for the rest, which is not (RM-15)."""
    if 200 <= answer.status < 300:
        return Delivered(str(answer.status))
    said = answer.body[: 4 * EXCERPT].decode("utf-8", "replace")
    excerpt = " ".join("".join(c if c.isprintable() else " " for c in said).split())[:EXCERPT]
    why = f"answered {answer.status}: {excerpt}" if excerpt else f"answered {answer.status}"
    return Retry(why) if answer.status >= 500 else Refused(why)


def _fact(
    event: Event[MessageSent] | Event[MessageDelivered] | Event[MessageComplained] | Event[ConsentWithdrawn],
    context: _Context,
) -> EmailFact | None:
    data = event.data
    if data.channel != "email":
        return None
    return EmailFact(timestamp=_whole(event.at), email=data.address, **_campaign(context, data.message))


def _opened(event: Event[MessageOpened], context: _Context) -> EmailOpened | None:
    message = context.message
    if message is None or message.channel != "email":
        return None
    return EmailOpened(
        timestamp=_whole(event.at),
        email=message.address,
        useragent=event.data.user_agent,
        ip=event.data.ip,
        **_campaign(context, message.id),
    )


def _clicked(event: Event[LinkClicked], context: _Context) -> EmailClicked | None:
    message = context.message
    if message is None or message.channel != "email":
        return None
    return EmailClicked(
        timestamp=_whole(event.at),
        email=message.address,
        link_url=event.data.url,
        useragent=event.data.user_agent,
        ip=event.data.ip,
        **_campaign(context, message.id),
    )


def _bounced(event: Event[MessageBounced], context: _Context) -> EmailBounced | None:
    data = event.data
    if data.channel != "email":
        return None
    return EmailBounced(
        timestamp=_whole(event.at),
        email=data.address,
        reason=data.details,
        soft_bounce=data.soft,
        **_campaign(context, data.message),
    )


def _subscribed(event: Event[ConsentGranted], _: _Context) -> NewsletterSubscribed | None:
    data = event.data
    if data.channel != "email":
        return None
    return NewsletterSubscribed(
        timestamp=_whole(data.requested_at),
        optin_timestamp=UNSET if data.confirmed_at is None else _whole(data.confirmed_at),
        email=data.address,
        signup_ip=data.signup_ip or UNSET,
        optin_ip=data.optin_ip or UNSET,
    )


def _text_sent(event: Event[MessageSent], context: _Context) -> SmsSent | None:
    data = event.data
    if data.channel != "sms":
        return None
    body = data.body or ""
    return SmsSent(
        timestamp=_millis(event.at),
        email=context.email,
        characters_count=len(body) if data.characters is None else data.characters,
        body=body,
        to=data.address,
        from_=data.sender or "",
        is_test=data.is_test,
        recipient_country_code=data.country or "",
        **_text_campaign(context),
    )


def _text_clicked(event: Event[LinkClicked], context: _Context) -> SmsClicked | None:
    message = context.message
    if message is None or message.channel != "sms":
        return None
    return SmsClicked(
        timestamp=_millis(event.at),
        to=message.address,
        from_=message.sender,
        email=context.email,
        is_test=message.is_test,
        ip=event.data.ip,
        user_agent=event.data.user_agent,
        url=event.data.url,
        **_text_campaign(context),
    )


def _text_received(event: Event[SmsReceived], context: _Context) -> SmsReplied:
    return SmsReplied(
        timestamp=_millis(event.at) if context.options.reply_timestamp else UNSET,
        to=event.data.to,
        from_=event.data.sender,
        body=event.data.body,
    )


def _text_unsubscribed(event: Event[ConsentWithdrawn], context: _Context) -> SmsUnsubscribed | None:
    data = event.data
    if data.channel != "sms":
        return None
    return SmsUnsubscribed(
        timestamp=_whole(event.at),
        email=context.email,
        phone_number=data.address,
        reason=data.reason or WITHDRAWN.get(data.how, "Unsubscribed by the account"),
        **_campaign(context, data.message),
    )


def _suppression(
    event: Event[SuppressionAdded] | Event[SuppressionRemoved], _: _Context
) -> EmailSuppression | None:
    data = event.data
    if data.channel != "email" or "@" not in data.address:  # an erased person's is a keyed hash (RM-12)
        return None
    return EmailSuppression(
        timestamp=_whole(event.at),
        email=data.address,
        client_ip=data.ip,
        type=SUPPRESSION_TYPES.get(data.type, data.type),
        reason=data.reason,
    )


def _campaign(context: _Context, message: str | None) -> dict[str, Any]:
    """The keys that tie an event to its message and its campaign, as far as it has them."""
    keys: dict[str, Any] = {"umk": umk(message)} if message else {}
    campaign = context.message.campaign if context.message else None
    if campaign:
        keys["campaign_name"] = campaign.name
        keys["campaign_id"] = campaign.id
        if campaign.group:
            keys["campaign_group"] = campaign.group
    return keys


def _text_campaign(context: _Context) -> dict[str, Any]:
    """The same for texts: a system's own message has none of them (S3:L886), and the id is a string."""
    if context.message is None or context.message.campaign is None:
        return {}
    keys = _campaign(context, context.message.id)
    return keys | {"campaign_id": str(keys["campaign_id"])}


def _whole(instant: int) -> str:
    """`2018-04-12T12:50:00+00:00`."""
    return _second(instant // SECOND)


@lru_cache(64)  # most of what is told just now happened in the last seconds
def _second(seconds: int) -> str:
    return to_datetime(seconds * SECOND).isoformat(timespec="seconds")


def _millis(instant: int) -> str:
    """`2020-07-19T10:12:15.296Z`."""
    return to_datetime(instant).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


TOPICS: tuple[Topic, ...] = (
    Topic("email/sent", MessageSent, EmailFact, _fact),
    Topic("email/clicked", LinkClicked, EmailClicked, _clicked),
    Topic("email/opened", MessageOpened, EmailOpened, _opened),
    Topic("email/delivered", MessageDelivered, EmailFact, _fact),
    Topic("email/bounced", MessageBounced, EmailBounced, _bounced),
    Topic("email/spam", MessageComplained, EmailFact, _fact),
    Topic("email/unsubscribed", ConsentWithdrawn, EmailFact, _fact),
    Topic("newsletter/subscribed", ConsentGranted, NewsletterSubscribed, _subscribed),
    Topic("sms/sent", MessageSent, SmsSent, _text_sent),
    Topic("sms/clicked", LinkClicked, SmsClicked, _text_clicked),
    Topic("sms/replied", SmsReceived, SmsReplied, _text_received),
    Topic("sms/unsubscribed", ConsentWithdrawn, SmsUnsubscribed, _text_unsubscribed),
    Topic("email-suppression/added", SuppressionAdded, EmailSuppression, _suppression),
    Topic("email-suppression/removed", SuppressionRemoved, EmailSuppression, _suppression),
)
"""Every topic of S3, in its order."""

_BY_DATA: dict[type[Data], tuple[Topic, ...]] = {
    data: tuple(topic for topic in TOPICS if topic.of is data) for data in {topic.of for topic in TOPICS}
}
_ENCODER = msgspec.json.Encoder()

DIALECT = Dialect(
    name="remarkety",
    kinds=frozenset(topic.of.kind for topic in TOPICS),
    options=RemarketyOptions,
    render=render,
    sign=sign,
    verdict=verdict,
    schedule=SCHEDULE,
)

"""Litmus' real-time feed: what was read, printed and forwarded, as 18 keys of JSON (LIT-9, LIT-10, LIT-16; S0).

An open is told once, when it is known how long it lasted, under the id of the open; `created_at` is when it began. Prints
and forwards are told at once. Geography has been empty since 2022 (S0:L33); no address of any kind is told.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from heliograph.clock import SECOND, to_datetime
from heliograph.events.engagement import MessageForwarded, MessagePrinted, MessageRead
from heliograph.events.event import AnyEvent
from heliograph.outbound.feeds.dialect import About, Context, Dialect, Options, Rendered
from heliograph.outbound.feeds.dialects.remarkety import sign, verdict
from heliograph.react.state.visits import Opened

SCHEDULE = (10.0, 30.0, 60.0, 300.0, 900.0, 1800.0)
"""Seconds between attempts where the feed does not end in a topic: topics have their own policies."""

_HEADERS = {"Content-Type": "text/plain; charset=UTF-8"}

_NOT_KNOWN = Opened(event="", account="", at=0, recorded=0)
"""What is told of an open that was erased, or is too long ago."""


class LitmusOptions(Options, frozen=True, kw_only=True):
    """What a subscription may set."""

    campaigns: Annotated[
        Literal["new", "all", "subscribed"],
        Meta(
            description="which tracking codes are told of: those made after a topic's subscriber confirmed, all, or those"
            " that a partner subscribed one by one"
        ),
    ] = "new"
    own: Annotated[
        bool,
        Meta(
            description="also tell of mails sent by Heliograph; campaign_guid is then the campaign's number"
        ),
    ] = True


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """The message, its keys in the document's order (S0:L52)."""

    activity_type: Literal["Read", "Print", "Forward"]
    campaign_guid: str
    reliability_category: Literal["Reliable", "Unreliable"] = "Reliable"
    custom_id: str = ""
    custom_data: str = ""
    custom_type: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    referrer: str = ""
    user_agent: str = ""
    created_at: str
    mail_client: str = ""
    mail_client_specific: str = ""
    rendering_engine: str = ""
    platform: str = ""
    read_category: str = ""
    read_seconds: int = 0


def render(event: AnyEvent, context: Context[LitmusOptions]) -> Rendered | None:
    """The event as a hit; None for what the subscription does not want."""
    data = event.data
    if not isinstance(data, MessageRead | MessagePrinted | MessageForwarded):
        return None
    options, tracked = context.options, context.campaign
    if options.campaigns == "subscribed" and (tracked is None or not tracked.subscribed):
        return None
    if not data.campaign and not options.own:
        return None
    hit = _read(event, data, context) if isinstance(data, MessageRead) else _visit(event, data, context)
    activity = data.open if isinstance(data, MessageRead) else event.id
    born = tracked.created if tracked is not None and options.campaigns == "new" else None
    return Rendered(hit.activity_type, dict(_HEADERS), msgspec.json.encode(hit), activity, born)


def _read(event: AnyEvent, data: MessageRead, context: Context[LitmusOptions]) -> Hit:
    opened, about = context.open or _NOT_KNOWN, context.message
    reader = context.reader or opened
    return Hit(
        activity_type="Read",
        campaign_guid=data.campaign or _guid(about),
        reliability_category="Unreliable" if reader.reliable is False else "Reliable",
        custom_id=opened.custom_id or _id(about),
        custom_data=opened.custom_data,
        custom_type=opened.custom_type,
        referrer=opened.referrer,
        user_agent=opened.user_agent,
        created_at=_instant(opened.at or event.at),
        mail_client=reader.mail_client,
        mail_client_specific=reader.mail_client_specific,
        rendering_engine=reader.rendering_engine,
        platform=reader.platform,
        read_category=data.category,
        read_seconds=data.seconds,
    )


def _visit(event: AnyEvent, data: MessagePrinted | MessageForwarded, context: Context[LitmusOptions]) -> Hit:
    reader = context.reader or _NOT_KNOWN
    return Hit(
        activity_type="Print" if isinstance(data, MessagePrinted) else "Forward",
        campaign_guid=data.campaign or _guid(context.message),
        reliability_category="Unreliable" if reader.reliable is False else "Reliable",
        custom_id=data.custom_id or _id(context.message),
        custom_data=data.custom_data,
        custom_type=data.custom_type,
        referrer=data.referrer,
        user_agent=data.user_agent,
        created_at=_instant(event.at),
        mail_client=reader.mail_client,
        mail_client_specific=reader.mail_client_specific,
        rendering_engine=reader.rendering_engine,
        platform=reader.platform,
    )


def _guid(about: About | None) -> str:
    """A campaign of our own in the form of a GUID: its number, eight digits."""
    return f"{about.campaign.id if about and about.campaign else 0:08d}"


def _id(about: About | None) -> str:
    """Whom a message of our own went to, by an id that is no address."""
    return (about.recipient_id or about.person or "") if about else ""


def _instant(at: int) -> str:
    """UTC without a zone, whole seconds, as the document has it."""
    return _second(at // SECOND)


@lru_cache(64)  # most of what is told just now happened in the last seconds
def _second(seconds: int) -> str:
    return to_datetime(seconds * SECOND).strftime("%Y-%m-%dT%H:%M:%S")


DIALECT = Dialect(
    name="litmus",
    kinds=frozenset((MessageRead.kind, MessagePrinted.kind, MessageForwarded.kind)),
    options=LitmusOptions,
    render=render,
    sign=sign,
    verdict=verdict,
    schedule=SCHEDULE,
)

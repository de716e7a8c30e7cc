"""A visit as it is recorded: who came, as far as the request tells and the account's policy keeps. Pure.

The journal's row is made here directly, not by way of an `Event`: this is the hottest path there is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from heliograph.accounts.directory import Directory
from heliograph.accounts.privacy import kept_ip
from heliograph.events import subjects
from heliograph.events.consent import Channel
from heliograph.events.engagement import (
    LinkClicked,
    MessageForwarded,
    MessageOpened,
    MessagePrinted,
    MessageRendered,
    Visit,
)
from heliograph.events.event import Data, Record, new_id
from heliograph.hooks import Hook
from heliograph.inbound.tracking.hits import Hit
from heliograph.react.state.campaigns import Campaign
from heliograph.readers import NO_ACCEPT, Readers
from heliograph.refs import ClickRef, MessageRef
from heliograph.web.http import Request
from heliograph.web.visitors import accept, kept, purpose

KINDS: dict[Hook, type[Visit]] = {
    "open": MessageOpened,
    "print": MessagePrinted,
    "forward": MessageForwarded,
    "dark": MessageRendered,
    "light": MessageRendered,
}
"""What each hook of a mail tells (LIT-4)."""

_encode = msgspec.json.Encoder().encode


class Copy(NamedTuple):
    """The copy of a mail that a pixel is in: whose fact its hits are, and what they say of it. `nameless`: whoever
    looks gave no consent to be told apart. `page`: it may be looked at as a web page."""

    account: str
    subject: str
    said: dict[str, Any]
    nameless: bool
    page: bool


def own_copy(ref: MessageRef) -> Copy:
    """A mail that we sent."""
    said = {"message": ref.message, "web_copy": ref.web_copy}
    return Copy(ref.account, subject(ref), said, ref.aggregate, ref.web_copy)


def copy_of(campaign: Campaign, hit: Hit) -> Copy:
    """A mail that somebody sent with a tracking code in it. Whose its `custom_id` is we cannot tell, unless it is an
    address: then hits are its owner's facts, which an erasure must find."""
    said: dict[str, Any] = {
        "campaign": campaign.guid,
        "custom_type": hit.custom_type or campaign.custom_type,
        "custom_data": hit.custom_data or campaign.custom_data,
    }
    whose = subjects.thing("campaign", campaign.guid)
    if campaign.individual:
        said["custom_id"] = hit.custom_id
        whose = subjects.email(hit.custom_id) if "@" in hit.custom_id else whose
    return Copy(campaign.account, whose, said, not campaign.individual, True)


def loaded(copy: Copy, hook: Hook, request: Request, directory: Directory, readers: Readers) -> Visit:
    """What one load of a pixel tells."""
    kind, client = KINDS[hook], request.client
    return kind(
        **copy.said,
        **_more(hook, request),
        ip="" if copy.nameless else _ip(copy.account, client, directory),
        user_agent=kept(request.header("user-agent")),
        referrer=kept(request.header("referer")),
        network=readers.network(client),
        purpose=purpose(request) if copy.page else "",  # in a mail nothing is prerendered
    )


def clicked(
    ref: ClickRef,
    request: Request,
    directory: Directory,
    readers: Readers,
    now: int,
    channel: Channel = "email",
) -> Record:
    """The `link.clicked` of one followed link, in a message of this channel."""
    message, client = ref.message, request.client
    data = LinkClicked(
        message=message.message,
        ip="" if message.aggregate else _ip(message.account, client, directory),
        user_agent=kept(request.header("user-agent")),
        referrer=kept(request.header("referer")),
        web_copy=message.web_copy,
        network=readers.network(client),
        accept=accept(request) or NO_ACCEPT,
        purpose=purpose(request),
        url=ref.url,
        link=ref.link,
        name=ref.name,
        channel=channel,
    )
    return record(data, message.account, subject(message), now)


def record(data: Data, account: str, subject: str, now: int) -> Record:
    """A visit's row of the journal."""
    return Record(new_id(now), account, data.kind, subject, now, now, None, _encode(data))


def subject(ref: MessageRef) -> str:
    """The person where the reference names one, else the message: it must not be tied to anybody (STD-7)."""
    return f"person:{ref.person}" if ref.person else f"message:{ref.message}"


def _more(hook: Hook, request: Request) -> dict[str, Any]:
    if hook == "open":
        return {"method": request.method}
    return {"mode": hook} if KINDS[hook] is MessageRendered else {}


def _ip(number: str, client: str, directory: Directory) -> str:
    account = directory.account(number)
    return kept_ip(client, account.policy.ip) if account else ""

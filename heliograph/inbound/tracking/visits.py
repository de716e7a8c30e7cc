"""A visit as it is recorded: who came, as far as the request tells and the account's policy keeps. Pure.

The journal's row is made here directly, not by way of an `Event`: this is the hottest path there is.
"""

from __future__ import annotations

import msgspec

from heliograph.accounts.directory import Directory
from heliograph.accounts.privacy import kept_ip
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import Record, new_id
from heliograph.readers import NO_ACCEPT, Readers
from heliograph.refs import ClickRef, MessageRef
from heliograph.web.http import Request
from heliograph.web.visitors import accept, kept, purpose

_encode = msgspec.json.Encoder().encode


def opened(ref: MessageRef, request: Request, directory: Directory, readers: Readers) -> MessageOpened:
    """What one load of a pixel tells."""
    client = request.client
    return MessageOpened(
        message=ref.message,
        ip=_ip(ref, client, directory),
        user_agent=kept(request.header("user-agent")),
        referrer=kept(request.header("referer")),
        web_copy=ref.web_copy,
        network=readers.network(client),
        purpose=purpose(request) if ref.web_copy else "",  # in a mail nothing is prerendered
        method=request.method,
    )


def clicked(ref: ClickRef, request: Request, directory: Directory, readers: Readers, now: int) -> Record:
    """The `link.clicked` of one followed link."""
    message, client = ref.message, request.client
    data = LinkClicked(
        message=message.message,
        ip=_ip(message, client, directory),
        user_agent=kept(request.header("user-agent")),
        referrer=kept(request.header("referer")),
        web_copy=message.web_copy,
        network=readers.network(client),
        accept=accept(request) or NO_ACCEPT,
        purpose=purpose(request),
        url=ref.url,
        link=ref.link,
        name=ref.name,
    )
    return Record(
        new_id(now), message.account, LinkClicked.kind, subject(message), now, now, None, _encode(data)
    )


def subject(ref: MessageRef) -> str:
    """The person where the reference names one, else the message: it must not be tied to anybody (STD-7)."""
    return f"person:{ref.person}" if ref.person else f"message:{ref.message}"


def _ip(ref: MessageRef, client: str, directory: Directory) -> str:
    if ref.aggregate:  # whoever it is gave no consent to be told apart
        return ""
    account = directory.account(ref.account)
    return kept_ip(client, account.policy.ip) if account else ""

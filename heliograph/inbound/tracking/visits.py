"""A visit as a record: who came, as far as the request tells and the account's policy keeps. Pure.

The journal's row is made here directly, not by way of an `Event`: this is the hottest path there is.
"""

from __future__ import annotations

import msgspec

from heliograph.accounts.directory import Directory
from heliograph.accounts.privacy import kept_ip
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import Record, new_id
from heliograph.refs import ClickRef, MessageRef
from heliograph.web.http import Request

HEADER_LIMIT = 512
"""Characters kept of a User-Agent or Referer; real ones are under 400, hostile ones fill disks."""

_encode = msgspec.json.Encoder().encode


def opened(ref: MessageRef, request: Request, directory: Directory, now: int) -> Record:
    """The `message.opened` of one load of a pixel."""
    data = MessageOpened(
        message=ref.message,
        ip=_ip(ref, request, directory),
        user_agent=_kept(request.header("user-agent")),
        referrer=_kept(request.header("referer")),
        web_copy=ref.web_copy,
        method=request.method,
    )
    return Record(new_id(now), ref.account, MessageOpened.kind, subject(ref), now, now, None, _encode(data))


def clicked(ref: ClickRef, request: Request, directory: Directory, now: int) -> Record:
    """The `link.clicked` of one followed link."""
    message = ref.message
    data = LinkClicked(
        message=message.message,
        ip=_ip(message, request, directory),
        user_agent=_kept(request.header("user-agent")),
        referrer=_kept(request.header("referer")),
        web_copy=message.web_copy,
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


def _ip(ref: MessageRef, request: Request, directory: Directory) -> str:
    account = directory.account(ref.account)
    return kept_ip(request.client, account.policy.ip) if account else ""


def _kept(value: str) -> str:
    if not value:
        return value
    value = value[:HEADER_LIMIT]
    # A header may hold any byte; what is no text would not be JSON.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()

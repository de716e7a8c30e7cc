"""What all these doors do: tell a look from a wish, and put a wish on disk once.

A wish's id is derived from the message, from the page that was shown, and from a short window of time: a double
click or a mail program's second try is recorded once, and somebody who came back to the list and leaves it again
by the same old link is heard again. What has already followed from a wish is `react.policies`' to know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from heliograph.accounts.directory import Directory
from heliograph.accounts.privacy import kept_ip
from heliograph.clock import SECOND
from heliograph.errors import NotAllowed
from heliograph.events import codec, subjects
from heliograph.events.event import Data, derived_id
from heliograph.journal.journal import Journal
from heliograph.refs import MessageRef
from heliograph.web.http import Request

BODY_LIMIT = 16 * 1024
"""Bytes of a POST's body; RFC 8058's has 26, in multipart a few hundred, a page's with fifty topics a few thousand."""

FIELDS_LIMIT = 400
"""Fields of a form."""

HEADER_LIMIT = 512
"""Characters kept of a User-Agent."""

RETRY_WINDOW = 60 * SECOND
"""One-click POSTs of one message within this time are one wish: mail programs try again within seconds."""

CLICK_WINDOW = 10 * SECOND
"""The same for one showing of our page: a double click, a reload."""

Fields = Mapping[str, Sequence[str]]


def is_look(request: Request) -> bool:
    """Whether somebody only looks: then nothing may change. Raises `NotAllowed`."""
    if request.method in ("GET", "HEAD"):
        return True
    if request.method != "POST":
        raise NotAllowed("Open this link in a browser, or POST to it.")
    return False


async def fields_of(request: Request) -> Fields:
    """The fields of a page's form; none for RFC 8058's body in either encoding, for an empty one and for anything
    else: whoever holds the link and posts means it."""
    body = await request.body(BODY_LIMIT)
    if not request.header("content-type").lower().startswith("application/x-www-form-urlencoded"):
        return {}
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=FIELDS_LIMIT)
    except ValueError:
        return {}


def seen_at(fields: Fields) -> int | None:
    """The instant at which our page was shown, when its form was sent."""
    value = fields.get("seen", [""])[0]
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 20 else None


async def record(
    journal: Journal,
    ref: MessageRef,
    wishes: Sequence[tuple[Data, str]],
    seen: int | None,
    now: int,
) -> None:
    """Put wishes on disk, each with what tells it from others of its kind on the same page."""
    page, window = (str(seen), CLICK_WINDOW) if seen is not None else ("", RETRY_WINDOW)
    subject = subjects.person(ref.person) if ref.person else subjects.thing("message", ref.message)
    events = [
        codec.make(
            wish,
            account=ref.account,
            subject=subject,
            now=now,
            cause=ref.message,
            id=derived_id(ref.message, wish.kind, *([about] if about else []), page, str(now // window)),
        )
        for wish, about in wishes
    ]
    if events:
        await journal.append_once([codec.encode(event) for event in events])


def sender_of(directory: Directory, ref: MessageRef) -> str:
    """Who wrote, as people know them."""
    account = directory.account(ref.account)
    return account.policy.from_name or account.name if account else ""


def ip_of(directory: Directory, ref: MessageRef, request: Request) -> str:
    """What the account keeps of a visitor's address."""
    account = directory.account(ref.account)
    return kept_ip(request.client, account.policy.ip) if account else ""


def user_agent(request: Request) -> str:
    """What the visitor's program calls itself."""
    return request.header("user-agent")[:HEADER_LIMIT].encode("utf-8", "replace").decode()

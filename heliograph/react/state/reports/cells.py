"""Which cell an event is counted in, and whose mail it is about. Pure.

Ids of cells and origins are digests of what they say: nobody has to look one up to count in it, and a replay finds the
same ones.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from heliograph.clock import SECOND
from heliograph.events import subjects
from heliograph.events.consent import ConsentWithdrawn, UnsubscriptionRequested
from heliograph.events.engagement import (
    TRAP,
    LinkClicked,
    MessageForwarded,
    MessageOpened,
    MessagePrinted,
    MessageRead,
    ReaderJudged,
    Visit,
)
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import (
    MessageAttempted,
    MessageBounced,
    MessageCancelled,
    MessageComplained,
    MessageDeferred,
    MessageDelivered,
    MessageInDoubt,
    MessageRenderFailed,
    MessageRequested,
    MessageSent,
    MessageSuppressed,
)
from heliograph.merge_tags import unfilled

QUARTER = 900 * SECOND
"""Microseconds in which counts are kept apart: every zone in use is whole quarters of an hour from UTC."""

LINK_LIMIT = 300
"""Characters of a link's address in reports."""


class Origin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a message or visit belongs to: the columns of `report_origins`."""

    account: str
    channel: str = "email"
    campaign: str = ""
    campaign_name: str = ""
    campaign_group: str = ""
    job: str = ""
    automation: str = ""
    template: str = ""
    code: str = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is counted, and all that is known of it.

    `what` is a word of `LIFE` or `VISITS`, or blank where only a verdict is known so far. `detail`: the link that was
    clicked, the category of a bounce or refusal. `reader` is blank and `reliable` None before a verdict; `seconds` None
    and `category` blank until it is known how long an open lasted."""

    what: str
    detail: str = ""
    bounce_class: str = ""
    mode: str = ""
    reader: str = ""
    by_person: bool = False
    reliable: bool | None = None
    mail_client: str = ""
    mail_client_specific: str = ""
    rendering_engine: str = ""
    platform: str = ""
    seconds: int | None = None
    category: str = ""


class Life(NamedTuple):
    """A thing that is counted once of each message: its word, and its bit in `report_messages.seen`."""

    what: str
    bit: int


LIFE: dict[type[Data], Life] = {
    MessageRequested: Life("requested", 1 << 0),
    MessageCancelled: Life("cancelled", 1 << 1),
    MessageSuppressed: Life("refused", 1 << 2),
    MessageRenderFailed: Life("render_failed", 1 << 3),
    MessageAttempted: Life("attempted", 1 << 4),
    MessageDeferred: Life("deferred", 1 << 5),
    MessageInDoubt: Life("in_doubt", 1 << 6),
    MessageSent: Life("sent", 1 << 7),
    MessageDelivered: Life("acknowledged", 1 << 8),
    MessageBounced: Life("bounced", 1 << 9),
    MessageComplained: Life("complained", 1 << 10),
    UnsubscriptionRequested: Life("unsubscribed", 1 << 11),
    ConsentWithdrawn: Life("unsubscribed", 1 << 11),
}
"""What happens to a message. The first of each kind counts."""

RETURNED = "returned"
"""A message that was taken over and came back all the same: counted beside both."""

_SENT, _BOUNCED = LIFE[MessageSent].bit, LIFE[MessageBounced].bit

VISITS: dict[type[Visit], str] = {
    MessageOpened: "open",
    LinkClicked: "click",
    MessagePrinted: "print",
    MessageForwarded: "forward",
}
"""What its reader does with it. Every one counts (LIT-13)."""

UNIQUE = frozenset(("open", "click"))
"""Of what it is counted, too, how many people did it."""


def of_life(data: Data) -> Cell:
    """The cell of something that happened to a message."""
    what = LIFE[type(data)].what
    if isinstance(data, MessageBounced):
        return Cell(what=what, detail=data.category, bounce_class=data.bounce_class)
    return Cell(what=what, detail=data.category if isinstance(data, MessageSuppressed) else "")


def came_back(before: int, after: int) -> bool:
    """Whether a message is now known to have been taken over and to have bounced, and was not before."""
    both = _SENT | _BOUNCED
    return after & both == both and before & both != both


def of_visit(data: Visit) -> Cell:
    """The cell of a visit of which no more is known than itself."""
    if isinstance(data, LinkClicked):
        return Cell(what="click", detail=link(data.name, data.url))
    return Cell(what=VISITS[type(data)], mode=data.mode if isinstance(data, MessageOpened) else "")


def link(name: str, url: str) -> str:
    """A link as reports call it: by the name that its author gave it, else by its address without query and
    fragment, where people's own data may be."""
    if name:
        return name[:LINK_LIMIT]
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0][:LINK_LIMIT]
    return parts._replace(query="", fragment="").geturl()[:LINK_LIMIT]


def learned(cell: Cell, data: ReaderJudged | MessageRead) -> Cell:
    """The cell with what was found out. How long something lasted is known of opens alone."""
    if isinstance(data, MessageRead):
        if cell.what not in ("", "open"):
            return cell
        return msgspec.structs.replace(cell, seconds=data.seconds, category=data.category)
    return msgspec.structs.replace(
        cell,
        reader=data.reader,
        by_person=data.by_person,
        reliable=data.reliable,
        mail_client=data.mail_client,
        mail_client_specific=data.mail_client_specific,
        rendering_engine=data.rendering_engine,
        platform=data.platform,
        mode=data.mode or cell.mode,
    )


def joined(visit: Cell, early: Cell) -> Cell:
    """A visit with what was found out of it before it came."""
    timed = visit.what == "open"
    return msgspec.structs.replace(
        early,
        what=visit.what,
        detail=visit.detail,
        mode=early.mode or visit.mode,
        seconds=early.seconds if timed else None,
        category=early.category if timed else "",
    )


def friendly(cell: Cell) -> str:
    """The mail client with its version, said once (wire-facts 2.3, `mail_client_friendly_name`)."""
    client, specific = cell.mail_client, cell.mail_client_specific
    return specific if specific.startswith(client) else f"{client} {specific}".strip()


@lru_cache(1 << 14)
def about(what: str, detail: str = "") -> int:
    """The id under which it is kept who did this: open, click, or click this link."""
    return cell_id(Cell(what=what, detail=detail))


def abouts(cell: Cell) -> tuple[int, ...]:
    """Everything that a visit is one reader's share of."""
    if cell.what == "click" and cell.detail != TRAP:
        return (about("click"), about("click", cell.detail))
    return (about(cell.what),) if cell.what in UNIQUE else ()


@lru_cache(1 << 14)
def cell_id(cell: Cell) -> int:
    """Eight bytes of a digest of what the cell says."""
    return _digest(msgspec.json.encode(msgspec.structs.astuple(cell)))


@lru_cache(1 << 12)
def origin_id(origin: Origin) -> int:
    """Eight bytes of a digest of what the origin says."""
    return _digest(msgspec.json.encode(msgspec.structs.astuple(origin)))


def of_request(event: AnyEvent, data: MessageRequested) -> Origin:
    """What a message belongs to."""
    campaign = data.campaign
    return Origin(
        account=event.account,
        channel=data.channel,
        campaign="" if campaign is None else str(campaign.id),
        campaign_name="" if campaign is None else campaign.name,
        campaign_group="" if campaign is None else campaign.group or "",
        job=data.job or "",
        automation=data.automation or "",
        template=data.template,
    )


def recipient(event: AnyEvent, data: MessageRequested) -> int:
    """Whom a message is for: the person, else the address."""
    address = subjects.email(data.address) if data.channel == "email" else f"{data.channel}:{data.address}"
    return who(event.account, f"person:{data.person}" if data.person else address)


def visitor(event: AnyEvent, data: Visit, recipient: int | None) -> int | None:
    """Whom a visit counts as: the message's recipient; where it must not be tied to them (STD-7) the message
    itself; with a tracking code the sender's `custom_id`. None where nobody is named (LIT-5)."""
    if data.message and recipient is not None:
        tied = not event.subject.startswith("message:")
        return recipient if tied else who(event.account, f"message:{data.message}")
    if data.custom_id and not unfilled(data.custom_id):
        return who(event.account, custom(data.custom_id))
    return None


def custom(custom_id: str) -> str:
    """The reference of whoever a sender's own id means."""
    return f"custom:{custom_id}"


def who(account: str, reference: str) -> int:
    """Somebody as the tables have them: eight bytes of a digest."""
    return _digest(f"{account}\0{reference}".encode("utf-8", "surrogatepass"))


def _digest(said: bytes) -> int:
    return int.from_bytes(blake2b(said, digest_size=8).digest(), signed=True)


def row_of(digest: int, value: Cell | Origin) -> tuple[Any, ...]:
    """A cell or origin as the row of its table."""
    return (digest, *msgspec.structs.astuple(value))

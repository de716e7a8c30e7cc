"""What became of each message: one row from the wish on, with everything that feeds and policies ask about it.

A message's id is the id of its `message.requested`; who, what and why stay as that event put them. Each later event
adds its instant (the first of its kind counts) and what it tells; the state follows from the instants, so that a
bounce that is reported twice or an outcome that overtakes another does no harm. Opens and clicks are kept one by
one, so that none is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
)

from heliograph.database import CHUNKS, METADATA
from heliograph.events.consent import Channel, ConsentWithdrawn, UnsubscriptionRequested
from heliograph.events.engagement import LinkClicked, MessageOpened, MessageRead
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import (
    Campaign,
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
from heliograph.journal.consumer import Erased, Fold
from heliograph.react.state import reading
from heliograph.react.state.rows import WRITTEN_ONCE, Key, Rows, append

State = Literal[
    "requested",
    "attempted",
    "deferred",
    "cancelled",
    "suppressed",
    "render_failed",
    "in_doubt",
    "sent",
    "delivered",
    "bounced",
]

STATES: tuple[State, ...] = (
    "bounced",
    "delivered",
    "sent",
    "in_doubt",
    "render_failed",
    "suppressed",
    "cancelled",
    "deferred",
    "attempted",
    "requested",
)
"""The state of a message is the first of these whose instant (`sent_at` ...) is known."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as state knows it. Instants are the first of their kind, in microseconds; `subject` is the
    subject line; `reason` says why it was cancelled, suppressed, not rendered, or is in doubt. `read_seconds`: its
    longest open (LIT-7), -1 where of none it is known; None: no open was measured."""

    id: str
    account: str
    channel: Channel
    address: str
    state: State = "requested"
    person: str | None = None
    template: str = ""
    template_version: int | None = None
    campaign: Campaign | None = None
    automation: str | None = None
    run: str | None = None
    job: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None
    recipient_id: str | None = None
    job_category: str | None = None
    topic: str | None = None
    transactional: bool = False
    is_test: bool = False
    cause: str | None = None
    subject: str | None = None
    sender: str | None = None
    body: str | None = None
    message_id: str | None = None
    via: str | None = None
    response: str | None = None
    size: int | None = None
    characters: int | None = None
    segments: int | None = None
    country: str | None = None
    attempts: int = 0
    retry_at: int | None = None
    bounce_code: int | None = None
    bounce_class: str | None = None
    bounce_category: str | None = None
    bounce_details: str | None = None
    reason: str | None = None
    requested_at: int = 0
    attempted_at: int | None = None
    deferred_at: int | None = None
    cancelled_at: int | None = None
    suppressed_at: int | None = None
    render_failed_at: int | None = None
    in_doubt_at: int | None = None
    sent_at: int | None = None
    delivered_at: int | None = None
    bounced_at: int | None = None
    complained_at: int | None = None
    unsubscribed_at: int | None = None
    opened_at: int | None = None
    clicked_at: int | None = None
    read_seconds: int | None = None
    opens: int = 0
    clicks: int = 0


MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(12), nullable=False, info=WRITTEN_ONCE),
    Column("channel", String(5), nullable=False),
    Column("address", String, nullable=False),
    Column("state", String(16), nullable=False),
    Column("person", String(36), info=WRITTEN_ONCE),
    Column("template", String, nullable=False),
    Column("template_version", Integer),
    Column("campaign_id", BigInteger),
    Column("campaign_name", String),
    Column("campaign_group", String),
    Column("automation", String),
    Column("run", String(36)),
    Column("job", String(36), info=WRITTEN_ONCE),
    Column("request_id", String),
    Column("correlation_id", String),
    Column("recipient_id", String),
    Column("job_category", String),
    Column("topic", String),
    Column("transactional", Boolean, nullable=False),
    Column("is_test", Boolean, nullable=False),
    Column("cause", String(36)),
    Column("subject", String),
    Column("sender", String),
    Column("body", String),
    Column("message_id", String),
    Column("via", String),
    Column("response", String),
    Column("size", Integer),
    Column("characters", Integer),
    Column("segments", Integer),
    Column("country", String),
    Column("attempts", Integer, nullable=False),
    Column("retry_at", BigInteger),
    Column("bounce_code", Integer),
    Column("bounce_class", String(16)),
    Column("bounce_category", String),
    Column("bounce_details", String),
    Column("reason", String),
    Column("requested_at", BigInteger, nullable=False, info=WRITTEN_ONCE),
    Column("attempted_at", BigInteger),
    Column("deferred_at", BigInteger),
    Column("cancelled_at", BigInteger),
    Column("suppressed_at", BigInteger),
    Column("render_failed_at", BigInteger),
    Column("in_doubt_at", BigInteger),
    Column("sent_at", BigInteger),
    Column("delivered_at", BigInteger),
    Column("bounced_at", BigInteger),
    Column("complained_at", BigInteger),
    Column("unsubscribed_at", BigInteger),
    Column("opened_at", BigInteger),
    Column("clicked_at", BigInteger),
    Column("read_seconds", Integer),
    Index("ix_messages_job", "job", sqlite_where=text("job IS NOT NULL")),
    Index(None, "account", "requested_at", "id"),
    Index(None, "account", "person", "requested_at", sqlite_where=text("person IS NOT NULL")),
)

HITS = Table(
    "message_hits",
    METADATA,
    Column("message", String(36), primary_key=True),
    Column("event", String(36), primary_key=True),
    Column("kind", String(5), nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Every open and click by the event that recorded it; machines' too: who came is for readers to judge."""

_OWNER = select(MESSAGES.c.account).where(MESSAGES.c.id == bindparam("id"))
_Row = msgspec.defstruct("_Row", [str(column.name) for column in MESSAGES.columns])


def find(connection: Connection, account: str, message_id: str) -> Message | None:
    """The message of this id, if it is this account's."""
    found = connection.execute(
        select(MESSAGES).where(MESSAGES.c.id == message_id, MESSAGES.c.account == account)
    ).one_or_none()
    if found is None:
        return None
    counts = select(HITS.c.kind, func.count().label("hits")).where(HITS.c.message == message_id)
    hits = {row.kind: row.hits for row in connection.execute(counts.group_by(HITS.c.kind))}
    values = dict(found._mapping)
    name, group = values.pop("campaign_name"), values.pop("campaign_group")
    number = values.pop("campaign_id")
    return Message(
        **values,
        campaign=None if number is None else Campaign(id=number, name=name, group=group),
        opens=hits.get("open", 0),
        clicks=hits.get("click", 0),
    )


def owner(connection: Connection, message_id: str) -> str | None:
    """The account of the message of this id."""
    return connection.scalar(_OWNER, {"id": message_id})


def states(connection: Connection, account: str, message_ids: Sequence[str]) -> dict[str, State]:
    """The state of each of these messages that is known."""
    found: dict[str, State] = {}
    for start in range(0, len(message_ids), CHUNKS[-1]):
        some = message_ids[start : start + CHUNKS[-1]]
        own = (MESSAGES.c.account == account, MESSAGES.c.id.in_(some))
        rows = connection.execute(select(MESSAGES.c.id, MESSAGES.c.state).where(*own))
        found |= {row.id: row.state for row in rows}
    return found


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch."""
    rows: Rows[Any] = Rows(connection, MESSAGES, _Row)
    named = [(event, key) for event in events if (key := _key(event)) is not None]
    rows.read(key for _, key in named)
    hits = []
    for event, key in named:
        row = rows.get(key)
        if row is None and isinstance(event.data, MessageRequested):
            rows.put(_requested(event, event.data))
        elif row is not None and row.account == event.account and _learn(row, event):
            rows.put(row)
        if row is not None and row.account == event.account and type(event.data) in _HITS:
            hits.append((row.id, event.id, _HITS[type(event.data)], reading.happened(event)))
    rows.write()
    append(connection, HITS, hits)


def forget(connection: Connection, erased: Erased) -> None:
    """Nothing is known of the messages to somebody who is erased (STD-7)."""
    theirs = erased.values("message")
    for start in range(0, len(theirs), CHUNKS[-1]):
        some = theirs[start : start + CHUNKS[-1]]
        own = select(MESSAGES.c.id).where(MESSAGES.c.account == erased.account, MESSAGES.c.id.in_(some))
        connection.execute(delete(HITS).where(HITS.c.message.in_(own)))
        connection.execute(delete(MESSAGES).where(MESSAGES.c.id.in_(own)))


def sent_to(
    connection: Connection, account: str, persons: Sequence[str], addresses: Sequence[str]
) -> list[str]:
    """The ids of all messages to these people or addresses. Looks through the whole table: for erasures."""
    theirs = or_(MESSAGES.c.person.in_(persons), MESSAGES.c.address.in_(addresses))
    return list(connection.scalars(select(MESSAGES.c.id).where(MESSAGES.c.account == account, theirs)))


def _key(event: AnyEvent) -> Key | None:
    if isinstance(event.data, MessageRequested):
        return (event.id,)
    message: str | None = getattr(event.data, "message", None)
    return (message,) if message and type(event.data) in _TELLS else None


def _requested(event: AnyEvent, data: MessageRequested) -> Any:
    campaign = data.campaign
    known: dict[str, Any] = dict.fromkeys(_Row.__struct_fields__)
    for name in data.__struct_fields__:
        if name in known:
            known[name] = getattr(data, name)
    known |= {
        "id": event.id,
        "account": event.account,
        "state": "requested",
        "cause": event.cause,
        "attempts": 0,
        "requested_at": reading.happened(event),
        "campaign_id": campaign.id if campaign else None,
        "campaign_name": campaign.name if campaign else None,
        "campaign_group": campaign.group if campaign else None,
    }
    return _Row(**known)


def _learn(row: Any, event: AnyEvent) -> bool:
    """Add what an event tells; whether that was news."""
    told = _TELLS.get(type(event.data))
    if told is None:
        return False
    instant, tells = told
    news = False
    for name, value in tells(event.data).items() if tells else ():
        known = getattr(row, name)
        new = max(value, known) if name in _MOST and known is not None else value
        if new is not None and new != known:
            setattr(row, name, new)
            news = True
    if getattr(row, instant) is None:
        setattr(row, instant, reading.happened(event))
        row.state = next(state for state, since in _INSTANTS if getattr(row, since) is not None)
        news = True
    return news


def _sent(data: MessageSent) -> dict[str, Any]:
    return {name: getattr(data, name) or None for name in _SENT}


def _bounced(data: MessageBounced) -> dict[str, Any]:
    return {
        "bounce_code": data.code,
        "bounce_class": data.bounce_class,
        "bounce_category": data.category,
        "bounce_details": data.details,
    }


def _render_failed(data: MessageRenderFailed) -> dict[str, Any]:
    return {"reason": "; ".join(f"{error.part}: {error.message}" for error in data.errors)}


_Tells = Callable[[Any], dict[str, Any]]

_TELLS: dict[type[Data], tuple[str, _Tells | None]] = {
    MessageAttempted: ("attempted_at", lambda data: {"attempts": data.attempt, "via": data.via or None}),
    MessageDeferred: (
        "deferred_at",
        lambda data: {"attempts": data.attempt, "response": data.response, "retry_at": data.retry_at or None},
    ),
    MessageCancelled: ("cancelled_at", lambda data: {"reason": data.reason}),
    MessageSuppressed: ("suppressed_at", lambda data: {"reason": data.reason}),
    MessageRenderFailed: ("render_failed_at", _render_failed),
    MessageInDoubt: ("in_doubt_at", lambda data: {"reason": data.reason}),
    MessageSent: ("sent_at", _sent),
    MessageDelivered: ("delivered_at", None),
    MessageBounced: ("bounced_at", _bounced),
    MessageComplained: ("complained_at", None),
    UnsubscriptionRequested: ("unsubscribed_at", None),
    ConsentWithdrawn: ("unsubscribed_at", None),
    MessageOpened: ("opened_at", None),
    MessageRead: ("opened_at", lambda data: {"read_seconds": data.seconds}),  # set by the open before it
    LinkClicked: ("clicked_at", None),
}
"""Kind -> the instant that it sets, and the columns that it tells."""

_SENT = (
    *("via", "response", "size", "subject", "message_id", "sender", "body"),
    *("characters", "segments", "country", "template_version", "topic"),
)
"""Columns that `message.sent` tells."""

_INSTANTS = tuple((state, f"{state}_at") for state in STATES)

_MOST = frozenset(("attempts", "read_seconds"))
"""Columns that only grow."""

_HITS: dict[type[Data], str] = {MessageOpened: "open", LinkClicked: "click"}

FOLD = Fold(
    name="messages",
    kinds=frozenset({MessageRequested.kind}) | {kind.kind for kind in _TELLS},
    tables=(MESSAGES, HITS),
    apply=apply,
    forget=forget,
)

"""Opens of the last days, with what was found out of their readers.

How long an open lasted is known seconds after it happened (LIT-9), and whoever tells of it then (the Litmus feed) has to
say who opened, with what. What is older than `KEPT` is dropped as newer opens come in.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    String,
    Table,
    bindparam,
    delete,
    select,
)

from heliograph.clock import SECOND
from heliograph.database import METADATA, Change, Query
from heliograph.events.engagement import MessageOpened, ReaderJudged
from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Fold
from heliograph.react.state import reading
from heliograph.react.state.rows import WRITTEN_ONCE, Key, Rows

KEPT = 7 * 86_400 * SECOND
"""How long after its recording an open can still be told of: a feed that was paused over a week-end."""


class Opened(msgspec.Struct):
    """An open and the latest verdict on its reader; `reliable` None: there is none yet."""

    event: str
    account: str
    at: int
    recorded: int
    custom_id: str = ""
    custom_type: str = ""
    custom_data: str = ""
    user_agent: str = ""
    referrer: str = ""
    network: str = ""
    mode: str = ""
    reliable: bool | None = None
    mail_client: str = ""
    mail_client_specific: str = ""
    rendering_engine: str = ""
    platform: str = ""


OPENS = Table(
    "recent_opens",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False, index=True, info=WRITTEN_ONCE),
    Column("custom_id", String, nullable=False),
    Column("custom_type", String, nullable=False),
    Column("custom_data", String, nullable=False),
    Column("user_agent", String, nullable=False),
    Column("referrer", String, nullable=False),
    Column("network", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("reliable", Boolean),
    Column("mail_client", String, nullable=False),
    Column("mail_client_specific", String, nullable=False),
    Column("rendering_engine", String, nullable=False),
    Column("platform", String, nullable=False),
)

_FOUND = Query(
    select(OPENS).where(OPENS.c.event == bindparam("event"), OPENS.c.account == bindparam("account"))
)
_NAMES = tuple(str(column.name) for column in OPENS.c)
_OLD = Change(delete(OPENS).where(OPENS.c.recorded < bindparam("before")))


def opened(connection: Connection, account: str, event: str) -> Opened | None:
    """The open that an event recorded; None when it is too long ago, or was erased."""
    found = _FOUND.row(connection, event=event, account=account)
    return None if found is None else Opened(**dict(zip(_NAMES, found, strict=True)))


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch."""
    if not events:
        return
    rows = Rows(connection, OPENS, Opened)
    rows.read(_key(event) for event in events)
    for event in events:
        data = event.data
        if isinstance(data, MessageOpened):
            if rows.get((event.id,)) is None:
                rows.put(_row(event, data))
        elif isinstance(data, ReaderJudged):
            _judge(rows, event, data)
    rows.write()
    _OLD.run(connection, before=max(event.recorded for event in events) - KEPT)


def _key(event: AnyEvent) -> Key:
    return (event.data.event,) if isinstance(event.data, ReaderJudged) else (event.id,)


def _row(event: AnyEvent, data: MessageOpened) -> Opened:
    return Opened(
        event=event.id,
        account=event.account,
        at=reading.happened(event),
        recorded=event.recorded,
        custom_id=data.custom_id,
        custom_type=data.custom_type,
        custom_data=data.custom_data,
        user_agent=data.user_agent,
        referrer=data.referrer,
        network=data.network,
        mode=data.mode,
    )


def _judge(rows: Rows[Opened], event: AnyEvent, data: ReaderJudged) -> None:
    row = rows.get((data.event,))
    if row is None or row.account != event.account:
        return
    row.reliable = data.reliable
    row.mail_client = data.mail_client
    row.mail_client_specific = data.mail_client_specific
    row.rendering_engine = data.rendering_engine
    row.platform = data.platform
    rows.put(row)


FOLD = Fold(
    name="visits",
    kinds=frozenset((MessageOpened.kind, ReaderJudged.kind)),
    tables=(OPENS,),
    apply=apply,
)

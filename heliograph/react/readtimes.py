"""Every open gets its `message.read`: that nobody measures, and that of which the worker died that did.

An open that is not measured is told as Not Supported `MARKS` seconds later, when its marks (dark, light) have come. Of one
that is measured a worker tells itself, twenty seconds after it at the latest, and of all when it is stopped. What nobody
told of `SLACK` seconds after that, nobody will: that is Not Supported too, for how long it lasted is not known. Its event
has the id that the worker's would have had, so whoever comes later records nothing (LIT-9).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import BigInteger, Column, Connection, String, Table, bindparam, delete, func, select

from heliograph.clock import SECOND
from heliograph.database import METADATA, Change, Query
from heliograph.events.engagement import MessageOpened, MessageRead
from heliograph.events.event import AnyEvent
from heliograph.events.readtimes import CAP, SLACK, Opening, message_read
from heliograph.journal.consumer import Reaction
from heliograph.react.state.rows import Rows

GIVEN_UP = (CAP + SLACK) * SECOND
"""How long after an open that is measured its read time is waited for."""

MARKS = 5 * SECOND
"""How long after an open that is not measured its marks are waited for: the requests for both leave together."""

AT_ONCE = 500
"""Opens that are told of in one transaction."""

OPEN_READS = Table(
    "open_reads",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("subject", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False, index=True),
    Column("message", String(36)),
    Column("campaign", String(8)),
)
"""Opens whose read time is still to be told, as `events.readtimes.Opening` has them, and when the engine tells it: rows of
the last half minute."""


class _Row(msgspec.Struct):
    event: str
    account: str
    subject: str
    at: int
    due: int
    message: str | None
    campaign: str | None


def _decide(connection: Connection, events: Sequence[AnyEvent], now: int) -> Sequence[AnyEvent]:
    rows = Rows(connection, OPEN_READS, _Row)
    for event in events:
        data = event.data
        if isinstance(data, MessageOpened):
            due = event.at + (GIVEN_UP if data.measured else MARKS)
            rows.put(_Row(event.id, event.account, event.subject, event.at, due, data.message, data.campaign))
        elif isinstance(data, MessageRead):
            rows.remove((data.open,))
    rows.write()
    return ()


def _due(connection: Connection, now: int) -> Sequence[AnyEvent]:
    late = [Opening(*row) for row in _LATE.rows(connection, now=now)]
    _TOLD.many(connection, [{"of_event": opening.event} for opening in late])
    return [message_read(opening, None, now=now) for opening in late]


def _next_due(connection: Connection) -> int | None:
    first: int | None = _FIRST.value(connection)
    return first


# Put together once: that costs several times what it costs to run one.
_LATE = Query(
    select(*(OPEN_READS.c[name] for name in Opening._fields))
    .where(OPEN_READS.c.due <= bindparam("now"))
    .order_by(OPEN_READS.c.due)
    .limit(AT_ONCE)
)
_TOLD = Change(delete(OPEN_READS).where(OPEN_READS.c.event == bindparam("of_event")))
_FIRST = Query(select(func.min(OPEN_READS.c.due)))

REACTION = Reaction(
    name="readtimes",
    kinds=frozenset((MessageOpened.kind, MessageRead.kind)),
    decide=_decide,
    due=_due,
    next_due=_next_due,
)

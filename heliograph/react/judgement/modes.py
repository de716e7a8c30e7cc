"""Dark or light: which open a mark belongs to (LIT-4).

A mail client that draws a mail loads the open's image and the mark's, each by a request of its own, within moments and
in any order. Both say the same copy of a mail and the same client: message, or campaign and `custom_id`; User-Agent; and
address, as far as the account keeps it, or the published range (an image cache has many addresses). So each of the two
waits for the other for `APART`, and of several the nearest is taken. A mark without an open is of nothing, and goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, bindparam, delete, func, select

from heliograph.clock import SECOND
from heliograph.database import METADATA, Query, QueryOfMany
from heliograph.events.engagement import MessageOpened, MessageRendered
from heliograph.events.event import AnyEvent
from heliograph.react.state.reading import happened
from heliograph.react.state.rows import Rows

APART = 10 * SECOND
"""How far apart an open and its mark may be recorded: a slow connection, a worker that had to wait for the disk."""
KEEP = 120 * SECOND

WAITING = Table(
    "judged_modes",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("subject", String, nullable=False),
    Column("client", String(32), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("mode", String(5), nullable=False),
    Index("ix_judged_modes_client", "client", "at"),
)
"""Opens without a mark (`mode` empty) and marks without an open. `client`: a digest of what both say alike."""


class Waiting(msgspec.Struct):
    """An open that has no mark yet, or a mark that has no open."""

    event: str
    account: str
    subject: str
    client: str
    at: int
    mode: str


class Modes:
    """What waits, for one batch of events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Rows[Waiting] = Rows(connection, WAITING, Waiting)
        self._by_client: dict[str, dict[str, Waiting]] = {}

    def read(self, events: Iterable[AnyEvent]) -> None:
        """Read what may belong to these; marks among them wait from now on."""
        mine = [_waiting(event) for event in events if _tells(event)]
        if not mine:
            return
        since = min(one.at for one in mine) - APART
        for row in _NEAR.rows(self._connection, (one.client for one in mine), since=since):
            self._keep(Waiting(*row))
        for one in mine:
            if one.mode:
                self._wait(one)

    def of(self, event: AnyEvent) -> str:
        """The mode of an open; empty where there is no mark yet, and then the open waits for one."""
        if not _tells(event):
            return ""
        open_ = _waiting(event)
        mark = self._nearest(open_, marks=True)
        if mark is None:
            self._wait(open_)
            return ""
        self._settle(mark)
        return mark.mode

    def open_of(self, event: AnyEvent) -> str | None:
        """The id of the open that a mark belongs to, and which had none; None where there is none yet."""
        mark = self._by_client.get(_client(event), {}).get(event.id)
        open_ = self._nearest(mark, marks=False) if mark is not None else None
        if mark is None or open_ is None:
            return None
        self._settle(mark)
        self._settle(open_)
        return open_.event

    def write(self) -> None:
        """Write back."""
        self._rows.write()

    def _nearest(self, one: Waiting, *, marks: bool) -> Waiting | None:
        near = [
            other
            for other in self._by_client.get(one.client, {}).values()
            if bool(other.mode) is marks and abs(other.at - one.at) <= APART
        ]
        return min(near, key=lambda other: abs(other.at - one.at), default=None)

    def _wait(self, one: Waiting) -> None:
        self._keep(one)
        self._rows.put(one)

    def _keep(self, one: Waiting) -> None:
        self._by_client.setdefault(one.client, {})[one.event] = one

    def _settle(self, one: Waiting) -> None:
        del self._by_client[one.client][one.event]
        self._rows.remove((one.event,))


def marks(events: Iterable[AnyEvent]) -> Iterator[AnyEvent]:
    """Those that say in which colours a mail was drawn."""
    return (event for event in events if isinstance(event.data, MessageRendered))


def clean(connection: Connection, now: int) -> None:
    """Let go of what waited in vain."""
    connection.execute(delete(WAITING).where(WAITING.c.at < now - KEEP))


def next_due(connection: Connection) -> int | None:
    """When something has waited in vain."""
    oldest = _OLDEST.value(connection)
    return None if oldest is None else oldest + 2 * KEEP


def erase(connection: Connection, account: str, subject: str) -> None:
    """Nothing of this person waits any more (STD-7)."""
    connection.execute(delete(WAITING).where(WAITING.c.account == account, WAITING.c.subject == subject))


def _tells(event: AnyEvent) -> bool:
    """Whether an event is a mark, or an open that has none."""
    data = event.data
    return isinstance(data, MessageRendered) or (isinstance(data, MessageOpened) and not data.mode)


def _waiting(event: AnyEvent) -> Waiting:
    mode = event.data.mode if isinstance(event.data, MessageRendered) else ""
    return Waiting(event.id, event.account, event.subject, _client(event), happened(event), mode)


def _client(event: AnyEvent) -> str:
    data = event.data
    if not isinstance(data, MessageOpened | MessageRendered):
        return ""
    copy = (event.account, data.message or "", data.campaign or "", data.custom_id)
    told = "\0".join((*copy, data.user_agent, data.network or data.ip))
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


_NEAR = QueryOfMany(
    select(WAITING).where(
        WAITING.c.client.in_(bindparam("wanted", expanding=True)), WAITING.c.at >= bindparam("since")
    )
)
_OLDEST = Query(select(func.min(WAITING.c.at)))

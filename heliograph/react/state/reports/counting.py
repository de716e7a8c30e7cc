"""The fold of reports: events into counts.

What a batch adds is summed in memory and written once for each cell that it touches, so that a thousand opens of one
campaign are a handful of statements. An open is known by the id of its event; a repeat is seen by it and changes
nothing. A verdict or a read time takes the open out of the cell that it is in and counts it in another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from secrets import randbits
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from heliograph.clock import SECOND
from heliograph.database import CHUNKS, Change, Query, QueryOfMany
from heliograph.events.engagement import MessageRead, ReaderJudged, Visit
from heliograph.events.event import AnyEvent
from heliograph.events.messages import MessageRequested
from heliograph.journal.consumer import Erased, Fold
from heliograph.react.state.reading import happened
from heliograph.react.state.reports import cells, tables
from heliograph.react.state.reports.cells import LIFE, QUARTER, VISITS, Cell, Origin
from heliograph.react.state.reports.tables import (
    CELLS,
    COUNTS,
    EARLY,
    MESSAGES,
    ORIGINS,
    READERS,
    EarlyRow,
    MessageRow,
    ReaderRow,
    VisitRow,
)
from heliograph.react.state.rows import Key, Rows, append, tally

PATIENCE = 3_600 * SECOND
"""How long what was found out of a visit waits for the visit itself: they are recorded seconds apart."""

_OLD = Change(delete(EARLY).where(EARLY.c.recorded < bindparam("before")))


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch."""
    if not events:
        return
    batch = _Batch(connection)
    batch.read(events)
    for event in events:
        data = event.data
        if isinstance(data, MessageRequested):
            batch.request(event, data)
        elif type(data) in LIFE:
            batch.live(event)
        elif type(data) in VISITS:
            batch.visit(event, data)
        elif isinstance(data, ReaderJudged):
            batch.learn(event, data.event, data)
        elif isinstance(data, MessageRead):
            batch.learn(event, data.open, data)
    batch.write()
    _OLD.run(connection, before=max(event.recorded for event in events) - PATIENCE)


def forget(connection: Connection, erased: Erased) -> None:
    """Counts stay, and so does how many people they are of; nothing leads from them to who is erased (STD-7)."""
    messages = erased.values("message")
    for start in range(0, len(messages), CHUNKS[-1]):
        some = MESSAGES.c.message.in_(messages[start : start + CHUNKS[-1]])
        connection.execute(delete(MESSAGES).where(some, MESSAGES.c.account == erased.account))
    for digest in _digests(erased):
        connection.execute(
            update(READERS).where(READERS.c.who == digest).values(who=randbits(63)),
        )
        connection.execute(update(tables.VISITS).where(tables.VISITS.c.who == digest).values(who=None))


def _digests(erased: Erased) -> Iterator[int]:
    values = (reference.partition(":")[2] for reference in erased.references)
    references = {f"person:{erased.person}", *erased.references, *map(cells.custom, values)}
    return (cells.who(erased.account, reference) for reference in sorted(references))


class _Batch:
    """What one batch reads, and what it comes to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: Rows[MessageRow] = Rows(connection, MESSAGES, MessageRow)
        self._visits: Rows[VisitRow] = Rows(connection, tables.VISITS, VisitRow)
        self._early: Rows[EarlyRow] = Rows(connection, EARLY, EarlyRow)
        self._readers: Rows[ReaderRow] = Rows(connection, READERS, ReaderRow)
        self._cells: dict[int, Cell] = {}
        self._new: dict[int, Cell] = {}
        self._origins: dict[int, Origin] = {}
        self._counts: defaultdict[Key, int] = defaultdict(int)

    def read(self, events: Sequence[AnyEvent]) -> None:
        """Read ahead what the events are about."""
        self._messages.read(
            (message,)
            for event in events
            if type(event.data) in LIFE or type(event.data) in VISITS
            if (message := _message(event)) is not None
        )
        own = [(event.id,) for event in events if type(event.data) in VISITS]
        others = [(of,) for event in events if (of := _about(event)) is not None]
        self._visits.read((*own, *others))
        self._early.read((*own, *others))
        found = [visit for key in (*own, *others) if (visit := self._visits.get(key)) is not None]
        early = [one for key in (*own, *others) if (one := self._early.get(key)) is not None]
        self._know({*(one.cell for one in found), *(one.cell for one in early)})
        self._readers.read(self._shares(events))

    def request(self, event: AnyEvent, data: MessageRequested) -> None:
        """A message is wanted. A test is nobody's mail."""
        if data.is_test or self._messages.get((event.id,)) is not None:
            return
        origin = self._origin(cells.of_request(event, data))
        self._messages.put(MessageRow(event.id, event.account, origin, cells.recipient(event, data), 0))
        self._live(event, event.id)

    def live(self, event: AnyEvent) -> None:
        """Something happened to a message; the first of each kind counts."""
        if (message := _message(event)) is not None:
            self._live(event, message)

    def _live(self, event: AnyEvent, message: str) -> None:
        row, bit = self._messages.get((message,)), LIFE[type(event.data)].bit
        if row is None or row.account != event.account or row.seen & bit:
            return
        before, row.seen = row.seen, row.seen | bit
        self._messages.put(row)
        quarter = happened(event) // QUARTER
        self._count(row.origin, quarter, self._id(cells.of_life(event.data)), 1)
        if cells.came_back(before, row.seen):
            self._count(row.origin, quarter, self._id(Cell(what=cells.RETURNED)), 1)

    def visit(self, event: AnyEvent, data: Any) -> None:
        """Somebody did something with a message; every time counts."""
        key = (event.id,)
        if self._visits.get(key) is not None:
            return
        origin, who = self._whose(event, data)
        if origin is None:
            return
        cell, early = cells.of_visit(data), self._early.get(key)
        if early is not None and early.account == event.account:
            cell = cells.joined(cell, self._cells[early.cell])
            self._early.remove(key)
        row = VisitRow(event.id, event.account, origin, happened(event) // QUARTER, self._id(cell), who)
        self._visits.put(row)
        self._count(origin, row.quarter, row.cell, 1)
        self._share(row, None, cell)

    def learn(self, event: AnyEvent, of: str, data: ReaderJudged | MessageRead) -> None:
        """Something was found out of a visit: it is counted elsewhere from now on."""
        row = self._visits.get((of,))
        if row is None:
            early = self._early.get((of,)) or EarlyRow(of, event.account, self._id(Cell(what="")), 0)
            if early.account == event.account:
                early.cell = self._id(cells.learned(self._cells[early.cell], data))
                early.recorded = max(early.recorded, event.recorded)
                self._early.put(early)
            return
        before = self._cells[row.cell]
        after = cells.learned(before, data)
        if row.account != event.account or after == before:
            return
        self._count(row.origin, row.quarter, row.cell, -1)
        row.cell = self._id(after)
        self._count(row.origin, row.quarter, row.cell, 1)
        self._visits.put(row)
        self._share(row, before, after)

    def write(self) -> None:
        """Write what the batch comes to."""
        append(
            self._connection,
            CELLS,
            [cells.row_of(*one) for one in sorted(self._new.items(), key=itemgetter(0))],
        )
        counted = sorted({origin for origin, _, _ in self._counts} & self._origins.keys())
        append(self._connection, ORIGINS, [cells.row_of(one, self._origins[one]) for one in counted])
        for rows in (self._messages, self._visits, self._early, self._readers):
            rows.write()
        tally(self._connection, COUNTS, self._counts)

    def _count(self, origin: int, quarter: int, cell: int, by: int) -> None:
        self._counts[origin, quarter, cell] += by

    def _share(self, row: VisitRow, before: Cell | None, after: Cell) -> None:
        """Put down who did it, once more or with another verdict."""
        if row.who is None:
            return
        by_person = after.by_person - (before is not None and before.by_person)
        reliable = (after.reliable is True) - (before is not None and before.reliable is True)
        if before is not None and not by_person and not reliable:
            return
        for about in cells.abouts(after):
            share = self._readers.get((row.origin, about, row.who)) or ReaderRow(row.origin, about, row.who)
            share.total += before is None
            share.by_person += by_person
            share.reliable += reliable
            self._readers.put(share)

    def _whose(self, event: AnyEvent, data: Visit) -> tuple[int | None, int | None]:
        """What a visit belongs to, and who it counts as; nothing for a message that is not known."""
        row = self._messages.get((data.message,)) if data.message else None
        if row is not None and row.account == event.account:
            who = cells.visitor(event, data, row.who)
            if not data.campaign:
                return row.origin, who
            of = msgspec.structs.replace(self._origin_of(row.origin), code=data.campaign)
            return self._origin(of), who
        if data.campaign:
            return self._origin(Origin(account=event.account, code=data.campaign)), cells.visitor(
                event, data, None
            )
        return None, None

    def _shares(self, events: Sequence[AnyEvent]) -> Iterator[Key]:
        """The keys of readers that the events may change."""
        for event in events:
            data: Any = event.data
            if type(data) in VISITS:
                (origin, who), cell = self._whose(event, data), cells.of_visit(data)
            elif (of := _about(event)) is not None and (visit := self._visits.get((of,))) is not None:
                origin, who, cell = visit.origin, visit.who, self._cells[visit.cell]
            else:
                continue
            if origin is not None and who is not None:
                yield from ((origin, about, who) for about in cells.abouts(cell))

    def _know(self, ids: Iterable[int]) -> None:
        for digest, *said in _CELLS.rows(self._connection, ids):
            self._cells[digest] = Cell(**dict(zip(Cell.__struct_fields__, said, strict=True)))

    def _id(self, cell: Cell) -> int:
        digest = cells.cell_id(cell)
        if digest not in self._cells or digest not in self._new:
            self._cells[digest] = self._new[digest] = cell
            for what in cells.abouts(cell)[1:]:
                self._new.setdefault(what, Cell(what=cell.what, detail=cell.detail))
        return digest

    def _origin(self, origin: Origin) -> int:
        digest = cells.origin_id(origin)
        self._origins.setdefault(digest, origin)
        return digest

    def _origin_of(self, digest: int) -> Origin:
        if digest not in self._origins:
            [(_, *said)] = _ORIGIN.rows(self._connection, of_id=digest)
            self._origins[digest] = Origin(**dict(zip(Origin.__struct_fields__, said, strict=True)))
        return self._origins[digest]


def _message(event: AnyEvent) -> str | None:
    """The message that an event is about."""
    if isinstance(event.data, MessageRequested):
        return event.id
    message: str | None = getattr(event.data, "message", None)
    return message or None


def _about(event: AnyEvent) -> str | None:
    """The visit of which an event tells something."""
    if isinstance(event.data, ReaderJudged):
        return event.data.event
    return event.data.open if isinstance(event.data, MessageRead) else None


_CELLS = QueryOfMany(select(CELLS).where(CELLS.c.id.in_(bindparam("wanted", expanding=True))))
_ORIGIN = Query(select(ORIGINS).where(ORIGINS.c.id == bindparam("of_id")))

FOLD = Fold(
    name="reports",
    kinds=frozenset(
        (*(kind.kind for kind in (*LIFE, *VISITS)), ReaderJudged.kind, MessageRead.kind),
    ),
    tables=(ORIGINS, CELLS, COUNTS, MESSAGES, tables.VISITS, EARLY, READERS),
    apply=apply,
    forget=forget,
)

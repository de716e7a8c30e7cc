"""Recent visits in one transaction: read what a batch needs, add and change, write back; let go of what is old."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select

from heliograph.clock import SECOND
from heliograph.database import Query, QueryOfMany
from heliograph.events.engagement import ReaderJudged
from heliograph.react.judgement.evidence import COMPANY, CROWD_WITHIN, Seen
from heliograph.react.judgement.tables import AHEAD, VISITS
from heliograph.react.state.rows import Rows

KEEP = 3600 * SECOND
"""How long a visit is remembered: evidence is looked for in a minute, events may come late."""
AHEAD_KEEP = 3 * 24 * 3600 * SECOND
"""How long somebody may take to look at what was fetched ahead."""
CLEAN_EVERY = 60 * SECOND

_Row = msgspec.defstruct("_Row", [str(column.name) for column in VISITS.columns])
_columns = attrgetter(*_Row.__struct_fields__)  # the verdict is the last
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ReaderJudged).decode


class Recent:
    """The visits that a batch may be compared with, and those of the batch itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Rows[Any] = Rows(connection, VISITS, _Row)
        self._known: dict[str, Seen] = {}
        self._changed: dict[str, Seen] = {}
        self._about: dict[tuple[str, str], list[Seen]] = {}
        self._from: dict[tuple[str, str], list[Seen]] = {}

    def read(self, abouts: Iterable[str], addresses: Iterable[str], since: int) -> None:
        """Read visits to these messages in the minute before `since`, and from these addresses in the seconds."""
        for statement, values, window in (
            (_ABOUT, abouts, COMPANY),
            (_FROM, addresses, CROWD_WITHIN),
        ):
            wanted = sorted(set(values) - {""})
            for row in statement.rows(self._connection, wanted, since=since - window):
                seen = _visit(row)
                if seen.event not in self._known:
                    self._keep(seen)

    def add(self, seen: Seen) -> None:
        """A new visit."""
        self._keep(seen)
        self.change(seen)

    def change(self, seen: Seen) -> None:
        """Its verdict is another now."""
        self._changed[seen.event] = seen

    def near(self, seen: Seen) -> Sequence[Seen]:
        """Visits to the same message in the minute before and after, itself included; those of no message alone."""
        if not seen.about:
            return (seen,)
        found = self._about[seen.account, seen.about]
        return [one for one in found if abs(seen.at - one.at) <= COMPANY]

    def beside(self, seen: Seen) -> Sequence[Seen]:
        """Visits from the same address with the same User-Agent, itself included; those of no address alone."""
        if not seen.address:
            return (seen,)
        return [one for one in self._from[seen.account, seen.address] if one.agent == seen.agent]

    def find(self, event: str) -> Seen | None:
        """The visit of this event, if it is remembered."""
        if event in self._known:
            return self._known[event]
        row = _OF_EVENT.row(self._connection, of_event=event)
        return _visit(row) if row else None

    def write(self) -> None:
        """Write back."""
        for seen in self._changed.values():
            self._rows.put(_Row(*_columns(seen)[:-1], _encode(seen.verdict).decode()))
        self._rows.write()
        self._changed.clear()

    def _keep(self, seen: Seen) -> None:
        self._known[seen.event] = seen
        self._about.setdefault((seen.account, seen.about), []).append(seen)
        if seen.address:
            self._from.setdefault((seen.account, seen.address), []).append(seen)


class Ahead:
    """What was fetched ahead of its reader, one for each message."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Rows[Any] = Rows(connection, AHEAD, _AheadRow)

    def read(self, keys: Iterable[tuple[str, str]]) -> None:
        """Read ahead for these accounts and messages."""
        self._rows.read(keys)

    def get(self, seen: Seen) -> Seen | None:
        """What was fetched ahead of a visit to the same message, unless a person has come for it already."""
        row = self._rows.get((seen.account, seen.about)) if seen.about else None
        return _seen(row) if row is not None and row.by is None else None

    def put(self, seen: Seen) -> None:
        """Remember that this was fetched ahead, if it is the first."""
        if seen.about and self._rows.get((seen.account, seen.about)) is None:
            row = {name: getattr(seen, name, None) for name in _AheadRow.__struct_fields__}
            self._rows.put(_AheadRow(**{**row, "verdict": _encode(seen.verdict).decode()}))

    def claim(self, ahead: Seen, by: Seen, due: int) -> None:
        """A person came for it; it counts from `due` on, if the person still is one."""
        row: Any = self._rows.get((ahead.account, ahead.about))
        row.by, row.due = by.event, due
        self._rows.put(row)

    def redraw(self, seen: Seen) -> None:
        """It is known in which colours this was drawn."""
        row = self._rows.get((seen.account, seen.about)) if seen.about else None
        if row is not None and row.event == seen.event:
            row.verdict = _encode(seen.verdict).decode()
            self._rows.put(row)

    def condemn(self, seen: Seen) -> None:
        """It was a scanner's after all, and is nothing that anybody comes for."""
        row = self._rows.get((seen.account, seen.about)) if seen.about else None
        if row is not None and row.event == seen.event:
            self._rows.remove((seen.account, seen.about))

    def due(self, now: int) -> Sequence[tuple[Seen, str]]:
        """What counts from now on, each with the event of the person who came."""
        found: list[Any] = [_AheadRow(*row) for row in _DUE.rows(self._connection, now=now)]
        return [(_seen(row), row.by) for row in found]

    def settle(self, ahead: Seen, *, free: bool) -> None:
        """It has been decided; `free`: another may come for it."""
        row: Any = self._rows.get((ahead.account, ahead.about))
        row.due = None
        if free:
            row.by = None
        self._rows.put(row)

    def write(self) -> None:
        """Write back."""
        self._rows.write()


def clean(connection: Connection, now: int) -> None:
    """Let go of what is old."""
    connection.execute(delete(VISITS).where(VISITS.c.at < now - KEEP))
    connection.execute(delete(AHEAD).where(AHEAD.c.at < now - AHEAD_KEEP))


def next_due(connection: Connection) -> int | None:
    """When something counts, or is to be let go of."""
    due = _NEXT.value(connection)
    visit, ahead = _OLDEST_VISIT.value(connection), _OLDEST_AHEAD.value(connection)
    instants = [
        due,
        None if visit is None else visit + KEEP + CLEAN_EVERY,
        None if ahead is None else ahead + AHEAD_KEEP + CLEAN_EVERY,
    ]
    return min((instant for instant in instants if instant is not None), default=None)


def erase(connection: Connection, account: str, subject: str) -> None:
    """Nothing of this person's visits remains (STD-7)."""
    for table in (VISITS, AHEAD):
        connection.execute(delete(table).where(table.c.account == account, table.c.subject == subject))


_AheadRow = msgspec.defstruct("_AheadRow", [str(column.name) for column in AHEAD.columns])


def _seen(row: Any) -> Seen:
    return Seen(
        event=row.event,
        account=row.account,
        subject=row.subject,
        kind="open",
        about=row.about,
        at=row.at,
        address=row.address,
        agent=row.agent,
        url="",
        name="",
        verdict=_decode(row.verdict),
    )


def _visit(row: tuple[Any, ...]) -> Seen:
    said: Any = (*row[:-1], _decode(row[-1]))
    return Seen(*said)


# Put together once: that costs several times what it costs to run one.
_SINCE = VISITS.c.at >= bindparam("since")
_ABOUT = QueryOfMany(select(VISITS).where(VISITS.c.about.in_(bindparam("wanted", expanding=True)), _SINCE))
_FROM = QueryOfMany(select(VISITS).where(VISITS.c.address.in_(bindparam("wanted", expanding=True)), _SINCE))
_OF_EVENT = Query(select(VISITS).where(VISITS.c.event == bindparam("of_event")))
_DUE = Query(select(AHEAD).where(AHEAD.c.due <= bindparam("now")).order_by(AHEAD.c.due).limit(500))
_NEXT = Query(select(func.min(AHEAD.c.due)))
_OLDEST_VISIT = Query(select(func.min(VISITS.c.at)))
_OLDEST_AHEAD = Query(select(func.min(AHEAD.c.at)))

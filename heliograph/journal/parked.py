"""What a consumer could not handle: look at it, retry it, drop it. And what waits for another attempt.

Both tables name an event by its place in the journal and read it from there when it is needed, so that what was
erased is erased here too. The functions take a connection: the loops call them in their transactions, the
command line in one of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
)

from heliograph.database import METADATA
from heliograph.errors import OperatorError
from heliograph.journal.positions import FOLD, Who

RETRIES = Table(
    "retries",
    METADATA,
    Column("consumer", String, primary_key=True),  # reaction or act
    Column("name", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event", String, nullable=False),
    Column("account", String, nullable=False),
    Column("attempt", Integer, nullable=False),  # how many were made
    Column("spared", Integer, nullable=False),  # how many of them the schedule does not count
    Column("due", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Index(None, "consumer", "name", "due"),
)

PARKED = Table(
    "parked",
    METADATA,
    Column("consumer", String, primary_key=True),  # fold, reaction or act
    Column("name", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event", String, nullable=False),
    Column("account", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("parked_at", BigInteger, nullable=False),
)


class Case(NamedTuple):
    """One event of one consumer: `seq` is its place in the journal, `event` its id."""

    who: Who
    seq: int
    event: str
    account: str


class Waiting(NamedTuple):
    """A case that is to be tried again at `due` (microseconds). `attempt` were made, of which the schedule does
    not count `spared`: an operator who puts a case back gives it the whole schedule anew."""

    case: Case
    attempt: int
    spared: int
    due: int
    why: str


class Parked(NamedTuple):
    """A case that was given up, with the reason: for folds and reactions a traceback."""

    case: Case
    attempts: int
    why: str
    parked_at: int


def find(
    connection: Connection, *, consumer: str | None = None, name: str | None = None, limit: int = 100
) -> list[Parked]:
    """What is parked, of one consumer or of all, the latest first."""
    query = select(PARKED).order_by(PARKED.c.parked_at.desc(), PARKED.c.seq.desc()).limit(limit)
    if consumer is not None:
        query = query.where(PARKED.c.consumer == consumer)
    if name is not None:
        query = query.where(PARKED.c.name == name)
    return [_parked(row) for row in connection.execute(query)]


def look(connection: Connection, who: Who, seq: int) -> Parked | None:
    """One parked case; its event is `journal.read(seq - 1, limit=1)`."""
    row = connection.execute(select(PARKED).where(_of(PARKED, who, seq))).first()
    return None if row is None else _parked(row)


def count(connection: Connection) -> dict[Who, int]:
    """How many cases are parked, by consumer."""
    rows = connection.execute(
        select(PARKED.c.consumer, PARKED.c.name, func.count()).group_by(PARKED.c.consumer, PARKED.c.name)
    )
    return {Who(consumer, name): number for consumer, name, number in rows}


def waiting(connection: Connection) -> dict[Who, int]:
    """How many cases are to be tried again, by consumer."""
    rows = connection.execute(
        select(RETRIES.c.consumer, RETRIES.c.name, func.count()).group_by(RETRIES.c.consumer, RETRIES.c.name)
    )
    return {Who(consumer, name): number for consumer, name, number in rows}


def retry(connection: Connection, who: Who, seq: int | None = None, *, now: int) -> int:
    """Put one case back, or all of a consumer: due now, with the whole schedule before it. Returns how many.

    Raises OperatorError for folds, where order matters: mend the fold, then replay it.
    """
    if who.consumer == FOLD:
        raise OperatorError(
            f"the fold {who.name} is not retried event by event: run `heliograph replay {who.name}`"
        )
    rows = connection.execute(select(PARKED).where(_of(PARKED, who, seq))).all()
    for row in rows:
        case, attempts, why, _ = _parked(row)
        put_off(connection, Waiting(case, attempts, attempts, now, why))
    drop(connection, who, seq)
    return len(rows)


def drop(connection: Connection, who: Who, seq: int | None = None) -> int:
    """Forget one parked case, or all of a consumer. Returns how many."""
    return connection.execute(delete(PARKED).where(_of(PARKED, who, seq))).rowcount


def forget(connection: Connection, who: Who) -> None:
    """Forget everything that is put off or parked of a consumer that is no more."""
    connection.execute(delete(RETRIES).where(_of(RETRIES, who)))
    connection.execute(delete(PARKED).where(_of(PARKED, who)))


def park(connection: Connection, parked: Parked) -> None:
    """Give a case up."""
    case, attempts, why, parked_at = parked
    settle(connection, case.who, case.seq)
    drop(connection, case.who, case.seq)
    row = {**_columns(case), "attempts": attempts, "why": why, "parked_at": parked_at}
    connection.execute(insert(PARKED), row)


def put_off(connection: Connection, waiting: Waiting) -> None:
    """Have a case tried again at its due time."""
    case, attempt, spared, due, why = waiting
    settle(connection, case.who, case.seq)
    row = {**_columns(case), "attempt": attempt, "spared": spared, "due": due, "why": why}
    connection.execute(insert(RETRIES), row)


def settle(connection: Connection, who: Who, seq: int) -> None:
    """A case waits no more."""
    connection.execute(delete(RETRIES).where(_of(RETRIES, who, seq)))


def put_off_cases(connection: Connection, *, name: str | None = None, limit: int = 100) -> list[Waiting]:
    """What is to be tried again, of one consumer or of all, the next due first."""
    query = select(RETRIES).order_by(RETRIES.c.due, RETRIES.c.seq).limit(limit)
    if name is not None:
        query = query.where(RETRIES.c.name == name)
    return [_waiting(row) for row in connection.execute(query)]


def due(
    connection: Connection, who: Who, now: int, *, limit: int, but: Collection[int] = ()
) -> list[Waiting]:
    """Up to `limit` cases whose time has come, the longest due first; but not these (being tried)."""
    query = select(RETRIES).where(_of(RETRIES, who), RETRIES.c.due <= now)
    query = query.order_by(RETRIES.c.due, RETRIES.c.seq).limit(limit + len(but))
    rows = (_waiting(row) for row in connection.execute(query))
    return [waiting for waiting in rows if waiting.case.seq not in but][:limit]


def next_due(connection: Connection, who: Who, *, after: int = 0) -> int | None:
    """When the next case comes due, later than `after`."""
    query = select(func.min(RETRIES.c.due)).where(_of(RETRIES, who), RETRIES.c.due > after)
    return connection.execute(query).scalar()


def earliest(connection: Connection) -> dict[Who, int]:
    """When each consumer's first case comes due."""
    rows = connection.execute(
        select(RETRIES.c.consumer, RETRIES.c.name, func.min(RETRIES.c.due)).group_by(
            RETRIES.c.consumer, RETRIES.c.name
        )
    )
    return {Who(consumer, name): instant for consumer, name, instant in rows}


def settled_beyond(connection: Connection, who: Who, seq: int) -> set[int]:
    """The places after `seq` that a consumer need not be given: they wait here, or are parked."""
    places: set[int] = set()
    for table in (RETRIES, PARKED):
        query = select(table.c.seq).where(_of(table, who), table.c.seq > seq)
        places.update(connection.execute(query).scalars())
    return places


def _of(table: Table, who: Who, seq: int | None = None) -> ColumnElement[bool]:
    its = and_(table.c.consumer == who.consumer, table.c.name == who.name)
    return its if seq is None else and_(its, table.c.seq == seq)


def _columns(case: Case) -> dict[str, object]:
    (consumer, name), seq, event, account = case
    return {"consumer": consumer, "name": name, "seq": seq, "event": event, "account": account}


def _parked(row: Row[Any]) -> Parked:
    consumer, name, seq, event, account, attempts, why, parked_at = tuple[Any, ...](row)
    return Parked(Case(Who(consumer, name), seq, event, account), attempts, why, parked_at)


def _waiting(row: Row[Any]) -> Waiting:
    consumer, name, seq, event, account, attempt, spared, due_at, why = tuple[Any, ...](row)
    return Waiting(Case(Who(consumer, name), seq, event, account), attempt, spared, due_at, why)

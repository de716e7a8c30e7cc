"""Opens, clicks, votes and looks at pictures that wait until it is known whether a person did them (STD-6).

An event is held from the moment it comes: for `SETTLE`, so that a scanner's burst is found out before a mail is
wanted, and then as long as a later verdict may still say that it was a person after all. Rows go when the event was
acted on, and a day after it at the latest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from heliograph.clock import SECOND
from heliograph.database import METADATA, Query
from heliograph.events import codec, subjects
from heliograph.events.event import AnyEvent, Record

SETTLE = 5 * SECOND
"""How long a verdict may still change before it is acted on: bursts are over within two seconds."""

KEEP = 24 * 3600 * SECOND
"""How long a later verdict still makes an event count; what comes later mails nobody (`written.LATENESS`)."""

CLEAN_EVERY = 60 * SECOND

HELD = Table(
    "automation_held",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("cause", String(36)),
    Column("data", LargeBinary, nullable=False),
    Column("settles", BigInteger, index=True),
    Column("by_person", Boolean, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
)
"""A record, and: until when its verdict may change at once (null: that is over), and whether the last one that came
says that it was a person."""


class Held(NamedTuple):
    """An event that waits; `settling`: its verdict is not acted on yet."""

    event: AnyEvent
    settling: bool
    by_person: bool


def hold(connection: Connection, event: AnyEvent, now: int) -> None:
    """Keep an event until it is known who did it."""
    record = codec.encode(event)._asdict()
    values = {**record, "settles": now + SETTLE, "by_person": False, "expires": now + KEEP}
    connection.execute(insert(HELD), values)


def find(connection: Connection, event: str) -> Held | None:
    """The event of this id, if it waits."""
    row = _FOUND.row(connection, event=event)
    return None if row is None else _held(row)


def judge(connection: Connection, event: str, *, by_person: bool) -> None:
    """What the last verdict says."""
    connection.execute(update(HELD).where(HELD.c.id == event).values(by_person=by_person))


def release(connection: Connection, event: str) -> None:
    """It was acted on, and waits no more."""
    connection.execute(delete(HELD).where(HELD.c.id == event))


def settle(connection: Connection, now: int, limit: int) -> Sequence[Held]:
    """Events whose verdict has stood long enough, the earliest first; from now on a verdict is acted on at once."""
    found = connection.execute(
        select(HELD).where(HELD.c.settles <= now).order_by(HELD.c.settles, HELD.c.id).limit(limit)
    ).all()
    connection.execute(update(HELD).where(HELD.c.id.in_([row.id for row in found])).values(settles=None))
    connection.execute(delete(HELD).where(HELD.c.expires <= now))
    return [_held(row) for row in found]


def next_due(connection: Connection) -> int | None:
    """When the next verdict has stood long enough, or a row is to go."""
    settles, expires = _SETTLES.value(connection), _EXPIRES.value(connection)
    gone = None if expires is None else expires + CLEAN_EVERY
    return min((instant for instant in (settles, gone) if instant is not None), default=None)


def erase(connection: Connection, account: str, person: str) -> None:
    """Nothing of this person waits any more (STD-7)."""
    theirs = HELD.c.subject == subjects.person(person)
    connection.execute(delete(HELD).where(HELD.c.account == account, theirs))


def _held(row: Sequence[Any]) -> Held:
    named = dict(zip(_NAMES, row, strict=True))
    record = Record(*(named[name] for name in Record._fields))
    return Held(codec.decode(record), named["settles"] is not None, named["by_person"])


_NAMES = tuple(str(column.name) for column in HELD.c)
_FOUND = Query(select(*HELD.c).where(HELD.c.id == bindparam("event")))
_SETTLES = Query(select(func.min(HELD.c.settles)))
_EXPIRES = Query(select(func.min(HELD.c.expires)))

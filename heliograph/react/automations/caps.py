"""Frequency caps: how many marketing messages a person may be wanted to get within a window.

Counted from the moment a message is wanted, whoever wants it: what two automations decide at once must not slip through
because nothing is sent yet. What comes to nothing (suppressed, not rendered, cancelled) is counted no more. Rows are
kept only where an account has caps, and as long as its longest window.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    String,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from heliograph.database import METADATA
from heliograph.react.automations.durations import duration

WANTED = Table(
    "automation_wanted",
    METADATA,
    Column("message", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("person", String(36), nullable=False),
    Column("group", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_automation_wanted_person", "person", "at"),
    sqlite_with_rowid=False,
)
"""Marketing messages that were wanted, by their ids."""


class Cap(NamedTuple):
    """At most so many in a window of microseconds; of one group of automations, or (empty) of all."""

    group: str
    most: int
    window: int
    written: str


@lru_cache(maxsize=1024)
def caps(written: tuple[str, ...]) -> tuple[Cap, ...]:
    """An account's caps, as its policy has them (`accounts.model.CAP`)."""
    return tuple(_cap(text) for text in written)


def exceeded(
    connection: Connection, account: str, found: tuple[Cap, ...], person: str, group: str, now: int
) -> str | None:
    """Which cap a further message of this group would break, in words; None where none."""
    for cap in found:
        if cap.group in ("", group):
            place = {"of_account": account, "of_person": person, "since": now - cap.window}
            statement = _COUNT_GROUP if cap.group else _COUNT
            had = connection.scalar(statement, {**place, "of_group": cap.group} if cap.group else place) or 0
            if had >= cap.most:
                return f"the cap {cap.written} is reached: {had} wanted since"
    return None


def want(
    connection: Connection,
    account: str,
    found: tuple[Cap, ...],
    person: str,
    message: str,
    group: str,
    at: int,
) -> None:
    """A marketing message is wanted. What no cap asks about any more goes."""
    longest = max(cap.window for cap in found)
    connection.execute(_CLEAN, {"of_account": account, "of_person": person, "before": at - longest})
    if connection.scalar(select(WANTED.c.message).where(WANTED.c.message == message)) is None:
        row = {"message": message, "account": account, "person": person, "group": group, "at": at}
        connection.execute(insert(WANTED), row)


def drop(connection: Connection, message: str) -> None:
    """Nothing came of a message."""
    connection.execute(_DROP, {"of_message": message})


def merge(connection: Connection, account: str, person: str, other: str) -> None:
    """`other` is now `person`."""
    theirs = (WANTED.c.account == account, WANTED.c.person == other)
    connection.execute(update(WANTED).where(*theirs).values(person=person))


def erase(connection: Connection, account: str, person: str) -> None:
    """Nothing is counted of who is erased (STD-7)."""
    connection.execute(delete(WANTED).where(WANTED.c.account == account, WANTED.c.person == person))


def _cap(text: str) -> Cap:
    group, _, rest = text.rpartition(":")
    count, _, window = rest.partition("/")
    return Cap(group, int(count), duration(window, "message_caps"), text)


_THEIRS = and_(WANTED.c.account == bindparam("of_account"), WANTED.c.person == bindparam("of_person"))
_COUNT = select(func.count()).where(_THEIRS, WANTED.c.at > bindparam("since"))
_COUNT_GROUP = _COUNT.where(WANTED.c.group == bindparam("of_group"))
_CLEAN = delete(WANTED).where(_THEIRS, WANTED.c.at <= bindparam("before"))
_DROP = delete(WANTED).where(WANTED.c.message == bindparam("of_message"))

"""State, looked through whole: no row of any table says anything of somebody who is erased (STD-7, STD-8).

The folds forget what they find by numbers and ids (`Fold.forget`). Everything else is found here, in every table
that there is, whoever made it: feeds' queues and jobs' ledgers included. A row that is about an event which was
blanked goes, and so does one whose key names the person; elsewhere a pseudonym takes the place of their address.
The tables are read from the database itself, so that none is missed because its module was not loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)

from heliograph.accounts.model import ACCOUNTS, KEYS, REVISION, SIGNING_KEYS
from heliograph.journal.positions import POSITIONS
from heliograph.privacy.words import Mask
from heliograph.react.state import definitions, erasures
from heliograph.react.state.messages import HITS
from heliograph.react.state.persons import IDENTITIES

LEFT_ALONE = frozenset(
    table.name
    for table in (
        *(ACCOUNTS, KEYS, SIGNING_KEYS, REVISION, POSITIONS, IDENTITIES, HITS),
        *(*definitions.FOLD.tables, *erasures.FOLD.tables),
    )
) | {"alembic_version"}
"""What operators made, what holds no person, and what the folds forget by themselves: identities are known until
the very end, so that an erasure that was cut short can be asked for again."""

CHUNK = 500
"""Ids in one statement."""


class Row(NamedTuple):
    """One row, by its table and key."""

    table: Table
    key: tuple[Any, ...]


def tables(connection: Connection) -> list[Table]:
    """Every table that may say something of a person."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name not in LEFT_ALONE]


def speaking(connection: Connection, wanted: Iterable[Table], account: str, mask: Mask) -> list[Row]:
    """The rows of this account in which one of the words stands."""
    return [
        Row(table, key)
        for table in wanted
        for key, said in _read(connection, table, _at_account(table, account), mask)
        if any(mask.text(text) != text for text in said.values())
    ]


def silence(connection: Connection, rows: Iterable[Row], mask: Mask) -> int:
    """Have these rows say nothing of the person; how many were changed or removed."""
    changed = 0
    for table, key in rows:
        where = and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))
        for _, said in _read(connection, table, where, mask):
            masked = {name: mask.text(text) for name, text in said.items()}
            news = {name: text for name, text in masked.items() if text != said[name]}
            if not news:
                continue
            if news.keys() & table.primary_key.columns.keys():
                connection.execute(delete(table).where(where))
            else:
                connection.execute(update(table).where(where).values(_typed(table, news)))
            changed += 1
    return changed


def drop_events(connection: Connection, wanted: Iterable[Table], events: Sequence[str]) -> None:
    """Remove the rows that are about these events: what waits for another attempt, what is parked, what proves."""
    for table in wanted:
        if "event" in table.columns:
            for start in range(0, len(events), CHUNK):
                some = table.c.event.in_(events[start : start + CHUNK])
                connection.execute(delete(table).where(some))


def _read(
    connection: Connection, table: Table, where: ColumnElement[bool], mask: Mask
) -> Iterator[tuple[tuple[Any, ...], dict[str, str]]]:
    """Keys, and what the columns of text say, of the rows in which a word stands."""
    columns = [column for column in table.columns if isinstance(column.type, String | JSON | LargeBinary)]
    if not columns or not mask.words:
        return
    texts = [cast(column, Text) for column in columns]
    holds = or_(*(func.instr(func.lower(text), word.lower()) > 0 for text in texts for word in mask.words))
    keys = list(table.primary_key)
    for row in connection.execute(select(*keys, *texts).where(where, holds)).all():
        said = zip(columns, row[len(keys) :], strict=True)
        yield tuple(row[: len(keys)]), {column.name: text for column, text in said if text is not None}


def _at_account(table: Table, account: str) -> ColumnElement[bool]:
    column: Column[Any] | None = table.columns.get("account")
    return and_(True) if column is None else column == account


def _typed(table: Table, news: dict[str, str]) -> dict[str, Any]:
    # a JSON column would encode its text once more
    return {
        name: text.encode()
        if isinstance(table.columns[name].type, LargeBinary)
        else bindparam(f"new_{name}", text, type_=Text())
        for name, text in news.items()
    }

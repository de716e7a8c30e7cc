"""One table's rows during one batch of events: read many at once, changed in memory, written back at once.

A statement per event would cost more than everything else a fold does. So a fold reads ahead what its batch
mentions, decides on plain structs, and writes each changed row once. A key that was not read ahead is read
when it is asked for: reading ahead only saves time, it decides nothing.

A row is a struct whose fields are the table's columns in order, the key's first; JSON columns are their text.
What differs between databases is in the functions at the end alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    JSON,
    BindParameter,
    ClauseElement,
    Connection,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite

from heliograph.database import CHUNKS, execute, execute_many

R = TypeVar("R", bound=msgspec.Struct)

Key = tuple[Any, ...]
"""Texts and numbers."""

WRITTEN_ONCE = {"written_once": True}
"""`info` of a column that stays as it was first written: later writes leave it and so the indexes that it is in, which takes
two thirds of the time. Not for rows that are removed and come again with another value."""


class Rows(Generic[R]):
    """The rows of `table` as structs of `kind`, for one connection and one batch."""

    def __init__(self, connection: Connection, table: Table, kind: type[R]) -> None:
        self._connection = connection
        self._plan = _plan(table, kind)
        self._kind = kind
        self._rows: dict[Key, R | None] = {}
        self._changed: dict[Key, R | None] = {}

    def read(self, keys: Iterable[Key]) -> None:
        """Read ahead; keys that are already known cost nothing."""
        rows = self._rows
        wanted: dict[Key, list[Any]] = {}
        for key in keys:
            if key not in rows:
                rows[key] = None
                wanted.setdefault(key[:-1], []).append(key[-1])
        for head, tails in wanted.items():
            for start in range(0, len(tails), CHUNKS[-1]):
                self._select(head, tails[start : start + CHUNKS[-1]])

    def get(self, key: Key) -> R | None:
        """The row as it is by now, or None. Change it, then `put` it."""
        if key not in self._rows:
            self.read((key,))
        return self._rows[key]

    def put(self, row: R) -> None:
        """Keep this row: new, or changed."""
        key = self._plan.key(row)
        self._rows[key] = row
        self._changed[key] = row

    def remove(self, key: Key) -> None:
        """Let go of the row with this key."""
        self._rows[key] = self._changed[key] = None

    def write(self) -> None:
        """Write back what was changed, in the order of its keys, so that neighbours share pages."""
        changed = [(key, self._changed[key]) for key in sorted(self._changed)]
        self._changed.clear()
        if kept := [msgspec.structs.astuple(row) for _, row in changed if row is not None]:
            execute_many(self._connection, self._plan.upsert, kept)
        if gone := [key for key, row in changed if row is None]:
            execute_many(self._connection, self._plan.delete, gone)

    def _select(self, head: Key, tails: list[Any]) -> None:
        width, kind, rows = len(head) + 1, self._kind, self._rows
        size = next(size for size in CHUNKS if size >= len(tails))
        values = (*head, *tails, *tails[-1:] * (size - len(tails)))
        for found in execute(self._connection, self._plan.selects[size], values):
            rows[found[:width]] = kind(*found)


def append(connection: Connection, table: Table, values: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows (all columns, in order) that never change; those whose key is there already are left."""
    if values:
        execute_many(connection, _append(table), values)


def tally(connection: Connection, table: Table, changes: Mapping[Key, int]) -> None:
    """Add to the last column of rows, by their keys; a row that comes to nought is no more."""
    plus = [(*key, changes[key]) for key in sorted(changes) if changes[key]]
    if plus:
        add, clear = _tally(table)
        execute_many(connection, add, plus)
        if minus := [tuple(values[:-1]) for values in plus if values[-1] < 0]:
            execute_many(connection, clear, minus)


class _Plan(NamedTuple):
    selects: dict[int, str]
    upsert: str
    delete: str
    key: Callable[[Any], Key]


@cache
def _plan(table: Table, kind: type[msgspec.Struct]) -> _Plan:
    names = kind.__struct_fields__
    keys = tuple(column.name for column in table.primary_key)
    if names != tuple(table.columns.keys()) or names[: len(keys)] != keys:
        raise TypeError(f"{kind.__name__} does not name the columns of {table.name} in their order")
    key = attrgetter(*keys) if len(keys) > 1 else lambda row: (getattr(row, keys[0]),)
    one = _text(delete(table).where(*(column == bindparam(None) for column in table.primary_key)))
    return _Plan({size: _select(table, size) for size in CHUNKS}, _upsert(table), one, key)


def _select(table: Table, size: int) -> str:
    """In the order of its parameters: the key but for its last column, then so many of that."""
    columns = [cast(column, Text) if isinstance(column.type, JSON) else column for column in table.columns]
    *heads, tail = table.primary_key
    tails: list[BindParameter[str]] = [bindparam(f"tail{place}") for place in range(size)]
    return _text(select(*columns).where(*(column == bindparam(None) for column in heads), tail.in_(tails)))


def _upsert(table: Table) -> str:
    statement = sqlite.insert(table)
    kept = [c.name for c in table.columns if not (c.primary_key or c.info.get("written_once"))]
    values = {name: statement.excluded[name] for name in kept}
    return _text(statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values))


@cache
def _append(table: Table) -> str:
    return _text(sqlite.insert(table).on_conflict_do_nothing())


@cache
def _tally(table: Table) -> tuple[str, str]:
    """Two statements: one that adds, one that removes a row of nought."""
    *keys, counted = table.columns
    statement = sqlite.insert(table)
    total = {counted.name: counted + statement.excluded[counted.name]}
    nought = delete(table).where(
        *(column == bindparam(None) for column in keys), counted == literal_column("0")
    )
    return (
        _text(statement.on_conflict_do_update(index_elements=keys, set_=total)),
        _text(nought),
    )


def _text(statement: ClauseElement) -> str:
    """Compiled once, and carried out by the driver's cursor: a third of the time that it takes through Core."""
    return str(statement.compile(dialect=sqlite.dialect()))

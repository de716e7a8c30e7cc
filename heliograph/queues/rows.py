"""Rows of a statement, as the functions here take them: SQLite's columns have no types that a checker knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

Row = tuple[Any, ...]


def rows(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
    """All rows."""
    return connection.execute(sql, bindings).fetchall()


def row(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> Row | None:
    """The first row; None if there is none."""
    return connection.execute(sql, bindings).fetchone()


def number(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> int:
    """The first column of the first row."""
    found = row(connection, sql, bindings)
    return int(found[0]) if found else 0

"""Lists as CSV (RFC 4180): the rows of one page after the other, a column for each field, none of them holding the whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Engine

from heliograph.api.call import Csv
from heliograph.spreadsheets import safe

PAGE = 1_000
"""Rows that are read and sent at once."""

S = TypeVar("S", bound=msgspec.Struct)
C = TypeVar("C")

NextPage = Callable[[Connection, C | None], tuple[Sequence[S], C | None]]
"""The rows after a cursor (None: from the beginning), and the cursor of what follows, if there is more."""


def file_of(
    state: Engine, name: str, kind: type[S], turn: NextPage[C, S], *, leaving: Sequence[str] = ()
) -> Csv:
    """The file of a list, read while it is sent. `kind`: what its rows are; `leaving`: fields that it leaves out."""
    columns = [column for column in kind.__struct_fields__ if column not in leaving]
    return Csv(name, _pieces(state, columns, turn))


def _pieces(state: Engine, columns: Sequence[str], turn: NextPage[Any, Any]) -> Iterator[bytes]:
    yield _lines([columns])
    cursor, more = None, True
    while more:
        with state.connect() as connection:
            rows, cursor = turn(connection, cursor)
        yield _lines([_cell(getattr(row, column)) for column in columns] for row in rows)
        more = cursor is not None


def _lines(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    """Nothing is empty, lists and objects are JSON; what a spreadsheet would compute is made text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe(value) if isinstance(value, str) else msgspec.json.encode(value).decode()

"""CSV, NDJSON and Parquet: each a way to write pages of rows onto an open file, none of them holding the whole.

Instants are RFC 3339 in text and real timestamps in Parquet; JSON is text in cells and stays JSON in NDJSON.
"""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import msgspec

from heliograph.clock import iso
from heliograph.errors import OperatorError
from heliograph.porting.tables import Column, Page, Type
from heliograph.spreadsheets import safe

ROW_GROUP = 20_000
"""Rows of one group of a Parquet file: what is held before it is written."""


class Writer(Protocol):
    """Rows onto a file, in order."""

    def write(self, page: Page) -> None:
        """Some rows more."""
        ...

    def end(self) -> None:
        """Everything was written; the file stays open."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write: its name, how such files end, and what writes one. `raw`: cells are left as they are, even
    those that a spreadsheet would compute."""

    name: str
    suffixes: tuple[str, ...]
    open: Callable[[BinaryIO, Sequence[Column], bool], Writer]


class CsvWriter:
    """RFC 4180, UTF-8."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], raw: bool) -> None:
        self._file = file
        self._text = io.StringIO()
        self._writer = csv.writer(self._text)
        self._cells = [_IN_CSV[column.type] for column in columns]
        self._kept = [raw or column.type not in ("text", "list") for column in columns]
        self._writer.writerow([column.name for column in columns])

    def write(self, page: Page) -> None:
        """As `Writer.write`."""
        for row in page:
            self._writer.writerow(
                "" if value is None else cell(value) if kept else safe(cell(value))
                for value, cell, kept in zip(row, self._cells, self._kept, strict=True)
            )
        self.end()

    def end(self) -> None:
        """As `Writer.end`."""
        self._file.write(self._text.getvalue().encode("utf-8", "backslashreplace"))
        self._text.seek(0)
        self._text.truncate()


class NdjsonWriter:
    """One JSON object a line."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], raw: bool) -> None:
        self._file = file
        self._columns = columns

    def write(self, page: Page) -> None:
        """As `Writer.write`."""
        self._file.write(b"".join(line(self._columns, row) for row in page))

    def end(self) -> None:
        """As `Writer.end`."""


class ParquetWriter:
    """Parquet with zstd. pyarrow is an extra and takes a third of a second to load: only here, when it is asked for."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], raw: bool) -> None:
        try:
            self._arrow, parquet = (
                importlib.import_module("pyarrow"),
                importlib.import_module("pyarrow.parquet"),
            )
        except ImportError as error:
            raise OperatorError("Parquet needs pyarrow: pip install 'heliograph[parquet]'") from error
        types = {
            "text": self._arrow.string(),
            "number": self._arrow.float64(),
            "flag": self._arrow.bool_(),
            "instant": self._arrow.timestamp("us", "UTC"),
            "list": self._arrow.list_(self._arrow.string()),
            "json": self._arrow.string(),
        }
        self._schema = self._arrow.schema([(column.name, types[column.type]) for column in columns])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._held: list[tuple[Any, ...]] = []

    def write(self, page: Page) -> None:
        """As `Writer.write`."""
        self._held += page
        if len(self._held) >= ROW_GROUP:
            self._write_group()

    def end(self) -> None:
        """As `Writer.end`."""
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if self._held:
            columns = zip(*self._held, strict=True)
            arrays = [
                self._arrow.array(values, type=field.type)
                for values, field in zip(columns, self._schema, strict=True)
            ]
            self._writer.write_batch(self._arrow.record_batch(arrays, schema=self._schema))
            self._held = []


def line(columns: Sequence[Column], row: Sequence[Any]) -> bytes:
    """A row as one JSON object on one line."""
    values = {
        column.name: _IN_JSON[column.type](value) if value is not None else None
        for column, value in zip(columns, row, strict=True)
    }
    return msgspec.json.encode(values) + b"\n"


def _same(value: Any) -> Any:
    return value


_IN_CSV: dict[Type, Callable[[Any], str]] = {
    "text": str,
    "number": lambda value: f"{value:.15g}",
    "flag": lambda value: "true" if value else "false",
    "instant": iso,
    "list": ",".join,
    "json": lambda value: value.decode("utf-8", "backslashreplace"),
}
_IN_JSON: dict[Type, Callable[[Any], Any]] = {
    "text": _same,
    "number": _same,
    "flag": bool,
    "instant": iso,
    "list": _same,
    "json": msgspec.Raw,
}

FORMATS: tuple[Format, ...] = (
    Format("ndjson", (".ndjson", ".jsonl"), NdjsonWriter),
    Format("csv", (".csv",), CsvWriter),
    Format("parquet", (".parquet",), ParquetWriter),
)

"""Rows of a CSV or NDJSON file. A row that cannot be read is a row too, with the reason, and spoils no other.

CSV is RFC 4180, read by Python's own reader, which gets at most `RECORD_LINES` lines for one record: a quote that
is opened and never closed costs its own line and not the rest of the file.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from statistics import mode
from typing import Any, NamedTuple

import msgspec

from heliograph.rowfiles.files import File, Line, Lines

RECORD_LINES = 100
"""Lines of one CSV record: notes and addresses have some line breaks in them."""

DELIMITERS = ",;\t|"

csv.field_size_limit(4 << 20)  # lines are bounded by ourselves

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Row(NamedTuple):
    """One row: the line on which it begins, as it stands there, and its cells by column; or why it has none."""

    line: int
    original: str
    cells: dict[str, Any]
    fault: str = ""


class Shape(NamedTuple):
    """How the rows of a file are written. `columns` is empty for NDJSON; `header` is the number of lines before
    the first row."""

    delimiter: str
    columns: tuple[str, ...]
    header: int

    @property
    def is_csv(self) -> bool:
        """Cells with delimiters; else one JSON object a line."""
        return self.delimiter != ""


def shape(file: File, delimiter: str | None = None) -> Shape:
    """What the beginning of a file shows. A list without a header has the columns `1`, `2` ..."""
    if file.sample.lstrip("\ufeff \r\n").startswith("{"):
        return Shape("", (), 0)
    lines = file.sample.removeprefix("\ufeff").splitlines(keepends=True)
    named = lines[0].strip() if lines else ""
    above = 1 if named[:4].lower() == "sep=" else 0  # Excel's own hint
    delimiter = delimiter or (named[4:5] if above else "") or _delimiter(lines)
    first = next(csv.reader(lines[above:], delimiter=delimiter), [])
    if any("@" in cell for cell in first):
        return Shape(delimiter, tuple(str(place) for place in range(1, len(first) + 1)), above)
    spread = len(lines[above:]) - len(list(_after_first(lines[above:], delimiter)))
    return Shape(delimiter, _distinct(first), above + spread)


def rows(lines: Lines, shape: Shape) -> Iterator[Row]:
    """Every row that is not blank, in order."""
    if not shape.is_csv:
        yield from (_object(line) for line in lines if line.text.strip())
        return
    feed = _Feed(iter(lines))
    for _ in range(shape.header):
        next(feed, None)
    reader = csv.reader(feed, delimiter=shape.delimiter, strict=True)
    while True:
        row = _record(feed, reader, shape.columns)
        if row is None:
            return
        if row.fault or any(row.cells.values()):
            yield row


class _Runaway(Exception):
    """A record has no end."""


class _Feed:
    """Lines for the CSV reader, which asks for another one while a quote is open."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self.taken: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) == RECORD_LINES:
            raise _Runaway
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            if self.taken:
                raise _Runaway
            raise StopIteration
        self.taken.append(line)
        return line.text

    def return_all_but_first(self) -> None:
        """What came after the first line is read again, as rows of its own."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def _record(feed: _Feed, reader: Iterator[list[str]], columns: Sequence[str]) -> Row | None:
    feed.taken = []
    fault = ""
    cells: list[str] = []
    try:
        cells = next(reader)
    except StopIteration:
        return None
    except _Runaway:
        fault = "a quote is opened and not closed"
    except csv.Error as error:
        fault = str(error)
    if not fault and cells and len(cells) != len(columns) and any(cells[len(columns) :] or cells):
        fault = f"has {len(cells)} cells where the header has {len(columns)}"
    fault = fault or next((line.fault for line in feed.taken if line.fault), "")
    if fault and len(feed.taken) > 1:
        feed.return_all_but_first()
    first = feed.taken[0]
    original = first.text if len(feed.taken) == 1 else "".join(line.text for line in feed.taken)
    return Row(first.number, original, dict(zip(columns, cells, strict=False)), fault)


def _object(line: Line) -> Row:
    text = line.text.removeprefix("\ufeff")
    if line.fault:
        return Row(line.number, line.text, {}, line.fault)
    try:
        return Row(line.number, line.text, _decode(text))
    except (msgspec.MsgspecError, RecursionError) as error:
        return Row(line.number, line.text, {}, f"is not a JSON object: {error}")


def _delimiter(lines: Sequence[str]) -> str:
    """The one that cuts most of the first lines into the same number of cells, and into several."""

    def score(delimiter: str) -> tuple[int, int]:
        widths = [len(cells) for cells in csv.reader(lines[:20], delimiter=delimiter) if cells] or [1]
        usual = mode(widths)
        return (widths.count(usual), usual) if usual > 1 else (0, 0)

    return max(DELIMITERS, key=score)


def _after_first(lines: Sequence[str], delimiter: str) -> Iterator[str]:
    """The lines behind the first record."""
    left = iter(lines)
    next(csv.reader(left, delimiter=delimiter), None)
    return left


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Column names, the second of a name numbered."""
    made: list[str] = []
    for place, cell in enumerate(names, 1):
        name, number = cell.strip() or str(place), 1
        while (unique := name if number == 1 else f"{name} ({number})") in made:
            number += 1
        made.append(unique)
    return tuple(made)

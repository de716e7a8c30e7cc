"""The archive: `archive/ACCOUNT/YYYY-MM-DD.parquet`, the events that one account's journal had recorded on one day.

A file is there whole or not at all, and is never written over by other events: what is archived of the same day
later goes into `YYYY-MM-DD.2.parquet`. Where pyarrow is not installed files are gzipped NDJSON. What is being
moved stands in `.moving` beside them until it is out of the journal, so that whoever comes after a crash goes on
there. One process at a time changes the archive (`locked`).
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import importlib
import importlib.util
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from heliograph.clock import from_datetime, to_datetime
from heliograph.events.event import Record
from heliograph.porting.output import format_of, replacing, written
from heliograph.porting.tables import EVENTS, Page

FOLDER = "archive"
MOVING = ".moving"
ROWS = 5_000
"""Rows of a file that are read at once."""


class Moving(msgspec.Struct, frozen=True):
    """These places of the journal are in this file, or will be; they were recorded before this instant."""

    file: str
    before: int
    places: list[int]


class Size(NamedTuple):
    """How much is archived of an account; days as `YYYY-MM-DD`, empty where there is nothing."""

    files: int
    bytes: int
    first: str
    last: str


class Archive:
    """One data directory's archive."""

    def __init__(self, data: Path) -> None:
        self._root = data / FOLDER

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one to change it, whichever process the others are in. Blocks until that is so."""
        self._root.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def files(self, account: str) -> list[Path]:
        """An account's files, the oldest day first."""
        found = (self._root / account).glob("[0-9]*")
        return sorted(found, key=lambda path: (path.name[:10], _number(path)))

    def size(self, account: str) -> Size:
        """How much there is."""
        files = self.files(account)
        if not files:
            return Size(0, 0, "", "")
        return Size(
            len(files), sum(file.stat().st_size for file in files), files[0].name[:10], files[-1].name[:10]
        )

    def next_name(self, account: str, day: str) -> str:
        """What the next file of this day is called."""
        known = [_number(path) for path in self.files(account) if path.name.startswith(day)]
        return f"{day}{f'.{max(known) + 1}' if known else ''}{SUFFIX}"

    def moving(self, account: str) -> Moving | None:
        """What a crash cut short."""
        path = self._root / account / MOVING
        return msgspec.json.decode(path.read_bytes(), type=Moving) if path.exists() else None

    def begin(self, account: str, moving: Moving) -> None:
        """Note what is to be moved, durably. Raises `OperatorError` where nothing can be written."""
        folder = self._root / account
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in folder.glob(".*.part"):  # what a crash left half written
            part.unlink()
        with replacing(folder / MOVING) as file:
            file.write(msgspec.json.encode(moving))
        _settle(folder)

    def end(self, account: str) -> None:
        """What was to be moved is moved."""
        (self._root / account / MOVING).unlink(missing_ok=True)

    def path(self, account: str, name: str) -> Path:
        """A file by its name."""
        return self._root / account / name


def write(file: Path, pages: Iterable[Page]) -> None:
    """Write these rows of `EVENTS`; the file appears when everything is in it and on disk. Raises
    `OperatorError`."""
    with written(file, format_of(None, file), EVENTS, raw=True) as writer:
        for page in pages:
            writer.write(page)
    file.chmod(0o600)
    _settle(file.parent)


def read(file: Path) -> Iterator[list[Record]]:
    """The events of a file, some at a time. Raises `OperatorError` where pyarrow is needed and not there."""
    yield from _read_parquet(file) if file.name.endswith(".parquet") else _read_ndjson(file)


def day_of(recorded: int) -> str:
    """The UTC day of an instant, as files are named."""
    return f"{to_datetime(recorded):%Y-%m-%d}"


def _read_parquet(file: Path) -> Iterator[list[Record]]:
    parquet = importlib.import_module("pyarrow.parquet")
    arrow = importlib.import_module("pyarrow")
    with parquet.ParquetFile(file) as opened:
        for batch in opened.iter_batches(batch_size=ROWS):
            columns = [
                batch.column(column.name).cast(arrow.int64()).to_pylist()
                if column.type == "instant"
                else batch.column(column.name).to_pylist()
                for column in EVENTS
            ]
            yield [Record._make((*row[:-1], row[-1].encode())) for row in zip(*columns, strict=True)]


class _Line(msgspec.Struct):
    id: str
    account: str
    kind: str
    subject: str
    at: str
    recorded: str
    cause: str | None
    data: msgspec.Raw


def _read_ndjson(file: Path) -> Iterator[list[Record]]:
    decode = msgspec.json.Decoder(_Line).decode
    page: list[Record] = []
    with gzip.open(file, "rb") as lines:
        for text in lines:
            one = decode(text)
            at, recorded = _instant(one.at), _instant(one.recorded)
            values: tuple[Any, ...] = (one.id, one.account, one.kind, one.subject, at, recorded, one.cause)
            page.append(Record._make((*values, bytes(one.data))))
            if len(page) == ROWS:
                yield page
                page = []
    if page:
        yield page


def _instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


def _number(path: Path) -> int:
    part = path.name.split(".")[1]
    return int(part) if part.isdecimal() else 1


def _settle(folder: Path) -> None:
    """Have names in this folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


SUFFIX = ".parquet" if importlib.util.find_spec("pyarrow") else ".ndjson.gz"
"""How new files end."""

"""The file `journal.db`: its one table, and the one connection that writes to it.

One append-only table with nothing but its rowid: an index on anything random is ruin for appends, so what is
looked up otherwise has files of its own (`seen`, `subject_index`). Large pages, WAL, `synchronous=FULL`. The
`seq` is the rowid, so whoever removes old rows must leave the last one. Freed bytes are zeroed, for erasure.

Rows go in by multi-row statements, because each step of a statement gives the interpreter lock away and a busy
event loop is slow to give it back: 64 rows are one step, and without BEGIN and COMMIT around it.
"""

from __future__ import annotations

import array
import contextlib
import os
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import apsw

from heliograph.errors import OperatorError
from heliograph.events.codec import REDACTED
from heliograph.events.event import Record
from heliograph.journal.journal import Rewrite

with contextlib.suppress(apsw.MisuseError):  # too late once SQLite is in use: then it only costs a little
    apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)

FILE = "journal.db"
VERSION = 1
"""Of the table's form, kept in `user_version`."""

PAGE = 16_384  # bytes
BACKSTOP = 16_384
"""Pages of WAL (256 MiB) at which a commit checkpoints by itself, should nobody else have done so."""

BUSY = 5_000
"""Milliseconds to wait for a lock that somebody else (a database shell, a backup) has on the file."""

_SCHEMA = """
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    cause TEXT,
    data BLOB NOT NULL
) STRICT
"""
_INSERT = "INSERT INTO event (id, account, kind, subject, at, recorded, cause, data) VALUES "
_EXACT = 64
_STATEMENTS = {
    rows: _INSERT + ",".join(["(?,?,?,?,?,?,?,?)"] * rows) for rows in (*range(1, _EXACT + 1), 128, 256, 512)
}
_ERASE = (
    "UPDATE event SET data = ?, subject = ? WHERE seq IN (SELECT value FROM carray(?)) "
    "AND subject IN (SELECT value FROM carray(?)) AND account = ?"
)
_REMOVE = (
    "DELETE FROM event WHERE seq IN (SELECT value FROM carray(?)) AND account = ? AND recorded < ? "
    "AND seq < (SELECT max(seq) FROM event)"
)
_REWRITE = "UPDATE event SET data = ?, subject = ? WHERE seq = ? AND account = ?"

UNFIT = (TypeError, ValueError, OverflowError, apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError)
"""What a record that cannot be stored raises (a lone surrogate, a number beyond 64 bits): its maker's fault."""


class JournalFile:
    """The writing connection. One thread at a time; who may open it is `ownership`'s business."""

    def __init__(self, data: Path) -> None:
        path = data / FILE
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        try:
            self._connection = apsw.Connection(str(path), statementcachesize=128)
            self._prepare(path)
            row = self._connection.execute("SELECT max(seq) FROM event").fetchone()
        except apsw.Error as error:
            raise OperatorError(f"{path} cannot be written to as a journal: {error}") from error
        self.head: int = (row and row[0]) or 0

    def write(self, rows: Sequence[Record]) -> None:
        """Record these, all or none, durably. Raises one of `UNFIT`, or another `apsw.Error`."""
        if not rows:
            return
        try:
            if len(rows) <= _EXACT:
                self._insert(rows)
            else:
                self._connection.execute("BEGIN IMMEDIATE")
                for piece in _pieces(rows):
                    self._insert(piece)
                self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self.head = self._connection.last_insert_rowid()

    def erase(self, seqs: Iterable[int], subjects: Sequence[str], account: str, replacement: str) -> int:
        """Blank these entries, as far as they are of these subjects of this account; how many they were."""
        places = apsw.carray(array.array("q", seqs))
        of = apsw.carray(tuple(subjects))
        try:
            self._connection.execute(_ERASE, (REDACTED, replacement, places, of, account))
        except BaseException:
            self._roll_back()
            raise
        return self._connection.changes()

    def rewrite(self, changes: Sequence[Rewrite], account: str) -> int:
        """Put other subjects and data into these places, as far as they are this account's; how many were."""
        before = self._connection.total_changes()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                _REWRITE, [(data, subject, seq, account) for seq, subject, data in changes]
            )
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return self._connection.total_changes() - before

    def remove(self, seqs: Iterable[int], account: str, before: int) -> int:
        """Remove these entries, as far as they are this account's and were recorded before this instant; how many
        they were. Never the last one, whose place would be given again."""
        places = apsw.carray(array.array("q", seqs))
        try:
            self._connection.execute(_REMOVE, (places, account, before))
        except BaseException:
            self._roll_back()
            raise
        return self._connection.changes()

    def written_pages(self) -> int:
        """Pages written to the WAL since this was asked last."""
        return self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, True)[0]

    def checkpoint(self) -> None:
        """Move what is in the WAL into the file, as far as readers allow; waits for nobody."""
        self._connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)

    def truncate(self, patience: int) -> bool:
        """Move everything into the file and empty the WAL, waiting for readers up to `patience` milliseconds.
        False when they did not give way."""
        self._connection.set_busy_timeout(patience)
        try:
            self._connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except (apsw.BusyError, apsw.LockedError):
            return False
        finally:
            self._connection.set_busy_timeout(BUSY)
        return True

    def close(self) -> None:
        """Let go of the file. The last one to do so empties the WAL."""
        self._connection.close()

    def _prepare(self, path: Path) -> None:
        self._connection.set_busy_timeout(BUSY)
        version = self._connection.pragma("user_version")
        if version > VERSION:
            raise OperatorError(f"{path} was written by a newer version of heliograph: use that one")
        self._connection.pragma("page_size", PAGE)
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", "full")
        self._connection.pragma("secure_delete", "on")
        self._connection.pragma("cache_size", -8192)
        self._connection.wal_autocheckpoint(BACKSTOP)
        if version == 0:
            self._connection.execute(f"BEGIN IMMEDIATE; {_SCHEMA}; PRAGMA user_version = {VERSION}; COMMIT")

    def _insert(self, rows: Sequence[Record]) -> None:
        self._connection.execute(_STATEMENTS[len(rows)], tuple(chain.from_iterable(rows)))

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


class Sweeper:
    """A second connection to the file that checkpoints beside the writer, from another thread."""

    def __init__(self, data: Path) -> None:
        self._connection = apsw.Connection(str(data / FILE), flags=apsw.SQLITE_OPEN_READWRITE)
        self._connection.pragma("synchronous", "full")

    def sweep(self) -> None:
        """Move into the file what is in the WAL now, without holding the writer up."""
        self._connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _pieces(rows: Sequence[Record]) -> Iterable[Sequence[Record]]:
    start = 0
    for size in (512, 256, 128, _EXACT):
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
    if start < len(rows):
        yield rows[start:]

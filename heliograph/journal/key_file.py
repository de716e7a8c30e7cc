"""A set of 16-byte keys on disk that can be made again from the journal: what `seen` and `subject_index` keep.

The file knows up to which event it is complete (`upto`), and is caught up from there. It need not be durable
(`synchronous=NORMAL`: after a power loss it is merely behind); what is damaged, or belongs to another journal, is
thrown away and made anew. Keys are sorted before they go in, all in one step: random ones would else be slow.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import apsw

from heliograph.database import write_ahead
from heliograph.errors import Unavailable
from heliograph.journal.journal_file import BUSY

log = logging.getLogger(__name__)

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS key (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS upto (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER, id TEXT);
INSERT OR IGNORE INTO upto VALUES (1, 0, '');
COMMIT
"""
_KNOWN = "SELECT value FROM carray(?) WHERE EXISTS (SELECT 1 FROM key WHERE key = value)"
_RANGE = (
    "SELECT ifnull(group_concat(hex(key), ''), '') FROM "
    "(SELECT key FROM key WHERE key > ? AND key < ? ORDER BY key LIMIT ?)"
)

_RANGE_DOWN = _RANGE.replace("ORDER BY key", "ORDER BY key DESC")

DAMAGE = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError)

T = TypeVar("T")


class KeyFile:
    """One connection to such a file. Threads may share it: they take turns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.RLock()
        self._connection = self._open()

    def upto(self) -> tuple[int, str]:
        """The event up to which the keys are complete: its place and id."""
        row = self._do(lambda db: db.execute("SELECT seq, id FROM upto").fetchone())
        return (row[0], row[1]) if row else (0, "")

    def add(self, keys: Iterable[bytes], seq: int, event_id: str, *, after: int | None = None) -> bool:
        """Put these in; complete up to this event now. With `after`, only if it was complete up to there."""
        ordered = tuple(sorted(keys))

        def work(db: apsw.Connection) -> bool:
            with db:
                row = db.execute("SELECT seq FROM upto").fetchone()
                if after is not None and (row is None or row[0] != after):
                    return False
                if ordered:
                    db.execute(
                        "INSERT OR IGNORE INTO key SELECT value FROM carray(?)", (apsw.carray(ordered),)
                    )
                db.execute("UPDATE upto SET seq = ?, id = ? WHERE seq <= ?", (seq, event_id, seq))
            return True

        return self._do(work)

    def change(self, put: Iterable[bytes] = (), remove: Iterable[bytes] = ()) -> None:
        """Put keys in and take keys out; complete up to where it was."""
        putting, removing = tuple(sorted(put)), tuple(sorted(remove))

        def work(db: apsw.Connection) -> None:
            with db:
                if putting:
                    db.execute(
                        "INSERT OR IGNORE INTO key SELECT value FROM carray(?)", (apsw.carray(putting),)
                    )
                if removing:
                    db.execute(
                        "DELETE FROM key WHERE key IN (SELECT value FROM carray(?))", (apsw.carray(removing),)
                    )

        self._do(work)

    def known(self, keys: Iterable[bytes]) -> set[bytes]:
        """Which of these are in it."""
        asked = tuple(keys)
        if not asked:
            return set()
        return self._do(lambda db: {row[0] for row in db.execute(_KNOWN, (apsw.carray(asked),))})

    def between(self, low: bytes, high: bytes, limit: int, *, down: bool = False) -> list[bytes]:
        """Up to `limit` keys above `low` and below `high`, in order; `down`: the last ones, backwards."""
        asked = _RANGE_DOWN if down else _RANGE
        row = self._do(lambda db: db.execute(asked, (low, high, limit)).fetchone())
        joined = bytes.fromhex(row[0]) if row else b""
        return [joined[start : start + 16] for start in range(0, len(joined), 16)]

    def truncate(self) -> None:
        """Empty the file's own log, so that what was taken out is out of it as well; as far as readers allow."""
        try:
            self._do(lambda db: db.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE))
        except Unavailable as error:
            log.warning("%s keeps removed keys until its log is next emptied: %s", self._path, error)

    def start_over(self) -> None:
        """Throw everything away: it will be made anew from the journal."""
        with self._turn:
            self._connection.close()
            self._remove()
            self._connection = self._open()

    def remove(self) -> None:
        """Let go of the file and throw it away."""
        self.close()
        self._remove()

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            self._connection.close()

    def _do(self, work: Callable[[apsw.Connection], T]) -> T:
        """Raises one of `DAMAGE` when the file is no good, `Unavailable` when it cannot be used now."""
        with self._turn:
            try:
                return work(self._connection)
            except DAMAGE:
                raise
            except apsw.Error as error:
                raise Unavailable(f"{self._path} cannot be used: {error}") from error

    def _open(self) -> apsw.Connection:
        try:
            try:
                return self._prepared()
            except DAMAGE as error:
                log.warning("%s is no good and is made anew from the journal: %s", self._path, error)
                self._remove()
                return self._prepared()
        except apsw.Error as error:
            raise Unavailable(f"{self._path} cannot be used: {error}") from error

    def _prepared(self) -> apsw.Connection:
        self._path.touch(mode=0o600)
        connection = apsw.Connection(str(self._path))
        try:
            connection.set_busy_timeout(BUSY)
            connection.pragma("synchronous", "off")  # what is half made is made again
            write_ahead(connection)
            connection.execute(_SCHEMA)
            connection.pragma("synchronous", "normal")
            connection.pragma("secure_delete", "on")
            connection.pragma("cache_size", -16384)
            connection.transaction_mode = "IMMEDIATE"
        except BaseException:
            connection.close()
            raise
        return connection

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

"""The file of all queues, and the one thread of this process that works on it.

Several processes share `queues.db`: the engine puts feeds' messages in, web workers hand them out. Each has one thread
that takes every operation that waits, does them all in one transaction, and answers when that is on disk: the more
there is to do at once, the less each costs. An operation that fails undoes itself alone.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import apsw

from heliograph.errors import Unavailable

AT_ONCE = 256
"""Operations of one transaction: others of other processes wait meanwhile."""

WAITING = 20_000
"""Operations that may wait; above that callers are told to come again."""

BUSY_MILLISECONDS = 10_000
"""How long a transaction of another process is waited for."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS queues (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL, tags TEXT NOT NULL,
    created INTEGER NOT NULL, modified INTEGER NOT NULL, purged INTEGER NOT NULL DEFAULT 0, UNIQUE (account, name));
CREATE TABLE IF NOT EXISTS deleted (account TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, attributes TEXT,
    trace TEXT, md5 TEXT NOT NULL, md5_attributes TEXT, sender TEXT NOT NULL, sent INTEGER NOT NULL,
    visible INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0, first_received INTEGER, receipt INTEGER,
    grp TEXT, dedup TEXT, source TEXT, event TEXT, subject TEXT);
CREATE INDEX IF NOT EXISTS messages_by_visible ON messages (queue, visible);
CREATE INDEX IF NOT EXISTS messages_by_group ON messages (queue, grp, seq) WHERE grp IS NOT NULL;
CREATE INDEX IF NOT EXISTS messages_by_subject ON messages (subject) WHERE subject IS NOT NULL;
CREATE TABLE IF NOT EXISTS repeats (queue INTEGER NOT NULL, dedup TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (queue, dedup)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (queue INTEGER NOT NULL, attempt TEXT NOT NULL, at INTEGER NOT NULL,
    seqs TEXT NOT NULL, PRIMARY KEY (queue, attempt)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moves (handle TEXT PRIMARY KEY, source INTEGER NOT NULL, destination INTEGER, rate INTEGER,
    started INTEGER NOT NULL, status TEXT NOT NULL, moved INTEGER NOT NULL DEFAULT 0, wanted INTEGER NOT NULL,
    failure TEXT) WITHOUT ROWID;
"""

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]


class QueueFile:
    """The open file. `open` and `close` block; everything else is awaited."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.path = data / "queues.db"
        self._inbox: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._connection = _connect(self.path)
        self._connection.execute(SCHEMA)
        self._thread = threading.Thread(target=self._run, name="queues", daemon=True)
        self._thread.start()
        self._looking = _connect(self.path)

    async def do(self, work: Work[T]) -> T:
        """Run this inside the next transaction; returns when that is on disk. Raises what the work raises, and
        `Unavailable` when too much waits or the disk refuses."""
        if self._inbox.qsize() >= WAITING:
            raise Unavailable("Too many requests to the queues wait for the disk; try again in a second.")
        done: Future[T] = Future()
        self._inbox.put((work, done))
        return await asyncio.wrap_future(done)

    def version(self) -> int:
        """A number that changes when any process has changed the file: cheap enough to ask every few milliseconds."""
        return int(self._looking.pragma("data_version") or 0)

    def ready(self, queue: int, now: int) -> bool:
        """Whether a queue has a message that is visible at this instant (milliseconds)."""
        found = self._looking.execute(
            "SELECT 1 FROM messages WHERE queue = ? AND visible <= ? LIMIT 1", (queue, now)
        ).fetchone()
        return found is not None

    def close(self) -> None:
        """Finish what waits, then let go."""
        self._inbox.put(None)
        self._thread.join()
        self._looking.close()
        self._connection.close()

    def _run(self) -> None:
        open_ = True
        while open_:
            batch = [self._inbox.get()]
            while len(batch) < AT_ONCE and not self._inbox.empty():
                batch.append(self._inbox.get())
            work = [entry for entry in batch if entry is not None]
            open_ = len(work) == len(batch)
            if work:
                self._together(work)

    def _together(self, work: list[tuple[Work[Any], Future[Any]]]) -> None:
        answers: list[Callable[[], None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for one, done in work:
                answers.append(self._alone(one, done))
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            refused = Unavailable(f"The queues cannot be written now: {error}")
            answers = [_failing(done, refused) for _, done in work]
        for answer in answers:
            answer()

    def _alone(self, one: Work[Any], done: Future[Any]) -> Callable[[], None]:
        if not done.set_running_or_notify_cancel():
            return _nobody
        try:
            with self._connection:  # a savepoint
                result = one(self._connection)
        except (apsw.FullError, apsw.IOError):
            raise
        except Exception as error:  # whatever it is, it fails one operation and never the thread
            return _failing(done, error)
        return partial(done.set_result, result)


def _failing(done: Future[Any], error: Exception) -> Callable[[], None]:
    return _nobody if done.cancelled() else partial(done.set_exception, error)


def _nobody() -> None:
    """Whoever asked has gone."""


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("temp_store", "memory")
    connection.pragma("secure_delete", "on")  # what is erased leaves no bytes behind
    return connection

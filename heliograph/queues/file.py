"""The file of all queues, and the one thread of this process that works on it.

Several processes share `queues.db`: the engine puts feeds' messages in, web workers hand them out. Each has one thread
that takes every operation that waits, does them all in one transaction, and answers when that is on disk: the more
there is to do at once, the less each costs. An operation that fails undoes itself alone.

An operation need not be `durable` if its loss does no more than what SQS warns of anyway: that a message is handed out
again ("at-least-once delivery"). It is answered when it is written, which outlives this process, but may be undone when the
machine loses its power. The next durable transaction of any process puts everything before it on disk too, so the file goes
back to one moment, never to a mixture.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import apsw

from heliograph.database import wait_for_turn
from heliograph.errors import Unavailable

AT_ONCE = 256
"""Operations of one transaction: others of other processes wait meanwhile."""

WAITING = 20_000
"""Operations that may wait; above that callers are told to come again."""

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
CREATE INDEX IF NOT EXISTS messages_in_order ON messages (queue, seq) WHERE grp IS NOT NULL;
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


class _Asked(NamedTuple):
    """An operation that waits, and who awaits it."""

    work: Work[Any]
    durable: bool
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


Answer = tuple[_Asked, Any, Exception | None]
"""What came of an operation: its result, or what it raised."""


class QueueFile:
    """The open file. `open` and `close` block; everything else is awaited."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.path = data / "queues.db"
        self._inbox: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._connection = _connect(self.path)
        self._durable = True
        self._connection.execute(SCHEMA)
        self._thread = threading.Thread(target=self._run, name="queues", daemon=True)
        self._thread.start()
        self._looking = _connect(self.path)

    async def do(self, work: Work[T], *, durable: bool = True) -> T:
        """Run this inside the next transaction; returns when that is on disk, or only written if nothing in it is to be
        `durable`. Raises what the work raises, and `Unavailable` when too much waits or the disk refuses."""
        if self._inbox.qsize() >= WAITING:
            raise Unavailable("Too many requests to the queues wait for the disk; try again in a second.")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._inbox.put(_Asked(work, durable, done, loop))
        return await done

    def look(self, work: Work[T]) -> T:
        """What this reads, at once and outside of all transactions: a few microseconds' work, and no writing."""
        return work(self._looking)

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

    def _together(self, work: list[_Asked]) -> None:
        answers: list[Answer] = []
        try:
            self._flush(any(asked.durable for asked in work))
            self._connection.execute("BEGIN IMMEDIATE")
            for asked in work:
                if not asked.done.cancelled():  # else whoever asked has gone
                    answers.append(self._alone(asked))
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            refused = Unavailable(f"The queues cannot be written now: {error}")
            answers = [(asked, None, refused) for asked in work]
        for loop in {asked.loop for asked, *_ in answers}:
            mine = [answer for answer in answers if answer[0].loop is loop]
            with contextlib.suppress(RuntimeError):  # it is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, mine)

    def _flush(self, durable: bool) -> None:
        """Whether the next transactions wait for the disk: in WAL mode it is the difference between FULL and NORMAL."""
        if durable != self._durable:
            self._connection.pragma("synchronous", "full" if durable else "normal")
            self._durable = durable

    def _alone(self, asked: _Asked) -> Answer:
        try:
            with self._connection:  # a savepoint
                result = asked.work(self._connection)
        except (apsw.FullError, apsw.IOError):
            raise
        except Exception as error:  # whatever it is, it fails one operation and never the thread
            return asked, None, error
        return asked, result, None


def _settle(answers: list[Answer]) -> None:
    """Wake everybody whose operation is on disk, all at once: a wake-up costs as much as a small operation."""
    for asked, result, error in answers:
        if asked.done.cancelled():
            continue
        if error is None:
            asked.done.set_result(result)
        else:
            asked.done.set_exception(error)


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_handler(wait_for_turn)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("temp_store", "memory")
    connection.pragma("secure_delete", "on")  # what is erased leaves no bytes behind
    return connection

"""The file of all queues, and who of this process works on it.

Several processes share `queues.db`: feeds put messages in, web workers hand them out. Work that is `brief` is done on the
event loop itself, all that came in one turn of the loop in one transaction: handing it to a thread and back costs as much
as the work. What takes longer (emptying a queue, counting it), and what finds the file taken, goes to the one thread that
waits for its turn. An operation that fails undoes itself alone.

A transaction is written, not flushed, so nobody holds the file while the disk works. What is `durable` is answered when
the thread has flushed the log (`fdatasync`), once for all that wait, and with it everything that was written before, by
whatever process: a power cut takes the file back to one moment, never to a mixture. The rest is answered when it is
written, which outlives this process: its loss does no more than what SQS warns of anyway, that a message is handed out
again ("at-least-once delivery").

The thread also moves the log into the file when it has grown, since that flushes too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import apsw

from heliograph.database import wait_for_turn, write_ahead
from heliograph.errors import Unavailable

AT_ONCE = 256
"""Operations of one transaction of the thread: others of other processes wait meanwhile."""

BRIEF_AT_ONCE = 16
"""The same of the loop, which does nothing else for these few milliseconds."""

PAGE_BYTES = 8_192
"""Of a new file: a batch of ten changes 7 such pages on its way through a queue, or 14 of the usual 4,096."""

LOG_PAGES = 500
"""How long the write-ahead log may grow before it is moved into the file (4 MB, as SQLite does it)."""

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
    """The open file. `open` and `close` block; everything else is awaited, by coroutines of one event loop."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.path = data / "queues.db"
        self._inbox: queue.SimpleQueue[_Asked | list[Answer] | None] = queue.SimpleQueue()
        self._brief: deque[_Asked] = deque()
        self._pages = 0
        self._waiting = self._connect()
        self._waiting.execute(SCHEMA)
        self._looking = self._connect()
        self._here, self._tidying = self._connect(), self._connect()
        for hasty in (self._here, self._tidying):
            hasty.set_busy_handler(None)
        self._log = os.open(f"{self.path}-wal", os.O_RDWR)
        self._thread = threading.Thread(target=self._run, name="queues", daemon=True)
        self._thread.start()

    async def do(self, work: Work[T], *, durable: bool = True) -> T:
        """Run this inside the thread's next transaction; returns when that is on disk, or only written if it need not
        be `durable`. Raises what the work raises, and `Unavailable` when too much waits or the disk refuses."""
        if self._inbox.qsize() >= WAITING:
            raise _too_much()
        asked = _asked(work, durable)
        self._inbox.put(asked)
        result: T = await asked.done
        return result

    async def briefly(self, work: Work[T], *, durable: bool = True) -> T:
        """As `do`, but on this very loop: for some hundred microseconds' work."""
        if len(self._brief) >= WAITING:
            raise _too_much()
        asked = _asked(work, durable)
        self._brief.append(asked)
        if len(self._brief) == 1:
            asked.loop.call_soon(self._in_this_turn, asked.loop)
        result: T = await asked.done
        return result

    def look(self, work: Work[T]) -> T:
        """What this reads, at once and outside of all transactions: a few microseconds' work, and no writing."""
        return work(self._looking)

    def close(self) -> None:
        """Finish what waits, then let go."""
        self._hand_over(self._brief)
        self._brief.clear()
        self._inbox.put(None)
        self._thread.join()
        for connection in (self._here, self._looking, self._tidying, self._waiting):
            connection.close()
        os.close(self._log)

    def _in_this_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        work = [self._brief.popleft() for _ in range(min(BRIEF_AT_ONCE, len(self._brief)))]
        if self._brief:
            loop.call_soon(self._in_this_turn, loop)
        try:
            answers = _together(self._here, work)
        except apsw.BusyError:  # the thread can wait
            self._hand_over(work)
            return
        unflushed = [answer for answer in answers if answer[0].durable]
        if unflushed or self._pages >= LOG_PAGES:
            self._inbox.put(unflushed)
        _settle([answer for answer in answers if not answer[0].durable])

    def _hand_over(self, work: Iterable[_Asked]) -> None:
        for asked in work:
            self._inbox.put(asked)

    def _run(self) -> None:
        open_ = True
        while open_:
            batch = [self._inbox.get()]
            while len(batch) < AT_ONCE and not self._inbox.empty():
                batch.append(self._inbox.get())
            open_ = None not in batch
            work = [entry for entry in batch if isinstance(entry, _Asked)]
            answers = [answer for entry in batch if isinstance(entry, list) for answer in entry]
            if work:
                answers += self._in_its_turn(work)
            _tell(self._flushed(answers))
            if self._pages >= LOG_PAGES:
                self._begin_log_anew()

    def _in_its_turn(self, work: list[_Asked]) -> list[Answer]:
        try:
            return _together(self._waiting, work)
        except apsw.BusyError as error:
            return _refused(work, error)

    def _flushed(self, answers: list[Answer]) -> list[Answer]:
        if not any(asked.durable for asked, *_ in answers):
            return answers
        try:
            _flush(self._log)
        except OSError as error:
            return _refused([asked for asked, *_ in answers], error)
        return answers

    def _begin_log_anew(self) -> None:
        """Move the log into the file: most of it while others write, the rest while nobody does. Whoever writes first
        in the new log flushes its head; that is done here, so that no loop has to wait for it."""
        # busy: somebody writes, or still reads an old state; and the disk may be full. After the next transaction, then
        with contextlib.suppress(apsw.Error):
            self._tidying.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._tidying.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
            self._pages = 0
            self._tidying.pragma("user_version", 0)

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path))
        connection.set_busy_handler(wait_for_turn)
        connection.pragma("page_size", PAGE_BYTES)
        write_ahead(connection)
        connection.pragma("synchronous", "normal")
        connection.pragma("temp_store", "memory")
        connection.pragma("secure_delete", "on")  # what is erased leaves no bytes behind
        connection.set_wal_hook(self._grown)  # and no checkpoints of its own
        return connection

    def _grown(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK


def _flush(descriptor: int) -> None:
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(descriptor)  # macOS has only the latter


def _asked(work: Work[T], durable: bool) -> _Asked:
    loop = asyncio.get_running_loop()
    return _Asked(work, durable, loop.create_future(), loop)


def _too_much() -> Unavailable:
    return Unavailable("Too many requests to the queues wait for the disk; try again in a second.")


def _together(connection: apsw.Connection, work: list[_Asked]) -> list[Answer]:
    """Do all this in one transaction. Raises `apsw.BusyError`, having done nothing, when it is another's turn."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        answers = [_alone(connection, asked) for asked in work if not asked.done.cancelled()]
        connection.execute("COMMIT")
    except apsw.BusyError:
        raise
    except apsw.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return _refused(work, error)
    return answers


def _alone(connection: apsw.Connection, asked: _Asked) -> Answer:
    """Do one operation, and undo it if it fails."""
    connection.execute("SAVEPOINT one")
    try:
        result = asked.work(connection)
    except (apsw.FullError, apsw.IOError):
        raise
    except Exception as error:  # whatever it is, it fails one operation and never the thread
        connection.execute("ROLLBACK TO one")
        return asked, None, error
    connection.execute("RELEASE one")
    return asked, result, None


def _refused(work: Iterable[_Asked], error: Exception) -> list[Answer]:
    refused = Unavailable(f"The queues cannot be written now: {error}")
    return [(asked, None, refused) for asked in work]


def _tell(answers: list[Answer]) -> None:
    """Wake everybody whose operation is done, all at once: a wake-up costs as much as a small operation."""
    for loop in {asked.loop for asked, *_ in answers}:
        mine = [answer for answer in answers if answer[0].loop is loop]
        with contextlib.suppress(RuntimeError):  # it is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, mine)


def _settle(answers: list[Answer]) -> None:
    for asked, result, error in answers:
        if asked.done.cancelled():
            continue
        if error is None:
            asked.done.set_result(result)
        else:
            asked.done.set_exception(error)
